"""What a standby says of itself: pure parts. One is broken on a machine in tests/lab/test_standby_guest.py."""

import pytest

from operations.host_facts import Complaint
from operations.subjects.away_reader import parse_standby
from twinsite.guest.health import Problem
from twinsite.guest.standby import health

DATES = {"notBefore": "Nov  1 00:00:00 2026 GMT", "notAfter": "Jan 30 00:00:00 2027 GMT"}
BEGAN = 1793491200.0
DAY = 86400.0


@pytest.mark.parametrize(("days", "said"), [(0, False), (74, False), (76, True), (91, True)])
def test_a_certificate_is_named_when_a_sixth_of_its_life_is_left(days: float, said: bool) -> None:
    found = list(health.certificate(DATES, BEGAN + days * DAY))
    assert bool(found) is said
    assert [one.problem for one in found] == ["the origin's certificate ends on Jan 30 00:00:00 2027 GMT"] * said


@pytest.mark.parametrize(
    ("what", "step"),
    [
        ("unit nginx.service", "start"),
        ("file /etc/nginx/conf.d/twinsite.conf", "deploy"),
        ("artefact", "deploy"),
        ("schedule unit twinsite-backup.timer", "schedule"),
    ],
)
def test_apply_does_the_step_again_that_somebody_has_undone(
    what: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "units", lambda config: [Problem(what, "x", "y")])
    monkeypatch.setattr(health, "files", lambda config: [])
    assert health.undone(None) == {step}  # type: ignore[arg-type]


def test_the_desk_shows_what_the_standby_says_with_its_fix() -> None:
    told = [{"what": "artefact", "problem": "it is another one", "fix": "run this", "mends": ""}]
    assert parse_standby({"outcome": "ready", "problems": told}).complaints == (
        Complaint("artefact", "it is another one", "run this"),
    )
    assert parse_standby({"outcome": "ready"}).complaints == ()
