"""What status knows from the away site on: each part by itself, and what each tells a person to do is true."""

import io
import pathlib
from dataclasses import replace

import pytest

from operations import azure, status
from operations.console import Plain
from operations.journal import document
from operations.moves import command
from operations.moves.words import Command, Intent
from operations.stack import Stack
from operations.store import Unavailable
from operations.subjects import away_reader
from operations.subjects.away import Backups, LatchObject
from operations.subjects.operation import OperationSeen
from operations.subjects.sources import WORDS, Sources
from tests.azure_http import azure_server
from tests.failover_world import INVENTORY, STORES, Model, ModelWorld
from tests.property.test_failover_commands import dead
from twinsite.guest import health
from twinsite.guest.health import Problem
from twinsite.guest.standby import health as standby_health
from twinsite.inventory import AzureRunCommand

from .test_failover_edge import named, nobody, parts_of, quiet, told
from .test_failover_plan import NOW, SCHEDULED, moved

DEAD = Unavailable("azblob://petclinicbackup/operations cannot be used: timed out")


def test_a_dead_operations_store_hides_neither_latch_nor_names_nor_backups_nor_standby() -> None:
    known = moved(names=named("azure"), now=SCHEDULED.began + 60)
    lost = dict.fromkeys(("writer", "unfinished", "astray"), DEAD)
    there = Sources(INVENTORY, nobody, lambda: parts_of(known, **lost))
    found = status.status(there, {"verdict": None, "reason": "no drill was run"})
    assert found.problems() == [
        f"which backup counts is not known (who may write cannot be read: {DEAD}); the youngest complete one is "
        f"{SCHEDULED.id}, 60 s old ({SCHEDULED.branch}): bring the operations' store back first; a failover restores "
        "none unjudged",
        f"who may write cannot be read: {DEAD}",
        f"whether an operation has not ended cannot be read: {DEAD}",
    ]
    shown = found.shown()
    assert (shown["active_site"], shown["latch"]["set"], shown["backup"]["id"]) == ("azure", True, None)
    assert [name["site"] for name in shown["names"]] == ["azure", "azure"]
    assert shown["standby"]["exists"]
    assert f"  backup   youngest {SCHEDULED.id}; whether it counts is not known" in found.text().splitlines()


@pytest.mark.parametrize("part", [one for one in WORDS if one != "cut"])  # which is asked of a flow by DMS alone
def test_a_part_that_cannot_be_read_hides_only_what_needs_it(part: str) -> None:
    there = Sources(INVENTORY, nobody, lambda: parts_of(quiet(), **{part: DEAD}))
    found = status.status(there, {"verdict": None, "reason": "no drill was run"})
    needs = {
        "latch": {"active_site", "latch", "names", "writer"}, "backups": {"backup", "writer"}, "astray": set(),
        "unfinished": set(), "names": {"names"}, "standby": {"standby"}, "writer": {"writer"},
    }  # fmt: skip
    every, left = told(quiet()).shown(), found.shown()
    assert {field for field in every if every[field] and not left.get(field)} - {"healthy"} == needs[part]
    assert [words for words in found.problems() if str(DEAD) in words], "and it is said"


def test_where_users_are_is_never_guessed() -> None:
    half = quiet(latch=(LatchObject(STORES[0], None, "403"), LatchObject(STORES[1], False)))
    found = told(half)
    assert found.shown()["active_site"] is None
    assert found.text().startswith("aws-azure, cold, active site unknown\n")
    assert "where users are is not known" in found.problems()[1]
    unread = status.status(
        Sources(INVENTORY, nobody, lambda: parts_of(quiet(), latch=DEAD)), {"verdict": None, "reason": "x"}
    )
    assert unread.shown()["active_site"] is None, "what the stack was told is a guess"
    assert f"where users are cannot be read: {DEAD}" in unread.problems()


def test_a_store_that_the_inventory_does_not_name_hides_only_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with azure_server() as there:
        reader = away_reader.connect(replace(INVENTORY, store="nonsense"), there.identity().endpoints)
        with pytest.raises(Unavailable, match="nonsense"):
            reader.store.read("lock.json")
        monkeypatch.setattr(reader, "blobs", azure.Blobs(there.identity()))
        assert [one.set for one in reader.parts()("latch").latch] == [False, False]


