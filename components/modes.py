"""dr_mode: how much of the recovery site runs before a disaster, and what each mode keeps there (DESIGN section 4)."""

from dataclasses import dataclass
from enum import Enum

from . import rules


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
    """A live replica. In mode cold, which has none, backups."""


@dataclass(frozen=True)
class Keeps:
    """What a mode keeps at the standby site."""

    data: StandbyData
    """In which form the data are there."""
    database: bool
    """Whether the database runs."""
    application: bool
    """Whether the application runs."""


def problems(mode: DrMode, data: StandbyData) -> list[str]:
    """Refusals of the two together."""
    if (mode, data) != (DrMode.PILOT_LIGHT, StandbyData.BACKUP):
        return []
    return [
        f"dr_mode {mode.value} is a live replica's, and standby_data is {data.value}: set dr_mode to "
        f"{DrMode.COLD.value} or {DrMode.WARM.value}, or standby_data to {StandbyData.REPLICA.value}"
    ]


def keeps(mode: DrMode, data: StandbyData = StandbyData.BACKUP) -> Keeps:
    """The one place that says what runs in which mode. Refused with its problem when the two do not go together."""
    rules.require(f"dr_mode {mode.value}", problems(mode, data))
    return {
        DrMode.COLD: Keeps(StandbyData.BACKUP, database=False, application=False),
        DrMode.PILOT_LIGHT: Keeps(data, database=True, application=False),
        DrMode.WARM: Keeps(data, database=True, application=True),
    }[mode]
