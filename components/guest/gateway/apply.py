#!/usr/bin/env python3
"""Entry of the gateway role; the code is the package beside this file, `command.py` has the verbs."""

import importlib
import pathlib
import sys

# The payload's folder, so that the package is called `gateway` on a host. No .pyc files: the payload stays as it came.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

if __name__ == "__main__":
    sys.exit(importlib.import_module("gateway.command").main(sys.argv[1:]))
