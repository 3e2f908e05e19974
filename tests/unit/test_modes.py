"""What each mode keeps at the standby site, in one place."""

from itertools import pairwise

import pytest

from twinsite.modes import DrMode, Keeps, StandbyData, keeps
from twinsite.rules import Refused

BACKUP, REPLICA = StandbyData.BACKUP, StandbyData.REPLICA


@pytest.mark.parametrize(
    ("mode", "data", "found"),
    [
        (DrMode.COLD, BACKUP, Keeps(BACKUP, database=False, application=False)),
        (DrMode.WARM, BACKUP, Keeps(BACKUP, database=True, application=True)),
        (DrMode.COLD, REPLICA, Keeps(BACKUP, database=False, application=False)),
        (DrMode.PILOT_LIGHT, REPLICA, Keeps(REPLICA, database=True, application=False)),
        (DrMode.WARM, REPLICA, Keeps(REPLICA, database=True, application=True)),
    ],
)
def test_a_mode_keeps_what_the_table_of_modes_says(mode: DrMode, data: StandbyData, found: Keeps) -> None:
    assert keeps(mode, data) == found


@pytest.mark.parametrize("data", StandbyData)
def test_a_higher_mode_only_adds(data: StandbyData) -> None:
    kept = [keeps(mode, data) for mode in DrMode if (mode, data) != (DrMode.PILOT_LIGHT, BACKUP)]
    for lower, higher in pairwise(kept):
        assert (lower.database, lower.application) < (higher.database, higher.application)


def test_a_pilot_light_of_backups_is_refused_with_both_ways_out() -> None:
    with pytest.raises(Refused) as refused:
        keeps(DrMode.PILOT_LIGHT, BACKUP)
    assert refused.value.problems == (
        "dr_mode pilot-light is a live replica's, and standby_data is backup: set dr_mode to cold or warm, or "
        "standby_data to replica",
    )
