"""The size of a GKE node pool, which is operations' alone (ADR 49): given, and waited for.

Google's control plane of the cluster's region does it. `nodeCount` is of each zone [GKE API, nodePools.setSize].
"""

import time
from collections.abc import Callable

from twinsite.inventory import Cluster

from . import google
from .steps import StepFailed
from .subjects import cloud_cluster

PAUSE_SECONDS = 3.0
_BUSY = ("CLUSTER_ALREADY_HAS_OPERATION", "FAILED_PRECONDITION", "failedPrecondition", "ABORTED")
"""Another operation runs on the cluster, and only one may: this one's turn comes."""
Say = Callable[[str], None]


def resize(known: Cluster, nodes: int, asked: google.Google, say: Say, seconds: float) -> int:
    """Have the pool at `nodes` a zone, and wait until they are there; how many there are then. StepFailed with what
    Google said last."""
    deadline = time.monotonic() + seconds
    told, last = False, "nothing"
    while time.monotonic() < deadline:
        try:
            if not told:
                told = _told(known, nodes, asked)
            pool = cloud_cluster.cluster(known, asked).pool(known.pool)
        except google.GoogleError as error:
            if error.status and error.status < 500 and not (error.status in (400, 409) and error.code in _BUSY):
                raise StepFailed(error.sentence) from None
            last = error.sentence
        else:
            if pool is None:
                raise StepFailed(f"cluster {known.name} has no pool {known.pool}: run `pulumi up --refresh`")
            wanted = nodes * max(1, pool.zones)
            if pool.nodes == wanted and not pool.coming and pool.status == cloud_cluster.RUNS[0]:
                return wanted
            last = f"{pool.nodes} of {wanted} nodes, {pool.coming} coming, {pool.status}"
        say(last)
        time.sleep(PAUSE_SECONDS)
    raise StepFailed(
        f"pool {known.pool} of cluster {known.name} is not at {nodes} nodes a zone after {seconds:g} s ({last}): the "
        f"zone may have no more machines, or the project no more quota: {cloud_cluster.resize(known, nodes)} says which"
    )


def _told(known: Cluster, nodes: int, asked: google.Google) -> bool:
    """One that has the size already is left alone: an operation more would be waited for by everybody."""
    pool = cloud_cluster.cluster(known, asked).pool(known.pool)
    if pool is not None and pool.nodes != nodes * max(1, pool.zones):
        place = f"projects/{known.project}/locations/{known.region}/clusters/{known.name}/nodePools/{known.pool}"
        asked.post("container", f"v1/{place}:setSize", {"nodeCount": nodes})
    return True
