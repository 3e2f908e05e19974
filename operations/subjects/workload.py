"""The home site's cluster, as this desk's kubectl sees it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twinsite.inventory import Pod

from .sources import Sources
from .subject import Subject, Trouble


@dataclass(frozen=True)
class WorkloadSeen(Trouble):
    """What makes backups at home."""

    place: str
    unseen: str
    """Why kubectl does not see it; empty when it does, or there is no kubectl here."""
    home: str

    def problems(self) -> Iterator[str]:
        # A wrong context looks like a dead cluster to `pulumi up`, which passes over it with a warning.
        if self.unseen:
            yield (
                f"kubectl does not see {self.place} ({self.unseen}): if {self.home} is not down, kubernetes:context is "
                "wrong, and each `pulumi up` passes over the cluster: `kubectl config get-contexts`, `pulumi config "
                "set kubernetes:context CONTEXT`"
            )


def read(sources: Sources) -> Sequence[Subject]:
    """One, where a cluster makes the backups."""
    there = sources.inventory
    host = there.with_role("backup", there.home)
    if host is None or not isinstance(host.way, Pod):
        return []
    place = f"CronJob {host.way.namespace}/{host.way.cronjob}"
    return [WorkloadSeen(place, sources.cluster(), there.home)]
