#!/bin/sh
# Turns freshly installed packages into a machine image: what a cloud image's vendor would do. Usage: tweak.sh ROOTFS
set -eu
root=$1
here=$(dirname "$0")

cp -R "$here/files/." "$root/"

# cloud-init's network-config renders to networkd. Nothing waits for "online": sshd and cloud-init have their own ways.
systemctl -q --root="$root" enable systemd-networkd.service ssh.service
systemctl -q --root="$root" mask systemd-networkd-wait-online.service

# Installed and off: a machine starts what its role asks for. A gateway with MySQL's first start costs 200 MB of files.
systemctl -q --root="$root" disable mysql.service strongswan.service tomcat11.service nginx.service frr.service
systemctl -q --root="$root" disable postgresql.service valkey-server.service

# Periodic chores of a long-lived host; they would only disturb measurements.
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim logrotate; do
    systemctl -q --root="$root" disable "$timer.timer"
done
systemctl -q --root="$root" disable e2scrub_reap.service
# Nobody logs in on the console, and its log is for reading.
systemctl -q --root="$root" mask console-getty.service getty@tty1.service
# A container's devices do not come and go by udev.
systemctl -q --root="$root" disable cloud-init-hotplugd.socket

# Each machine makes its own identity: two MySQL servers with one UUID evict each other, two hosts with one key are one.
rm -f "$root"/etc/ssh/ssh_host_*
find "$root/var/lib/mysql" -mindepth 1 -delete
# A cluster's identifier is made by initdb: a server is made on its machine.
rm -rf "$root/var/lib/postgresql/18" "$root/etc/postgresql/18"
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root/etc/hostname"

# Nothing is newer than these stamps, so a first boot does not rebuild the linker's cache and its like (0.15 s).
touch -r "$root/usr" "$root/etc/.updated" "$root/var/.updated"

# Databases of managed services are sorted by it. Nobody's own locale.
chroot "$root" localedef -i en_US -f UTF-8 en_US.UTF-8

# Left over from building.
rm -f "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"
: >"$root/etc/resolv.conf"
find "$root/var/cache/apt/archives" -name '*.deb' -delete
find "$root/var/log" -type f -delete
