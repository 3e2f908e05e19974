"""Records of attempts: what they hold, that nobody forks or shortens their chain, and that they hold nobody up."""

import argparse
import io
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import threading
import time
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from moto import mock_aws

from operations import attempts, chain
from operations.chain import attempt as attempt_module
from operations.chain.anchor import S3Store
from operations.chain.links import Chain
from operations.console import Plain
from operations.stack import Stack
from operations.store import DirectoryStore, Unavailable
from tests import failover_world
from tests.azure_http import azure_server
from tests.evidence_chain import PASSED, STEPS, VERIFIER, attempt, key, records, subject, told, trust, whole

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def ann(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> chain.Key:
    """Who works at this desk."""
    made = key(tmp_path, "ann")
    monkeypatch.setenv("TWINSITE_EVIDENCE_KEY", str(made.path))
    monkeypatch.delenv("TWINSITE_EVIDENCE", raising=False)
    return made


def verified(folder: pathlib.Path, *keys: chain.Key) -> int:
    """Of the verifier on that chain."""
    return int(VERIFIER.main(["--keys", str(trust(folder, *keys)), str(folder / "place" / "dev")]))


def place(folder: pathlib.Path) -> str:
    return f"file://{folder}/place"


def every(folder: pathlib.Path) -> list[dict[str, Any]]:
    return [told(one) for one in records(folder / "place" / "dev").values()]


def test_an_attempt_leaves_what_an_auditor_asks_for(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    page = tmp_path / "page.html"
    page.write_text("the page")
    about = subject(tmp_path, place(tmp_path))
    result = chain.recorded(attempt(about), lambda tell: tell(STEPS, {}) or {**PASSED, "report": str(page)})
    began, planned, ended = every(tmp_path)
    assert [began["event"], planned["event"], ended["event"]] == ["began", "planned", "ended"]
    assert began["attempt"] == planned["attempt"] == ended["attempt"] == result["record"]["attempt"]
    assert began["tested"] == {"digest": "digest-1"} and began["arguments"] == {"planned": True}
    assert planned["plan"]["steps"] == ["take the operation lock", "restore the newest backup"]
    assert ended["plan"] == planned["plan"]
    assert ended["objectives"]["rto_seconds"] == {"objective": 60.0, "measured": 41.5}
    assert ended["objectives"]["rpo_seconds"] == {"objective": None, "measured": 60}
    assert ended["phases"] == PASSED["steps"] and ended["clocks"] == PASSED["clocks"]
    assert (ended["checks"]["passed"], ended["checks"]["failed"]) == (1, 1)
    assert ended["deviations"] == ["the standby's clock is late"]
    assert ended["versions"]["cryptography"] and ended["versions"]["inventory"] == "2"
    assert ended["files"] == {"page.html": "sha256:" + VERIFIER.hashlib.sha256(b"the page").hexdigest()}
    assert (result["record"]["number"], result["record"]["place"]) == (3, f"file://{tmp_path}/place/dev")
    assert verified(tmp_path, ann) == 0


def test_an_attempt_that_breaks_is_recorded_as_failed(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    def broken(_: chain.Planned) -> dict[str, Any]:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        chain.recorded(attempt(subject(tmp_path, place(tmp_path))), broken)
    assert [(one["event"], one.get("deviations")) for one in every(tmp_path)] == [
        ("began", None),
        ("ended", ["RuntimeError: the disk is full"]),
    ]


def test_two_desks_at_once_make_one_chain(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    """Eight that append at the same moment, each with what it alone has seen."""
    store = DirectoryStore(tmp_path / "place" / "dev")
    chains = [Chain(store, tmp_path / f"desk-{number}") for number in range(8)]
    start = threading.Barrier(len(chains))

    def work(one: Chain, who: int) -> None:
        start.wait()
        for turn in range(5):
            one.append({"stack": "dev", "attempt": f"{who}-{turn}", "event": "began", "command": "x", "time": ""}, ann)

    threads = [threading.Thread(target=work, args=(one, who)) for who, one in enumerate(chains)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {one["attempt"] for one in every(tmp_path)} == {f"{who}-{turn}" for who in range(8) for turn in range(5)}
    assert len(every(tmp_path)) == 40
    assert verified(tmp_path, ann) == 0


def test_a_place_that_has_lost_the_newest_records_is_no_head_to_go_on_from(
    tmp_path: pathlib.Path, ann: chain.Key
) -> None:
    about = subject(tmp_path, place(tmp_path))
    whole(about)
    (tmp_path / "place" / "dev" / "records" / "00000003.json").unlink()
    said = io.StringIO()
    late = chain.begun(about, "drill restore", {}, Plain(said), None)
    assert "ends at record 2, and this desk has seen 3: what is missing was taken away" in said.getvalue()
    assert len(every(tmp_path)) == 2
    assert late.end({"verdict": "passed"}) is None


def test_a_record_that_was_put_in_anothers_place_is_seen_by_who_wrote_that(
    tmp_path: pathlib.Path, ann: chain.Key
) -> None:
    about = subject(tmp_path, place(tmp_path))
    whole(about)
    newest = tmp_path / "place" / "dev" / "records" / "00000003.json"
    newest.write_bytes(newest.read_bytes() + b" ")
    said = io.StringIO()
    chain.begun(about, "drill restore", {}, Plain(said), None)
    assert "record 3 in" in said.getvalue() and "is not the one that this desk has seen" in said.getvalue()


class Dead:
    """A place that does not answer for a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def names(self, prefix: str) -> list[str]:
        time.sleep(self._seconds)
        raise Unavailable("nobody answers")

    read = create = None


@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_a_dead_place_holds_nobody_up_and_the_next_command_sends_what_waits(
    tmp_path: pathlib.Path, ann: chain.Key, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(attempt_module, "BEGIN_SECONDS", 0.3)
    monkeypatch.setattr(attempt_module, "END_SECONDS", 0.3)
    about = subject(tmp_path, place(tmp_path))
    opened = attempt_module.anchor.opened
    with monkeypatch.context() as dead:
        dead.setattr(attempt_module.anchor, "opened", lambda *_: chain.Anchor(Dead(seconds), True))  # type: ignore[arg-type]
        before = time.monotonic()
        assert whole(about)["record"] is None
        assert time.monotonic() - before < 5
    assert not (tmp_path / "place").exists()
    assert attempt_module.anchor.opened is opened
    if seconds:  # the thread that waits is another command's in life, and ends with it
        (tmp_path / "dev" / "outbox" / ".mutex").unlink()
    monkeypatch.setattr(attempt_module, "BEGIN_SECONDS", 30.0)
    attempt(about)
    first, second = every(tmp_path)[0]["attempt"], every(tmp_path)[-1]["attempt"]
    assert [(one["attempt"], one["event"]) for one in every(tmp_path)] == [
        (first, "began"),
        (first, "planned"),
        (first, "ended"),
        (second, "began"),
    ]
    assert verified(tmp_path, ann) == 0


def test_what_a_killed_command_had_chained_is_not_chained_twice(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    about = subject(tmp_path, place(tmp_path))
    whole(about)
    left = tmp_path / "dev" / "outbox" / f"{every(tmp_path)[0]['attempt']}-began.json"
    left.write_text(json.dumps({**every(tmp_path)[0]}))
    whole(about)
    assert [one["event"] for one in every(tmp_path)] == ["began", "planned", "ended"] * 2
    assert not left.exists()
    assert verified(tmp_path, ann) == 0


KILLED = """
import os, pathlib, signal, sys
from tests.evidence_chain import STEPS, attempt, subject
from operations import chain
at, folder = sys.argv[1], pathlib.Path(sys.argv[2])
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
def work(tell):
    at == "before the plan" and die()
    tell(STEPS, {})
    at == "in a step" and die()
    return {"verdict": "passed"}
if at == "in the chain":
    chain.links.Chain.append = die
if at == "behind the chain":
    chain.outbox.pathlib.Path.unlink = die
chain.recorded(attempt(subject(folder, f"file://{folder}/place")), work)
"""


@pytest.mark.parametrize("at", ["in the chain", "behind the chain", "before the plan", "in a step"])
def test_kill_9_leaves_a_record_at_every_moment(tmp_path: pathlib.Path, ann: chain.Key, at: str) -> None:
    """Here at the latest when the next command begins."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, at, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=False,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    whole(subject(tmp_path, place(tmp_path)))
    found = every(tmp_path)
    first = [one["event"] for one in found if one["attempt"] == found[0]["attempt"]]
    assert first == (["began", "planned"] if at == "in a step" else ["began"])
    assert len(found) == len(first) + 3
    assert verified(tmp_path, ann) == 0


def approved(folder: pathlib.Path, by: chain.Key, steps: Any = STEPS) -> chain.Approval:
    plan = chain.plan_digest("drill restore", "dev", steps, {"backup": "b1"})
    return chain.Approval.read(chain.approval("drill restore", "dev", plan, by))


def test_another_persons_word_is_in_the_record_and_verified_with_their_key(
    tmp_path: pathlib.Path, ann: chain.Key, capsys: pytest.CaptureFixture[str]
) -> None:
    bob = key(tmp_path, "bob")
    about = subject(tmp_path, place(tmp_path))
    one = attempt(about, approved(tmp_path, bob))
    chain.recorded(one, lambda tell: tell(STEPS, {"backup": "b1"}) or dict(PASSED))
    assert every(tmp_path)[-1]["approved_by"]["signatures"][0]["keyid"] == bob.id
    assert verified(tmp_path, ann, bob) == 0
    assert verified(tmp_path, ann) == 1
    assert f"its approval: the key '{bob.id}' that it names is not in the list of keys" in capsys.readouterr().out


def test_an_approval_of_another_plan_or_of_ones_own_is_refused(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    about = subject(tmp_path, place(tmp_path))
    mine = attempt(about, approved(tmp_path, ann))
    with pytest.raises(chain.NotApproved, match="signed with your own key: have another person approve"):
        mine.planned(STEPS, {"backup": "b1"})
    other = attempt(about, approved(tmp_path, key(tmp_path, "bob"), STEPS[:1]))
    with pytest.raises(chain.NotApproved, match="have it approved anew"):
        other.planned(STEPS, {"backup": "b1"})
    assert all(one["approved_by"] is None for one in every(tmp_path))


def test_who_forges_an_approval_in_a_record_is_caught(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    """Whoever runs could write any envelope into the record that they sign: of themselves, or of another plan."""
    bob = key(tmp_path, "bob")
    envelope = approved(tmp_path, bob).envelope
    said = {"command": "drill restore", "stack": "dev", "plan": {"digest": "sha256:other"}, "approved_by": envelope}
    keys = VERIFIER.trusted(trust(tmp_path, ann, bob).read_text())
    assert VERIFIER.approval_problem(said, ann.id, keys) == "what was approved is another plan"
    assert VERIFIER.approval_problem(said, bob.id, keys) == "who ran it has approved it"


def given(**more: Any) -> argparse.Namespace:
    return argparse.Namespace(command="failover", to="azure", json=True, **{"plan": False, "approval": "", **more})


def test_a_plan_is_approved_by_one_and_run_by_another(
    tmp_path: pathlib.Path, ann: chain.Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the options of the command."""
    monkeypatch.setenv("TWINSITE_EVIDENCE", place(tmp_path))
    stack, say, file = ("dev", tmp_path / "dev"), Plain(io.StringIO()), str(tmp_path / "word.json")

    def work(tell: chain.Planned) -> dict[str, Any]:
        try:
            tell(STEPS, {})
        except chain.NotApproved as problem:
            return {"verdict": "refused", "problems": [str(problem)]}
        return {"verdict": "passed", "problems": []}

    with monkeypatch.context() as other:
        other.setenv("TWINSITE_EVIDENCE_KEY", str(key(tmp_path, "bob").path))
        assert attempts.run(given(plan=True, approve=file), stack, say, work)["verdict"] == "passed"
    assert not (tmp_path / "place").exists()  # to look is no attempt
    assert attempts.run(given(approval=file), stack, say, work)["verdict"] == "passed"
    assert attempts.run(given(approval=str(tmp_path / "none")), stack, say, work)["verdict"] == "refused"
    assert [one["approved_by"] is not None for one in every(tmp_path)] == [False, True, True, False, False]
    assert every(tmp_path)[0]["arguments"] == {"to": "azure"}


def test_the_key_is_its_owners_alone_and_another_kind_is_refused(tmp_path: pathlib.Path) -> None:
    made = key(tmp_path, "ann")
    assert made.new and not key(tmp_path, "ann").new
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    rsa = tmp_path / "rsa.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "rsa", "-out", str(rsa)], check=True, capture_output=True)
    with pytest.raises(ValueError, match=r"is another kind of key: .*openssl genpkey -algorithm ed25519"):
        chain.mine({"TWINSITE_EVIDENCE_KEY": str(rsa)})
    rsa.write_text("nothing")
    with pytest.raises(ValueError, match="cannot sign evidence"):
        chain.mine({"TWINSITE_EVIDENCE_KEY": str(rsa)})


def test_a_place_that_is_none_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="keeps no evidence: give s3://BUCKET/PREFIX"):
        chain.opened("ftp://somewhere", "dev", tmp_path)
    assert "on this desk only" in chain.opened("", "dev", tmp_path).loose("x", frozenset())


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        api = boto3.client("s3")
        where = {"LocationConstraint": "eu-north-1"}
        api.create_bucket(Bucket="auditors", CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
        yield api


def locked(api: Any) -> None:
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    api.put_object_lock_configuration(Bucket="auditors", ObjectLockConfiguration=configuration)


def test_in_a_bucket_the_first_version_of_a_record_counts(tmp_path: pathlib.Path, bucket: Any) -> None:
    store = S3Store("auditors", "twins/dev")
    assert store.create("records/00000001.json", b"first")
    assert not store.create("records/00000001.json", b"second")
    bucket.put_object(Bucket="auditors", Key="twins/dev/records/00000001.json", Body=b"over it")
    assert store.read("records/00000001.json") == (b"first", store.read("records/00000001.json")[1])  # type: ignore[index]
    bucket.delete_object(Bucket="auditors", Key="twins/dev/records/00000001.json")
    assert store.read("records/00000001.json")[0] == b"first"  # type: ignore[index]
    assert not store.create("records/00000001.json", b"third")
    assert store.names("records/") == ["records/00000001.json"]


def test_of_two_that_make_one_object_at_once_the_bucket_tells_one_no(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked and found nothing: the condition of the write itself decides."""
    one, other = S3Store("auditors"), S3Store("auditors")
    monkeypatch.setattr(S3Store, "read", lambda *_: None)
    assert (one.create("records/00000001.json", b"a"), other.create("records/00000001.json", b"b")) == (True, False)


def test_a_chain_in_a_locked_bucket_is_verified_there(
    tmp_path: pathlib.Path, ann: chain.Key, bucket: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    locked(bucket)
    said = io.StringIO()
    about = subject(tmp_path, "s3://auditors/twins")
    one = chain.begun(about, "drill restore", {}, Plain(said), None)
    assert one.end(PASSED)["place"] == "s3://auditors/twins/dev"  # type: ignore[index]
    assert "note:" not in said.getvalue()
    verify = ["--keys", str(trust(tmp_path, ann)), "s3://auditors/twins/dev"]
    assert VERIFIER.main(verify) == 0, capsys.readouterr().out
    bucket.put_object(Bucket="auditors", Key="twins/dev/records/00000002.json", Body=b"{}")
    bucket.delete_object(Bucket="auditors", Key="twins/dev/records/00000001.json")
    assert VERIFIER.main(verify) == 1
    shown = capsys.readouterr().out
    assert "00000002.json: it was written over 1 times; the first is taken" in shown
    assert "00000001.json: somebody has removed it from sight" in shown
    assert "✗ 2" not in shown and "NOT VERIFIED: 2 problems in 2 records" in shown


def test_a_bucket_that_locks_nothing_is_told_and_not_verified(
    tmp_path: pathlib.Path, ann: chain.Key, bucket: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = io.StringIO()
    chain.begun(subject(tmp_path, "s3://auditors"), "drill restore", {}, Plain(said), None).end(PASSED)
    assert "s3://auditors/dev locks nothing: give the bucket Object Lock" in said.getvalue()
    assert VERIFIER.main(["--keys", str(trust(tmp_path, ann)), "s3://auditors/dev"]) == 1
    assert "nothing keeps it there" in capsys.readouterr().out


def test_a_place_at_one_of_the_sites_is_told(tmp_path: pathlib.Path, bucket: Any) -> None:
    locked(bucket)
    there = chain.opened("s3://auditors", "dev", tmp_path)
    assert there.store.create("x", b"1")
    assert there.loose("x", frozenset({"eu-central-1"})) == ""
    assert "is at one of the stack's own sites (eu-north-1)" in there.loose("x", frozenset({"eu-north-1"}))
    blobs = chain.opened("azblob://petclinicbackup/evidence", "dev", tmp_path)
    own = chain.Subject.of(Stack("dr", failover_world.INVENTORY, tmp_path)).sites
    assert "at one of the stack's own sites (petclinicbackup)" in blobs.loose("x", own)


def test_a_chain_in_a_container(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    with azure_server() as cloud:
        there = chain.opened("azblob://auditors/evidence", "dev", tmp_path, cloud.identity())
        one = Chain(there.store, tmp_path / "seen")
        for number in range(2):
            one.append({"stack": "dev", "attempt": str(number), "event": "began", "command": "x", "time": ""}, ann)
        fetched = tmp_path / "fetched"
        fetched.mkdir()
        for (_, _, name), content in cloud.blobs.items():
            (fetched / pathlib.PurePosixPath(name).name).write_bytes(content)
        assert sorted(name for _, _, name in cloud.blobs) == [f"dev/records/0000000{at}.json" for at in (1, 2)]
    assert VERIFIER.main(["--keys", str(trust(tmp_path, ann)), str(fetched)]) == 0


def test_the_verifier_needs_nothing_of_ours_and_is_short(tmp_path: pathlib.Path, ann: chain.Key) -> None:
    script = ROOT / "scripts" / "verify-evidence"
    assert len(script.read_text().splitlines()) <= 200
    whole(subject(tmp_path, place(tmp_path)))
    copied = tmp_path / "verify-evidence"
    copied.write_bytes(script.read_bytes())
    command = [sys.executable, "-P", str(copied), "--keys", str(trust(tmp_path, ann)), str(tmp_path / "place" / "dev")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "verified: 3 records" in done.stdout) == (0, True), done.stdout + done.stderr
    assert "drill restore, by ann: passed" in done.stdout
    done = subprocess.run(
        [*command[:-1], "nowhere"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (2, "cannot be read: nowhere is no folder")


def test_a_record_that_was_not_stored_when_it_says_is_named(
    tmp_path: pathlib.Path,
    ann: chain.Key,
    bucket: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A clock that was turned back, so that a drill seems to have been in time."""
    locked(bucket)
    monkeypatch.setattr(chain.links, "iso", lambda moment: "2026-01-01T00:00:00.000Z")
    attempt(subject(tmp_path, "s3://auditors"))
    assert VERIFIER.main(["--keys", str(trust(tmp_path, ann)), "s3://auditors/dev"]) == 1
    assert "00000001.json: it says 2026-01-01T00:00:00.000Z, and was not stored then" in capsys.readouterr().out


def test_a_drill_that_has_not_passed_for_too_long_is_an_alarm(
    tmp_path: pathlib.Path, ann: chain.Key, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed one, and one that began, prove nothing."""
    about = subject(tmp_path, place(tmp_path))

    def alarm(*due: str) -> int:
        options = [word for one in due for word in ("--due", one)]
        return int(VERIFIER.main([*options, "--keys", str(trust(tmp_path, ann)), str(tmp_path / "place" / "dev")]))

    attempt(about).end({**PASSED, "verdict": "failed"})
    assert alarm("drill restore=8") == 1
    assert "drill restore is due: it has never passed" in capsys.readouterr().out
    with monkeypatch.context() as old:
        old.setattr(chain.links, "iso", lambda moment: "2026-01-01T00:00:00.000Z")
        whole(about)
    attempt(about)
    assert alarm("drill restore=8") == 1
    assert "drill restore is due: " in capsys.readouterr().out
    whole(about)
    assert alarm("drill restore=8") == 0
    assert alarm("drill restore=8", "drill failover=90") == 1


def test_an_attempt_that_did_not_end_is_named(
    tmp_path: pathlib.Path, ann: chain.Key, capsys: pytest.CaptureFixture[str]
) -> None:
    attempt(subject(tmp_path, place(tmp_path)))
    assert verified(tmp_path, ann) == 0
    assert "drill restore, by ann: began, and did not end: killed, or it still runs" in capsys.readouterr().out


def test_what_no_one_expected_of_a_place_is_told_too(
    tmp_path: pathlib.Path, ann: chain.Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> chain.Anchor:
        raise LookupError("an SDK of its own kind")

    monkeypatch.setattr(attempt_module.anchor, "opened", odd)
    said = io.StringIO()
    assert chain.begun(subject(tmp_path), "repair", {}, Plain(said), None).end({"verdict": "passed"}) is None
    assert "LookupError: an SDK of its own kind" in said.getvalue()
