"""Databases that exist at both sites.

Here: MySqlReplicaPair, an asynchronous MySQL source and its replica; StandbyDatabase. Not here: what runs on their
hosts (guest/database/), how a host gets it (machine/), refusals (rules/database.py). Provider SDKs are heavy, so the
names below load their module on first use.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily
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

__getattr__ = lazily(__name__, _HOME)
