#!/bin/sh
# `twinsite` at the desk. The project copy's links lead to the tree; it works from any folder.
set -eu
PYTHONPATH=$(dirname "$(readlink -f "$0")")/../..${PYTHONPATH:+:$PYTHONPATH} exec python -m operations "$@"
