"""What a topology elsewhere brings into a package of ours: modules in a folder of the same name on Python's path."""

import importlib
import pkgutil
import sys
from typing import Any


def brought(package: str) -> list[Any]:
    """Modules of `package` that do not stand in its own folder, by their names."""
    ours, *elsewhere = sys.modules[package].__path__
    names = {one.name for one in pkgutil.iter_modules(elsewhere)} - {one.name for one in pkgutil.iter_modules([ours])}
    return [importlib.import_module(f"{package}.{name}") for name in sorted(names)]
