"""What the modes mean where the standby's data come from backups. Pure."""

from twinsite.modes import DrMode, StandbyData, keeps, problems

MODES = tuple(mode for mode in DrMode if not problems(mode, StandbyData.BACKUP))
"""Those that go with it, the lowest first."""


def serves(mode: str) -> bool:
    """Whether the application runs at the standby in this mode."""
    return keeps(DrMode(mode)).application


def serving_mode() -> str:
    """The lowest mode in which the standby serves: what a failover raises to."""
    return next(mode.value for mode in MODES if serves(mode.value))


def resting_mode() -> str:
    """The lowest mode: nothing runs at the standby."""
    return MODES[0].value
