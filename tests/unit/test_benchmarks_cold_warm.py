"""The time line of a cold → warm, from the machine's own log."""

from benchmarks.clinic import DOUBLINGS, VISITS_PER_MIB, grow
from benchmarks.cold_warm import _epoch, _log_line

LOG = """2026-11-21T15:50:10Z run begins, steps to do: client, restore, prove
2026-11-21T15:50:10Z client: begins
2026-11-21T15:50:10Z client: done in 0.02 s: already there
2026-11-21T15:50:10Z restore: begins
2026-11-21T15:50:12Z   {"event": "decided", "backup_id": "x", "decision": "begin"}
2026-11-21T15:50:14Z   {"event": "verified", "backup_id": "x", "bytes": 1}
2026-11-21T15:50:20Z   {"event": "loaded", "table": "visits", "rows": 1}
2026-11-21T15:50:30Z   {"event": "loaded", "table": "visits", "rows": 1}
2026-11-21T15:50:34Z   {"event": "keys", "table": "visits"}
2026-11-21T15:50:35Z   {"event": "proved", "table": "visits", "problem": ""}
2026-11-21T15:50:36Z restore: done in 25.90 s: backup x: 2 rows
2026-11-21T15:50:36Z prove: begins
2026-11-21T15:50:36Z   words of no step
2026-11-21T15:50:36Z prove: done in 0.10 s: every table
2026-11-21T15:50:36Z verdict: ready: serves backup x
"""


def test_steps_and_the_parts_of_the_restore_are_spans_after_the_beginning_of_the_update() -> None:
    assert _log_line(LOG, _epoch("2026-11-21T15:50:00Z")) == [
        "  10.0 s: the role begins",
        "  10.0 to   10.0 s: client",
        "  10.0 to   35.9 s: restore",
        "  restore: fetched and verified until 14.0 s",
        "  restore: rows in until 30.0 s",
        "  restore: keys built until 34.0 s",
        "  restore: every table proved until 35.0 s",
        "  36.0 to   36.1 s: prove",
    ]


def test_a_step_that_was_begun_twice_after_a_failure_is_told_from_its_last_beginning() -> None:
    log = (
        "2026-11-21T15:50:10Z deploy: begins\n2026-11-21T15:50:11Z deploy: failed in 1.0 s: no disk\n"
        "2026-11-21T15:50:20Z deploy: begins\n2026-11-21T15:50:22Z deploy: done in 2.00 s: put\n"
    )
    assert _log_line(log, _epoch("2026-11-21T15:50:00Z")) == ["  20.0 to   22.0 s: deploy"]


def test_the_clinic_grows_in_proportion_to_the_size_that_is_asked_for() -> None:
    script = grow("petclinic", 800)
    assert f"WHERE i < {VISITS_PER_MIB * 800 // 2**DOUBLINGS})" in script
    assert script.count("FROM visits;") == DOUBLINGS
