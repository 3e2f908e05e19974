"""A database in a Cloud SQL."""

from typing import Any

from lab.providers.framework.box import Box
from lab.providers.framework.types import AutoName, Call
from lab.providers.gcp.cloud import GcpType
from lab.providers.gcp.sql_database_instance import administer, instance
from lab.services.managed_postgres import identifier, literal


class Database(GcpType):
    """It belongs to cloudsqlsuperuser, as its API makes it."""

    token = "gcp:sql/database:Database"
    path = "projects/{project}/instances/{instance}/databases/{name}"
    autoname = AutoName("name", 63, lower=True)

    def computed(self, call: Call, identity: str, inputs: Any) -> dict[str, Any]:
        return {"collation": inputs.get("collation") or "en_US.UTF8", "charset": inputs.get("charset") or "UTF8"}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        instance(box, record["instance"])

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        collation = literal(record["collation"])
        administer(
            box,
            instance(box, record["instance"]),
            f"CREATE DATABASE {identifier(record['name'])} OWNER cloudsqlsuperuser TEMPLATE template0 "
            f"ENCODING {literal(record['charset'])} LC_COLLATE {collation} LC_CTYPE {collation}",
        )

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        there = box.record("gcp:sql/databaseInstance:DatabaseInstance", record["instance"])
        if there is not None:
            administer(box, there, f"DROP DATABASE IF EXISTS {identifier(record['name'])}")
