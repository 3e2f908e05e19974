#!/bin/sh
# `kubectl` at the desk: a stand-in for kubectl and the clusters' API servers (lab/services/kubectl.py has its words).
set -eu
PYTHONPATH=$(dirname "$(readlink -f "$0")")/../..${PYTHONPATH:+:$PYTHONPATH} exec python -m lab.operator.kubectl "$@"
