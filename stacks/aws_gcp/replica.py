"""Settings of the replication. From pilot-light on its jobs run in the standby's cluster (ADR 52)."""

from dataclasses import dataclass
from enum import Enum

from twinsite.rules import rds
from twinsite.rules.logical import ABANDONED, BY_DMS, FOLLOWS, SUBSCRIPTION, TAKEN_AWAY, keep_mib

from ..settings import Reader

LOOK_MINUTES = 2
"""Less than half of what GcpAlarms take for silence (300 s), so that one look that is late is none."""
IDENTITY = "look"
"""Of the cluster's identities: whom the job acts as at Google. Short, for the cluster's name is in front of it."""
REPORTS = "replicas"
"""Folder in operations' bucket: all that its pods may write there."""
SECRETS = {
    "primary_database_password": "`pulumi config set --secret primary_database_password`, of primary_database_user",
    "replication_password": "`pulumi config set --secret replication_password`, of replication_user at the primary's "
    "database, a role that page logical-replica says how to make",
}


BACK_PASSWORD = "replication_back_password"


class FlowKind(str, Enum):
    """Who brings the rows."""

    NATIVE = "native"
    DMS = "dms"


class Replication(str, Enum):
    """What is to become of the flow; BY_HAND: it is somebody else's, and none of this is made or asked for."""

    FOLLOWS = FOLLOWS
    TAKEN_AWAY = TAKEN_AWAY
    ABANDONED = ABANDONED
    BY_HAND = "by-hand"


@dataclass(frozen=True)
class Replica:
    """Settings of the flow."""

    replication: Replication
    carrier: str
    """As LogicalReplica has it."""
    image: str
    user: str
    authority_at_target: str
    back_user: str
    """Empty: there is no way back."""
    authority_at_source: str
    source_user: str
    source_authority: str
    """PEM; empty: the system's."""
    source_free_gib: float
    schemas: tuple[str, ...]
    left_out_extensions: tuple[str, ...]
    wal_mib_per_hour: float
    tolerated_outage_hours: float
    first_copy_seconds: int
    lag_alarm_seconds: int

    @property
    def slot_alarm_gib(self) -> int:
        """Half of what the source keeps for the slot, at least 1."""
        return max(keep_mib(self.wal_mib_per_hour, self.tolerated_outage_hours) // 2048, 1)


def read(reader: Reader, source_address: str) -> Replica | None:
    """None when somebody else replicates."""
    replication = reader.choice("replication", Replication)
    if replication == Replication.BY_HAND:
        return None
    for key, why in SECRETS.items():
        reader.secret(key, why)
    back = reader.text("replication_back_user", required=False)
    if back:
        reader.secret(BACK_PASSWORD, f"`pulumi config set --secret {BACK_PASSWORD}`, of role {back} at Cloud SQL")
    authority = reader.text("primary_database_ca", required=False)
    then = " | pulumi config set primary_database_ca"
    reader.problems += rds.authority_problems("primary_database_ca", source_address, authority, then)
    dms = reader.choice("flow", FlowKind) == FlowKind.DMS
    return Replica(
        replication=replication,
        carrier=BY_DMS if dms else SUBSCRIPTION,
        image=reader.text("replication_image"),
        user=reader.text("replication_user"),
        authority_at_target=reader.text("replication_authority", required=not dms),
        back_user=back,
        authority_at_source=reader.text("replication_back_authority", required=bool(back)),
        source_user=reader.text("primary_database_user"),
        source_authority=authority,
        source_free_gib=reader.limit("primary_database_free_gib") or 0.0,
        schemas=reader.strings("database_schemas"),
        left_out_extensions=reader.strings("left_out_extensions"),
        wal_mib_per_hour=_above_nothing(reader, "wal_mib_per_hour"),
        tolerated_outage_hours=_above_nothing(reader, "tolerated_outage_hours"),
        first_copy_seconds=reader.integer("first_copy_seconds"),
        lag_alarm_seconds=reader.integer("lag_alarm_seconds"),
    )


def _above_nothing(reader: Reader, key: str) -> float:
    return (reader.limit(key) or 0.0) if reader.text(key) else 0.0
