"""Sizes of GKE's node pools: what they were made with, until somebody resizes them.

Here: a size is kept beside its pool's record, under SIZE, where whoever makes nodes reads it (`sizes`). Not here: the
APIs that tell of it (clusters.py, compute.py), nodes (the scene, which says how many run).
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.services.google.rights import Records

CLUSTER = "gcp:container/cluster:Cluster"
POOL = "gcp:container/nodePool:NodePool"
SIZE = "lab:google:poolSize"
"""Records: the pool's id → {"nodes": of each zone, "over": what its record said then}."""

Put = Callable[[str, str, Any], None]
Running = Callable[[str], int | None]
"""A pool's id → how many of its nodes run, in all zones; None where nobody runs nodes: they are as many as told."""


@dataclass(frozen=True)
class Pool:
    """One."""

    id: str
    name: str
    cluster: str
    """Its id."""
    project: str
    location: str
    zones: tuple[str, ...]
    nodes: int
    """Of each zone."""
    running: int
    """In all zones."""

    @property
    def told(self) -> int:
        """How many there are to be, in all zones."""
        return self.nodes * len(self.zones)

    @property
    def settled(self) -> bool:
        return self.running == self.told

    def group(self, zone: str) -> str:
        """Name of its instance group in a zone."""
        cluster = self.cluster.rpartition("/")[2]
        return f"gke-{cluster}-{self.name}-{zlib.crc32(f'{self.id} {zone}'.encode()):08x}-grp"

    def running_in(self, zone: str) -> int:
        """How many run there, spread evenly."""
        share, more = divmod(self.running, len(self.zones))
        return share + (self.zones.index(zone) < more)


class Pools:
    """Of all clusters."""

    def __init__(self, records: Records, put: Put, running: Running = lambda pool: None) -> None:
        self._records, self._put, self._running = records, put, running

    def clusters(self) -> Mapping[str, Mapping[str, Any]]:
        """By id."""
        return self._records(CLUSTER)

    def all(self, cluster: str = "") -> Iterator[Pool]:
        """Of one cluster (its id), or of all."""
        for identity, record in sorted(self._records(POOL).items()):
            owner = identity.partition("/nodePools/")[0]
            there = self.clusters().get(owner)
            if there is not None and cluster in ("", owner):
                yield self._pool(identity, owner, record, there)

    def find(self, identity: str) -> Pool | None:
        return next((one for one in self.all() if one.id == identity), None)

    def record(self, identity: str) -> Mapping[str, Any]:
        return self._records(POOL)[identity]

    def sizes(self) -> dict[str, int]:
        """Nodes that each pool is to have, in all zones, by its id."""
        return {one.id: one.told for one in self.all()}

    def resize(self, pool: Pool, nodes: int) -> None:
        """`nodes` of each zone, until the program says another size."""
        self._put(SIZE, pool.id, {"nodes": nodes, "over": _made(self.record(pool.id))})

    def _pool(self, identity: str, owner: str, record: Mapping[str, Any], cluster: Mapping[str, Any]) -> Pool:
        kept = self._records(SIZE).get(identity)
        nodes = int(kept["nodes"]) if kept and kept["over"] == _made(record) else _made(record)
        location = str(cluster.get("location"))
        zones = tuple(record.get("nodeLocations") or cluster.get("nodeLocations") or [f"{location}-a"])
        running = self._running(identity)
        return Pool(
            id=identity,
            name=str(record["name"]),
            cluster=owner,
            project=owner.split("/")[1],
            location=location,
            zones=zones,
            nodes=nodes,
            running=nodes * len(zones) if running is None else running,
        )


def _made(record: Mapping[str, Any]) -> int:
    """Of each zone."""
    said = record.get("nodeCount")
    return int(record.get("initialNodeCount") or 0) if said is None else int(said)
