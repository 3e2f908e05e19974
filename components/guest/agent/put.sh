# shellcheck shell=sh
# Standard input becomes a file on the host, whole or not at all. Aside in its own folder first, then renamed: uutils'
# `install … /dev/stdin` (Ubuntu 26.04's coreutils) fails where the file is there (uutils/coreutils#12407).
set -eu
# shellcheck disable=SC2154  # filled in by onprem.py
target=${path}
folder=$(dirname "$target")
sudo mkdir -p "$folder"
draft=$(sudo mktemp "$folder/.twinsite.XXXXXX")
trap 'sudo rm -f "$draft"' EXIT
sudo tee "$draft" >/dev/null
sudo chmod 0644 "$draft"
sudo mv -fT "$draft" "$target"
