"""The edge of failover: DNS on the wire, pages, manifests and reports, status, the command line."""

import functools
import json
import pathlib
import re
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

from operations import azure, cli, dns, render, status, web, worker
from operations.moves import users
from operations.moves.from_backup import facts_reader
from operations.moves.from_backup.facts import Facts
from operations.moves.from_backup.plan import plan
from operations.moves.words import Command, Intent
from operations.stack import Stack
from operations.subjects import away_reader, manifests, workload
from operations.subjects import eyes as seeing
from operations.subjects.away import Answer, Backups, LatchObject, NameSeen, Parts, Standby
from operations.subjects.sources import WORDS, Sources
from operations.transport import Nobody, RemoteFailed, Unreachable
from tests import aws_gcp_world
from tests.azure_http import azure_server
from tests.failover_machines import JOB
from tests.failover_world import INVENTORY, STORES
from tests.unit.test_failover_plan import NOW, READY, SCHEDULED, facts, moved
from twinsite.inventory import Flow, Pod, to_dict

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


def eyes(monkeypatch: pytest.MonkeyPatch, pages: dict[str, web.Page], own: dict[str, str]) -> seeing.Eyes:
    found = seeing.Eyes("aws", "azure", "127.0.0.1:1", lambda url, name, address: pages[address])
    monkeypatch.setattr(
        found, "own_addresses", lambda url: frozenset({own[url.split("/")[2]]} if url.split("/")[2] in own else ())
    )
    return found


def test_an_origin_is_asked_at_its_address_for_the_host_that_cloudflare_asks_for() -> None:
    """crm-gcp.example.com is a name of a certificate; nobody has to give it a record."""
    asked: list[tuple[str, str, str]] = []

    def get(url: str, name: str, address: str) -> web.Page:
        asked.append((url, name, address))
        return web.Page(200)

    found, (name,) = seeing.Eyes("aws", "gcp", "", get), aws_gcp_world.INVENTORY.names
    found.at_home(name)
    found.at_away(name)
    found.at_away(INVENTORY.names[0])
    assert asked == [
        ("https://crm-aws.example.com/", "", "crm-123456789.ap-northeast-2.elb.amazonaws.com"),
        ("https://crm-gcp.example.com/", "", "34.120.1.7"),
        (INVENTORY.names[0].secondary_url, INVENTORY.names[0].fqdn, ""),
    ]


def test_an_edges_address_that_many_sites_share_is_told_by_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    dr = INVENTORY.names[1]
    found = eyes(monkeypatch, {"192.0.2.9": web.Page(200, "served by site azure")}, {"alb.aws.example": "192.0.2.1"})
    assert found.site_of(dr, ("192.0.2.1",)) == ("aws", "its addresses")
    assert found.site_of(dr, ("192.0.2.9",))[0] == "azure"


def test_a_page_without_a_marker_is_no_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    found = eyes(monkeypatch, {"192.0.2.9": web.Page(200, "parked domain")}, {})
    assert found.site_of(INVENTORY.names[1], ("192.0.2.9",)) == ("", "page with status 200 and no site's marker")


def looks(*seen: tuple[float, str]) -> list[users.UserLook]:
    return [users.UserLook(t, site) for t, site in seen]


def test_an_outage_is_from_the_first_page_missed_to_the_first_after_which_all_came() -> None:
    tape = looks((0, "aws"), (1, ""), (2, ""), (3, "azure"), (4, ""), (5, "azure"), (6, "azure"))
    assert users.outage_seconds(tape, 0, "azure") == 4
    assert users.outage_seconds(tape[:3], 0, "azure") is None
    assert users.outage_seconds(looks((0, "aws"), (1, "azure")), 0, "azure") == 0
    assert users.first_page_seconds(tape, 0, "azure") == 3


def test_a_manifest_is_read_as_package_backup_writes_it() -> None:
    content = {"began": "2026-11-21T03:00:00.000000Z", "scheduled": True, "tables": [{"name": "a", "rows": 5}]}
    found = manifests.parse("id", json.dumps(content).encode(), "azblob://a/b")
    assert found is not None and (found.rows, found.began, found.scheduled) == (5, 1_795_230_000.0, True)
    assert manifests.parse("id", b"{", "azblob://a/b") is None


