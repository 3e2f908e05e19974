"""Refusals for a GKE cluster that stands by (FACTS K55), and how many nodes it has by mode. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..modes import DrMode, StandbyData, keeps
from . import twice_problems
from .addresses import Range, open_range_problems, overlap_problems, parse_range, protected_range_problems
from .intent import Intent

NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
ACCOUNT_LIMIT = 30
"""Characters of a service account's name; those of nodes and pods begin with the cluster's, which may have 40."""
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
MACHINE = re.compile(r"[a-z]+[0-9][a-z]*-[a-z]+(-[a-z0-9]+)*")
CHANNELS = ("STABLE", "REGULAR", "EXTENDED")
ZONES = 3
PODS_RANGE_A_NODE = 256
"""Each node gets a /24 for the 110 pods that it may have by default [GKE, VPC-native clusters]."""
SERVICES_PREFIX = 27
RESERVED = 4
"""Addresses of a subnet's first range that Google keeps."""
LEAST_DISK_GIB = 20
SURGE = 1
"""Nodes a zone that an upgrade adds for a while; they want addresses, too."""


@dataclass(frozen=True, kw_only=True)
class GkeStandbyIntent(Intent):
    """What a GkeStandby is meant to be."""

    dr_mode: str = DrMode.COLD.value
    site: str = ""
    project: str = ""
    cluster: str = ""
    region: str = ""
    zones: tuple[str, ...] = ()
    nodes_range: str = ""
    pods_range: str = ""
    services_range: str = ""
    operator_ranges: tuple[str, ...] = ()
    release_channel: str = "REGULAR"
    machine_type: str = "e2-standard-4"
    disk_gib: int = 50
    warm_nodes: int = 1
    serving_nodes: int = 2
    system_machine_type: str = ""
    """Empty: no pool of its own for the system's pods."""
    identities: dict[str, str] = field(default_factory=dict)
    site_is_active: bool = False

    @property
    def exists(self) -> bool:
        """Whether the mode has a cluster: beside a replica's database, from pilot-light on."""
        return keeps(DrMode(self.dr_mode), StandbyData.REPLICA).database

    @property
    def warm(self) -> bool:
        """Whether the mode keeps pods, and nodes for them."""
        return keeps(DrMode(self.dr_mode), StandbyData.REPLICA).application

    @property
    def system(self) -> bool:
        """Whether there is a node for the system's own pods and for jobs, as soon as there is a cluster."""
        return self.exists and bool(self.system_machine_type)

    @property
    def most_nodes(self) -> int:
        """Of the whole cluster while it serves and is upgraded."""
        system = 1 + SURGE if self.system_machine_type else 0
        return len(self.zones) * (self.warm_nodes + self.serving_nodes + 2 * SURGE) + system

    def problems(self) -> list[str]:
        """Why there must be no such cluster."""
        return [*_names(self), *_sizes(self), *_ranges(self), *_operators(self), *_identities(self)]


