"""The inventory: what a stack built, as the operations commands need to find and probe it.

One definition, used by the side that writes it (each component its own Entry, the stack puts them together) and the
side that reads it (operations). It holds references to secrets, never secrets. Fields may be added; none is renamed or
removed within one VERSION. What version 1 was is in inventory_v1.py.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from . import inventory_v1
from .cloud_inventory import CloudDatabase as CloudDatabase
from .cloud_inventory import CloudflarePools as CloudflarePools
from .cloud_inventory import CloudVpn as CloudVpn
from .cloud_inventory import Cluster as Cluster
from .cloud_inventory import Setting as Setting
from .cloud_inventory import SitePool as SitePool
from .cloud_inventory import Workload as Workload

VERSION = 2


@dataclass(frozen=True)
class Site:
    """A place where things stand; fixed by the topology, whoever serves."""

    name: str
    providers: tuple[str, ...]
    """Pulumi packages that make what stands there, for instance aws and kubernetes."""
    region: str = ""
    """As the cloud names it; "" where there is none."""


@dataclass(frozen=True)
class Ssh:
    """A way in: SSH as `user`, host key pinned, through `jump` (another host's name) if set."""

    address: str
    user: str
    host_key: str
    """One line, `ssh-ed25519 AAAA…`; empty means not known: the command then refuses and says how to pin it."""
    port: int = 22
    jump: str = ""
    kind: str = "ssh"


@dataclass(frozen=True)
class AzureRunCommand:
    """A way in without a login: Azure Run Command, with the operator's own identity."""

    subscription: str
    resource_group: str
    vm: str
    """Name of the virtual machine; "" while it does not exist."""
    kind: str = "azure-run-command"


@dataclass(frozen=True)
class Ssm:
    """A way in without a login: Systems Manager of one region, with the operator's own identity."""

    region: str
    instance: str
    """Id of the EC2 instance; "" while it does not exist."""
    kind: str = "ssm"


@dataclass(frozen=True)
class Pod:
    """A way in: a Job made from this CronJob, with other arguments."""

    context: str
    """kubectl context; "" is the operator's current one."""
    namespace: str
    cronjob: str
    kind: str = "pod"


Way = Ssh | AzureRunCommand | Ssm | Pod
W = TypeVar("W", Ssh, AzureRunCommand, Ssm, Pod)


@dataclass(frozen=True)
class Host:
    """Where programs of the guest run: a machine, or a cluster's Job. `roles` are guest roles: gateway, database,
    standby, backup."""

    name: str
    site: str
    address: str
    """Private IPv4 address inside its site; "" when nobody needs it."""
    roles: tuple[str, ...]
    way: Way
    bundle: str = ""
    """Stack output with the archive that the host's owners install; empty: `pulumi up` delivers its roles."""
    again: str = ""
    """Resource whose replacement delivers everything anew. Empty: the host fetches it by itself, or has a bundle."""
    status: str = ""
    """Where it writes its own status document, `azblob://ACCOUNT/CONTAINER/NAME` or `gs://BUCKET/NAME`; "" where it
    does not."""

    @property
    def exists(self) -> bool:
        """Whether this mode has it."""
        return not (isinstance(self.way, AzureRunCommand) and not self.way.vm) and not (
            isinstance(self.way, Ssm) and not self.way.instance
        )

    @property
    def delivery(self) -> str:
        """What brings this host its guest of the present version, as an instruction."""
        if not self.bundle:
            anew = (
                f"; to a host that was built anew, `pulumi up --replace '**::{self.again}'` does" if self.again else ""
            )
            return f"run `pulumi up`, which delivers it{anew}"
        return handed_over(self.name, self.bundle)


def handed_over(host: str, bundle: str) -> str:
    """What the owners of a host do with the stack output `bundle`, as an instruction."""
    return (
        f"its owners install it: `pulumi stack output {bundle} --show-secrets | base64 -d > {host}.tar.gz`, and on the "
        f"host `tar -xzf {host}.tar.gz && sudo ./install.sh`"
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
    detect_seconds: float
    """Computed dead-peer detection time."""


MYSQL_REPLICA = "mysql-replica"
"""A kind of flow: asynchronous, by GTIDs."""
POSTGRES_LOGICAL = "postgres-logical"
"""A kind of flow: PostgreSQL's own, by a publication, a slot and a subscription of one name."""

DMS = "dms"
"""A kind of flow: a task of AWS's Database Migration Service, whose ends take SQL only."""


@dataclass(frozen=True)
class Flow:
    """Data on their way from one database to another, all the time."""

    name: str
    engine: str
    """mysql or postgres."""
    kind: str
    """How they go: mysql-replica, postgres-logical, dms, aurora."""
    source: str
    target: str
    """Names of hosts, endpoints or databases; where `through` sees both ends, what people call them."""
    source_address: str = ""
    """Where the target finds the source."""
    source_port: int = 0
    heartbeat_table: str = ""
    """`schema.table` that the source writes each second."""
    resume_seconds: float = 0.0
    """Computed worst resume after the path returns, without the tunnel's share."""
    tolerated_outage_hours: float = 0.0
    """Longest outage that heals by itself, because the source keeps its logs for longer."""
    through: str = ""
    """Host that looks at both ends, and tells of it where its `status` is; "" when each end is asked itself."""
    look_seconds: float = 0.0
    """How often it looks, at the longest."""
    lag_alarm_seconds: float = 0.0
    """Rows that take longer are late; 0 where nobody said."""
    region: str = ""
    """Of AWS, where a task of DMS runs, which is called as the flow."""
    target_address: str = ""
    """Where that task finds the target, at `target_port`."""
    target_port: int = 0
    schemas: tuple[str, ...] = ()
    """Whose tables it carries; of MySQL databases."""


@dataclass(frozen=True)
class Route53Latch:
    """Steering: two objects whose presence moves every name to the away site. That site's data plane writes them."""

    stores: tuple[str, ...]
    """`azblob://ACCOUNT/CONTAINER/NAME`, one in each of two accounts and regions."""
    urls: tuple[str, ...]
    """The same objects as the health checks ask for them; 200 is set, 404 is not set."""
    kind: str = "route53-latch"


@dataclass(frozen=True)
class RecordSwitch:
    """Steering: a record that the operations write anew."""

    zone: str
    """Where its record is, for instance `route53://ZONE`."""
    kind: str = "record-switch"


@dataclass(frozen=True)
class Name:
    """A DNS name that users know, and what moves it from one site to the other."""

    fqdn: str
    stateful: bool
    """True: moves by its steering only. False: moves by health, too (a notice page)."""
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
    steering: Route53Latch | CloudflarePools | RecordSwitch


@dataclass(frozen=True)
class Backups:
    """Where complete backups are, and how old the newest may be."""

    store: str
    """`azblob://ACCOUNT/CONTAINER` or `gs://BUCKET`."""
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
class Endpoint:
    """A database that takes SQL only: nobody logs in where it runs."""

    name: str
    site: str
    engine: str
    """mysql or postgres."""
    address: str
    """Host name; "" while it does not exist."""
    port: int
    user: str
    password: str
    """Reference, never the secret: `azkv://VAULT/SECRET` or `secretsmanager://REGION/NAME`."""
    schema: str
    through: str
    """Name of the host from which it is asked; "" when a desk asks it itself."""
    authority: str = ""
    """PEM of the authority of its certificate; "" for one that everybody believes."""


@dataclass(frozen=True)
class Expected:
    """A step of a recovery as the estimate had it when this was published."""

    name: str
    kind: str
    """As the estimate calls it: detection, decision, creation, transfer, restore, promotion, start, dns, resume."""
    seconds: float | None
    """None: nobody knows."""
    basis: str
    source: str
    measured: str = ""
    """When, of a rate that was measured where the stack stands: ISO 8601."""
    backup_gib: float | None = None
    """Of a step that takes as long as the backup is large: for which size `seconds` is."""


@dataclass(frozen=True)
class Promise:
    """What drills and failovers are held against, and where their records go."""

    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    """None: nothing was promised."""
    evidence: str = ""
    """`s3://BUCKET/PREFIX`, `azblob://ACCOUNT/CONTAINER` or `file:///FOLDER`, outside both sites; "" each desk."""
    stamp_url: str = ""
    """Of the authority that stamps records with its time [RFC 3161]; "" none."""
    stamp_authorities: str = ""
    """PEM of whom its certificate must lead to."""
    ground: str = ""
    """Where the rates of `expected` were measured; "" nowhere: they are a vendor's, or assumed."""
    expected: tuple[Expected, ...] = ()
    """The longest way through a recovery in this mode, and how a cut link heals."""


@dataclass(frozen=True)
class Agent:
    """Who holds the gate of a site's database by the registers (ADR 65)."""

    site: str
    name: str
    """Of its Deployment."""
    namespace: str
    context: str
    """kubectl's; "" is the operator's current one."""
    status: str
    """What it knows, as `registers` are written."""


@dataclass(frozen=True)
class Entry:
    """What one component adds to the inventory."""

    hosts: tuple[Host, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    flows: tuple[Flow, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    names: tuple[Name, ...] = ()
    backups: Backups | None = None
    clusters: tuple[Cluster, ...] = ()
    workloads: tuple[Workload, ...] = ()
    vpns: tuple[CloudVpn, ...] = ()
    databases: tuple[CloudDatabase, ...] = ()
    agents: tuple[Agent, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """Everything `twinsite` reads about a stack."""

    topology: str
    dr_mode: str
    sites: tuple[Site, ...]
    home: str
    """Site where the data live in quiet times."""
    away: str
    """Site where they go."""
    active_site: str
    """Site that serves, as the stack was told; what moves users may say otherwise."""
    hosts: tuple[Host, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    flows: tuple[Flow, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    names: tuple[Name, ...] = ()
    backups: Backups | None = None
    clusters: tuple[Cluster, ...] = ()
    workloads: tuple[Workload, ...] = ()
    vpns: tuple[CloudVpn, ...] = ()
    databases: tuple[CloudDatabase, ...] = ()
    store: str = ""
    """Where journal, lock and a copy of this live, at the away site: `ssh://HOST/directory` (HOST is one of `hosts`),
    `azblob://ACCOUNT/CONTAINER` or `gs://BUCKET[/FOLDER]`."""
    registers: tuple[str, ...] = ()
    """Three places of one document each that say who may write (ADR 44): `s3://BUCKET/NAME`, `gs://BUCKET/NAME` or
    `azblob://ACCOUNT/CONTAINER/NAME`; none where nobody has given any."""
    register_regions: tuple[str, ...] = ()
    """Of registers at AWS, in their order; "", or none, is the home site's."""
    agents: tuple[Agent, ...] = ()
    promise: Promise = Promise()
    digest: str = ""
    """Hash of what was rendered for the machines; evidence is bound to it."""
    version: int = VERSION

    def host(self, name: str) -> Host:
        """The host called `name`; KeyError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def site(self, name: str) -> Site:
        """The site called `name`; KeyError when there is none."""
        for site in self.sites:
            if site.name == name:
                return site
        raise KeyError(name)

    def flows_of(self, kind: str) -> tuple[Flow, ...]:
        """Those of one kind."""
        return tuple(flow for flow in self.flows if flow.kind == kind)

    def with_role(self, role: str, site: str) -> Host | None:
        """The first host at `site` that has the role, whether it exists now or not."""
        return next((host for host in self.hosts if host.site == site and role in host.roles), None)

    def reached_by(self, kind: type[W]) -> dict[str, W]:
        """Name of each host that is reached in this way → the way."""
        return {host.name: host.way for host in self.hosts if isinstance(host.way, kind)}

    def register_region(self, place: str) -> str:
        """Where a register at AWS is asked."""
        told = dict(zip(self.registers, self.register_regions, strict=False))
        return told.get(place) or self.site(self.home).region

    @property
    def logins(self) -> tuple[Host, ...]:
        """Hosts that are logged in to."""
        return tuple(host for host in self.hosts if isinstance(host.way, Ssh))

    @property
    def latch(self) -> Route53Latch | None:
        """The latch that steers the names; None where nothing is steered by one."""
        return next((name.steering for name in self.names if isinstance(name.steering, Route53Latch)), None)


def together(about: Inventory, entries: Iterable[Entry]) -> Inventory:
    """`about` with what each component adds, in this order. ValueError when two of them name backups."""
    every = list(entries)
    backups = [entry.backups for entry in every if entry.backups is not None]
    if len(backups) > 1:
        raise ValueError(f"an inventory has one place of backups, and {len(backups)} components name one")
    return dataclasses.replace(
        about,
        hosts=tuple(host for entry in every for host in entry.hosts),
        tunnels=tuple(tunnel for entry in every for tunnel in entry.tunnels),
        flows=tuple(flow for entry in every for flow in entry.flows),
        endpoints=tuple(endpoint for entry in every for endpoint in entry.endpoints),
        names=tuple(name for entry in every for name in entry.names),
        backups=backups[0] if backups else None,
        clusters=tuple(cluster for entry in every for cluster in entry.clusters),
        workloads=(*about.workloads, *(workload for entry in every for workload in entry.workloads)),
        vpns=tuple(vpn for entry in every for vpn in entry.vpns),
        databases=tuple(database for entry in every for database in entry.databases),
        agents=tuple(agent for entry in every for agent in entry.agents),
    )


def to_dict(inventory: Inventory) -> dict[str, Any]:
    """Plain JSON types, as published by the stack output `inventory`."""
    result: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(inventory)))
    return result


def from_dict(data: dict[str, Any]) -> Inventory:
    """Inverse of to_dict; version 1 is converted. Unknown fields are ignored (a newer writer); ValueError names what is
    missing or wrong."""
    found = data.get("version")
    if found == inventory_v1.VERSION:
        data = inventory_v1.converted(data)
    elif found != VERSION:
        raise ValueError(
            f"inventory version {found!r}; this twinsite reads {inventory_v1.VERSION} and {VERSION}: run `pulumi up` "
            "again with it"
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
    if typing.get_origin(kind) is types.UnionType:
        return _one_of(typing.get_args(kind), value, where)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where}: expected a list, found {value!r}")
        return tuple(_read(typing.get_args(kind)[0], item, f"{where}[{at}]") for at, item in enumerate(value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise ValueError(f"{where}: expected {kind}, found {value!r}")
    return value


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """`something | None`, or classes that are told apart by their field `kind`."""
    if types.NoneType in kinds:
        return None if value is None else _read(kinds[0], value, where)
    tagged = {kind.kind: kind for kind in kinds}
    found = value.get("kind") if isinstance(value, dict) else None
    if found not in tagged:
        raise ValueError(
            f"{where}: kind {found!r}, and this twinsite has {', '.join(tagged)}: install a newer one, or run "
            "`pulumi up` with this one"
        )
    return _read(tagged[found], value, where)
