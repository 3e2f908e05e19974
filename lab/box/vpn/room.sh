#!/bin/sh
# A program of the machine image in a mount namespace of its own: the image as it is, read-only, and one folder of this
# machine as /srv. Usage, in that namespace: room.sh IMAGE FOLDER COMMAND...
set -eu
image=$1 folder=$2
shift 2
mount --bind "$image" "$image"
mount -o remount,bind,ro "$image"
cd "$image"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --bind "$folder" srv
exec chroot . "$@"
