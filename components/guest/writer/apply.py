#!/usr/bin/env python3
"""Entry of the writer role. The code is the package beside this file; `command.py` has the verbs."""

import importlib
import pathlib
import sys

if __name__ == "__main__":
    # The payload's folder is a package, whatever it is called on a host.
    role = pathlib.Path(__file__).resolve().parent
    sys.path[0] = str(role.parent.parent)
    sys.exit(importlib.import_module(f"{role.parent.name}.{role.name}.command").main(sys.argv[1:]))
