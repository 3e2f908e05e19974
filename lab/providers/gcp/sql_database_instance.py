"""A Cloud SQL: PostgreSQL on a machine of Google's own, at its private address in the range of managed services."""

import ipaddress
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.records import RecordType
from lab.providers.framework.types import AutoName, Call, Refusal
from lab.providers.gcp import topology
from lab.providers.gcp.cloud import Part, unprotected
from lab.services import managed_postgres
from lab.services.authority import Authority
from lab.services.managed_postgres.machine import VERSION, user_data

DELETED = "lab:google:deletedServer"
"""Records by name: the name of a deleted instance is not free for a week."""
SUPERUSER = managed_postgres.SUPERUSERS["cloud_sql"]
FIRST = 3
"""Of a range's addresses, that of its first instance."""
NO_FLAGS = frozenset({"max_slot_wal_keep_size"})
"""Which Cloud SQL does not have [Google, Work with PostgreSQL database WAL log files, note]."""


class DatabaseInstance(Part):
    """Flags change in place, with a restart where PostgreSQL wants one; who is in it is kept."""

    token = "gcp:sql/databaseInstance:DatabaseInstance"
    path = "{name}"
    lies_in: ClassVar[tuple[str, ...]] = ("project", "region")
    linked = False
    autoname = AutoName("name", 63, lower=True)
    removal_seconds = 0

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        for name in _flags(inputs):
            if name.startswith("cloudsql.") and name != "cloudsql.logical_decoding":
                yield Problem("settings.databaseFlags", f"the lab's Cloud SQL has no flag {name}: leave it out")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        where = f"{inputs['project']}:{inputs['region']}:{inputs['name']}"
        return {
            "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/projects/{inputs['project']}/instances/{identity}",
            "availableMaintenanceVersions": [],
            "connectionName": where,
            "dnsName": f"{secrets.token_hex(6)}.{inputs['region']}.sql.goog",
            "dnsNames": [],
            "encryptionKeyName": inputs.get("encryptionKeyName") or "",
            "instanceType": "CLOUD_SQL_INSTANCE",
            "maintenanceVersion": inputs.get("maintenanceVersion") or "",
            "masterInstanceName": "",
            "publicIpAddress": "",
            "pscServiceAttachmentLink": "",
            "replicaNames": [],
            "serviceAccountEmailAddress": "",
            **_at("10.31.0.3", ""),
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        name = record["name"]
        if name in box.records(DELETED) or box.record(self.token, identity) is not None:
            raise Refusal(
                f"Error, failed to create instance {name}: googleapi: Error 409: The Cloud SQL instance already "
                "exists. When you delete an instance, you can't reuse the name of the deleted instance until one week "
                "from the deletion date., instanceAlreadyExists"
            )
        if record.get("databaseVersion") != f"POSTGRES_{VERSION}":
            raise Refusal(
                f"the lab's Cloud SQL is POSTGRES_{VERSION}, which its machine image has, and the program asks for "
                f"{record.get('databaseVersion')}"
            )
        _known_flags(_flags(record))
        place = (record.get("settings") or {}).get("ipConfiguration") or {}
        network = topology.last(place.get("privateNetwork"))
        known = topology.ranges(box.records, network)
        wanted = place.get("allocatedIpRange")
        found = next((one for one in known if wanted in (None, "", one["name"])), None)
        if place.get("ipv4Enabled", True) or not network:
            raise Refusal("the lab's Cloud SQL has a private address alone: give ipv4Enabled false and privateNetwork")
        if found is None:
            raise Refusal(
                f"Error, failed to create instance {name}: googleapi: Error 400: Invalid request: Incorrect Service "
                f"Networking config for instance: {record['project']}:{name}:SERVICE_NETWORKING_NOT_ENABLED., invalid"
            )
        taken = {one.get("privateIpAddress") for one in box.records(self.token).values()}
        span = ipaddress.IPv4Network(topology.range_of(found))
        address = next(str(span[at]) for at in range(FIRST, span.num_addresses) if str(span[at]) not in taken)
        with tempfile.TemporaryDirectory() as folder:
            own = Authority(Path(folder), "Google Cloud SQL Server CA")
            pem, authority = own.pem(f"{record['project']}:{name}"), own.certificate
        password = secrets.token_urlsafe(24)
        scripts = [
            f"ALTER ROLE {SUPERUSER} PASSWORD '{password}';\n",
            managed_postgres.roles("cloud_sql"),
            # Its customer's own role; nobody has set a password.
            "CREATE ROLE postgres LOGIN CREATEDB CREATEROLE;\nGRANT cloudsqlsuperuser TO postgres;\n",
        ]
        record |= {
            **_at(address, authority),
            "__range": found["name"],
            "__password": password,
            "__machine": f"sql-{name}-{secrets.token_hex(3)}",
            "__userData": user_data(name, SUPERUSER, pem, settings(_flags(record)), scripts),
        }

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().make(call, box, identity, record)
        administer(box, record, "SELECT 1")

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        super().change(call, box, identity, before, record)
        _known_flags(_flags(record))
        was, now = settings(_flags(before)), settings(_flags(record))
        lines = [f"ALTER SYSTEM SET {name} = {managed_postgres.literal(now[name])}" for name in now.keys() - was.keys()]
        lines += [
            f"ALTER SYSTEM SET {name} = {managed_postgres.literal(now[name])}"
            for name in now.keys() & was.keys()
            if now[name] != was[name]
        ]
        for name in was.keys() - now.keys():
            (first,) = administer(box, record, f"SELECT boot_val FROM pg_settings WHERE name = '{name}'")
            lines.append(f"ALTER SYSTEM SET {name} = {managed_postgres.literal(first[0])}")
        if lines:
            administer(box, record, *lines, "SELECT pg_reload_conf()")
            (waiting,) = administer(box, record, "SELECT count(*) FROM pg_settings WHERE pending_restart")
            if waiting[0] != "0":
                box.client.call("stop", id=record["__machine"])
                box.client.call("start", id=record["__machine"])
                administer(box, record, "SELECT 1")

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        unprotected(self.token, identity, state)
        super().delete(call, identity, state)
        if call.box is not None:
            call.box.put(DELETED, identity, {"of": identity})

    def clear(self, call: Call, identity: str, record: dict[str, Any]) -> None:
        RecordType.delete(self, call, identity, record)


def _known_flags(flags: Mapping[str, str]) -> None:
    """Refusal of settings of PostgreSQL's that Cloud SQL has no flag for."""
    if unknown := sorted(flags.keys() & NO_FLAGS):
        raise Refusal(f"googleapi: Error 400: Invalid request: Invalid flag name(s): {', '.join(unknown)}., invalid")


def settings(flags: Mapping[str, str]) -> dict[str, str]:
    """PostgreSQL's own of Cloud SQL's flags."""
    found = {name: value for name, value in flags.items() if not name.startswith("cloudsql.")}
    if flags.get("cloudsql.logical_decoding") == "on":
        found["wal_level"] = "logical"
    return found


def administer(box: Box, record: Mapping[str, Any], *statements: str, database: str = "postgres") -> list[list[str]]:
    """What Cloud SQL itself does in an instance, given its record; rows of the last statement. LabError."""
    found: list[list[str]] = box.client.call(
        "postgres",
        machine=record["__machine"],
        user=SUPERUSER,
        password=record["__password"],
        statements=list(statements),
        database=database,
    )
    return found


def instance(box: Box, name: str) -> dict[str, Any]:
    """Its record. Refusal when there is none."""
    record = box.record(DatabaseInstance.token, name)
    if record is None:
        raise Refusal("googleapi: Error 404: The Cloud SQL instance does not exist., instanceDoesNotExist")
    return record


def _flags(inputs: Mapping[str, Any]) -> dict[str, str]:
    listed = (inputs.get("settings") or {}).get("databaseFlags") or ()
    return {str(one["name"]): str(one["value"]) for one in listed if isinstance(one, Mapping) and "value" in one}


def _at(address: str, authority: str) -> dict[str, Any]:
    return {
        "firstIpAddress": address,
        "ipAddresses": [{"ipAddress": address, "type": "PRIVATE", "timeToRetire": ""}],
        "privateIpAddress": address,
        "serverCaCerts": [
            {"cert": authority, "commonName": "C=US,O=Google, Inc", "createTime": "", "sha1Fingerprint": ""}
        ],
    }
