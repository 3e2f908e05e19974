# shellcheck shell=sh
# Standard input: base64 of a tar.gz with payload.tar.gz, desired.json and secrets.json. Nothing is left in /tmp.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base64 -d | tar -xz -C "$work"
mkdir "$work/guest"
tar -xzf "$work/payload.tar.gz" -C "$work/guest"
sudo python3 "$work/guest/agent/install.py" install "$work"
