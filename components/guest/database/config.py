"""What one host is to be, read from /etc/twinsite/database.json and its secrets; every problem at once."""

import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import Any

from .. import documents
from ..documents import whole_number
from ..errors import Refused

SOURCE = "source"
REPLICA = "replica"
STANDALONE = "standalone"
"""A database that nothing replicates from or to, with one login over TLS: a standby's, filled by a restore."""

SERVES_TLS = (SOURCE, STANDALONE)

# SOURCE_PASSWORD holds at most 32 characters (MySQL manual, CHANGE REPLICATION SOURCE TO).
PASSWORD_LIMIT = 32


@dataclass(frozen=True)
class Config:
    """One host's role. Addresses are IPv4 literals."""

    role: str
    server_id: int
    source_address: str
    replica_address: str
    """As the source sees the replica."""
    port: int = 3306
    data_device: str = ""
    """EBS volume id (`vol-…`), a device path, or empty: the host's own file system."""
    data_gib: int = 0
    """Size of that volume, which the file system is grown to; 0: as it is."""
    bind_address: str = "*"
    replication_user: str = "twinsite_repl"
    clone_user: str = "twinsite_clone"
    user: str = ""
    """Login that the standby restores and the application works with; standalone only."""
    tls_ca: str = ""
    tls_cert: str = ""
    """PEM. The source needs both, the replica the authority only."""
    binlog_retention_hours: int = 72
    heartbeat_period_seconds: float = 1.0
    net_timeout_seconds: int = 5
    connect_retry_seconds: int = 1
    retry_count: int = 0
    """Receiver's reconnection attempts; 0 = no limit."""
    source_wait_seconds: int = 300
    """How long `apply` on a replica waits for a source that does not answer yet."""
    operator_users: tuple[str, ...] = ()
    """Operating-system users that reach MySQL by auth_socket; created on the source, they arrive at the replica."""
    route_range: str = ""
    route_via: str = ""
    """Persistent route of this host to the peer's range through the site's gateway; both or neither."""
    replica_knows: str = ""
    """Of a source: digest of what it was told, once its replica works with the passwords in there."""
    existing_source: bool = False
    """The source is not managed by twinsite: it is verified, never changed."""
    settings: dict[str, str] = field(default_factory=dict)
    """my.cnf settings that override the template's."""
    digest: str = ""
    """SHA-256 of the configuration file's meaning."""


@dataclass(frozen=True)
class Secrets:
    """Never printed, never in argv."""

    replication_password: str = field(repr=False)
    clone_password: str = field(repr=False)
    password: str = field(default="", repr=False)
    tls_key: str = field(default="", repr=False)


def _address(data: dict[str, Any], name: str, problems: list[str]) -> str:
    value = data.get(name, "")
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        problems.append(f"{name} is {value!r}: give an IPv4 address")
        return ""


