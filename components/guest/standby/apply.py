#!/usr/bin/env python3
"""Entry of the standby role. The code is the package beside this file; `command.py` has the verbs."""

import importlib
import pathlib
import sys

# The payload's folder, so that the package is `standby` on a host.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

if __name__ == "__main__":
    sys.exit(importlib.import_module("standby.command").main(sys.argv[1:]))
