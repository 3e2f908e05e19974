"""What reaches every host: the payload, the documents, the agent's signed calls, the installer."""

import base64
import datetime
import gzip
import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from types import ModuleType

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import yaml

from twinsite.machine import documents
from twinsite.payload import FOLDER, ROLES, guest_file, payload, payload_sha256

AGENT = FOLDER / "agent"
FOLDER_OF_STATE = tempfile.TemporaryDirectory()


def load(name: str) -> ModuleType:
    """A guest file as a module, under the name that it has on a host."""
    spec = importlib.util.spec_from_file_location(name, AGENT / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if name == "agent":
        module.STATE = f"{FOLDER_OF_STATE.name}/state.json"  # type: ignore[attr-defined]
    return module


def test_user_data_fits_ec2_and_only_bootstraps() -> None:
    bucket = "bucket-with-a-long-name-0123456789abcdef"
    text = documents.user_data(documents.bootstrap(), bucket, "ap-northeast-2", "aws-gateway")
    assert len(text.encode()) <= 16384
    cloud = yaml.safe_load(text)
    files = {entry["path"]: entry for entry in cloud["write_files"]}
    assert json.loads(files["/etc/twinsite/agent.json"]["content"])["host"] == "aws-gateway"
    agent = gzip.decompress(base64.b64decode(files["/usr/local/lib/twinsite/agent.py"]["content"])).decode()
    assert agent == guest_file("agent/agent.py")


def test_user_data_does_not_depend_on_the_payload() -> None:
    text = documents.user_data(documents.bootstrap(), "bucket", "ap-northeast-2", "host")
    assert not [role for role in ROLES if payload_sha256(role)[:12] in text]


def test_the_bundle_holds_its_secrets_in_one_file_that_others_cannot_read() -> None:
    raw = base64.b64decode(documents.bundle("gateway", {"connection": "x"}, {"psk": {"1": "very-secret"}}))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        contents = {entry.name: archive.extractfile(entry).read() for entry in archive.getmembers()}  # type: ignore[union-attr]
        assert archive.getmember("secrets.json").mode == 0o600
    assert [name for name, content in contents.items() if b"very-secret" in content] == ["secrets.json"]


def test_a_digest_changes_with_the_configuration_only() -> None:
    assert documents.digest({"a": 1, "b": 2}) == documents.digest({"b": 2, "a": 1})
    assert documents.digest({"a": 1}) != documents.digest({"a": 2})


@pytest.mark.parametrize(("service", "method", "body"), [("s3", "GET", b""), ("secretsmanager", "POST", b"{}")])
def test_requests_are_signed_as_botocore_signs_them(service: str, method: str, body: bytes) -> None:
    aws = load("aws")
    now = datetime.datetime(2026, 11, 21, 3, 0, 0, tzinfo=datetime.UTC)
    keys = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "secret", "Token": "token"}
    host, path = f"{service}.ap-northeast-2.amazonaws.com", "/hosts/aws-gateway/desired.json"
    ours = aws._signed(
        method, service, "ap-northeast-2", host, path, body, {"content-type": "application/json"}, keys, now
    )
    request = botocore.awsrequest.AWSRequest(
        method, f"https://{host}{path}", data=body, headers={"content-type": "application/json"}
    )
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["X-Amz-Security-Token"] = "token"
    request.headers["x-amz-content-sha256"] = ours.headers["X-amz-content-sha256"]
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = kind(botocore.credentials.Credentials("AKIDEXAMPLE", "secret", "token"), service, "ap-northeast-2")
    scope = f"AWS4-HMAC-SHA256\n{now:%Y%m%dT%H%M%SZ}\n{signer.credential_scope(request)}\n"
    canonical = signer.canonical_request(request)
    expected = signer.signature(scope + hashlib.sha256(canonical.encode()).hexdigest(), request)
    assert ours.headers["Authorization"].endswith(f"Signature={expected}")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """install.py on a host of its own."""
    module = load("install")
    for name, place in (("HOME", "opt"), ("ETC", "etc"), ("WRAPPER", "twinsite-guest")):
        monkeypatch.setattr(module, name, tmp_path / place)
    (tmp_path / "etc").mkdir()
    return module