def parse(data: dict[str, Any]) -> Config:
    """Config from plain JSON types; raises Refused with every problem."""
    problems: list[str] = []
    role = data.get("role")
    if role not in (SOURCE, REPLICA, STANDALONE):
        problems.append(f"role is {role!r}: give {SOURCE!r}, {REPLICA!r} or {STANDALONE!r}")
    alone = role == STANDALONE
    route = data.get("peer_route") or {}
    settings = {str(name).replace("-", "_"): _plain(value) for name, value in (data.get("settings") or {}).items()}
    problems += [f"setting {name!r} is no MySQL variable name" for name in settings if not re.fullmatch(r"\w+", name)]
    for name, value in settings.items():
        if "\n" in value:
            problems.append(f"setting {name!r} holds a line break: a my.cnf value is one line")
    users = data.get("operator_users") or [data.get("operator_user")]
    users = [user for user in users if user]
    problems += [
        f"operator user {user!r} is no user name" for user in users if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", user)
    ]
    heartbeat = float(data.get("heartbeat_period_seconds", 1.0))
    timeout = whole_number(data, "net_timeout_seconds", 5, 1, 86400, problems)
    # A receiver that hears nothing for net_timeout reconnects; each reconnect leaves a dump thread on the source (K12).
    if not 0 < heartbeat < timeout / 2:
        problems.append(
            f"heartbeat_period_seconds {heartbeat:g} is not under half of net_timeout_seconds {timeout}: "
            f"set it to {timeout / 4:g}"
        )
    config = Config(
        role=str(role),
        server_id=whole_number(data, "server_id", None, 1, 2**32 - 1, problems),
        source_address="" if alone else _address(data, "source_address", problems),
        replica_address="" if alone else _address(data, "replica_address", problems),
        user=str(data.get("user") or ""),
        port=whole_number(data, "port", 3306, 1, 65535, problems),
        data_device=str(data.get("data_device") or ""),
        data_gib=whole_number(data, "data_gib", 0, 0, 65536, problems),
        bind_address=str(data.get("bind_address") or "*"),
        replication_user=str(data.get("replication_user") or "twinsite_repl"),
        clone_user=str(data.get("clone_user") or "twinsite_clone"),
        tls_ca=str(data.get("tls_ca") or ""),
        tls_cert=str(data.get("tls_cert") or ""),
        binlog_retention_hours=whole_number(data, "binlog_retention_hours", 72, 1, 24 * 365, problems),
        heartbeat_period_seconds=heartbeat,
        net_timeout_seconds=timeout,
        connect_retry_seconds=whole_number(data, "connect_retry_seconds", 1, 1, 3600, problems),
        retry_count=whole_number(data, "retry_count", 0, 0, 2**31, problems),
        source_wait_seconds=whole_number(data, "source_wait_seconds", 300, 1, 3600, problems),
        operator_users=tuple(users),
        route_range=str(route.get("range") or ""),
        route_via=str(route.get("via") or ""),
        replica_knows=str(data.get("replica_knows") or ""),
        existing_source=bool(data.get("existing_source")),
        settings=settings,
        digest=hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest(),
    )
    problems += _problems(config)
    if problems:
        raise Refused(problems)
    return config


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _problems(config: Config) -> list[str]:
    problems = []
    if config.source_address and config.source_address == config.replica_address:
        problems.append(f"source and replica are both {config.source_address}: a replica cannot be its own source")
    if not config.tls_ca.startswith("-----BEGIN CERTIFICATE-----"):
        problems.append("tls_ca is no PEM certificate: give the authority that signed the source's certificate")
    if config.role in SERVES_TLS and not config.tls_cert.startswith("-----BEGIN CERTIFICATE-----"):
        problems.append("tls_cert is no PEM certificate: a server needs one, its clients verify it")
    if config.role == STANDALONE and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", config.user):
        problems.append(f"user is {config.user!r}: give the login that the standby restores with")
    if config.data_device and not re.fullmatch(r"vol-[0-9a-f]+|azure-lun-\d+|/dev/\S+", config.data_device):
        problems.append(
            f"data_device is {config.data_device!r}: give a volume id (vol-…), azure-lun-N, a /dev path, or nothing"
        )
    if bool(config.route_range) != bool(config.route_via):
        problems.append("peer_route needs both range and via")
    return problems


def read(path: str) -> Config:
    """Config from a file; raises Refused, also when the file is missing or no JSON."""
    return parse(documents.read(path))


def parse_secrets(data: dict[str, Any], role: str) -> Secrets:
    """Secrets of `role`; raises Refused without ever naming a value."""
    problems = []
    for name in ("password",) if role == STANDALONE else ("replication_password", "clone_password"):
        value = str(data.get(name) or "")
        if not value:
            problems.append(f"secret {name} is missing: run `pulumi up` again")
        elif len(value) > PASSWORD_LIMIT:
            problems.append(
                f"secret {name} has {len(value)} characters: MySQL takes {PASSWORD_LIMIT}, generate a shorter one"
            )
    key = str(data.get("tls_key") or "")
    if role in SERVES_TLS and "PRIVATE KEY-----" not in key:
        problems.append("secret tls_key is no PEM private key: run `pulumi up` again")
    if problems:
        raise Refused(problems)
    given = {name: str(data.get(name) or "") for name in ("replication_password", "clone_password", "password")}
    return Secrets(**given, tls_key=key)


def read_secrets(path: str, role: str) -> Secrets:
    """Secrets from a file; raises Refused."""
    return parse_secrets(documents.read(path), role)
