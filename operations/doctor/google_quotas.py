"""Google's quotas: what is left against what is still to be made. What has the stack's names counts as made."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from twinsite.needs import Google as GoogleNeeds

from ..google import Google, GoogleError, items
from ..unanswered import CouldNotAsk
from .answers import Finding, all_of, needs_setting
from .quotas import Room, enough

FAMILIES = {
    "c2": "C2_CPUS", "c2d": "C2D_CPUS", "c3": "C3_CPUS", "e2": "CPUS", "m1": "M1_CPUS", "n1": "CPUS", "n2": "N2_CPUS",
    "n2d": "N2D_CPUS", "t2d": "T2D_CPUS",
}  # fmt: skip
"""Family of machines → metric of the region's quota [Compute Engine API, regions.get]; newer ones are in another."""
PARTS = (
    ("NETWORKS", "global/networks", 1),
    ("ROUTERS", "regions/{region}/routers", 2),
    ("VPN_GATEWAYS", "regions/{region}/vpnGateways", 1),
    ("EXTERNAL_VPN_GATEWAYS", "global/externalVpnGateways", 1),
    ("VPN_TUNNELS", "regions/{region}/vpnTunnels", 4),
)
"""Metric of the project → where such things are, and how many the stack has."""


def _project(needs: GoogleNeeds) -> str:
    return f"compute/v1/projects/{needs_setting(needs.project, 'gcp:project')}"


def metrics(found: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Metric → (limit, usage). Pure."""
    return {str(one["metric"]): (float(one["limit"]), float(one["usage"])) for one in found.get("quotas") or []}


def nodes(google: Google, needs: GoogleNeeds) -> Finding:
    """CPUs and disks of the nodes, in the region and in all regions together."""
    family = needs_setting(needs.machine_type, "machine_type").partition("-")[0]
    if family not in FAMILIES:
        raise CouldNotAsk(
            f"{needs.machine_type} counts against a quota that is not asked here",
            "look it up in the console, IAM and admin, Quotas",
        )
    scope = _project(needs)
    kind = google.get("compute", f"{scope}/zones/{needs.zones[0]}/machineTypes/{needs.machine_type}")
    region = metrics(google.get("compute", f"{scope}/regions/{needs.region}"))
    everywhere = metrics(google.get("compute", scope))
    missing = max(0, needs.nodes - _there(google, needs))
    return node_rooms(region, everywhere, int(kind["guestCpus"]), missing, family, needs)


def _there(google: Google, needs: GoogleNeeds) -> int:
    """Nodes that the cluster has."""
    path = f"v1/projects/{needs.project}/locations/{needs.region}/clusters/{needs.prefix}"
    try:
        return int(google.get("container", path).get("currentNodeCount") or 0)
    except GoogleError as error:
        if error.status == 404:
            return 0
        raise


def node_rooms(
    region: Mapping[str, tuple[float, float]],
    everywhere: Mapping[str, tuple[float, float]],
    cpus: int,
    missing: int,
    family: str,
    needs: GoogleNeeds,
) -> Finding:
    """Pure."""
    wanted = (
        (region, FAMILIES[family], f"{FAMILIES[family]} of {needs.region}", cpus * missing),
        (region, "SSD_TOTAL_GB", f"SSD_TOTAL_GB of {needs.region}", needs.node_disk_gib * missing),
        (everywhere, "CPUS_ALL_REGIONS", "CPUS_ALL_REGIONS", cpus * missing),
    )
    rooms = [
        Room(what, *listed[metric], more)
        for listed, metric, what, more in wanted
        # Not every project has a quota over all regions.
        if metric in listed
    ]
    return _all(rooms, "nodes")


def parts(google: Google, needs: GoogleNeeds) -> Finding:
    """Networks, routers, gateways, tunnels."""
    scope = _project(needs)
    known = metrics(google.get("compute", scope))
    rooms = []
    for metric, path, count in PARTS:
        if metric in known:
            listed = items(google, "compute", f"{scope}/{path.format(region=needs.region)}", "items")
            rooms.append(Room(metric, *known[metric], max(0, count - _ours(listed, needs.prefix))))
    return _all(rooms, "network")


def _ours(listed: Iterable[Mapping[str, Any]], prefix: str) -> int:
    pattern = re.compile(rf"{re.escape(prefix)}(-.+)?")
    return sum(pattern.fullmatch(str(one.get("name"))) is not None for one in listed)


def _all(rooms: list[Room], what: str) -> Finding:
    if not rooms:
        raise CouldNotAsk(f"Google lists no quota of the {what}", "look it up in the console, IAM and admin, Quotas")
    fix = "the console, IAM and admin, Quotas: ask for more; it takes minutes to days"
    return all_of([enough(room, fix) for room in rooms])
