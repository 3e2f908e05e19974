"""Quotas of a project and of a region, what counts against them, and how large a type of machine is, at Compute Engine.

[Compute Engine API v1: projects.get, regions.get, machineTypes.get, and the lists of networks, routers, gateways.] What
is used is counted in the records of `pulumi up`. Limits are the lab's, and a record LIMIT has others: each project's
are its own, and no account was compared. Nothing is refused here: `up` at Google would be, with QUOTA_EXCEEDED.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.services.google.calls import Call, Played
from lab.services.google.errors import Refusal
from lab.services.google.pools import POOL, Pools
from lab.services.google.rights import Records

LIMIT = "lab:google:quota"
"""Records: a metric → {"limit": number}. What its owner was given before `up`."""
LIMITS = {
    "NETWORKS": 5, "ROUTERS": 10, "VPN_GATEWAYS": 5, "EXTERNAL_VPN_GATEWAYS": 5, "VPN_TUNNELS": 10,
    "CPUS_ALL_REGIONS": 32, "CPUS": 24, "SSD_TOTAL_GB": 500,
}  # fmt: skip
OF_REGION = ("CPUS", "SSD_TOTAL_GB")
LISTED = {
    "networks": ("NETWORKS", "gcp:compute/network:Network"),
    "routers": ("ROUTERS", "gcp:compute/router:Router"),
    "vpnGateways": ("VPN_GATEWAYS", "gcp:compute/haVpnGateway:HaVpnGateway"),
    "externalVpnGateways": ("EXTERNAL_VPN_GATEWAYS", "gcp:compute/externalVpnGateway:ExternalVpnGateway"),
}
"""Collection → metric, and whose records are in it."""
TUNNELS = ("VPN_TUNNELS", "gcp:compute/vPNTunnel:VPNTunnel")
SIZES = {"e2-standard-2": (2, 8192), "e2-standard-4": (4, 16384), "e2-standard-8": (8, 32768)}
"""(vCPUs, MB) [Compute Engine, E2 machine types]."""
_PROJECT = r"/compute/v1/projects/(?P<project>[^/]+)"


@dataclass(frozen=True)
class Quotas:
    """Of every project: there is one."""

    records: Records
    pools: Pools

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        """As Service's."""
        here = _PROJECT + r"/regions/(?P<region>[^/]+)"
        lists: dict[tuple[str, str], tuple[str, Played]] = {
            ("GET", f"{place}/(?P<collection>{one})"): (f"compute.{one}.list", self._list)
            for one in LISTED
            for place in (_PROJECT + "/global", here)
        }
        return lists | {
            ("GET", _PROJECT): ("compute.projects.get", self._project),
            ("GET", here): ("compute.regions.get", self._region),
            ("GET", _PROJECT + r"/zones/(?P<zone>[^/]+)/machineTypes/(?P<type>[^/]+)"): (
                "compute.machineTypes.get", self._type,
            ),
        }  # fmt: skip

    def _project(self, call: Call) -> dict[str, Any]:
        told = [*(metric for metric, _ in LISTED.values()), TUNNELS[0], "CPUS_ALL_REGIONS"]
        return {"kind": "compute#project", "name": call.words["project"], "quotas": self._quotas(told)}

    def _region(self, call: Call) -> dict[str, Any]:
        return {"kind": "compute#region", "name": call.words["region"], "quotas": self._quotas(OF_REGION)}

    def _quotas(self, metrics: Iterable[str]) -> list[dict[str, Any]]:
        given = self.records(LIMIT)
        usage = self._usage()
        return [
            {"metric": one, "limit": float(given.get(one, {}).get("limit", LIMITS[one])), "usage": float(usage[one])}
            for one in metrics
        ]

    def _usage(self) -> dict[str, float]:
        counted = {metric: float(len(self.records(token))) for metric, token in (*LISTED.values(), TUNNELS)}
        nodes = list(self._nodes())
        cpus = float(sum(number * SIZES.get(kind, (0, 0))[0] for number, kind, _ in nodes))
        disks = float(sum(number * gib for number, _, gib in nodes))
        return {**counted, "CPUS": cpus, "CPUS_ALL_REGIONS": cpus, "SSD_TOTAL_GB": disks}

    def _nodes(self) -> Iterator[tuple[int, str, float]]:
        """(how many, type, GB of the disk of each) by pool."""
        for pool in self.pools.all():
            said = self.records(POOL)[pool.id].get("nodeConfig") or {}
            yield pool.running, str(said.get("machineType") or "e2-medium"), float(said.get("diskSizeGb") or 100)

    def _type(self, call: Call) -> dict[str, Any]:
        kind = call.words["type"]
        if kind not in SIZES:
            where = f"projects/{call.words['project']}/zones/{call.words['zone']}"
            raise Refusal(404, f"The resource '{where}/machineTypes/{kind}' was not found", "notFound")
        cpus, memory = SIZES[kind]
        return {"kind": "compute#machineType", "name": kind, "guestCpus": cpus, "memoryMb": memory}

    def _list(self, call: Call) -> dict[str, Any]:
        collection = call.words["collection"]
        found = self.records(LISTED[collection][1]).values()
        items = [{"name": one["name"]} for one in sorted(found, key=lambda one: str(one["name"]))]
        return {"kind": f"compute#{collection.removesuffix('s')}List", **({"items": items} if items else {})}
