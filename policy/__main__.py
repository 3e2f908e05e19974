"""Where Pulumi's engine starts the pack: `pulumi preview --policy-pack policy`."""

import importlib
import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

FOLDER = Path(__file__).resolve().parent
IN_TREE = (FOLDER.parent / "twinsite").is_dir()  # not in the wheel: there the room is a package of twinsite (ADR 31)

# The engine runs this folder as a script, so its modules would be there by a second name.
sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != FOLDER]
if IN_TREE:
    sys.path.insert(0, str(FOLDER.parent))
found = importlib.import_module("policy.found" if IN_TREE else "twinsite.policy.found")
PolicyPack("twinsite", found.policies(), EnforcementLevel.MANDATORY)
