"""Silent breakages on two real gateways: status names each with its cause, and what it says mends it."""

import dataclasses
import io
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.breakages import run
from benchmarks.breakages.gateway import GATEWAY as ROWS
from benchmarks.breakages.gateway import SAMPLE
from benchmarks.breakages.table import Breakage
from operations import evidence, host_facts, status
from operations.console import Plain
from operations.guest import Guests, gather
from operations.repair import command
from operations.stack import Stack
from operations.transport import Done
from tests.operations_world import INVENTORY, of_hosts
from tests.sampling import sample

from .box_world import GATEWAY, Bench
from .pair_desk import PairTransport
from .test_gateway_guest import ONPREM, Tunnel, running_gateways
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]

MACHINES = {"onprem-gateway": ONPREM, "aws-gateway": GATEWAY}
PLACES = {"initiator": ONPREM, "responder": GATEWAY}
TUNNEL_ONLY = dataclasses.replace(
    INVENTORY,
    hosts=tuple(host for host in INVENTORY.hosts if host.name in MACHINES),
    flows=(),
    store="ssh://onprem-gateway/var/lib/twinsite",
)


def over_ssh(bench: Bench, machine: str, words: str, stdin: str, seconds: float) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        bench.command(machine, words), input=stdin, capture_output=True, text=True, timeout=seconds, check=False
    )


class Transport(PairTransport):
    """The operator's way to the two gateways."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        done = over_ssh(self._bench, MACHINES[host], shlex.join(command), stdin, timeout_seconds + 5)
        return Done(done.returncode, done.stdout, done.stderr)


@dataclasses.dataclass
class Desk:
    """A Desk of benchmarks/breakages/run.py: the real commands on two gateways without a stack."""

    bench: Bench
    folder: Path

    def status(self) -> dict[str, Any]:
        found = host_facts.read(TUNNEL_ONLY, gather(Guests(TUNNEL_ONLY, Transport(self.bench))))
        return status.status(of_hosts(found), evidence.standing(None, "", 0.0, "a drill")).shown()

    def command(self, words: Sequence[str]) -> dict[str, Any]:
        stack = Stack("gateways", TUNNEL_ONLY, self.folder)
        return command.run(stack, Transport(self.bench), Plain(io.StringIO()), False, frozenset())

    def shell(self, place: str, program: str, *arguments: str) -> str:
        done = over_ssh(self.bench, PLACES[place], shlex.join(["sudo", "sh", "-s", *arguments]), program, 60)
        assert done.returncode == 0, f"{' '.join(arguments)} on the {place}: {done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One tunnel that works, for all rows: each is mended before the next."""
    with running_gateways(tmp_path_factory.mktemp("gateways"), "gb") as bench:
        tunnel = Tunnel(bench)
        for machine in (GATEWAY, ONPREM):
            tunnel.apply(machine)
        tunnel.gate()
        yield Desk(bench, tmp_path_factory.mktemp("desk"))


def test_a_tunnel_that_works_raises_no_alarm(desk: Desk) -> None:
    looks = list(run.alarms(desk, 10))
    assert len(looks) >= 2
    assert [problems for problems in looks if problems] == []


@pytest.mark.parametrize(
    "row", sample(ROWS, [row for row in ROWS if row.name in SAMPLE]), ids=lambda row: str(row.name)
)
def test_a_breakage_is_named_with_its_cause_and_mended_as_status_says(desk: Desk, row: Breakage) -> None:
    found = run.one(desk, row)
    assert found.seconds is not None, str(found)
    assert found.mended, str(found)
    assert found.wrong == "", str(found)
