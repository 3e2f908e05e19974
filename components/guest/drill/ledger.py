#!/usr/bin/env python3
"""Entry of the acked-write ledger; `ledger_command.py` has the verbs."""

import importlib
import pathlib
import sys

if __name__ == "__main__":
    # The payload's folder is a package, whatever it is called on a host.
    drill = pathlib.Path(__file__).resolve().parent
    sys.path[0] = str(drill.parent.parent)
    sys.exit(importlib.import_module(f"{drill.parent.name}.{drill.name}.ledger_command").main(sys.argv[1:]))
