"""What a standby's cluster at Google costs a month, and what a failover waits for there."""

from ..rules.gke import GkeStandbyIntent
from ..rules.workload import WorkloadIntent
from .figures import Basis, Item, Kind, step
from .prices import HOURS_PER_MONTH, Prices
from .rates import NOT_MEASURED

RESIZE_SECONDS = 120.0
"""A node from the call to being ready."""
CLUSTER_SECONDS = 600.0
PULL_SECONDS = 30.0
START_SECONDS = 20.0
JOB_SECONDS = 15.0
"""From a Job to its program's first line, the image being there."""
READY_SECONDS = 5.0
"""Up to one period of the readiness probe."""


def cluster(prices: Prices, known: GkeStandbyIntent) -> list[Item]:
    """A GkeStandby in its mode: nothing in cold, the control plane and the system's node in pilot-light, more nodes in
    warm. What NAT and the address of users cost by use is not in it."""
    if not known.exists:
        return []
    found = [prices.cost(f"cluster {known.cluster}", "gke/cluster", known.region, HOURS_PER_MONTH)]
    if known.system:
        kind = known.system_machine_type
        found += [
            prices.cost(f"node for the system {kind}", f"gce/{kind}", known.region, HOURS_PER_MONTH),
            prices.cost("system node's disk", "gce/pd-balanced", known.region, float(known.disk_gib)),
        ]
    nodes = len(known.zones) * known.warm_nodes if known.warm else 0
    if nodes:
        hours, gib = nodes * HOURS_PER_MONTH, float(nodes * known.disk_gib)
        words = f"{nodes} nodes"
        found += [
            prices.cost(f"nodes {known.machine_type}", f"gce/{known.machine_type}", known.region, hours, words),
            prices.cost("nodes' disks", "gce/pd-balanced", known.region, gib, words),
        ]
    return found


def made() -> Item:
    """From cold, the cluster comes first; in pilot-light and warm it is there."""
    return step("cluster is made", Kind.CREATION, CLUSTER_SECONDS, Basis.ASSUMPTION, NOT_MEASURED)


def nodes() -> Item:
    """Pool `serving` gets its nodes: Google's control plane of that region, and its stock."""
    return step("nodes are added", Kind.CREATION, RESIZE_SECONDS, Basis.ASSUMPTION, NOT_MEASURED)


def job(what: str, seconds: float, kind: Kind) -> Item:
    """A verb of the replication's job, in a pod of its own on the system's node."""
    words = f"a pod starts ({JOB_SECONDS:g} s), the verb takes {seconds:g} s; {NOT_MEASURED}"
    return step(what, kind, JOB_SECONDS + seconds, Basis.ASSUMPTION, words)


def writers() -> Item:
    """Pods begin anew with the role of a writer, one after the other."""
    seconds = 2 * (START_SECONDS + READY_SECONDS)
    return step(
        "pods begin as writers", Kind.RESUME, seconds, Basis.ASSUMPTION, f"two after each other; {NOT_MEASURED}"
    )


def pods(known: WorkloadIntent) -> Item:
    """The Deployment is scaled: images come, processes start, `/ready` answers."""
    seconds = PULL_SECONDS + START_SECONDS + READY_SECONDS
    words = f"image on a fresh node, start, one period of {known.definition.ready_path}; {NOT_MEASURED}"
    return step("pods are ready", Kind.START, seconds, Basis.ASSUMPTION, words)
