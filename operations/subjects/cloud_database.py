"""A database server that Google runs: whether it runs, and whether what it was made with still holds.

Asked is its control plane, which says nothing of data: what has come is the flow's to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import CloudDatabase, Inventory

from .. import google
from .clouds import Asks, Unknown, World
from .sources import Sources
from .subject import Subject, line

RUNS = "RUNNABLE"
PASSING = ("MAINTENANCE", "ONLINE_MAINTENANCE", "PENDING_CREATE")


@dataclass(frozen=True)
class Server:
    """As Google describes it. `state` is "" when there is none of that name."""

    state: str = ""
    why: tuple[str, ...] = ()
    """Of a suspended one."""
    activation: str = ""
    version: str = ""
    availability: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    public: bool = False
    tls: str = ""
    backups: bool = False
    logs: bool = False
    """Whether it can be restored to a moment."""

    @property
    def runs(self) -> bool:
        return self.state == RUNS and self.activation != "NEVER"


def server(database: CloudDatabase, asked: google.Google) -> Server:
    """One call [Cloud SQL Admin API, instances.get]."""
    try:
        found = asked.get("sqladmin", f"v1/projects/{database.project}/instances/{database.instance}")
    except google.GoogleError as error:
        if error.status == 404:
            return Server()
        raise
    return described(found)


def described(found: Mapping[str, Any]) -> Server:
    """Pure."""
    settings = found.get("settings") or {}
    network, backups = settings.get("ipConfiguration") or {}, settings.get("backupConfiguration") or {}
    return Server(
        state=str(found.get("state") or "UNKNOWN"),
        why=tuple(str(one) for one in found.get("suspensionReason") or ()),
        activation=str(settings.get("activationPolicy") or ""),
        version=str(found.get("databaseVersion") or ""),
        availability=str(settings.get("availabilityType") or ""),
        settings=tuple((str(one["name"]), str(one.get("value", ""))) for one in settings.get("databaseFlags") or ()),
        public=bool(network.get("ipv4Enabled")),
        tls=str(network.get("sslMode") or ""),
        backups=bool(backups.get("enabled")),
        logs=bool(backups.get("pointInTimeRecoveryEnabled") or backups.get("binaryLogEnabled")),
    )


@dataclass(frozen=True)
class DatabaseSeen:
    """One server."""

    database: CloudDatabase
    server: Server | Unknown

    def problems(self) -> Iterator[str]:
        where, found = f"{self.database.name} ({self.database.instance})", self.server
        if isinstance(found, Unknown):
            yield f"{where}: how the database server is, is not known ({found})"
            return
        if not found.state:
            yield (
                f"{where}: Google has no such database server: whoever deleted it took what was in it; `pulumi up "
                "--refresh` makes an empty one under another name"
            )
            return
        yield from (f"{where}: {words}" for words in (*_state(found, self.database), *_drift(found, self.database)))

    def _values(self) -> dict[str, Any]:
        found = self.server
        known = None if isinstance(found, Unknown) else found
        return {
            "name": self.database.name,
            "instance": self.database.instance,
            "state": (known.state or "absent") if known else None,
            "version": known.version if known and known.state else None,
            "runs": known.runs if known else None,
        }

    def shown(self) -> Mapping[str, Any]:
        return {"databases": [self._values()]}

    def lines(self) -> Iterator[str]:
        found = self._values()
        version = f", {found['version']}" if found["version"] else ""
        yield line("database", found["name"], f"{found['state'] or 'unknown'}{version} ({self.database.instance})")


def _state(found: Server, database: CloudDatabase) -> Iterator[str]:
    patch = f"`gcloud sql instances patch {database.instance} --project {database.project}"
    if found.state == RUNS and found.activation == "NEVER":
        yield f"it was stopped by hand, so that nothing replicates into it: {patch} --activation-policy ALWAYS`"
    elif found.state in PASSING:
        yield f"it is {found.state}, and comes back by itself: ask again in some minutes"
    elif found.state == "SUSPENDED":
        why = ", ".join(found.why) or "no reason given"
        yield f"Google has suspended it ({why}): pay the project's bill, or ask Google's support"
    elif found.state != RUNS:
        yield f"it is {found.state}: see `gcloud sql operations list --instance {database.instance}`"


def _drift(found: Server, database: CloudDatabase) -> Iterator[str]:
    """What somebody changed beside the program, as far as it would hurt."""
    back = "`pulumi up --refresh` sets it back"
    now = dict(found.settings)
    for one in database.settings:
        if now.get(one.name) != one.value:
            yield (
                f"{one.name} is {now.get(one.name, 'not set')} and was made {one.value}, so that statements mean "
                f"another thing there, or data do not come or go: {back}"
            )
    if database.version and found.version and found.version != database.version:
        yield (
            f"it is {found.version}, and the stack says {database.version}: set database_version to what it is, or "
            "the next `pulumi up` makes another server"
        )
    if database.availability == "REGIONAL" and found.availability != "REGIONAL":
        yield f"it is {found.availability}, so that a lost zone takes it along: {back}"
    if found.public:
        yield f"it has a public address: {back}"
    if found.tls not in ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"):
        yield f"it takes connections without TLS (sslMode {found.tls or 'not set'}): {back}"
    if not (found.backups and found.logs):
        lacks = "logs for a restore to a moment" if found.backups else "backups"
        yield f"it keeps no {lacks}, so that a mistake cannot be undone while it serves: {back}"


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each that the mode has."""
    return {
        ("database", one.name): lambda one=one: server(one, world.google)  # type: ignore[misc]
        for one in inventory.databases
        if one.instance
    }


def read(sources: Sources) -> Sequence[Subject]:
    """One each, where the mode has it."""
    return [
        DatabaseSeen(one, sources.clouds()(("database", one.name)))
        for one in sources.inventory.databases
        if one.instance
    ]
