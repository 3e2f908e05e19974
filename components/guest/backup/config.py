"""What to back up, where to, and where to restore; read from backup.json and its secrets, every problem at once."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import documents
from ..documents import whole_number
from ..errors import Refused

SPOOL = "/var/tmp/twinsite-backup"
ROLE_SECONDS = 300
"""How long a role assignment may take to arrive."""

Say = Callable[[dict[str, Any]], None]
"""Takes a progress event: {"event", …}."""


@dataclass(frozen=True)
class Database:
    """How to reach a server, and the schema there."""

    address: str
    """Name or IPv4 address, reached over verified TLS; or the path of a local socket."""
    user: str
    schema: str
    port: int = 3306
    tls_ca: str = ""
    """PEM; empty: the system's authorities."""


@dataclass(frozen=True)
class WriterPlace:
    """Where it is said which site may write (branch.py)."""

    store: str
    """The operations store: `azblob://ACCOUNT/CONTAINER` or `file:///folder`; the same identity reads it."""
    site: str
    """This site, as the commands name it."""
    home: str
    """The site where the data live in quiet times: the writer as long as nobody has said otherwise."""


@dataclass(frozen=True)
class Config:
    """One schema's backups."""

    store: str
    """`azblob://ACCOUNT/CONTAINER` or `file:///folder`."""
    schema: str
    database: Database
    target: Database
    """Where restore and prove work; the database itself when nothing else is said."""
    client_id: str = ""
    tenant: str = ""
    token_file: str = ""
    """The identity at the store: a machine's, or a service account's when there is a token file."""
    streams: int = 4
    chunk_mib: int = 16
    """Text per chunk, before compression: also what one transaction of a restore holds."""
    key_id: str = ""
    """Id of the key that encrypts the store, for the manifest; empty: the provider's own."""
    spool: str = SPOOL
    """Where a restore keeps verified chunks."""
    keep_days: int = 0
    """After a scheduled backup, older ones than this are deleted (retention.py); 0: none ever."""
    may_differ: "tuple[str, ...] | None" = None
    """Settings of a server that change what an application means and that somebody has decided on for this target:
    any other that differs from the source's refuses a restore. None: nobody's application waits for it."""
    role_seconds: int = ROLE_SECONDS
    """How long the store is asked again for what it refuses, because a role may be on its way; `--patience`."""
    writer: "WriterPlace | None" = None
    """None: backups have no branch."""


@dataclass(frozen=True)
class Secrets:
    """Never printed, never in argv."""

    password: str = field(repr=False)
    target_password: str = field(default="", repr=False)


def _database(data: Any, schema: str, name: str, problems: list[str]) -> Database:
    if not isinstance(data, dict):
        problems.append(f"{name} is {data!r}: give address, user and, where they differ, port and tls_ca")
        data = {}
    port = whole_number(data, "port", 3306, 1, 65535, problems, of=f"{name}.")
    problems += [
        f"{name}.{part} is missing" for part in ("address", "user") if isinstance(data, dict) and not data.get(part)
    ]
    ca = str(data.get("tls_ca", ""))
    if ca and "BEGIN CERTIFICATE" not in ca:
        problems.append(f"{name}.tls_ca is no PEM certificate: give its text, or leave it out for the system's own")
    own = str(data.get("schema", "") or schema)
    return Database(str(data.get("address", "")), str(data.get("user", "")), own, port, ca)


def store_problems(store: str) -> list[str]:
    """What is wrong with a store's address."""
    if re.fullmatch(r"azblob://[a-z0-9]{3,24}/[a-z0-9-]{3,63}|file:///.+", store):
        return []
    return [f"store is {store!r}: give azblob://ACCOUNT/CONTAINER or file:///FOLDER"]


def _writer(data: Any, problems: list[str]) -> "WriterPlace | None":
    if not data:
        return None
    said = data if isinstance(data, dict) else {}
    store, site, home = (str(said.get(name) or "") for name in ("store", "site", "home"))
    problems += [f"writer.{problem}" for problem in store_problems(store)]
    if not site or not home:
        problems.append(f"writer is {data!r}: give store, site and home, or leave it out")
    return WriterPlace(store, site, home)


def at(config: Config, store: str) -> Config:
    """The same with another store, which the same identity reaches. Refused when that is no store's address."""
    if problems := store_problems(store):
        raise Refused(problems)
    return dataclasses.replace(config, store=store)


def parse(data: dict[str, Any]) -> Config:
    """Config from plain JSON types; raises Refused with every problem."""
    problems: list[str] = []
    store = str(data.get("store", ""))
    problems += store_problems(store)
    schema = str(data.get("schema", ""))
    if not schema or len(schema) > 64:
        problems.append(f"schema is {schema!r}: name the database to back up")
    if schema in ("mysql", "sys", "information_schema", "performance_schema", "twinsite_restore"):
        problems.append(f"schema is {schema!r}, which is not an application's: name the application's database")
    identity = data.get("identity") or {}
    if store.startswith("azblob:") and not identity.get("client_id"):
        problems.append("identity.client_id is missing: an Azure store is reached with a user-assigned identity")
    if identity.get("token_file") and not identity.get("tenant"):
        problems.append("identity.tenant is missing: a service account's token is exchanged at its tenant")
    database = _database(data.get("database"), schema, "database", problems)
    target = _database(data["target"], schema, "target", problems) if data.get("target") else database
    config = Config(
        store=store,
        schema=schema,
        database=database,
        target=target,
        client_id=str(identity.get("client_id", "")),
        tenant=str(identity.get("tenant", "")),
        token_file=str(identity.get("token_file", "")),
        streams=whole_number(data, "streams", 4, 1, 32, problems),
        chunk_mib=whole_number(data, "chunk_mib", 16, 1, 256, problems),
        key_id=str(data.get("key_id", "")),
        spool=str(data.get("spool", "") or SPOOL),
        keep_days=whole_number(data, "keep_days", 0, 0, 36500, problems),
        may_differ=tuple(map(str, data["may_differ"])) if data.get("may_differ") is not None else None,
        writer=_writer(data.get("writer"), problems),
    )
    if problems:
        raise Refused(problems)
    return config


def parse_secrets(data: dict[str, Any]) -> Secrets:
    """Secrets from plain JSON types. The target's password is the database's when it has none of its own."""
    password = str(data.get("password", ""))
    return Secrets(password, str(data.get("target_password", "") or password))


def read(path: str) -> Config:
    """The configuration file."""
    return parse(documents.read(path))


def read_secrets(path: str) -> Secrets:
    """The secrets file."""
    return parse_secrets(documents.read(path))
