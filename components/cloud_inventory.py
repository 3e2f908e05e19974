"""What a stack has that the control plane of a cloud or a cluster answers for: part of the inventory (inventory.py),
which is where everybody imports it from. Nobody logs in to any of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CloudVpn:
    """Tunnels with BGP in each between the gateways of AWS and of Google: each cloud knows its own ends."""

    name: str
    aws_region: str
    connections: tuple[str, ...]
    """Ids at AWS; none while the mode has no tunnels."""
    project: str
    """Google's."""
    region: str
    """Google's."""
    router: str
    tunnels: tuple[str, ...]
    """Names at Google, of the tunnels and of their sessions; none while the mode has no tunnels."""
    inside_ranges: tuple[str, ...]
    """CIDR inside each of `tunnels`: by it AWS knows the same one."""


@dataclass(frozen=True)
class Setting:
    """A setting of a server, and the value that it must have."""

    name: str
    value: str


@dataclass(frozen=True)
class CloudDatabase:
    """A server that a cloud runs."""

    name: str
    """As the stack calls it."""
    project: str
    instance: str
    """Its name at the cloud; "" while it does not exist."""
    version: str
    """As the cloud names it, for instance POSTGRES_17."""
    availability: str
    """ZONAL or REGIONAL."""
    settings: tuple[Setting, ...]
    """With which statements mean the same as at the source, and data can come and go."""
    kind: str = "cloud-sql"


@dataclass(frozen=True)
class SitePool:
    """A pool of Cloudflare's, by its name there."""

    site: str
    """What it leads to: a site, or something that is none, like a notice."""
    name: str
    address: str = ""
    """Of its origin, which is asked there for the host of the site's URL; empty where nobody said."""


@dataclass(frozen=True)
class CloudflarePools:
    """Steering: a Cloudflare load balancer's ordered pools, one a site; the first that says it may write gets users."""

    account: str = ""
    zone: str = ""
    """Ids at Cloudflare; "" in an inventory from before they were published: then nobody asks."""
    pools: tuple[SitePool, ...] = ()
    """In their order; the last is the one that gets users when no site may write."""
    kind: str = "cloudflare-pools"


@dataclass(frozen=True)
class Cluster:
    """A Kubernetes cluster whose nodes a failover adds, by its cloud's control plane."""

    name: str
    site: str
    project: str
    region: str
    context: str
    """kubectl context, as that cloud's own tool calls it."""
    pool: str
    """The node pool that is operations' alone: `pulumi up` never changes its size."""
    serving_nodes: int
    """What it gets, a zone, while the site serves."""
    exists: bool
    """Whether this mode has it."""
    kind: str = "gke"


@dataclass(frozen=True)
class Workload:
    """The application's Deployment in one cluster."""

    name: str
    """Of the Deployment and its Service."""
    site: str
    context: str
    """kubectl context; "" is the operator's current one."""
    namespace: str
    role_config: str
    """ConfigMap whose ROLE (reader or writer) pods begin with; whoever moves the site flips it."""
    serving_replicas: int
    """What the Deployment has while the site serves."""
    exists: bool
    """Whether this mode has it."""
