"""Whose history a backup is of: what the writer's document says, what the manifest then says, and what is chosen."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.backup import branch, command, config, manifest, retention, store, writer
from twinsite.guest.backup.manifest import Found
from twinsite.guest.backup.writer import Unknown, Writer
from twinsite.guest.errors import Refused

NOON = datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.UTC)
HOME = config.WriterPlace("file:///unused", "aws", "aws")
AWAY = config.WriterPlace("file:///unused", "azure", "aws")


def settings(folder: Path, site: str = "aws") -> config.Config:
    told = {"store": f"file://{folder}/backups", "schema": "app", "database": {"address": "d", "user": "u"}}
    return config.parse({**told, "writer": {"store": f"file://{folder}/operations", "site": site, "home": "aws"}})


def say(folder: Path, content: str) -> None:
    (folder / "operations").mkdir(exist_ok=True)
    (folder / "operations" / "writer.json").write_text(content)


def at(hour: float, said: dict[str, Any] | None = None, scheduled: bool = True, complete: bool = True) -> Found:
    """A backup that began so many hours after noon; `said` is its branch, None one from before there were epochs."""
    moment = NOON + datetime.timedelta(hours=hour)
    about: dict[str, Any] = {"began": manifest.stamp(moment), "scheduled": scheduled}
    about |= {} if said is None else {"branch": said}
    return Found(f"{moment:%Y%m%dT%H%M%SZ}-{int(hour * 60) % 2**32:08x}", about, () if complete else ("half",))


def of(site: str, epoch: int, writer_then: str = "") -> dict[str, Any]:
    return {"site": site, "epoch": epoch, "writer": writer_then or site}


UNKNOWN = {"site": "aws", "unknown": "the writer changed meanwhile"}


def test_without_a_document_home_is_the_writer_in_epoch_0(tmp_path: Path) -> None:
    (tmp_path / "operations").mkdir()
    assert writer.read(settings(tmp_path)) == Writer("aws", 0)
    say(tmp_path, json.dumps({"site": "azure", "epoch": 3, "since": "2026-11-28T12:00:00Z"}))
    assert writer.read(settings(tmp_path)) == Writer("azure", 3)


def test_a_configuration_without_a_place_for_it_knows_no_branch(tmp_path: Path) -> None:
    told = {"store": f"file://{tmp_path}", "schema": "app", "database": {"address": "d", "user": "u"}}
    assert writer.read(config.parse(told)) is None
    assert writer.between(None, None, None) == {}


@pytest.mark.parametrize(
    "content", ["", "[]", '{"site": "aws"}', '{"site": "", "epoch": 1}', '{"site": "a", "epoch": true}']
)
def test_a_document_that_cannot_be_understood_is_not_taken_for_none(tmp_path: Path, content: str) -> None:
    say(tmp_path, content)
    found = writer.read(settings(tmp_path))
    assert isinstance(found, Unknown) and "writer.json cannot be read" in found.why


def test_a_store_that_is_not_there_is_not_taken_for_one_without_a_document(tmp_path: Path) -> None:
    found = writer.read(settings(tmp_path))
    assert isinstance(found, Unknown) and "is not there: make the folder or mount it" in found.why


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"store": "s3://x/y", "site": "aws", "home": "aws"}, r"writer\.store is 's3://x/y'"),
        ({"store": "file:///x", "site": "aws"}, "give store, site and home, or leave it out"),
        ("aws", "give store, site and home, or leave it out"),
    ],
)
def test_a_place_of_the_writer_that_is_not_whole_is_refused(told: Any, words: str) -> None:
    with pytest.raises(Refused, match=words):
        config.parse({"store": "file:///b", "schema": "a", "database": {"address": "d", "user": "u"}, "writer": told})


def test_the_branch_is_what_was_read_before_and_after() -> None:
    assert writer.between(HOME, Writer("aws", 2), Writer("aws", 2)) == {"branch": of("aws", 2)}
    assert writer.between(HOME, Writer("azure", 3), Writer("azure", 3)) == {"branch": of("aws", 3, "azure")}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (Writer("aws", 0), Writer("azure", 1), "from aws (epoch 0) to azure (epoch 1)"),
        (Writer("aws", 0), Writer("aws", 2), "from aws (epoch 0) to aws (epoch 2)"),
        (Unknown("403"), Writer("aws", 0), "403"),
        (Writer("aws", 0), Unknown("timed out"), "timed out"),
    ],
)
def test_where_it_changed_or_could_not_be_read_the_branch_is_unknown(before: Any, after: Any, why: str) -> None:
    said = writer.between(HOME, before, after)
    assert why in said["branch"]["unknown"]
    assert branch.of(said).epoch is None and not branch.of(said).held
    assert why in branch.of(said).words


def test_a_standby_that_does_not_serve_rests_and_home_never_does() -> None:
    assert "azure came out of a backup" in writer.stands_by(AWAY, Writer("aws", 2))
    assert writer.stands_by(AWAY, Writer("azure", 1)) == ""
    assert writer.stands_by(AWAY, Unknown("403")) == "", "better one of an unknown branch than none"
    assert writer.stands_by(HOME, Writer("azure", 1)) == ""
    assert writer.stands_by(None, None) == ""


def test_the_run_of_a_resting_standby_ends_well_and_by_hand_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "operations").mkdir()
    told = {
        "store": f"file://{tmp_path}",
        "schema": "app",
        "database": {"address": "127.0.0.1", "port": 1, "user": "u"},
    }
    told["writer"] = {"store": f"file://{tmp_path}/operations", "site": "azure", "home": "aws"}
    for name, text in (("backup.json", told), ("secrets.json", {"password": "p"})):
        (tmp_path / name).write_text(json.dumps(text))
    words = ["--config", str(tmp_path / "backup.json"), "--secrets", str(tmp_path / "secrets.json")]
    assert command.main(["run", *words]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "stands by"
    assert command.main(["run", "--planned", *words]) != 0, "it tried: there is no server"


def test_the_newest_is_of_the_highest_epoch_and_in_it_the_latest() -> None:
    first, older, newer = at(0), at(1, of("azure", 1)), at(2, of("azure", 1))
    stale = at(9, of("aws", 1, "azure"))
    late = at(8, of("aws", 0))
    for which in ("latest", "latest-scheduled"):
        assert manifest.choose([late, newer, stale, first, older, at(7, UNKNOWN)], which) is newer


def test_a_manifest_without_a_branch_is_of_epoch_0() -> None:
    assert manifest.choose([at(0), at(2), at(1, of("aws", 0))], "latest").backup_id == at(2).backup_id
    assert branch.of({}).name == branch.of({"branch": of("aws", 0)}).name


def test_what_no_writer_made_is_taken_by_its_id_only() -> None:
    stale, unknown = at(1, of("aws", 1, "azure")), at(2, UNKNOWN)
    with pytest.raises(Refused) as refused:
        manifest.choose([stale, unknown], "latest")
    text = str(refused.value)
    assert f"{stale.backup_id}, by its id only: of aws, while azure was the writer (epoch 1)" in text
    assert f"{unknown.backup_id}, by its id only: its branch is unknown" in text
    for one in (stale, unknown):
        assert manifest.choose([stale, unknown], one.backup_id) is one


@pytest.mark.parametrize("said", ["unknown", [], {"site": "aws"}, {"site": "aws", "epoch": "1", "writer": "aws"}])
def test_a_branch_that_nobody_can_read_is_unknown(said: Any) -> None:
    assert branch.of({"branch": said}).epoch is None


def test_a_store_with_backups_of_no_writer_alone_lacks_the_newest_and_not_the_named_one(tmp_path: Path) -> None:
    from .test_backup_store import made

    place = store.FolderStore(str(tmp_path))
    about = made("20261128T120000Z-00000001", 0) | {"branch": of("aws", 1, "azure")}
    for part in manifest.blobs(about):
        place.put(manifest.path(about["id"], part["blob"]), b"x" * part["bytes"])
    place.put(manifest.path(about["id"]), json.dumps(about).encode())
    assert "there is no complete backup" in store.lacking(place, "latest")
    assert store.lacking(place, about["id"]) == ""


def test_old_backups_are_counted_per_branch() -> None:
    """A stale site's daily backups push none of the writer's out, nor the writer's those of the epoch before."""
    day = 24.0
    first = [at(day * age, of("aws", 0)) for age in range(-100, -90)]
    away = [at(day * age, of("azure", 1)) for age in range(-80, -70)]
    stale = [at(day * age, of("aws", 1, "azure")) for age in range(-80, -70)]
    home = [at(day * age, of("aws", 2)) for age in range(-1, 1)]
    found = [*first, *away, *stale, *home]
    gone = retention.outdated(found, home[-1].backup_id, 35)
    assert gone == sorted([*first[:3], *away[:3], *stale[:3]], key=manifest.began)


def test_a_run_whose_site_was_not_the_writer_deletes_nothing() -> None:
    old = [at(-24.0 * age, of("aws", 0)) for age in range(60, 80)]
    for said in (of("aws", 1, "azure"), UNKNOWN):
        assert retention.outdated([*old, at(0, said)], at(0).backup_id, 35) == []