def told(install: ModuleType, role: str, content: bytes = b"") -> None:
    """The role delivered and told to the host."""
    content = content or payload(role)
    install.unpack(content, hashlib.sha256(content).hexdigest(), role)
    (install.ETC / f"{role}.desired.json").write_text("{}")


def served(install: ModuleType) -> dict[str, str]:
    """What each link leads to, by the role whose payload it is."""
    trees = {payload_sha256(role)[:12]: role for role in ROLES}
    return {
        path.name: trees.get(os.readlink(path), os.readlink(path))
        for path in sorted(install.HOME.iterdir())
        if path.is_symlink()
    }


def test_a_payload_with_another_checksum_is_not_unpacked(install: ModuleType) -> None:
    with pytest.raises(SystemExit, match="expected 0000"):
        install.unpack(payload("gateway"), "0" * 64, "gateway")
    assert not install.HOME.exists()


def test_a_new_payload_is_served_in_one_step(install: ModuleType) -> None:
    told(install, "gateway")
    assert (install.HOME / "current/agent/install.py").exists()
    assert install.WRAPPER.stat().st_mode & 0o111
    told(install, "gateway")
    assert served(install) == {"current": "gateway", "gateway": "gateway"}
    assert len(list(install.HOME.iterdir())) == 3


def test_a_python_that_knows_no_extraction_filters_unpacks_as_well(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian 12's is 3.11.2 without them (seen): `extractall(filter=…)` is a TypeError there."""
    whole = tarfile.TarFile.extractall
    monkeypatch.delattr(tarfile, "data_filter")
    monkeypatch.setattr(tarfile.TarFile, "extractall", lambda self, path: whole(self, path, filter="fully_trusted"))
    told(install, "gateway")
    assert (install.HOME / "gateway/gateway/apply.py").exists()


def test_two_roles_of_one_host_keep_their_own_programs(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    told(install, "backup")
    told(install, "database")
    assert served(install) == {"backup": "backup", "current": "database", "database": "database"}
    assert install.remove("database") == 0
    assert served(install) == {"backup": "backup", "current": "backup"}
    assert (install.HOME / "backup/backup/apply.py").exists()
    assert install.remove("backup") == 0
    assert not install.HOME.exists()


def test_what_a_role_brings_along_gives_way_to_the_role_itself(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby's payload holds the backup's programs, for a restore by hand."""
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    told(install, "standby")
    assert served(install) == {"backup": "standby", "current": "standby", "standby": "standby"}
    told(install, "backup")
    told(install, "standby")
    assert served(install) == {"backup": "backup", "current": "standby", "standby": "standby"}
    install.remove("backup")
    assert served(install) == {"backup": "standby", "current": "standby", "standby": "standby"}


def test_roles_of_a_version_that_packed_all_into_one_go_on_until_they_are_told_again(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    (install.HOME / "0123456789ab/agent").mkdir(parents=True)
    (install.HOME / "0123456789ab/agent/twinsite-guest").write_text("#!/bin/sh")
    for role in ("gateway", "database"):
        (install.HOME / "0123456789ab" / role).mkdir(parents=True)
        (install.HOME / "0123456789ab" / role / "apply.py").touch()
        (install.ETC / f"{role}.desired.json").write_text("{}")
    (install.HOME / "current").symlink_to("0123456789ab")
    told(install, "database")
    assert served(install) == {"current": "database", "database": "database", "gateway": "0123456789ab"}
    assert (install.HOME / "gateway/gateway/apply.py").exists()
    install.remove("database")
    assert (install.HOME / "gateway/gateway/apply.py").exists()


def test_the_followup_overlays_what_was_desired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install = load("install")
    monkeypatch.setattr(install, "ETC", tmp_path)
    (tmp_path / "gateway.desired.json").write_text('{"psk_min": 1, "psk_sign": 2}')
    (tmp_path / "gateway.followup.json").write_text('{"psk_min": 2}')
    install.merge("gateway")
    assert json.loads((tmp_path / "gateway.json").read_text()) == {"psk_min": 2, "psk_sign": 2}
    assert (tmp_path / "gateway.json").stat().st_mode & 0o777 == 0o600


class Bucket:
    """Stands in for the agent's neighbour aws.py or azure.py: conditional GETs from a dictionary."""

    host = "h"

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.asked: list[str] = []
        self.said: list[dict[str, object]] = []

    def document(self, name: str, etag: str) -> tuple[bytes | None, str]:
        self.asked.append(name)
        if name not in self.objects:
            return None, ""
        text = self.objects[name]
        return (None, etag) if etag == text else (text.encode(), text)

    def get(self, key: str, etag: str = "") -> tuple[bytes | None, str]:
        return self.objects[key].encode(), ""

    def machine(self) -> str:
        return "i-1"

    def status(self, body: bytes) -> None:
        self.said.append(json.loads(body))


def test_the_agent_says_on_its_machine_when_it_last_saw_its_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = load("agent")
    seen = agent.fresh(0)
    monkeypatch.setattr(agent.time, "time", lambda: 500.0)
    agent.note(seen)
    monkeypatch.setattr(agent.time, "time", lambda: 700.0)
    seen["status"] = {"outcome": "failed", "detail": "first line\nno room left"}
    agent.note(seen, "CallError: HTTP 403")
    said = json.loads(Path(agent.STATE).read_text())
    assert said == {"seen": 500.0, "problem": "CallError: HTTP 403", "applying": False, "failed": "no room left"}
    agent.STATE = "/nonexistent/state.json"
    agent.note(seen)  # what cannot be said stops nothing


def test_the_agent_asks_for_a_followup_only_where_one_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, told, agent = Bucket(), [], load("agent")
    seen = agent.fresh(0)
    monkeypatch.setattr(agent, "_install", lambda cloud, desired, followup: told.append(followup) or (0, ""))

    def rounds(announced: bool, followup: str | None) -> list[str]:
        bucket.objects = {"desired.json": json.dumps({"payload_sha256": "0", "followup": announced})}
        if followup is not None:
            bucket.objects["followup.json"] = followup
        bucket.asked = []
        agent.round_once(bucket, seen, 0)
        return bucket.asked

    assert rounds(False, None) == ["desired.json"]
    assert rounds(True, None) == ["desired.json", "followup.json"], "announced, and not there yet"
    assert rounds(True, '{"psk_min": 2}') == ["desired.json", "followup.json"]
    assert rounds(False, '{"psk_min": 2}') == ["desired.json"]
    assert rounds(True, '{"psk_min": 2}') == ["desired.json", "followup.json"], "the same one counts again"
    assert told == [{}, {}, {"psk_min": 2}, {}, {"psk_min": 2}]


def test_a_payload_in_base64_is_unpacked_and_another_one_is_refused() -> None:
    agent, bucket = load("agent"), Bucket()
    bucket.objects["payload/x.tar.gz.b64"] = base64.b64encode(b"other bytes").decode()
    desired = {"payload_key": "payload/x.tar.gz.b64", "payload_sha256": "0" * 64, "secret": None}
    with pytest.raises(ValueError, match=hashlib.sha256(b"other bytes").hexdigest()):
        agent._install(bucket, desired, {})


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The agent of a machine whose role fails until `agent.codes` says otherwise; `agent.at` is when it was tried."""
    module = load("agent")
    module.at, module.codes, module.now = [], {}, 0.0  # type: ignore[attr-defined]

    def install(*_: object) -> tuple[int, str]:
        module.at.append(module.now)
        return module.codes.get(len(module.at), (1, "no backup"))

    monkeypatch.setattr(module, "_install", install)
    return module


def rounds(agent: ModuleType, bucket: Bucket, seen: dict[str, object], seconds: float) -> None:
    """The agent's life for so long, a look each second."""
    until = agent.now + seconds
    while agent.now < until:
        agent.round_once(bucket, seen, agent.now)
        agent.now += 1


def test_what_failed_is_tried_again_at_growing_intervals_and_said_once(agent: ModuleType) -> None:
    bucket, seen = Bucket(), agent.fresh(0)
    bucket.objects = {"desired.json": json.dumps({"payload_sha256": "0"})}
    agent.codes = {8: (1, "no space"), 9: (0, "")}
    rounds(agent, bucket, seen, 400)
    assert agent.at == [0, 5, 15, 35, 65, 95, 125, 155, 185]
    assert [(said["outcome"], said["detail"]) for said in bucket.said] == [
        ("failed", "no backup"), ("failed", "no space"), ("applied", "")
    ]  # fmt: skip


def test_a_changed_document_is_applied_at_once_however_often_the_former_failed(agent: ModuleType) -> None:
    bucket, seen = Bucket(), agent.fresh(0)
    bucket.objects = {"desired.json": json.dumps({"payload_sha256": "0"})}
    rounds(agent, bucket, seen, 100)
    bucket.objects = {"desired.json": json.dumps({"payload_sha256": "1"})}
    rounds(agent, bucket, seen, 10)
    assert agent.at[-2:] == [100, 105], "and its own tries begin anew"


def test_a_verdict_names_its_machine_and_its_document_so_that_an_old_one_is_not_believed(agent: ModuleType) -> None:
    bucket, desired = Bucket(), {"payload_sha256": "0", "role": "gateway", "config": {"a": 1}, "operators": None}
    bucket.objects = {"desired.json": json.dumps(desired)}
    agent.round_once(bucket, agent.fresh(0), 0)
    assert [(said["machine"], said["told"]) for said in bucket.said] == [("i-1", documents.digest(desired))]


def test_a_status_is_renewed_each_day_and_a_store_that_did_not_take_it_gets_it_later(
    agent: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, seen = Bucket(), agent.fresh(0)
    bucket.objects, agent.codes = {"desired.json": json.dumps({"payload_sha256": "0"})}, {1: (0, "")}
    takes = bucket.status
    monkeypatch.setattr(bucket, "status", lambda body: (_ for _ in ()).throw(OSError("no way there")))
    with pytest.raises(OSError, match="no way there"):
        agent.round_once(bucket, seen, 0)
    monkeypatch.setattr(bucket, "status", takes)
    for now in (5, 10, 86404, 86405, 86410):
        agent.round_once(bucket, seen, now)
    assert (agent.at, len(bucket.said)) == ([0], 2)


def test_each_cloud_names_its_machine_by_its_own_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    aws, azure = load("aws"), load("azure")
    monkeypatch.setattr(aws, "credentials", dict)
    monkeypatch.setattr(aws, "metadata", {"meta-data/instance-id": "i-1"}.__getitem__)
    assert aws.Cloud({"host": "h", "bucket": "b", "region": "r"}).machine() == "i-1"
    monkeypatch.setattr(azure, "token", lambda *_: "t")
    found = {f"{azure.METADATA}/instance/compute?api-version=2021-02-01": (b'{"vmId": "02aab8a4"}', {})}
    monkeypatch.setattr(azure, "_send", lambda method, url, headers, **_: found[url])
    assert azure.Cloud({"host": "h", "account": "a", "client_id": "c"}).machine() == "02aab8a4"


def test_an_agent_looks_often_after_a_change_and_seldom_when_nothing_happens(agent: ModuleType) -> None:
    bucket, seen = Bucket(), agent.fresh(0)
    bucket.objects, agent.codes = {"desired.json": json.dumps({"payload_sha256": "0"})}, {1: (0, "")}
    agent.round_once(bucket, seen, 0)
    assert [agent.pause(seen, now) for now in (0, 899, 900, 10**6)] == [5, 5, 15, 15]
    bucket.objects = {"desired.json": json.dumps({"payload_sha256": "1"})}
    agent.round_once(bucket, seen, 10**6)
    assert agent.pause(seen, 10**6 + 899) == 5


def test_a_store_that_does_not_answer_is_asked_less_and_less_often() -> None:
    assert [load("agent").grown(failures) for failures in (1, 2, 3, 4, 5, 1000)] == [5, 10, 20, 30, 30, 30]


def test_writing_a_file_is_atomic_and_says_whether_it_changed(tmp_path: Path) -> None:
    install = load("install")
    assert install.write(tmp_path / "a", "x", 0o600) is True
    assert install.write(tmp_path / "a", "x", 0o600) is False
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


FAKE_CLOUD = """
import pathlib
class CallError(Exception): pass
class Cloud:
    host = "host"
    def __init__(self, place): self.log = pathlib.Path(place["log"])
    def document(self, name, etag):
        with self.log.open("a") as file: file.write("VERSION asked\\n")
        raise CallError("no document")
"""


def agent_folder(folder: Path, version: str) -> Path:
    """The agent with a cloud that writes down which version was asked; a folder as on a machine."""
    folder.mkdir(exist_ok=True)
    text = guest_file("agent/agent.py").replace("/etc/twinsite/agent.json", str(folder.parent / "agent.json"))
    (folder / "agent.py").write_text(text.replace("POLL_SECONDS = 5", "POLL_SECONDS = 0"))
    (folder / "fake.py").write_text(FAKE_CLOUD.replace("VERSION", version))
    (folder.parent / "agent.json").write_text(json.dumps({"cloud": "fake", "log": str(folder.parent / "log")}))
    return folder


def test_an_agent_that_was_renewed_starts_itself_anew(tmp_path: Path) -> None:
    place, log = agent_folder(tmp_path / "lib", "first"), tmp_path / "log"
    with subprocess.Popen([sys.executable, place / "agent.py"], stderr=subprocess.DEVNULL) as running:
        try:
            await_text(log, "first asked")
            agent_folder(place, "second")
            await_text(log, "second asked")
            assert running.poll() is None, "the same process, so that systemd sees no restart"
        finally:
            running.kill()


def await_text(file: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while not (file.exists() and text in file.read_text()):
        assert time.monotonic() < deadline, f"{text!r} is not in {file}: {file.read_text() if file.exists() else None}"
        time.sleep(0.02)


@pytest.mark.parametrize(("works", "taken"), [(True, ["agent.py", "fake.py"]), (False, [])])
def test_a_later_agent_is_taken_only_when_it_works_on_this_machine(
    install: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    works: bool,
    taken: list[str],
) -> None:
    monkeypatch.setattr(install, "AGENT", agent_folder(tmp_path / "lib", "first"))
    (tmp_path / "payload").mkdir()
    later = agent_folder(tmp_path / "payload" / "agent", "second")
    (later / "agent.py").write_text((later / "agent.py").read_text() + "# later\n")
    answers = "return None, ''" if works else "raise CallError('HTTP 403')"
    (later / "fake.py").write_text(FAKE_CLOUD.replace('raise CallError("no document")', answers))
    install.renew_agent(tmp_path / "payload")
    same = [path.name for path in later.glob("*.py") if path.read_text() == (install.AGENT / path.name).read_text()]
    assert sorted(same) == taken
    said = capsys.readouterr().err
    assert ("the later one fails here" in said, "HTTP 403" in said) == (not works, not works)


def test_a_host_without_an_agent_gets_none(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install, "AGENT", tmp_path / "none")
    install.renew_agent(FOLDER)
    assert not install.AGENT.exists()