@pytest.mark.parametrize(
    ("pointer", "journal", "why"),
    [
        (b"{", None, "it is no document of ours"),
        (b'{"id": "op-7"}', None, "it names journal/op-7.json, which is not there"),
        (b'{"id": "op-7"}', b"{", "it names journal/op-7.json, which cannot be read"),
        (b'{"id": "op-7"}', b'{"entries": [{}]}', "it names journal/op-7.json, which cannot be read"),
    ],
)
def test_a_journals_pointer_that_leads_nowhere_is_named_and_stops_nobody(
    tmp_path: pathlib.Path, pointer: bytes, journal: bytes | None, why: str
) -> None:
    model = dead(Model())
    model.store.write(document.POINTER, pointer)
    if journal:
        model.store.write("journal/op-7.json", journal)
    unfinished, astray = document.pointed(model.store)
    assert unfinished is None and f"unfinished.json in memory leads to no operation ({why})" in astray
    found = told(quiet(astray=astray))
    assert found.problems() == [astray]
    stack, say = Stack("dr", INVENTORY, tmp_path), Plain(io.StringIO())
    intent = Intent(Command.FAILOVER, "azure")
    shown = command.run(stack, intent, say, True, lambda: ModelWorld(model))
    assert (shown["verdict"], shown["says"][0]) == ("passed", astray)
    done = command.run(stack, intent, say, False, lambda: ModelWorld(model))
    assert (done["verdict"], done["problems"]) == ("passed", [])
    assert document.pointed(model.store) == (None, ""), "what was done wrote it anew, and took it away"


def nobody_logs_in(problem: Problem) -> list[str]:
    """What status says of a standby machine on Azure that complains so."""
    machine = replace(INVENTORY.hosts[0], way=AzureRunCommand("sub", "dr-rg", "dr-vm"))
    there = replace(INVENTORY, hosts=(machine, *INVENTORY.hosts[1:]))
    seen = away_reader.parse_standby({"outcome": "ready", "problems": health.plain([problem])})
    return told(quiet(inventory=there, standby=seen)).problems()


def test_what_the_standby_advises_is_what_reaches_it() -> None:
    agents = health.agent_problems({"ActiveState": "inactive", "UnitFileState": "enabled"}, {}, NOW)
    masked = health.agent_problems({"UnitFileState": "masked"}, {}, NOW)
    role = Problem("page", "it does not answer", standby_health._APPLY)
    at = "az vm run-command invoke --subscription sub --resource-group dr-rg --name dr-vm --command-id RunShellScript"
    start = f"`{at} --scripts 'systemctl enable --now twinsite-agent.service'`"
    assert [nobody_logs_in(one)[0].partition(": run ")[2] for one in (*agents, *masked, role)] == [
        f"{start}, which starts and enables it",
        f"`{at} --scripts 'systemctl unmask twinsite-agent.service'`, then {start}",
        f"`{at} --scripts '/usr/local/sbin/twinsite-guest standby apply'` on the standby machine",
    ]


def test_a_desk_without_an_identity_is_told_to_get_one_and_not_to_look_at_its_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(azure.AzureError) as refused:
        azure.Identity(environment={}).token(azure.STORAGE)
    said = azure.explained(refused.value, "azblob://a/b", "Storage Blob Data Reader")
    assert said.endswith("or run `az login`")


def test_backups_that_cannot_be_read_are_not_shown_as_none() -> None:
    found = told(quiet(backups=Backups(problem="403")))
    assert "  backup   unknown: the backups cannot be read" in found.text().splitlines()


@pytest.mark.parametrize(
    ("command", "choices", "again"),
    [
        ("switchover", {"to": "aws"}, "twinsite switchover --to aws"),
        ("switchover", {}, "twinsite switchover --to gcp"),
        ("failover", {"to": "gcp"}, "twinsite failover --to gcp"),
        ("failback", {}, "twinsite failback --to aws"),
        ("drill switchover", {"to": "gcp"}, "twinsite drill switchover"),
        ("repair", {"to": "gcp"}, "twinsite repair"),
    ],
)
def test_what_has_not_ended_is_typed_again_as_it_was(command: str, choices: dict[str, str], again: str) -> None:
    left = document.Unfinished("op", command, "then", choices=choices)
    found = OperationSeen(left, "", "aws", "gcp").problems()
    assert list(found) == [f"{command} op, begun then, has not ended: `{again}`"]
