"""The edge of failover: DNS on the wire, pages, manifests and reports, Pulumi's words, status, the command line."""

import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.inventory import to_dict
from operations import azure, cli, dns, render, web
from operations.failover import look, program, read, show, users, worker
from operations.failover.facts import Backups, Facts, LatchObject, NameSeen, Seen, Sites, Standby
from operations.failover.plan import plan
from operations.failover.words import Command, Intent
from operations.transport import RemoteFailed, Unreachable
from tests.azure_http import azure_server
from tests.failover_world import INVENTORY, STORES
from tests.unit.test_failover_plan import NOW, READY, SCHEDULED, facts, moved

ROOT = pathlib.Path(__file__).parents[2]


def test_an_answer_is_read_with_its_compressed_names() -> None:
    question = b"\x03www\x07example\x03com\x00" + struct.pack("!2H", 1, 1)
    alias = b"\xc0\x0c" + struct.pack("!HHIH", dns.CNAME, 1, 60, 6) + b"\x03alb\xc0\x10"
    address = b"\xc0\x2d" + struct.pack("!HHIH", dns.A, 1, 30, 4) + socket.inet_aton("192.0.2.7")
    message = struct.pack("!6H", 7, 0x8400, 1, 2, 0, 0) + question + alias + address
    truncated, records = dns.parse(message, 7)
    assert not truncated
    assert records[0] == dns.Record("www.example.com", dns.CNAME, 60, "alb.example.com")
    assert dns.addresses(records) == ("192.0.2.7",)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (struct.pack("!6H", 7, 0x8403, 0, 0, 0, 0), "NXDOMAIN"),
        (struct.pack("!6H", 8, 0x8400, 0, 0, 0, 0), "another question"),
        (struct.pack("!6H", 7, 0x8400, 1, 1, 0, 0) + b"\xc0\x0c", "no end"),
        (b"\x00", "cannot be read"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(message: bytes, words: str) -> None:
    with pytest.raises(dns.NoAnswer, match=words):
        dns.parse(message, 7)


@pytest.fixture
def resolver() -> Iterator[tuple[str, list[int]]]:
    """A server whose answer's TTL is one second, and the count of its answers."""
    channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    channel.bind(("127.0.0.1", 0))
    asked: list[int] = []

    def serve() -> None:
        while True:
            try:
                message, sender = channel.recvfrom(512)
            except OSError:
                return
            asked.append(1)
            record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(f"192.0.2.{len(asked)}")
            channel.sendto(message[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + message[12:] + record, sender)

    threading.Thread(target=serve, daemon=True).start()
    yield f"127.0.0.1:{channel.getsockname()[1]}", asked
    channel.close()


def test_a_user_believes_an_answer_until_its_ttl_is_over(
    resolver: tuple[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    cache = dns.Cache(resolver[0])
    assert cache.addresses("dr.example.com") == cache.addresses("dr.example.com") == ("192.0.2.1",)
    now[0] += 1.01
    assert cache.addresses("dr.example.com") == ("192.0.2.2",)


def test_a_page_that_nobody_serves_says_why() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = web.page(f"http://127.0.0.1:{taken.getsockname()[1]}/petclinic/")
    assert found.status == 0 and "cannot connect" in found.words


def eyes(monkeypatch: pytest.MonkeyPatch, pages: dict[str, web.Page], own: dict[str, str]) -> look.Eyes:
    found = look.Eyes(Sites("aws", "azure"), "127.0.0.1:1", lambda url, name, address: pages[address])
    monkeypatch.setattr(
        found, "own_addresses", lambda url: frozenset({own[url.split("/")[2]]} if url.split("/")[2] in own else ())
    )
    return found


def test_an_edges_address_that_many_sites_share_is_told_by_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    dr = INVENTORY.names[1]
    found = eyes(monkeypatch, {"192.0.2.9": web.Page(200, "served by site azure")}, {"alb.aws.example": "192.0.2.1"})
    assert found.site_of(dr, ("192.0.2.1",)) == ("aws", "its addresses")
    assert found.site_of(dr, ("192.0.2.9",))[0] == "azure"


def test_a_page_without_a_marker_is_no_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    found = eyes(monkeypatch, {"192.0.2.9": web.Page(200, "parked domain")}, {})
    assert found.site_of(INVENTORY.names[1], ("192.0.2.9",)) == ("", "page with status 200 and no site's marker")


def looks(*seen: tuple[float, str]) -> list[users.Look]:
    return [users.Look(t, site) for t, site in seen]


def test_an_outage_is_from_the_first_page_missed_to_the_first_after_which_all_came() -> None:
    tape = looks((0, "aws"), (1, ""), (2, ""), (3, "azure"), (4, ""), (5, "azure"), (6, "azure"))
    assert users.outage_seconds(tape, 0, "azure") == 4
    assert users.outage_seconds(tape[:3], 0, "azure") is None
    assert users.outage_seconds(looks((0, "aws"), (1, "azure")), 0, "azure") == 0
    assert users.first_page_seconds(tape, 0, "azure") == 3


def test_a_manifest_is_read_as_package_backup_writes_it() -> None:
    content = {"began": "2026-11-21T03:00:00.000000Z", "scheduled": True, "tables": [{"name": "a", "rows": 5}]}
    found = read.parse_manifest("id", json.dumps(content).encode(), "azblob://a/b")
    assert found is not None and (found.rows, found.began, found.scheduled) == (5, 1_795_230_000.0, True)
    assert read.parse_manifest("id", b"{", "azblob://a/b") is None


def test_the_standby_asks_the_primarys_own_address_under_the_users_name() -> None:
    assert read.connect_to(INVENTORY.names[1]) == [
        "--connect-to",
        "::alb.aws.example",
        "https://dr.example.com/petclinic/",
    ]


def test_a_job_keeps_the_cronjobs_command_and_identity_and_runs_once() -> None:
    pod = {
        "serviceAccountName": "backup",
        "restartPolicy": "OnFailure",
        "containers": [{"command": ["sh"], "args": ["run"]}],
    }
    cronjob = {"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}
    job = worker.job_from(cronjob, "twinsite-restore-1", ["restore", "b1"])
    found = job["spec"]["template"]["spec"]
    assert found["containers"][0]["args"] == ["python3", "-m", "backup", "restore", "b1"]
    assert found["containers"][0]["command"] == ["sh"]
    assert (found["restartPolicy"], found["serviceAccountName"]) == ("Never", "backup")
    assert job["spec"]["backoffLimit"] == 0
    assert pod["restartPolicy"] == "OnFailure", "the CronJob itself is not changed"


class Said:
    """A worker that says this."""

    place = "there"

    def __init__(self, code: int, stdout: str, stderr: str = "") -> None:
        from operations.transport import Done

        self._done = Done(code, stdout, stderr)

    def run(self, arguments: Any, seconds: float) -> Any:
        return self._done


def test_a_programs_answer_is_the_last_object_that_it_printed() -> None:
    assert worker.answer(Said(0, 'words\n{"event": 1}\n{"id": "b1"}\nlast words'), ["run"], 1) == {"id": "b1"}


def test_a_programs_refusal_is_told_in_its_own_words() -> None:
    with pytest.raises(RemoteFailed, match="the target is read_only"):
        worker.answer(Said(2, '{"outcome": "refused", "problems": ["the target is read_only: …"]}'), ["restore"], 1)
    with pytest.raises(RemoteFailed, match="it printed no JSON"):
        worker.answer(Said(0, "nothing"), ["run"], 1)


def test_without_kubectl_the_primary_cannot_be_worked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unreachable, match="`kubectl` is not installed here"):
        worker.ClusterWorker(INVENTORY.jobs[0]).run(["list"], 1)


PULUMI = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$*" in
*whoami*) echo '{{"url": "{backend}"}}';;
*cancel*) touch {folder}/cancelled;;
*" preview "*) cat {folder}/preview.json;;
*" up "*) if [ -e {folder}/taken ]; then rm {folder}/taken
  echo "error: [409] Conflict: Another update is currently in progress."; exit 255; fi
  if [ -e {folder}/locked ] && [ ! -e {folder}/cancelled ]; then
  echo "error: the stack is currently locked by 1 lock(s)."
  echo "  file:///x: created by ann@$(hostname) (pid 999999999) at 2026-11-21"; exit 1; fi;;
