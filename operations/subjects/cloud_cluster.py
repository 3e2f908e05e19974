"""A GKE cluster, and the size of the node pool that is operations' alone: nobody else looks at it (ADR 49), and nodes
at a site that stands by cost.

A pool's size is what its instance groups are told to have; the pool's own `initialNodeCount` is that of its birth.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Cluster, Inventory

from .. import google
from .clouds import Asks, Unknown, World
from .sources import Sources, Unread
from .subject import Subject, line

RUNS = ("RUNNING", "RECONCILING")
_COMING = ("creating", "creatingWithoutRetries", "recreating")
_GROUP = re.compile(r"/(projects/[^/]+/zones/[^/]+/instanceGroupManagers/[^/?]+)")


@dataclass(frozen=True)
class Pool:
    """Nodes of one kind."""

    name: str
    status: str
    nodes: int
    """In all zones together."""
    zones: int
    coming: int = 0
    """Of `nodes`, those that Google tries to make, and may not have: it tries for as long as the size says."""


@dataclass(frozen=True)
class Found:
    """As Google describes it. `status` is "" when there is no such cluster."""

    status: str = ""
    conditions: tuple[str, ...] = ()
    """What Google says is wrong with it."""
    version: str = ""
    pools: tuple[Pool, ...] = ()

    def pool(self, name: str) -> Pool | None:
        return next((one for one in self.pools if one.name == name), None)


def cluster(known: Cluster, asked: google.Google) -> Found:
    """A call, and one more for each zone of each pool [GKE API, clusters.get; Compute, instanceGroupManagers.get]."""
    try:
        found = asked.get("container", f"v1/projects/{known.project}/locations/{known.region}/clusters/{known.name}")
    except google.GoogleError as error:
        if error.status == 404:
            return Found()
        raise
    return Found(
        status=str(found.get("status") or "UNKNOWN"),
        conditions=tuple(str(one["message"]) for one in found.get("conditions") or () if one.get("message")),
        version=str(found.get("currentMasterVersion") or ""),
        pools=tuple(_pool(one, asked) for one in found.get("nodePools") or ()),
    )


def _pool(found: Mapping[str, Any], asked: google.Google) -> Pool:
    groups = [one[1] for url in found.get("instanceGroupUrls") or () if (one := _GROUP.search(str(url)))]
    known = [asked.get("compute", f"compute/v1/{group}") for group in groups]
    nodes = sum(int(one.get("targetSize") or 0) for one in known)
    coming = sum(int((one.get("currentActions") or {}).get(what) or 0) for one in known for what in _COMING)
    return Pool(str(found["name"]), str(found.get("status") or "UNKNOWN"), nodes, len(groups), coming)


@dataclass(frozen=True)
class ClusterSeen:
    """One cluster."""

    cluster: Cluster
    found: Found | Unknown
    active_site: str
    """Where users are, or where the stack was told that they are."""
    told: bool
    """Whether that is only what the stack was told."""

    def problems(self) -> Iterator[str]:
        known, found = self.cluster, self.found
        if isinstance(found, Unknown):
            yield f"cluster {known.name}: how it is, and how many nodes it has, is not known ({found})"
            return
        if not found.status:
            yield f"cluster {known.name}: Google has no such cluster: run `pulumi up --refresh`, which makes it"
            return
        if found.status not in RUNS or found.conditions:
            why = f" ({'; '.join(found.conditions)})" if found.conditions else ""
            yield (
                f"cluster {known.name} is {found.status}{why}: `gcloud container operations list --region "
                f"{known.region}` says what Google does with it"
            )
        pool = found.pool(known.pool)
        if pool is None:
            yield (
                f"cluster {known.name} has no pool {known.pool}, which a failover gives its nodes: run `pulumi up "
                "--refresh`, which makes it"
            )
            return
        yield from self._size(pool)
        for one in found.pools:
            if one.coming:
                yield (
                    f"pool {one.name} of cluster {known.name} is told to have {one.nodes} nodes and {one.coming} of "
                    "them are not there yet: ask again in some minutes; if it stays so, the zone may have no more "
                    f"machines or the project no more quota: `gcloud compute operations list --project {known.project} "
                    "--filter operationType=insert` says which"
                )
            if one.status not in RUNS:
                yield (
                    f"pool {one.name} of cluster {known.name} is {one.status}: `gcloud container node-pools describe "
                    f"{one.name} --cluster {known.name} --region {known.region}` says why"
                )

    def _size(self, pool: Pool) -> Iterator[str]:
        known = self.cluster
        wanted = known.serving_nodes * max(1, pool.zones)
        where = "by the stack's setting, as nobody sees where the name leads" if self.told else "users are there"
        if self.active_site == known.site and pool.nodes < wanted:
            yield (
                f"pool {pool.name} of cluster {known.name} has {pool.nodes} of {wanted} nodes, and {known.site} "
                f"serves ({where}): {resize(known, known.serving_nodes)}"
            )
        elif self.active_site != known.site and pool.nodes:
            yield (
                f"pool {pool.name} of cluster {known.name} has {pool.nodes} nodes, and {known.site} stands by: they "
                f"cost, and no `pulumi up` takes them away; if no failover is under way, {resize(known, 0)}"
            )

    def _values(self) -> dict[str, Any]:
        found = self.found
        known = None if isinstance(found, Unknown) else found
        return {
            "name": self.cluster.name,
            "site": self.cluster.site,
            "status": (known.status or "absent") if known else None,
            "version": known.version if known and known.status else None,
            "pools": [{"name": one.name, "nodes": one.nodes} for one in known.pools] if known else None,
        }

    def shown(self) -> Mapping[str, Any]:
        return {"clusters": [self._values()]}

    def lines(self) -> Iterator[str]:
        found = self._values()
        pools = "".join(f", {one['name']} {one['nodes']} nodes" for one in found["pools"] or ())
        yield line("cluster", found["name"], f"{found['status'] or 'unknown'}{pools}")


def resize(known: Cluster, nodes: int) -> str:
    """The command that does it; `nodes` a zone."""
    return (
        f"`gcloud container clusters resize {known.name} --node-pool={known.pool} --num-nodes={nodes} "
        f"--region={known.region} --project={known.project} --quiet`"
    )


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each that the mode has."""
    return {
        ("cluster", one.name): lambda one=one: cluster(one, world.google)  # type: ignore[misc]
        for one in inventory.clusters
        if one.exists
    }


def read(sources: Sources) -> Sequence[Subject]:
    """One each, where the mode has it."""
    there = [one for one in sources.inventory.clusters if one.exists]
    if not there:
        return []
    seen = _users(sources)
    active = seen or sources.inventory.active_site
    return [ClusterSeen(one, sources.clouds()(("cluster", one.name)), active, not seen) for one in there]


def _users(sources: Sources) -> str:
    """The site that the application's name leads to; "" when that is not known."""
    if not sources.inventory.names:
        return ""
    try:
        facts = sources.away("names")
    except Unread:
        return ""
    both = zip(facts.inventory.names, facts.names, strict=True)
    return next((seen.site() for name, seen in both if name.stateful), "")
