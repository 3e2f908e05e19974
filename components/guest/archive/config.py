"""What to back up, where to, and where to restore; read from archive.json and its secrets, every problem at once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import documents
from ..backup.config import WriterPlace
from ..errors import Refused
from ..logical.config import End

SPOOL = "/var/tmp/twinsite-archive"
PART_MIB = 32
OURS = ("twinsite", "twinsite_restore")
"""Schemas of this program: a flow's heartbeat (../logical), and the mark of a restore. In no backup."""
_STORE = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]|file:///.+")

Say = Callable[[dict[str, Any]], None]
"""Takes a progress event: {"event", …}."""


@dataclass(frozen=True)
class Federation:
    """How a service account of another cluster becomes one of Google's; empty: the metadata server is asked."""

    audience: str = ""
    """Of the pool's provider: `//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/…`."""
    token_file: str = ""
    service_account: str = ""
    """E-mail of the account that is impersonated; empty: the pool's own principal is who writes."""


@dataclass(frozen=True)
class Config:
    """One database's backups."""

    store: str
    """`gs://BUCKET` or `file:///folder`."""
    database: End
    target: End
    """Where restore and prove work; the database itself when nothing else is said."""
    identity: Federation = Federation()
    streams: int = 4
    part_mib: int = PART_MIB
    """What one part in the store holds at most, and so what one request carries."""
    key_id: str = ""
    """Name of the key that encrypts the store, for the manifest; empty: the provider's own."""
    spool: str = SPOOL
    """Where a dump is before it is in the store, and after."""
    keep_days: int = 0
    """After a scheduled backup, older ones than this are deleted (backup/retention.py); 0: none ever."""
    may_differ: "tuple[str, ...]" = ()
    """Of what changes meaning (facts.MEANING, collation, encoding): what somebody has decided on for this target."""
    left_out_extensions: "tuple[str, ...]" = ()
    """What the target has not, and the application does without."""
    writer: "WriterPlace | None" = None
    """None: backups have no branch."""


def read(path: str, secrets: str = "") -> Config:
    """Refused with everything that is wrong. Without `secrets` no server is asked."""
    data = documents.read(path)
    words = documents.read(secrets) if secrets else {}
    problems: list[str] = []
    password = str(words.get("password", ""))
    database = _end(data, "database", password, problems)
    target = database
    if data.get("target"):
        target = _end(data, "target", str(words.get("target_password", "")) or password, problems)
    said = data.get("identity") or {}
    config = Config(
        store=_store(data.get("store"), "store", problems),
        database=database,
        target=target,
        identity=Federation(*(str(said.get(name, "")) for name in ("audience", "token_file", "service_account"))),
        streams=documents.whole_number(data, "streams", 4, 1, 32, problems),
        part_mib=documents.whole_number(data, "part_mib", PART_MIB, 1, 1024, problems),
        key_id=str(data.get("key_id", "")),
        spool=str(data.get("spool", "") or SPOOL),
        keep_days=documents.whole_number(data, "keep_days", 0, 0, 36500, problems),
        may_differ=tuple(map(str, data.get("may_differ") or ())),
        left_out_extensions=tuple(map(str, data.get("left_out_extensions") or ())),
        writer=_writer(data.get("writer"), problems),
    )
    if bool(config.identity.audience) != bool(config.identity.token_file):
        problems.append("identity has only one of audience and token_file: give both, or neither on a Google machine")
    if problems:
        raise Refused(problems)
    return config


def _store(said: Any, name: str, problems: "list[str]") -> str:
    if not _STORE.fullmatch(str(said or "")):
        problems.append(f"{name} is {said!r}: give gs://BUCKET or file:///FOLDER")
    return str(said or "")


def _end(data: "dict[str, Any]", which: str, password: str, problems: "list[str]") -> End:
    said = data.get(which)
    said = said if isinstance(said, dict) else {}
    problems += [
        f"{which}.{name} is missing: name it" for name in ("address", "database", "user") if not said.get(name)
    ]
    return End(
        address=str(said.get("address", "")),
        database=str(said.get("database", "")),
        user=str(said.get("user", "")),
        password=password,
        port=documents.whole_number(said, "port", 5432, 1, 65535, problems, f"{which}."),
        tls_ca=str(said.get("tls_ca", "")),
        certificate_name=str(said.get("certificate_name", "")),
    )


def _writer(data: Any, problems: "list[str]") -> "WriterPlace | None":
    if not data:
        return None
    said = data if isinstance(data, dict) else {}
    site, home = (str(said.get(name) or "") for name in ("site", "home"))
    store = _store(said.get("store"), "writer.store", problems)
    if not site or not home:
        problems.append(f"writer is {data!r}: give store, site and home, or leave it out")
    return WriterPlace(store, site, home)
