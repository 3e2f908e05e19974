"""Whether there is something to restore: a store that has answered refuses, one that could not be read never does."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from twinsite.guest.agent import azure
from twinsite.guest.backup import manifest
from twinsite.guest.errors import Failed
from twinsite.storage import restorable
from twinsite.storage.restorable import Restorable

FIRST, SECOND = "20261120T030000Z-0000000a", "20261121T030000Z-0000000b"
HALF = {f"backups/{SECOND}/schema.sql.zst": b"abc"}


def complete(backup_id: str) -> dict[str, bytes]:
    moment = f"2026-11-{backup_id[6:8]}T03:00:00.000000Z"
    told = {
        "version": manifest.VERSION, "id": backup_id, "began": moment, "ended": moment,
        "schema": "app", "gtid_executed": "",
        "source": {}, "objects": [], "character_set": "c", "collation": "c", "tables": [],
        "files": [{"blob": "schema.sql.zst", "bytes": 3, "sha256": "a" * 64}],
    }  # fmt: skip
    inside = f"backups/{backup_id}"
    return {f"{inside}/schema.sql.zst": b"abc", f"{inside}/manifest.json": json.dumps(told).encode()}


class Cloud:
    """In place of the provider's token and of the container."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.trouble: Exception | None = None
        self.token_trouble: Exception | None = None
        self.slow_seconds = 0.0
        self.asked: list[str] = []
        self.hurries: list[float] = []
        self.warned: list[str] = []

    async def token(self, parent: object) -> str:
        self.asked.append("token")
        if self.token_trouble:
            raise self.token_trouble
        return "mine"

    def blob_list(self, account: str, container: str, prefix: str, token: str, hurry_seconds: float) -> Any:
        assert (account, container, token) == ("drbackup", "mysql-backup", "mine")
        self._asked("list", hurry_seconds)
        return [{"name": name, "bytes": len(body)} for name, body in self.blobs.items() if name.startswith(prefix)]

    def blob_get(self, account: str, path: str, token: str, hurry_seconds: float) -> bytes:
        assert (account, token) == ("drbackup", "mine")
        self._asked(path, hurry_seconds)
        return self.blobs[path.removeprefix("mysql-backup/")]

    def _asked(self, what: str, hurry_seconds: float) -> None:
        self.asked.append(what)
        self.hurries.append(hurry_seconds)
        time.sleep(self.slow_seconds)
        if self.trouble:
            raise self.trouble


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    made = Cloud()
    monkeypatch.setattr(restorable, "_token", made.token)
    monkeypatch.setattr(azure, "blob_list", made.blob_list)
    monkeypatch.setattr(azure, "blob_get", made.blob_get)
    monkeypatch.setattr(pulumi.log, "warn", made.warned.append)
    yield made


def require(which: str = "latest", times: int = 1, managed: bool = False) -> None:
    """As many hooks at once."""

    async def ask() -> None:
        store = Restorable("drbackup", "mysql-backup", None)  # type: ignore[arg-type]
        await asyncio.gather(*(store.require(f"resource-{number}", which, managed) for number in range(times)))

    loop = asyncio.new_event_loop()  # asyncio.run would leave this thread without one, and mocks need it
    try:
        loop.run_until_complete(ask())
    finally:
        loop.close()


def refused(which: str = "latest") -> str:
    with pytest.raises(ValueError) as error:
        require(which)
    said = str(error.value)
    assert said.startswith("resource-0 is not made, because it would have nothing to restore: in mysql-backup of dr")
    assert "(`pulumi stack output backup_by_hand` is the command; runbook no-backup" in said
    assert said.endswith("or stay with `pulumi config set dr_mode cold`")
    return said


def test_with_a_complete_backup_everything_is_made_without_a_word(cloud: Cloud) -> None:
    cloud.blobs = complete(FIRST) | HALF
    require()
    require(FIRST)
    assert cloud.warned == []


def test_the_newest_is_looked_at_first_and_no_more_than_need_be(cloud: Cloud) -> None:
    cloud.blobs = complete(FIRST) | complete(SECOND)
    require()
    assert cloud.asked == ["token", "list", f"mysql-backup/backups/{SECOND}/manifest.json"]


def test_an_empty_store_refuses(cloud: Cloud) -> None:
    assert "mysql-backup of drbackup there is no complete backup. Run the backup job by hand" in refused()


def test_half_a_backup_refuses_and_is_named(cloud: Cloud) -> None:
    cloud.blobs = HALF
    assert f"there is no complete backup ({SECOND}: it has no manifest" in refused()
    cloud.blobs = complete(SECOND)
    del cloud.blobs[f"backups/{SECOND}/schema.sql.zst"]
    assert "schema.sql.zst is missing" in refused()


def test_an_id_that_is_not_there_or_not_complete_refuses_with_one_that_is(cloud: Cloud) -> None:
    cloud.blobs = complete(FIRST) | HALF
    assert f"there is no backup '20261101T000000Z-00000000' (the newest complete one is {FIRST})" in refused(
        "20261101T000000Z-00000000"
    )
    assert f"backup {SECOND} is not complete: it has no manifest" in refused(SECOND)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            azure.CallError("GET x: HTTP 403 AuthorizationPermissionMismatch", 403),
            "needs the role 'Storage Blob Data R",
        ),
        (azure.CallError("GET x: timed out"), "to restore: GET x: timed out; this goes on"),
        (azure.CallError("GET x: HTTP 404 ContainerNotFound", 404, "ContainerNotFound"), "ContainerNotFound; this"),
        (SyntaxError("no XML"), "to restore: no XML; this goes on"),
    ],
)
def test_a_store_that_cannot_be_read_is_a_warning_and_never_a_refusal(
    cloud: Cloud, trouble: Exception, words: str
) -> None:
    cloud.trouble = trouble
    require(times=3)
    (said,) = cloud.warned
    assert words in said
    assert said.startswith("nobody could look whether drbackup has a backup to restore: ")


def test_whoever_gets_no_token_is_warned(cloud: Cloud) -> None:
    cloud.token_trouble = Failed("az login first")
    require()
    assert "to restore: az login first; this goes on" in cloud.warned[0]
    assert cloud.asked == ["token"]


def test_the_store_is_asked_once_whoever_wants_to_know(cloud: Cloud) -> None:
    cloud.blobs = complete(FIRST)
    require(times=3)
    assert cloud.asked.count("list") == cloud.asked.count("token") == 1


def test_nobody_waits_long_for_a_slow_store(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restorable, "LOOK_SECONDS", 0.05)
    cloud.blobs, cloud.slow_seconds = complete(FIRST), 0.1
    require()
    assert "drbackup was not read to its end within" in cloud.warned[0]
    assert max(cloud.hurries) <= restorable.CALL_SECONDS == 5.0


def test_what_a_managed_database_would_do_to_the_data_is_a_warning_in_preview_and_said_once(cloud: Cloud) -> None:
    cloud.blobs = complete(FIRST)
    path = f"backups/{FIRST}/manifest.json"
    told = json.loads(cloud.blobs[path])
    told["source"] = {"version": "8.4.6", "settings": {"lower_case_table_names": "0"}}
    told["tables"] = [{"name": "Orders", "rows": 0, "columns": [], "chunks": []}]
    told["needs"] = {"tablespaces": {"Orders": "ts1"}}
    cloud.blobs[path] = json.dumps(told).encode()
    require()
    assert cloud.warned == []
    require(times=3, managed=True)
    case, tablespace = cloud.warned
    assert case.startswith(f"backup {FIRST}: table 'Orders' has capital letters at the primary")
    assert "is in tablespace ts1" in tablespace
