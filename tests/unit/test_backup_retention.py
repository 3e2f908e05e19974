"""Old backups: what goes after a new one is complete, in which order, and what a failed deletion means."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.backup import config, manifest, retention, store
from twinsite.guest.backup.manifest import Found
from twinsite.guest.errors import Failed, Refused

from .test_backup_store import made

TODAY = datetime.datetime(2026, 11, 21, 3, 0, tzinfo=datetime.UTC)


def backup_id(days_ago: float, number: int = 0) -> str:
    return f"{TODAY - datetime.timedelta(days=days_ago):%Y%m%dT%H%M%SZ}-{number:08x}"


def one(days_ago: float, complete: bool = True, scheduled: bool = True, number: int = 0) -> Found:
    moment = manifest.stamp(TODAY - datetime.timedelta(days=days_ago))
    said = {"began": moment, "scheduled": scheduled}
    return Found(backup_id(days_ago, number), said if complete else None, () if complete else ("half",))


def gone(found: list[Found], keep_days: int = 35) -> list[float]:
    """Ages of what goes."""
    newest = max((entry for entry in found if entry.complete), key=manifest.began)
    outdated = retention.outdated(found, newest.backup_id, keep_days)
    return [(TODAY - manifest.made_at(entry.backup_id)) / datetime.timedelta(days=1) for entry in outdated]


def test_a_daily_job_keeps_its_days_and_deletes_the_oldest_first() -> None:
    assert gone([one(age) for age in range(40)]) == [39, 38, 37, 36]


def test_the_first_backup_after_a_long_silence_leaves_the_seven_newest() -> None:
    assert gone([one(0), *(one(age) for age in range(100, 120))]) == [*range(119, 105, -1)]


def test_nothing_goes_before_a_new_backup_is_complete() -> None:
    old = [one(age) for age in range(50, 90)]
    with pytest.raises(Refused, match=r"does not show backup .* as complete"):
        retention.outdated([*old, one(0, complete=False)], backup_id(0), 35)


def test_half_backups_and_manual_ones_go_by_the_same_days() -> None:
    young = [one(age) for age in range(8)]
    assert gone([*young, one(34, False), one(36, False), one(34, True, False), one(37, True, False)]) == [37, 36]


def test_manual_ones_never_push_the_last_scheduled_one_out() -> None:
    assert gone([*(one(age, scheduled=False) for age in range(9)), one(60), one(61)]) == [61]


def test_a_name_that_no_run_gave_is_left_alone() -> None:
    strange = Found("99999999T999999Z-00000000", None, ("half",))
    assert retention.outdated([one(0), strange], backup_id(0), 7) == []


def settings(folder: Path, keep_days: int = 35) -> config.Config:
    told = {"store": f"file://{folder}", "schema": "app", "database": {"address": "d", "user": "u"}}
    return config.parse({**told, "keep_days": keep_days})


def filled(folder: Path, ages: range) -> store.FolderStore:
    place = store.FolderStore(str(folder))
    for age in ages:
        about = made(backup_id(age), 0) | {"began": manifest.stamp(TODAY - datetime.timedelta(days=age))}
        for part in manifest.blobs(about):
            place.put(manifest.path(about["id"], part["blob"]), b"x" * part["bytes"])
        place.put(manifest.path(about["id"]), json.dumps(about).encode())
    return place


def ids(place: store.FolderStore) -> list[str]:
    return manifest.ids(list(place.sizes(manifest.ROOT)))


def test_a_scheduled_run_deletes_and_one_by_hand_does_not(tmp_path: Path) -> None:
    place = filled(tmp_path, range(38))
    about: dict[str, Any] = {"id": backup_id(0), "scheduled": False}
    assert retention.told(settings(tmp_path), place, about, lambda event: None) == {"outdated": []}
    assert len(ids(place)) == 38
    said: list[dict[str, Any]] = []
    found = retention.told(settings(tmp_path), place, about | {"scheduled": True}, said.append)
    assert found == {"outdated": [backup_id(37), backup_id(36)]}
    assert [event["backup_id"] for event in said] == found["outdated"]
    assert ids(place) == sorted(backup_id(age) for age in range(36))
    assert not (tmp_path / "backups" / backup_id(37)).exists()


def test_without_keep_days_nothing_is_ever_deleted(tmp_path: Path) -> None:
    place = filled(tmp_path, range(60))
    about = {"id": backup_id(0), "scheduled": True}
    assert retention.told(settings(tmp_path, 0), place, about, lambda event: None) == {"outdated": []}
    assert len(ids(place)) == 60


class Breaking(store.FolderStore):
    """Deletes `left` parts and then no more."""

    left = 1

    def delete(self, name: str) -> None:
        if not self.left:
            raise Failed("HTTP 403: assign the role 'Storage Blob Data Contributor'")
        self.left -= 1
        super().delete(name)


def test_broken_off_amid_a_backup_what_is_left_is_no_backup_and_goes_with_the_next_run(tmp_path: Path) -> None:
    filled(tmp_path, range(37))
    place, about = Breaking(str(tmp_path)), {"id": backup_id(0), "scheduled": True}
    found = retention.told(settings(tmp_path), place, about, lambda event: None)
    assert found["outdated"] == []
    assert "assign the role 'Storage Blob Data Contributor'" in found["outdated_problem"]
    (half,) = [entry for entry in store.read_all(place) if entry.backup_id == backup_id(36)]
    assert half.manifest is None
    place.left = 99
    assert retention.told(settings(tmp_path), place, about, lambda event: None) == {"outdated": [backup_id(36)]}
