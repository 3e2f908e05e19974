#!/usr/bin/env python3
"""Entry of the acked-write ledger; `ledger_command.py` has the verbs."""

import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

if __name__ == "__main__":
    sys.exit(importlib.import_module("drill.ledger_command").main(sys.argv[1:]))
