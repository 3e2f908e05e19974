"""What an inventory may hold that a command needs. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from twinsite.inventory import DMS, MYSQL_REPLICA, POSTGRES_LOGICAL, Host, Inventory, Pod


@dataclass(frozen=True)
class Part:
    """In words, and where to look."""

    words: str
    held: Callable[[Inventory], object]


Needs = tuple[tuple[Part, ...], ...]
"""Groups of parts; of each group one is enough."""

TUNNEL = Part("tunnel between hosts", lambda found: found.tunnels)
REPLICA = Part("MySQL replica", lambda found: found.flows_of(MYSQL_REPLICA))
TASK = Part("DMS task", lambda found: found.flows_of(DMS))
NAMES = Part("names", lambda found: found.names)
LATCH = Part("latch", lambda found: found.latch)
BACKUPS = Part("backups", lambda found: found.backups)
STANDBY = Part("standby machine", lambda found: found.with_role("standby", found.away))

FOLLOWER = Part(
    "PostgreSQL replica with a job that moves its writer",
    lambda found: found.flows_of(POSTGRES_LOGICAL) and job_of(found) is not None,
)
CARRIED = Part(
    "DMS task with a job that sees both databases",
    lambda found: found.flows_of(DMS) and not found.flows_of(POSTGRES_LOGICAL) and job_of(found) is not None,
)
RESTORER = Part("job at the standby that restores backups", lambda found: restorer(found) is not None)
CLOUD_TUNNELS = Part("tunnels between AWS and Google", lambda found: any(one.tunnels for one in found.vpns))
BUCKET = Part("store of the away site", lambda found: found.store)


def job_of(inventory: Inventory) -> Host | None:
    """The host whose job sees both ends of the flow whose writer is moved."""
    through = {flow.through for kind in (POSTGRES_LOGICAL, DMS) for flow in inventory.flows_of(kind)}
    return next((one for one in inventory.hosts if one.name in through and isinstance(one.way, Pod)), None)


def restorer(inventory: Inventory) -> Host | None:
    """The host whose job restores a PostgreSQL's backups where the standby's database is."""
    found = inventory.with_role("archive", inventory.away)
    return found if found is not None and isinstance(found.way, Pod) else None


def lacking(needs: Needs, inventory: Inventory) -> list[str]:
    """What the inventory has not of what is needed, in words."""
    return [
        " or ".join(part.words for part in group) for group in needs if not any(part.held(inventory) for part in group)
    ]
