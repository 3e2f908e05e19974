"""Databases that exist at both sites.

Here: MySqlReplicaPair, an asynchronous MySQL source and its replica. Not here: what runs on their hosts
(guest/database/), how a host gets it (machine/), refusals (rules/database.py).
"""

from ..rules.database import resume_seconds, retention_hours
from .mysql import ExistingSource, MySqlReplicaPair, MySqlReplicaPairArgs

__all__ = ["ExistingSource", "MySqlReplicaPair", "MySqlReplicaPairArgs", "resume_seconds", "retention_hours"]
