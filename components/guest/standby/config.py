"""What this machine is to serve, read from /etc/twinsite/standby.json; every problem at once."""

import json
import re
from dataclasses import dataclass
from typing import Any

from .. import documents
from ..documents import whole_number
from ..errors import Refused


@dataclass(frozen=True)
class Secret:
    """`azkv://VAULT/NAME`, or `file:///PATH` for a machine without a vault."""

    vault: str
    name: str


@dataclass(frozen=True)
class Application:
    """What is served."""

    artefact: str
    """https URL, or name of a blob in container guests."""
    sha256: str
    kind: str
    """war or unit."""
    context: str
    health_path: str
    unit: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Login:
    """Who the application is at the database: a login that this machine makes, for its schema only."""

    user: str
    password: Secret


@dataclass(frozen=True)
class Database:
    """Where the backup is restored."""

    address: str
    port: int
    user: str
    """The administrator, who restores; never the application."""
    password: Secret
    login: Login
    schema: str
    settings: tuple[str, ...]
    """Server parameters that somebody has decided on: where others differ from the primary's, nothing is restored."""
    tls_ca: str
    """PEM; empty: the system's authorities."""

    @property
    def place(self) -> str:
        """Names the data: a step that was done for another place was not done here."""
        return f"{self.address}:{self.port}/{self.schema}"


@dataclass(frozen=True)
class Origin:
    """How the front door and this machine recognise each other."""

    host: str
    header: str
    secret: Secret
    certificate: Secret
    direct_hosts: tuple[str, ...]


@dataclass(frozen=True)
class Own:
    """The backups that the machine takes of its database while its site is the writer."""

    store: str
    schedule: str
    keep_days: int
    writer: str
    """The store in which it is said who the writer is."""
    home: str
    """The site that is the writer as long as nothing else is said."""


@dataclass(frozen=True)
class Config:
    """One standby machine."""

    site: str
    application: Application
    packages: tuple[str, ...]
    database: Database
    backups: str
    which: str
    streams: int
    origin: Origin
    client_id: str
    versions: str
    """Changes when a secret is rotated."""
    elsewhere: tuple[str, ...] = ()
    """Other stores in which the newest backup may be."""
    own: "Own | None" = None
    """None: it takes none."""


def _secret(data: dict[str, Any], name: str, problems: list[str]) -> Secret:
    value = str(data.get(name) or "")
    if value.startswith("file:///"):
        return Secret("", value[len("file://") :])
    found = re.fullmatch(r"azkv://([A-Za-z0-9-]{3,24})/([A-Za-z0-9-]{1,127})", value)
    if found is None:
        problems.append(f"{name} is {value!r}: give azkv://VAULT/SECRET")
        return Secret("", "")
    return Secret(found[1], found[2])


def _part(data: dict[str, Any], name: str, problems: list[str]) -> dict[str, Any]:
    value = data.get(name)
    if isinstance(value, dict):
        return value
    problems.append(f"{name} is missing: run `pulumi up` again")
    return {}


def _own(data: dict[str, Any], problems: list[str]) -> "Own | None":
    if not data.get("own"):
        return None
    own, writer = _part(data, "own", problems), _part(data, "writer", problems)
    made = Own(
        store=str(own.get("store") or ""),
        schedule=str(own.get("schedule") or ""),
        keep_days=whole_number(own, "keep_days", 0, 0, 36500, problems, of="own."),
        writer=str(writer.get("store") or ""),
        home=str(writer.get("home") or ""),
    )
    if not all((made.store, made.schedule, made.writer, made.home)):
        problems.append("own and writer are not whole: give own.store, own.schedule, writer.store and writer.home")
    return made


def parse(data: dict[str, Any]) -> Config:
    """Config from plain JSON types; raises Refused with every problem."""
    problems: list[str] = []
    application, database, origin = (_part(data, name, problems) for name in ("application", "database", "origin"))
    kind = str(application.get("kind", "war"))
    if kind not in ("war", "unit"):
        problems.append(f"application.kind is {kind!r}: give war or unit")
    if not re.fullmatch(r"[0-9a-f]{64}", str(application.get("sha256") or "")):
        problems.append("application.sha256 is missing: an artefact that nobody pinned is not served")
    if kind == "unit" and not application.get("unit"):
        problems.append("application.unit is missing: give the unit's text")
    context = str(application.get("context") or "")
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+|/", context):
        problems.append(f"application.context is {context!r}: give a path like /petclinic")
    for owner, names in {"database": ("address", "user", "schema"), "origin": ("host", "header")}.items():
        problems += [f"{owner}.{name} is missing" for name in names if not data.get(owner, {}).get(name)]
    header = str(origin.get("header") or "X")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", header):
        problems.append(f"origin.header is {header!r}: give letters, digits and hyphens")
    hosts = [str(origin.get("host") or ""), *origin.get("direct_hosts", [])]
    problems += [f"{host!r} is no host name" for host in hosts if not re.fullmatch(r"[a-z0-9.-]*", host)]
    environment = application.get("environment") or {}
    problems += [
        f"application.environment: {name!r} cannot be written into an environment file"
        for name, value in environment.items()
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) or "\n" in str(value)
    ]
    login = _part(database, "application", problems)
    if not login.get("user") or login.get("user") == database.get("user"):
        problems.append(f"database.application.user is {login.get('user')!r}: give a login that is not the restore's")
    config = Config(
        site=str(data.get("site") or "azure"),
        application=Application(
            artefact=str(application.get("artefact") or ""),
            sha256=str(application.get("sha256") or ""),
            kind=kind,
            context=context,
            health_path=str(application.get("health_path") or context),
            unit=str(application.get("unit") or ""),
            environment={str(name): str(value) for name, value in environment.items()},
        ),
        packages=tuple(str(name) for name in data.get("packages") or ()),
        database=Database(
            address=str(database.get("address") or ""),
            port=whole_number(database, "port", 3306, 1, 65535, problems, of="database."),
            user=str(database.get("user") or ""),
            password=_secret(database, "password_secret", problems),
            login=Login(str(login.get("user") or ""), _secret(login, "password_secret", problems)),
            schema=str(database.get("schema") or ""),
            settings=tuple(str(name) for name in database.get("settings") or ()),
            tls_ca=str(database.get("tls_ca") or ""),
        ),
        backups=str(data.get("backups") or ""),
        which=str(data.get("which") or "latest"),
        streams=whole_number(data, "streams", 4, 1, 64, problems),
        origin=Origin(
            host=str(origin.get("host") or ""),
            header=header,
            secret=_secret(origin, "secret", problems),
            certificate=_secret(origin, "certificate", problems),
            direct_hosts=tuple(str(name) for name in origin.get("direct_hosts") or ()),
        ),
        client_id=str((data.get("identity") or {}).get("client_id") or ""),
        versions=json.dumps(data.get("secret_versions") or {}, sort_keys=True),
        elsewhere=tuple(str(store) for store in data.get("elsewhere") or ()),
        own=_own(data, problems),
    )
    if problems:
        raise Refused(problems)
    return config


def read(path: str) -> Config:
    """Config from a file; raises Refused, also when the file is missing or no JSON."""
    return parse(documents.read(path))
