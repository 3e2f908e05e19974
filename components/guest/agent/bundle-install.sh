#!/bin/sh
# twinsite bundle: sets up this host's end. `sudo ./install.sh` applies, `sudo ./install.sh --undo` takes it all back.
# What it does is in guest/ROLE/apply.py; what it is told is in desired.json; secrets.json holds the keys: keep it safe.
set -eu
cd "$(dirname "$0")"
if [ "$(id -u)" != 0 ]; then
  echo "root is needed: run sudo ./install.sh" >&2
  exit 2
fi
rm -rf guest && mkdir guest && tar -xzf payload.tar.gz -C guest
if [ "${1:-}" = --undo ]; then
  role=$(python3 -c 'import json; print(json.load(open("desired.json"))["role"])')
  exec python3 guest/agent/install.py remove "$role"
fi
exec python3 guest/agent/install.py install .
