#!/bin/sh
# load.sh start SECONDS | stop: the ledger's writer on a source (drill/ledger.py), as a drill runs it, and its tables away.
set -eu
ledger=/opt/twinsite/current/drill/ledger.py
if [ "$1" = start ]; then
  python3 $ledger prepare --sessions 4
  exec systemd-run --quiet --collect --unit=twinsite-ledger-bench --property=RuntimeMaxSec="$(($2 + 60))" \
    python3 $ledger run --seconds "$2" --rate 40 --sessions 4
fi
python3 $ledger stop
python3 $ledger cleanup
