"""dr_mode: how much of the recovery site runs before a disaster (DESIGN section 4)."""

from enum import Enum


class DrMode(str, Enum):
    """Ordered: each mode only adds to the one before it."""

    COLD = "cold"
    """Backups only; nothing runs at the standby site."""

    PILOT_LIGHT = "pilot-light"
    """The standby database runs and replicates; the application does not."""

    WARM = "warm"
    """Database and a reduced application run and are health-checked."""


class StandbyData(str, Enum):
    """Where the standby's data comes from."""

    BACKUP = "backup"
    """From the newest complete backup, restored when the mode rises."""

    REPLICA = "replica"
    """A live replica. Comes in a later version."""
