"""What a source and its replica add to the inventory: both hosts and the flow between them."""

from collections.abc import Mapping
from typing import Any

import pulumi

from .. import inventory
from ..machine.ec2_host import OPERATOR
from ..machine.onprem_host import Connection, Delivery, login, onprem_entry
from ..rules.database import MySqlReplicaPairIntent, resume_seconds

SOURCE_HOST = "aws-source"
REPLICA_HOST = "onprem-database"
GATEWAY_HOST = "aws-gateway"
"""The way to the source leads through it."""
BUNDLE = "onprem_database_bundle"
"""Stack output in which the inventory says that the bundle is."""
PORT = 3306
HEARTBEAT_TABLE = "twinsite.heartbeat"


def pair_entry(
    name: str, known: MySqlReplicaPairIntent, connection: Connection | None, host_key: pulumi.Output[str | None]
) -> pulumi.Output[inventory.Entry]:
    """`connection` is to the replica's host; `host_key` is the source's."""
    address, exists = known.source_address or "", known.existing_source is not None
    bundle = BUNDLE if known.delivery == Delivery.BUNDLE else ""
    flow = inventory.Flow(
        name=name,
        engine="mysql",
        kind=inventory.MYSQL_REPLICA,
        source=SOURCE_HOST,
        target=REPLICA_HOST,
        source_address=address,
        source_port=PORT,
        heartbeat_table=HEARTBEAT_TABLE,
        resume_seconds=float(resume_seconds(known.net_timeout_seconds, known.connect_retry_seconds)),
        tolerated_outage_hours=float(known.tolerated_outage_hours),
    )

    def entry(found: Mapping[str, Any]) -> inventory.Entry:
        way = inventory.Ssh(address, OPERATOR, found["key"] or "", jump=GATEWAY_HOST)
        if exists:
            # Nobody gave twinsite a login there.
            way = inventory.Ssh(address, "", "")
        source = inventory.Host(SOURCE_HOST, "aws", address, ("database",), way)
        again = f"{name}-onprem-apply"
        replica = onprem_entry(REPLICA_HOST, known.replica_address or "", "database", found["login"], bundle, again)
        return inventory.Entry(hosts=(source, replica), flows=(flow,))

    return pulumi.Output.all(key=host_key, login=login(connection)).apply(entry)
