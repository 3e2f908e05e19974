"""Every command on every topology: it does its job, or says what this stack has instead. Commands come from the
argparse tree and topologies from the program, so that neither a new one nor a new topology is forgotten."""

import argparse
import json
import pathlib
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from operations import cli, offers
from operations.adopt import command as adopting
from operations.drill import cloud_tunnel_options
from operations.journal import lock
from operations.moves.from_backup import world as moving
from operations.moves.logical import world as switching
from operations.subjects import away_reader
from stacks import TOPOLOGIES
from tests import failover_world, logical_world, operations_world
from tests.azure_http import azure_server
from tests.failover_machines import Machines
from tests.operations_hosts import FakeTransport, HostWorld
from twinsite.inventory import Inventory, to_dict

INVENTORIES = {
    one.topology: one for one in (operations_world.INVENTORY, failover_world.INVENTORY, logical_world.INVENTORY)
}

ANSWERS: dict[str, Callable[[str, Inventory], str]] = {
    "--to": lambda command, found: found.home if command == "failback" else found.away,
    "--end": lambda command, found: "source",
    "name": lambda command, found: "www.example.com",
}
"""What a command asks for without a default."""

NOT_HERE = ("report", "adopt-name", "doctor", "compare-modes", "review")
"""Offered everywhere, and refused at this desk: no drill was run, the program makes no pair, there is no program, and
nothing that it could be recorded on."""

OTHERWISE = ("status", "failback", "drill tunnel-cut", "drill tunnel")
"""Status has no verdict; users are at home; another drill holds the lock (twice)."""


def leaves(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """(words, parser) of each command that can be typed."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield " ".join(path), parser
    for action in below:
        for name, child in action.choices.items():
            yield from leaves(child, (*path, name))


COMMANDS = dict(leaves(cli._arguments()))


def words(command: str, inventory: Inventory) -> list[str]:
    """The command with what it demands; only a plan, where it has one."""
    found = command.split()
    for action in COMMANDS[command]._actions:
        name = action.option_strings[0] if action.option_strings else action.dest
        if "--plan" in action.option_strings or "--json" in action.option_strings:
            found.append(name)
        elif action.required:
            found += [*action.option_strings[:1], ANSWERS[name](command, inventory)]
    return found


class NoName:
    """A Pulumi project whose program makes no failover pair."""

    def preview(self) -> list[dict[str, Any]]:
        return []

    def records(self, steps: object) -> list[Any]:
        return []

    def settings(self) -> dict[str, str]:
        return {}


class Desk:
    """A desk at which every topology's stack lives, in memory and in `folder`; counts who was asked."""

    def __init__(self, folder: pathlib.Path, patch: pytest.MonkeyPatch, machines: Machines) -> None:
        self.folder, self.asked = folder, 0
        patch.chdir(folder)
        for inventory in INVENTORIES.values():
            (folder / f"{inventory.topology}.json").write_text(json.dumps(to_dict(inventory)))
        project: Any = NoName()
        # A whole drill takes seconds (test_operations_drill.py); here it comes as far as another one's lock.
        held = {"id": "other", "owner": "`drill tunnel-cut` by anna", "since": 0.0, "expires": 9e9}
        hosts = HostWorld(lock=held)

        def transport(inventory: Inventory) -> Any:
            self.asked += 1
            return FakeTransport(hosts)

        def world(*_: object) -> Any:
            self.asked += 1
            return machines.world()

        patch.setattr(cli, "connect", transport)
        self.twins = logical_world.Model()
        logical_world.install(patch, lambda: self.twins)

        def twins(*_: object) -> Any:
            self.asked += 1
            return self.twins.world()

        def tunnels(*_: object) -> Any:
            self.asked += 1
            store = failover_world.MemoryStore(lambda: None)
            store.objects[lock.NAME] = json.dumps(held).encode()
            return cloud_tunnel_options.World(self.twins.clouds.world().google, store, lambda say: None)  # type: ignore[arg-type, return-value]

        patch.setattr(cloud_tunnel_options, "connect", tunnels)
        patch.setattr(moving, "connect", world)
        patch.setattr(switching, "connect", twins)
        patch.setattr(away_reader, "connect", lambda inventory: world().reader)
        patch.setattr(
            adopting,
            "connect",
            lambda stack: adopting.World(project, no_zone, lambda name: frozenset(), lambda url: 0, lambda *_: ""),
        )


def no_zone(zone: str, profile: str) -> Any:
    raise AssertionError("no zone is asked for a name that the program does not have")


@pytest.fixture
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with azure_server() as there:
        machines = Machines(tmp_path, there, monkeypatch)
        machines.alive = False
        yield Desk(tmp_path, monkeypatch, machines)
        machines.names.close()


def typed(sentence: str) -> list[str]:
    """Commands of ours that a sentence tells a person to type."""
    return re.findall(r"`twinsite ([^`]*)`", sentence)


def parses(line: str) -> argparse.Namespace:
    return cli._arguments().parse_args(shlex.split(line))


def test_every_topology_and_every_command_is_among_them() -> None:
    assert set(INVENTORIES) == set(TOPOLOGIES)
    assert set(offers.NEEDS) == set(COMMANDS), "operations/offers.py must say what a command needs of a stack"


@pytest.mark.parametrize("topology", INVENTORIES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_its_job_or_names_what_the_stack_has(
    desk: Desk, capsys: pytest.CaptureFixture[str], command: str, topology: str
) -> None:
    inventory = INVENTORIES[topology]
    desk.twins.alive = command != "failover"
    code = cli.main(["--inventory", f"{topology}.json", "--stack", "s", *words(command, inventory)])
    answer = json.loads(capsys.readouterr().out)
    instead = [parses(line) for problem in answer.get("problems", []) for line in typed(problem)]
    assert [offers.refusal(cli._name(one), inventory) for one in instead] == [""] * len(instead)
    if offers.refusal(command, inventory) or command in NOT_HERE:
        assert (code, answer["verdict"]) == (2, "refused")
        assert not desk.asked, "refused before anybody is asked"
        assert instead or "`pulumi up`" in answer["problems"][0] or "give --stand-ins" in answer["problems"][0]
    else:
        assert desk.asked
        assert command in OTHERWISE or (code, answer["verdict"]) == (0, "passed"), answer


@pytest.mark.parametrize("topology", INVENTORIES)
def test_what_status_advises_is_what_the_stack_has(
    desk: Desk, capsys: pytest.CaptureFixture[str], topology: str
) -> None:
    cli.main(["--inventory", f"{topology}.json", "--stack", "s", "status", "--json"])
    answer = json.loads(capsys.readouterr().out)
    advised = [line for words in (answer["evidence"]["reason"], *answer["problems"]) for line in typed(words)]
    assert advised or not offers.drills(INVENTORIES[topology])
    assert [offers.refusal(cli._name(parses(line)), INVENTORIES[topology]) for line in advised] == [""] * len(advised)


def test_a_repair_of_a_stack_with_nothing_to_mend_asks_nobody_and_does_not_say_that_all_works(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--inventory", "aws-azure.json", "repair", "--plan"]) == 2
    said = capsys.readouterr()
    assert "everything works" not in said.out + said.err
    assert "has no tunnel between hosts or MySQL replica" in said.err and "`twinsite status`" in said.err