def test_the_standby_asks_the_primarys_own_address_under_the_users_name() -> None:
    assert facts_reader.connect_to(INVENTORY.names[1]) == [
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
    program = "backup"

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


def cluster_problems(job: Pod) -> list[str]:
    hosts = tuple(replace(host, way=job) if host.way == JOB else host for host in INVENTORY.hosts)
    stack = Stack("dr", replace(INVENTORY, hosts=hosts), pathlib.Path("unused"))
    return [words for one in workload.read(status.sources(stack, Nobody())) for words in one.problems()]


@pytest.mark.parametrize("known", [True, False])
def test_status_tells_a_wrong_context_from_a_cluster_that_has_the_job(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    said = "echo '{}'" if known else "echo 'error: context \"soul\" does not exist' >&2; exit 1"
    (tmp_path / "kubectl").write_text(f'#!/bin/sh\ncase "$*" in *"--context soul"*) {said};; *) exit 9;; esac\n')
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    job = replace(JOB, context="soul")
    found = cluster_problems(job)
    if known:
        assert found == []
    else:
        assert 'does not see CronJob petclinic/rds-backup (error: context "soul" does not exist)' in found[0]
        assert "`pulumi config set kubernetes:context CONTEXT`" in found[0]
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert cluster_problems(job) == [], "a desk without kubectl knows nothing"


def test_without_kubectl_the_primary_cannot_be_worked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unreachable, match="`kubectl` is not installed here"):
        worker.ClusterWorker(JOB).run(["list"], 1)


# status


def named(site: str) -> tuple[NameSeen, ...]:
    return tuple(NameSeen(name.fqdn, (Answer("192.0.2.53", ("192.0.2.1",), site),)) for name in INVENTORY.names)


def quiet(**changes: Any) -> Facts:
    found = facts(names=named("aws"), now=SCHEDULED.began + 60)
    return replace(found, **changes)


def told(known: Facts) -> status.Status:
    """The status of a stack of which this is known; nobody logs in to its hosts."""
    evidence = {"verdict": None, "reason": "no drill was run"}
    return status.status(Sources(known.inventory, nobody, lambda: parts_of(known)), evidence)


def parts_of(known: Facts, **dead: Exception) -> Parts:
    """Each part of what is known; those that are `dead` raise this."""

    def ask(part: str) -> Any:
        if part in dead:
            raise dead[part]
        return getattr(known, part)

    return Parts(known.inventory, known.now, {part: functools.partial(ask, part) for part in WORDS})


def nobody() -> Any:
    raise AssertionError("a stack without logins asked its hosts")


def test_a_flow_of_an_unknown_kind_is_told_of() -> None:
    flow = Flow("orders", "postgres", "pglogical", "a", "b")
    found = told(replace(quiet(), inventory=replace(INVENTORY, flows=(flow,))))
    assert found.problems() == [
        "orders: this twinsite cannot look at flows of kind pglogical, so nothing is known of the data at b: "
        "install a newer one"
    ]
    assert any("of unknown kind pglogical" in line for line in found.text().splitlines())


def test_a_stack_in_quiet_times_is_healthy() -> None:
    assert told(quiet()).problems() == []
    shown = told(quiet()).shown()
    assert (shown["active_site"], shown["latch"]["set"], shown["backup"]["id"]) == ("aws", False, SCHEDULED.id)
    assert shown["standby"] == {"exists": False, "words": "no machine (cold)"}


def test_what_a_backup_could_not_carry_is_shown_with_it_and_is_no_alarm() -> None:
    content = {
        "began": "2027-01-15T03:00:00.000000Z", "scheduled": True, "tables": [],
        "concerns": [{"kind": "view", "name": "v", "table": "", "words": "view 'v' is broken"}],
    }  # fmt: skip
    backup = manifests.parse("id", json.dumps(content).encode(), "azblob://a/b")
    assert backup
    now = quiet(backups=Backups((backup,)), now=backup.began + 60)
    assert told(now).problems() == []
    assert told(now).shown()["backup"]["concerns"] == ["view 'v' is broken"]
    assert "           view 'v' is broken" in told(now).text().splitlines()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latch": (LatchObject(STORES[0], None, "403"), LatchObject(STORES[1], False))}, "latch-store-gone"),
        ({"latch": (LatchObject(STORES[0], True), LatchObject(STORES[1], False))}, "one latch object of two is set"),
        ({"backups": Backups()}, "no-backup"),
        ({"now": NOW + 40 * 3600}, "26 h are allowed"),
        ({"names": named("azure")}, "leads to azure, and the latch says aws"),
        ({"names": tuple(NameSeen(name.fqdn) for name in INVENTORY.names)}, "no server of its zone can be asked"),
        ({"standby": Standby(True, False, "409")}, "does not report (409): `pulumi up`"),
        ({"standby": replace(READY, outcome="failed", detail="restore: disk full")}, "disk full"),
    ],
)
def test_status_names_what_is_wrong_with_its_fix(change: dict[str, Any], words: str) -> None:
    assert words in "\n".join(told(quiet(**change)).problems())


def test_with_the_latch_set_users_are_at_the_standby() -> None:
    there = moved(names=named("azure"), now=SCHEDULED.began + 60)
    assert told(there).shown()["active_site"] == "azure"
    assert told(there).problems() == []


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
    assert "only a live replica can do without that" in capsys.readouterr().out
    assert cli.main(["switchover", "--to", "azure"]) == 2
    assert "has no PostgreSQL replica with a job that moves its writer" in capsys.readouterr().err


def test_a_plan_for_a_person_shows_each_steps_plane_and_undo() -> None:
    found = plan(facts(), Intent(Command.FAILOVER, "azure"))
    from operations.moves import command

    result = command._planned(command.empty(INVENTORY, Command.FAILOVER), found, [])
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
    reader = away_reader.AwayReader.__new__(away_reader.AwayReader)
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
        reader = away_reader.AwayReader.__new__(away_reader.AwayReader)
        reader.inventory, reader.blobs = INVENTORY, azure.Blobs(there.identity())
        found = reader.backups()
    assert f"needs the role Storage Blob Data Reader on {INVENTORY.backups.store}" in found.problem
    assert found.problem in str(plan(facts(backups=found), Intent(Command.FAILOVER, "azure")))


def test_backups_of_a_container_are_its_manifests_and_what_has_none_is_half() -> None:
    assert INVENTORY.backups is not None
    content = {"began": "2026-11-21T03:00:00.000000Z", "scheduled": True, "tables": [{"name": "a", "rows": 5}]}
    place = azure.place(INVENTORY.backups.store)
    with azure_server() as there:
        for name, text in (("b1/manifest.json", json.dumps(content)), ("b1/a.zst", ""), ("b2/a.zst", "")):
            there.blobs[place.account, place.container, f"backups/{name}"] = text.encode()
        reader = away_reader.AwayReader.__new__(away_reader.AwayReader)
        reader.inventory, reader.blobs = INVENTORY, azure.Blobs(there.identity())
        found = reader.backups()
    assert (found.problem, found.unread, found.halves) == ("", "", ("b2",))
    assert [(one.id, one.rows, one.store) for one in found.complete] == [("b1", 5, INVENTORY.backups.store)]
