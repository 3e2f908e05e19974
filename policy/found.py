"""All policies of the pack: each module that has a `POLICY`."""

import importlib
import pkgutil
from pathlib import Path

from pulumi_policy import Policy


def policies() -> list[Policy]:
    """By name."""
    names = [one.name for one in pkgutil.walk_packages([str(Path(__file__).parent)], f"{__package__}.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith(".__main__")]
    found: list[Policy] = [module.POLICY for module in modules if hasattr(module, "POLICY")]
    return sorted(found, key=lambda one: one.name)
