"""Databases that exist at both sites.

Here: MySqlReplicaPair, an asynchronous MySQL source and its replica; StandbyDatabase. Not here: what runs on their
hosts (guest/database/), how a host gets it (machine/), refusals (rules/database.py). Provider SDKs are heavy, so the
names below load their module on first use.
"""

import importlib
from typing import TYPE_CHECKING

from ..rules.database import resume_seconds, retention_hours

if TYPE_CHECKING:
    from .mysql import ExistingSource, MySqlReplicaPair, MySqlReplicaPairArgs

_HOME = {
    "ExistingSource": ".mysql",
    "MySqlReplicaPair": ".mysql",
    "MySqlReplicaPairArgs": ".mysql",
}

__all__ = [
    "ExistingSource",
    "MySqlReplicaPair",
    "MySqlReplicaPairArgs",
    "resume_seconds",
    "retention_hours",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name], __name__), name)
