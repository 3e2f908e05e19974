"""A user of a Cloud SQL, with a password."""

from typing import Any, ClassVar

from lab.providers.framework.box import Box
from lab.providers.framework.types import AutoName, Call
from lab.providers.gcp.cloud import GcpType
from lab.providers.gcp.sql_database_instance import administer, instance
from lab.services import managed_postgres
from lab.services.managed_postgres import identifier, literal


class User(GcpType):
    """In cloudsqlsuperuser; the password changes in place."""

    token = "gcp:sql/user:User"
    path = "{name}//{instance}"
    lies_in: ClassVar[tuple[str, ...]] = ("project",)
    linked = False
    autoname = AutoName("name", 63, lower=True)

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        instance(box, record["instance"])

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        made = managed_postgres.user(record["name"], record["__inputs"].get("password") or "")
        administer(box, instance(box, record["instance"]), made)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        was, now = (one["__inputs"].get("password") for one in (before, record))
        if was != now:
            statement = f"ALTER ROLE {identifier(record['name'])} PASSWORD {literal(now or '')}"
            administer(box, instance(box, record["instance"]), statement)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        there = box.record("gcp:sql/databaseInstance:DatabaseInstance", record["instance"])
        if there is not None:
            administer(box, there, f"DROP ROLE IF EXISTS {identifier(record['name'])}")