*output*) cat {folder}/inventory.json;;
esac
"""


def project(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, backend: str = "file://~", more: str = "") -> Any:
    (tmp_path / "Pulumi.yaml").write_text("name: x\n")
    (tmp_path / "Pulumi.dr.yaml").write_text(more + "config:\n  twinsite:dr_mode: cold\n")
    (tmp_path / "inventory.json").write_text(json.dumps(to_dict(replace(INVENTORY, dr_mode="warm"))))
    (tmp_path / "preview.json").write_text(json.dumps({"steps": []}))
    (tmp_path / "pulumi").write_text(PULUMI.format(folder=tmp_path, backend=backend))
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program.Program("dr", tmp_path, "aws")


def calls(tmp_path: pathlib.Path) -> list[str]:
    return [line.split("--non-interactive ")[1] for line in (tmp_path / "calls").read_text().splitlines()]


URN = "urn:pulumi:dr::twinsite::"
OLD = {"id": "1"}
MAP = {"urn": f"{URN}twinsite:index:BackupJob$kubernetes:core/v1:ConfigMap::told", "op": "same", "oldState": OLD}
EDGE = {"urn": f"{URN}twinsite:index:FrontDoor$aws:cloudfront/distribution:Distribution::edge", "op": "same"}
BLOB = {"urn": f"{URN}azure-native:storage:Blob::inventory", "op": "update", "oldState": OLD}
LEFT_OUT = "--exclude **aws:*/** --exclude **kubernetes:*/**"
NEEDS: list[dict[str, Any]] = [
    {"dependencies": [EDGE["urn"]]},
    {"propertyDependencies": {"source": [EDGE["urn"]], "name": None}},
    {"parent": EDGE["urn"]},
]


@pytest.mark.parametrize("edge", [EDGE, {**EDGE, "oldState": OLD, "needed": True}], ids=["new", "needed"])
def test_raising_the_mode_leaves_the_primary_out(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, edge: dict[str, Any]
) -> None:
    desk = project(tmp_path, monkeypatch)
    steps = [MAP, edge, {**BLOB, "newState": {"dependencies": [MAP["urn"]] + [edge["urn"]] * ("needed" in edge)}}]
    (tmp_path / "preview.json").write_text("warning: something\n" + json.dumps({"steps": steps}) + "\n")
    said: list[str] = []
    assert desk.to_mode("warm", said.append).dr_mode == "warm"
    assert calls(tmp_path) == [
        "config set dr_mode warm --stack dr",
        f"preview --json --show-sames {LEFT_OUT} --stack dr",
        f"up --yes --skip-preview {LEFT_OUT} --stack dr",
        "stack output inventory --json --stack dr",
    ]
    assert said == ["aws is left as it is: what the program wants changed there comes with the next `pulumi up`"]


@pytest.mark.parametrize("state", NEEDS)
def test_what_is_new_at_the_primary_and_needed_elsewhere_is_refused_before_anything_is_changed(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]
) -> None:
    desk = project(tmp_path, monkeypatch)
    (tmp_path / "preview.json").write_text(json.dumps({"steps": [MAP, EDGE, {**BLOB, "newState": state}]}))
    with pytest.raises(
        program.ProgramFailed, match=r"\(inventory needs edge\): run the same command from the checkout"
    ):
        desk.to_mode("warm", lambda words: None)
    assert not any(call.startswith("up ") for call in calls(tmp_path))


def test_a_preview_that_fails_is_told_in_its_own_words(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = project(tmp_path, monkeypatch)
    said = {"steps": [], "diagnostics": [{"severity": "error", "message": "warm is not offered"}]}
    text = (tmp_path / "pulumi").read_text().replace("preview.json;;", "preview.json; exit 255;;")
    (tmp_path / "pulumi").write_text(text)
    (tmp_path / "preview.json").write_text(json.dumps(said))
    with pytest.raises(program.ProgramFailed, match="`pulumi preview` failed: warm is not offered"):
        desk.to_mode("warm", lambda words: None)
    (tmp_path / "preview.json").write_text("error: incorrect passphrase")
    with pytest.raises(program.ProgramFailed, match="incorrect passphrase"):
        desk.to_mode("warm", lambda words: None)


def test_lowering_the_mode_is_an_ordinary_up(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch).to_mode("cold", lambda words: None)
    assert calls(tmp_path)[1] == "up --yes --skip-preview --stack dr"


def test_with_other_versions_of_the_primarys_packages_it_is_an_ordinary_up_and_the_way_out_is_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = project(tmp_path, monkeypatch)
    (tmp_path / "preview.json").write_text(
        "… has not been registered yet, this is due to a change of providers mixed …"
    )
    said: list[str] = []
    assert desk.to_mode("warm", said.append).dr_mode == "warm"
    assert calls(tmp_path)[2] == "up --yes --skip-preview --stack dr"
    assert "run the same command from that one's checkout and .venv" in said[0]


def test_a_lock_that_a_killed_command_of_this_machine_left_is_cancelled(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").touch()
    assert project(tmp_path, monkeypatch).to_mode("warm", lambda words: None).dr_mode == "warm"
    assert (tmp_path / "cancelled").exists()


def test_an_update_that_pulumi_cloud_still_has_in_progress_is_waited_for_and_not_cancelled(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    said: list[str] = []
    assert project(tmp_path, monkeypatch).to_mode("warm", said.append).dr_mode == "warm"
    assert any("still works on the stack: waiting for it" in words for words in said)
    assert not any("Conflict" in words for words in said)
    assert not (tmp_path / "cancelled").exists()


SLOW = """#!/bin/sh
trap 'echo interrupted; touch {folder}/interrupted; exit 1' INT
echo updating; touch {folder}/begun
while [ ! -e {folder}/go ] && [ ! -e {folder}/interrupted ]; do sleep 0.05; done
echo made the machine; touch {folder}/made
"""
COMMAND = "import pathlib, sys; from operations.failover.program import Program; import signal; "
COMMAND += "signal.signal(signal.SIGINT, signal.default_int_handler); "
COMMAND += "Program('dr', pathlib.Path(sys.argv[1]), 'aws')._run(['up'], 60.0, print)"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_up_whose_command_is_killed_ends_in_good_order_and_ctrl_c_reaches_it(
    tmp_path: pathlib.Path, how: signal.Signals
) -> None:
    (tmp_path / "pulumi").write_text(SLOW.format(folder=tmp_path))
    (tmp_path / "pulumi").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    comes(tmp_path / "begun")
    running.send_signal(how)
    if how is signal.SIGINT:
        running.wait(timeout=20)
        assert (tmp_path / "interrupted").exists()
        return
    running.wait(timeout=20)
    (tmp_path / "go").touch()
    comes(tmp_path / "made")


def comes(path: pathlib.Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


def test_a_lock_of_another_machine_is_never_cancelled() -> None:
    words = "created by ann@elsewhere (pid 999999999) at"
    assert program._owner_is_gone(words) is False
    assert program._owner_is_gone(words.replace("elsewhere", socket.gethostname())) is True


@pytest.mark.parametrize(
    ("backend", "more", "words"),
    [
        ("s3://state?region=ap-northeast-2", "", "`pulumi login azblob://"),
        ("azblob://state", "secretsprovider: awskms://alias/key\n", "`pulumi stack change-secrets-provider"),
    ],
)
def test_state_or_secrets_in_aws_are_refused_with_the_fix(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, backend: str, more: str, words: str
) -> None:
    problems = project(tmp_path, monkeypatch, backend, more).problems()
    assert len(problems) == 1 and words in problems[0]
    assert project(tmp_path, monkeypatch, "azblob://state").problems() == ()


def test_without_a_project_the_folder_is_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    (tmp_path / "Pulumi.yaml").unlink()
    assert "has no Pulumi.yaml" in program.Program("dr", tmp_path, "aws").problems()[0]


# status


def named(site: str) -> tuple[NameSeen, ...]:
    return tuple(NameSeen(name.fqdn, (Seen("192.0.2.53", ("192.0.2.1",), site),)) for name in INVENTORY.names)


def quiet(**changes: Any) -> Facts:
    found = facts(names=named("aws"), now=SCHEDULED.began + 60)
    return replace(found, **changes)


def test_a_stack_in_quiet_times_is_healthy() -> None:
    assert list(show.problems(quiet())) == []
    told = show.describe(quiet())
    assert (told["active_site"], told["latch"]["set"], told["backup"]["id"]) == ("aws", False, SCHEDULED.id)
    assert told["standby"] == {"exists": False, "words": "no machine (cold)"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latch": (LatchObject(STORES[0], None, "403"), LatchObject(STORES[1], False))}, "latch-store-gone.md"),
        ({"latch": (LatchObject(STORES[0], True), LatchObject(STORES[1], False))}, "one latch object of two is set"),
        ({"backups": Backups()}, "no-backup.md"),
        ({"now": NOW + 40 * 3600}, "26 h are allowed"),
        ({"names": named("azure")}, "leads to azure, and the latch says aws"),
        ({"names": tuple(NameSeen(name.fqdn) for name in INVENTORY.names)}, "no server of its zone can be asked"),
        ({"standby": Standby(True, False, "409")}, "does not report (409): `pulumi up`"),
        ({"standby": replace(READY, outcome="failed", detail="restore: disk full")}, "disk full"),
    ],
)
def test_status_names_what_is_wrong_with_its_fix(change: dict[str, Any], words: str) -> None:
    assert words in "\n".join(show.problems(quiet(**change)))


def test_with_the_latch_set_users_are_at_the_standby() -> None:
    there = moved(names=named("azure"), now=SCHEDULED.began + 60)
    assert show.describe(there)["active_site"] == "azure"
    assert list(show.problems(there)) == []


# The command line.


@pytest.fixture
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dr.json").write_text(json.dumps(to_dict(INVENTORY)))
    monkeypatch.setenv("TWINSITE_INVENTORY", "dr.json")
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    return tmp_path


@pytest.mark.parametrize("words", [["failover", "--to", "azure"], ["failback", "--to", "aws"], ["drill", "restore"]])
def test_without_an_identity_every_command_is_refused_with_exit_2(
    desk: pathlib.Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert cli.main([*words, "--plan", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    shape = {"command", "topology", "dr_mode", "verdict", "figures", "steps", "evidence", "report", "plan", "problems"}
    assert shape <= found.keys()
    assert "`az login`" in found["problems"][0]


def test_status_without_an_identity_says_so(desk: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 1
    assert "`az login`" in json.loads(capsys.readouterr().out)["problems"][0]


def test_a_live_drill_and_a_switchover_are_refused_with_a_sentence(
    desk: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["drill", "failover", "--live"]) == 2
    assert "comes with the live replica" in capsys.readouterr().out
    assert cli.main(["switchover", "--to", "azure"]) == 2
    assert "comes with the live replica" in capsys.readouterr().err


def test_a_plan_for_a_person_shows_each_steps_plane_and_undo() -> None:
    found = plan(facts(), Intent(Command.FAILOVER, "azure"))
    from operations.failover import command

    result = command._planned(command.empty(INVENTORY, Command.FAILOVER), found)
    text = render.failover_text(result)
    assert "control plane: Azure Resource Manager, at home in the standby's region" in text
    assert "data plane: Azure Storage, at home in the store's region" in text
    assert "undo: none: from here on only `twinsite failback --to aws`" in text


@pytest.mark.parametrize("page", ["failover-from-backup", "failback", "latch-store-gone", "no-backup"])
def test_runbooks_say_planes_and_name_only_commands_that_exist(page: str) -> None:
    text = (ROOT / "docs" / "runbooks" / f"{page}.md").read_text()
    assert "data plane" in text.lower()
    for words in set(re.findall(r"(?:`| {4})twinsite (?!-)([a-z]+)", text)):
        done = subprocess.run(
            [sys.executable, "-m", "operations", words, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, words


@pytest.mark.parametrize("page", ["failover-from-backup", "failback"])
def test_until_a_cloud_account_has_seen_them_the_runbooks_say_that_none_did(page: str) -> None:
    text = (ROOT / "docs" / "runbooks" / f"{page}.md").read_text()
    assert "no cloud account has seen it" in text


class Unlit:
    """Eyes that get no page."""

    def get(self, url: str, name: str, address: str) -> web.Page:
        return web.Page(0, words="no answer")


def latch_seen(identity: azure.Identity, monkeypatch: pytest.MonkeyPatch) -> tuple[LatchObject, ...]:
    monkeypatch.setattr(azure, "TRIES", 1)
    reader = read.Reader.__new__(read.Reader)
    reader.inventory, reader.blobs = INVENTORY, azure.Blobs(identity)
    reader.eyes = Unlit()  # type: ignore[assignment]
    return reader.latch()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("gone", r"needs the role Storage Blob Data Contributor on azblob://\w+/\$web/latch/dr"),
        ("bare", "is gone, not only empty; `pulumi up` makes it again"),
        ("no name", "is gone, or your resolver does not work; `pulumi up` makes it again"),
        ("no answer", "look at your own network first"),
    ],
)
def test_a_latch_store_that_is_forbidden_gone_or_unreachable_is_not_an_empty_one(
    harm: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with azure_server() as there:
        assert [one.set for one in latch_seen(there.identity(), monkeypatch)] == [False, False], "empty is empty"
        identity = there.identity()
        first = azure.place(STORES[0]).account
        if harm in ("gone", "bare"):
            getattr(there, harm).add(first)
        else:
            # Nobody listens at port 9; names under .invalid exist nowhere (RFC 6761).
            base = "http://127.0.0.1:9" if harm == "no answer" else "http://gone.invalid"
            normal = identity.endpoints.blob
            monkeypatch.setattr(
                azure.Blobs,
                "_url",
                lambda self, place, query="": (
                    (base if place.account == first else normal.format(account=place.account))
                    + f"/{place.container}/{place.name}"
                ),
            )
        seen = latch_seen(identity, monkeypatch)
    assert [one.set for one in seen] == [None, False]
    assert re.search(words, seen[0].words), seen[0].words
    refused = plan(facts(latch=seen), Intent(Command.FAILOVER, "azure"))
    assert "accept that with --one-latch" in str(refused) and seen[0].words in str(refused)
    home = plan(replace(moved(), latch=seen), Intent(Command.FAILBACK, "aws"))
    assert "bring it back first" in str(home)


def test_backups_that_may_not_be_read_name_the_role_and_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    assert INVENTORY.backups is not None
    with azure_server() as there:
        there.gone.add(azure.place(INVENTORY.backups.store).account)
        reader = read.Reader.__new__(read.Reader)
        reader.inventory, reader.blobs = INVENTORY, azure.Blobs(there.identity())
        found = reader.backups()
    assert f"needs the role Storage Blob Data Reader on {INVENTORY.backups.store}" in found.problem
    assert found.problem in str(plan(facts(backups=found), Intent(Command.FAILOVER, "azure")))
