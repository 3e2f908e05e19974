"""What a stack needs of its accounts before anything of it exists: what `twinsite doctor` asks for.

A topology writes it from its settings (stacks/), the doctor reads it (operations/doctor). Plain values, no secrets; an
empty text is a setting that is not made yet, and what depends on it cannot be asked.
"""

import json
import types
import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any


@dataclass(frozen=True)
class Machine:
    """A machine to be made."""

    role: str
    """For instance gateway."""
    size: str
    """EC2 type or Azure size."""
    image: str
    """AMI id, publisher:offer:sku:version, or an Azure image's resource id."""


@dataclass(frozen=True)
class DmsTask:
    """A task of AWS's DMS, with its instance."""

    name: str
    storage_gib: int
    makes_roles: bool
    """Whether the stack makes the two roles that an account has once."""


@dataclass(frozen=True)
class Aws:
    """Of an AWS account."""

    region: str
    profile: str = ""
    """aws:profile; empty takes boto3's own order."""
    zone: str = ""
    """Availability zone of the machines."""
    machines: tuple[Machine, ...] = ()
    addresses: int = 0
    """Elastic addresses."""
    vpcs: int = 0
    task: DmsTask | None = None


@dataclass(frozen=True)
class MySqlServer:
    """An Azure Database for MySQL flexible server."""

    size: str
    version: str
    """As Azure names the series, 8.4 or 8.0.21."""


@dataclass(frozen=True)
class Azure:
    """Of an Azure subscription."""

    subscription: str
    location: str
    other_locations: tuple[str, ...] = ()
    resource_group: str = ""
    machines: tuple[Machine, ...] = ()
    """Of the warmest mode that the topology offers: raising must not be the first to ask."""
    server: MySqlServer | None = None
    storage_accounts: tuple[str, ...] = ()
    vault: str = ""
    addresses: int = 0


@dataclass(frozen=True)
class Google:
    """Of a project of Google Cloud."""

    project: str
    region: str
    prefix: str = ""
    """With which the names of what is made begin: what is there already counts as made."""
    zones: tuple[str, ...] = ()
    """Of the nodes."""
    machine_type: str = ""
    nodes: int = 0
    """In all zones, when a failover has made the site serve: raising must not be the first to ask."""
    node_disk_gib: int = 0
    release_channel: str = ""
    database_version: str = ""
    """As Cloud SQL names it, for instance POSTGRES_17."""
    database_tier: str = ""
    database_flags: tuple[str, ...] = ()
    tunnels: int = 0


@dataclass(frozen=True)
class Cloudflare:
    """Of an account of Cloudflare's."""

    account: str
    zone: str
    fqdn: str
    plan: str
    """pro, business or enterprise, as the stack was told."""


@dataclass(frozen=True)
class Cluster:
    """A Kubernetes cluster that exists."""

    context: str
    """Of kubectl; empty takes the current one."""
    namespace: str
    issuer: str | None = ""
    """Its OIDC issuer, which the other cloud is told to believe; None where nobody is told."""
    setting: str = "kubernetes:context"
    """That says the context."""


@dataclass(frozen=True)
class Page:
    """A host that must show a certificate for `name`."""

    name: str
    address: str
    """Where it is asked; another name's, perhaps."""


@dataclass(frozen=True)
class DatabaseSettings:
    """By which settings a database is reached."""

    address: str
    user: str
    password: str
    """A secret one."""
    authority: str


@dataclass(frozen=True)
class Database:
    """A database that exists, as the backup's user reaches it over TLS."""

    address: str
    user: str
    schema: str
    settings: DatabaseSettings
    port: int = 3306
    version: str = ""
    """As the stack was told."""
    authority: str = ""
    """PEM; empty takes the system's."""


@dataclass(frozen=True)
class Home:
    """Where the stack's state is kept."""

    backend: str
    """URL; empty when nobody is logged in."""
    secrets_provider: str = ""


@dataclass(frozen=True)
class Needs:
    """Everything."""

    topology: str
    dr_mode: str
    home: Home
    aws: Aws | None = None
    azure: Azure | None = None
    cluster: Cluster | None = None
    names: bool = False
    """Whether users reach it by names that the topology moves."""
    domain: str = ""
    zone_id: str = ""
    """Route 53's hosted zone of the domain."""
    pages: tuple[Page, ...] = ()
    certificates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Setting with a PEM chain and key → the names that it must be for."""
    further_rights: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Who, deployer or operator → lists of rights beside theirs, by the files' names without topology and mode."""
    words: dict[str, str] = field(default_factory=dict)
    """What fills the <placeholders> of the files in policies/."""
    database: Database | None = None
    """The primary's, to which data come home."""
    google: Google | None = None
    cloudflare: Cloudflare | None = None


def to_json(needs: Needs) -> str:
    """One line."""
    return json.dumps(asdict(needs), sort_keys=True)


def from_json(text: str) -> Needs:
    """ValueError when it is not of this form."""
    try:
        found = _made(Needs, json.loads(text))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not what a stack needs: {error}") from None
    assert isinstance(found, Needs)
    return found


def _made(kind: Any, value: Any) -> Any:
    """`value` as JSON gave it, as the type says."""
    if isinstance(kind, types.UnionType):
        return (
            None if value is None else _made(next(one for one in typing.get_args(kind) if one is not type(None)), value)
        )
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        unknown = set(value) - {one.name for one in fields(kind)}
        if unknown:
            raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
        return kind(**{name: _made(hints[name], given) for name, given in value.items()})
    if typing.get_origin(kind) is tuple:
        return tuple(_made(typing.get_args(kind)[0], one) for one in value)
    if typing.get_origin(kind) is dict:
        return {name: _made(typing.get_args(kind)[1], one) for name, one in value.items()}
    return value