def _names(known: GkeStandbyIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"
    for name, example in (("site", "gcp"), ("region", "asia-northeast3")):
        if not getattr(known, name):
            yield f"{name} is empty: set it, like {example}"
    if not PROJECT.fullmatch(known.project):
        yield f"project {known.project!r} is no project's id: set what `gcloud projects list` says under PROJECT_ID"
    if not NAME.fullmatch(known.cluster) or len(f"{known.cluster}-nodes") > ACCOUNT_LIMIT:
        yield (
            f"cluster {known.cluster!r} cannot name a cluster and its nodes' account: use lower-case letters, digits "
            f"and -, a letter first, at most {ACCOUNT_LIMIT - len('-nodes')}"
        )
    if not 1 <= len(known.zones) <= ZONES:
        yield (
            f"zones has {len(known.zones)}, and numbers of nodes are a zone's: list 1 to {ZONES} of the region, like "
            f"{known.region or 'asia-northeast3'}-a"
        )
    yield from twice_problems("zones", known.zones)
    for zone in known.zones:
        if known.region and not re.fullmatch(rf"{re.escape(known.region)}-[a-z]", zone):
            yield f"zones has {zone}, which is not in {known.region}: list zones of region, like {known.region}-a"
    if known.release_channel not in CHANNELS:
        yield (
            f"release_channel {known.release_channel!r} brings versions that nobody waited for, or leaves the cluster "
            f"without repairs: set one of {', '.join(CHANNELS)}"
        )


def _sizes(known: GkeStandbyIntent) -> Iterator[str]:
    for field_, size in (("machine_type", known.machine_type), ("system_machine_type", known.system_machine_type)):
        if not MACHINE.fullmatch(size) and (size or field_ == "machine_type"):
            yield f"{field_} {size!r} is none of Google's: write it like e2-standard-4"
    if known.disk_gib < LEAST_DISK_GIB:
        yield f"disk_gib {known.disk_gib} has no room for images: set {LEAST_DISK_GIB} or more"
    if known.warm_nodes < 1:
        yield (
            f"warm_nodes is {known.warm_nodes}, and pods in warm have nowhere to run: set 1 or more a zone, or dr_mode "
            "to pilot-light"
        )
    if known.serving_nodes < 1:
        yield (
            f"serving_nodes is {known.serving_nodes}, so a failover would add no node to what warm has: set what the "
            "application needs to serve, a zone (K55)"
        )


def _ranges(known: GkeStandbyIntent) -> list[str]:
    problems: list[str] = []
    found: dict[str, Range] = {}
    for name in ("nodes_range", "pods_range", "services_range"):
        network = parse_range(name, getattr(known, name), problems)
        if network is not None:
            found[name] = network
            problems += protected_range_problems(name, network)
    problems += overlap_problems(found)
    most = known.most_nodes
    nodes, pods, services = (found.get(name) for name in ("nodes_range", "pods_range", "services_range"))
    if nodes is not None and nodes.num_addresses - RESERVED < most:
        problems.append(
            f"nodes_range {nodes} has room for {max(nodes.num_addresses - RESERVED, 0)} nodes, and {most} may run when "
            "the cluster serves and is upgraded: choose a wider one"
        )
    if pods is not None and pods.num_addresses // PODS_RANGE_A_NODE < most:
        problems.append(
            f"pods_range {pods} has room for {pods.num_addresses // PODS_RANGE_A_NODE} nodes, for each takes a /24 of "
            f"it, and {most} may run while the cluster serves and is upgraded: choose a wider one, for it is for life"
        )
    if services is not None and services.prefixlen > SERVICES_PREFIX:
        problems.append(
            f"services_range {services} is smaller than GKE takes: choose a /{SERVICES_PREFIX} or a wider one"
        )
    return problems


def _operators(known: GkeStandbyIntent) -> list[str]:
    if not known.operator_ranges:
        return [
            "operator_ranges is empty, so nobody reaches the cluster's API, and no failover adds pods there: list what "
            "operators and the runner of `pulumi up` come from"
        ]
    problems: list[str] = []
    for text in known.operator_ranges:
        network = parse_range("operator_ranges", text, problems)
        if network is not None:
            problems += open_range_problems("operator_ranges", network, "the cluster's API")
    return problems


def _identities(known: GkeStandbyIntent) -> Iterator[str]:
    for name, account in known.identities.items():
        if not NAME.fullmatch(name) or len(f"{known.cluster}-{name}") > ACCOUNT_LIMIT:
            yield (
                f"identities has {name!r}, and its account would be {known.cluster}-{name}: use lower-case letters, "
                f"digits and -, {ACCOUNT_LIMIT} in all"
            )
        if name == "nodes":
            yield "identities has nodes, which is the account of the nodes: choose another name"
        if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9.-]+", account):
            yield f"identities {name} is {account!r}: write it like NAMESPACE/SERVICE-ACCOUNT"
