"""The inventory: what a stack built, as the operations commands need to find and probe it.

One definition, used by the side that writes it (stacks) and the side that reads it (operations). It holds references
to secrets, never secrets. Fields may be added; none is renamed or removed within one VERSION.
"""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from typing import Any

VERSION = 1


@dataclass(frozen=True)
class Ssh:
    """How to reach a host: SSH as `user`, host key pinned, through `jump` (another host's name) if set."""

    address: str
    user: str
    host_key: str
    """One line, `ssh-ed25519 AAAA…`; empty means not known: the command then refuses and says how to pin it."""
    port: int = 22
    jump: str = ""
    kind: str = "ssh"


@dataclass(frozen=True)
class Host:
    """One machine. `roles` are guest roles: gateway, database."""

    name: str
    site: str
    address: str
    """Private IPv4 address inside its site."""
    roles: tuple[str, ...]
    transport: Ssh
    bundle: str = ""
    """Stack output with the archive that the host's owners install; empty: `pulumi up` delivers its roles."""
    again: str = ""
    """Resource whose replacement delivers everything anew. Empty: the host fetches it by itself, or has a bundle."""

    @property
    def delivery(self) -> str:
        """What brings this host its guest of the present version, as an instruction."""
        if not self.bundle:
            anew = (
                f"; to a host that was built anew, `pulumi up --replace '**::{self.again}'` does" if self.again else ""
            )
            return f"run `pulumi up`, which delivers it{anew}"
        return (
            f"its owners install it: `pulumi stack output {self.bundle} --show-secrets | base64 -d > "
            f"{self.name}.tar.gz`, and on the host `tar -xzf {self.name}.tar.gz && sudo ./install.sh`"
        )


@dataclass(frozen=True)
class Tunnel:
    """An IPsec connection between two gateway hosts."""

    name: str
    """swanctl connection name."""
    initiator: str
    responder: str
    """Host names."""
    initiator_range: str
    responder_range: str
    """CIDRs that the tunnel protects."""
    initiator_peer: str
    """Public address at which the initiator sees the responder."""
    detect_seconds: float
    """Computed dead-peer detection time."""


@dataclass(frozen=True)
class Replica:
    """An asynchronous GTID replica."""

    name: str
    source: str
    replica: str
    """Host names."""
    source_address: str
    source_port: int
    heartbeat_table: str
    """`schema.table` that the source writes each second."""
    resume_seconds: float
    """Computed worst resume after the path returns, without the tunnel's share."""
    tolerated_outage_hours: float
    """Longest outage that the source's binary logs outlive."""


@dataclass(frozen=True)
class AzureMachine:
    """A machine that nobody logs in to; commands reach it by Azure Run Command, with the operator's own identity."""

    name: str
    """Name in the inventory and as guest, for instance azure-standby."""
    site: str
    roles: tuple[str, ...]
    """Guest roles: standby."""
    subscription: str
    resource_group: str
    vm: str
    """Name of the virtual machine; "" while it does not exist."""
    status: str = ""
    """Where it writes its own status document: `azblob://ACCOUNT/CONTAINER/NAME`."""


@dataclass(frozen=True)
class KubernetesJob:
    """Where the programs of package `backup` run at a site: a Job made from this CronJob, with other arguments."""

    site: str
    context: str
    """kubectl context; "" is the operator's current one."""
    namespace: str
    cronjob: str


@dataclass(frozen=True)
class Name:
    """A DNS name that users know, answered by a failover pair."""

    fqdn: str
    stateful: bool
    """True: moves by the latch only. False: moves by health or latch (a notice page)."""
    primary_url: str
    """What proves that the primary site answers, asked for without the name: the primary's own address."""
    secondary_url: str
    path: str
    """Path whose page proves which site answers, for instance /petclinic/."""
    primary_marker: str
    secondary_marker: str
    """Text that only this site's page contains."""
    ttl_seconds: int
    failover_seconds: float
    """Computed: interval x threshold + 6 + TTL."""


@dataclass(frozen=True)
class Latch:
    """Two objects whose presence moves every name to the standby site. Written by the data plane of the standby."""

    stores: tuple[str, ...]
    """`azblob://ACCOUNT/CONTAINER/NAME`, one in each of two accounts and regions."""
    urls: tuple[str, ...]
    """The same objects as the health checks ask for them; 200 is set, 404 is not set."""


@dataclass(frozen=True)
class Backups:
    """Where complete backups are, and how old the newest may be."""

    store: str
    """`azblob://ACCOUNT/CONTAINER`."""
    schema: str
    """Database that is backed up."""
    schedule: str
    """Cron expression, UTC."""
    max_age_hours: float
    """Older than this is an alarm."""
    failback: str = ""
    """`azblob://ACCOUNT/CONTAINER` where the standby's data goes on its way home; apart from the backups."""
    standby: str = ""
    """`azblob://ACCOUNT/CONTAINER` of the standby's own backups, which it takes while it serves."""


@dataclass(frozen=True)
class Database:
    """A database endpoint of a site that takes SQL only."""

    site: str
    address: str
    """Host name; "" while it does not exist."""
    port: int
    user: str
    password: str
    """Reference, never the secret: `azkv://VAULT/SECRET` or `secretsmanager://REGION/NAME`."""
    schema: str


@dataclass(frozen=True)
class Inventory:
    """Everything `twinsite` reads about a stack."""

    topology: str
    dr_mode: str
    active_site: str
    standby_site: str
    hosts: tuple[Host, ...]
    tunnels: tuple[Tunnel, ...] = ()
    replicas: tuple[Replica, ...] = ()
    azure_machines: tuple[AzureMachine, ...] = ()
    names: tuple[Name, ...] = ()
    latch: Latch | None = None
    backups: Backups | None = None
    databases: tuple[Database, ...] = ()
    jobs: tuple[KubernetesJob, ...] = ()
    store: str = ""
    """Where journal, lock and a copy of this live, on the standby site: `HOST:/directory` or
    `azblob://ACCOUNT/CONTAINER`."""
    digest: str = ""
    """Hash of what was rendered for the machines; evidence is bound to it."""
    version: int = VERSION

    def host(self, name: str) -> Host:
        """The host called `name`; KeyError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)


def to_dict(inventory: Inventory) -> dict[str, Any]:
    """Plain JSON types, as published by the stack output `inventory`."""
    result: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(inventory)))
    return result


def from_dict(data: dict[str, Any]) -> Inventory:
    """Inverse of to_dict. Unknown fields are ignored (a newer writer); ValueError names what is missing or wrong."""
    if data.get("version") != VERSION:
        raise ValueError(
            f"inventory version {data.get('version')!r}; this twinsite reads {VERSION}: run `pulumi up` again with it"
        )
    return typing.cast(Inventory, _read(Inventory, data, "inventory"))


def _read(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise ValueError(f"{where}: expected an object, found {value!r}")
        hints = typing.get_type_hints(kind)
        given = {}
        for field in dataclasses.fields(kind):
            if field.name in value:
                given[field.name] = _read(hints[field.name], value[field.name], f"{where}.{field.name}")
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise ValueError(f"{where}.{field.name} is missing: run `pulumi up` again")
        return kind(**given)
    if typing.get_origin(kind) is types.UnionType:  # something | None
        return None if value is None else _read(typing.get_args(kind)[0], value, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where}: expected a list, found {value!r}")
        return tuple(_read(typing.get_args(kind)[0], item, f"{where}[{at}]") for at, item in enumerate(value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise ValueError(f"{where}: expected {kind}, found {value!r}")
    return value
