"""The operator's commands on a pair of machines without a stack: the real ones, over the pair's own SSH."""

import dataclasses
import io
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from operations import evidence, host_facts, status
from operations.console import Plain
from operations.guest import Guests, gather
from operations.repair import command
from operations.stack import Stack
from operations.transport import Done, Stream, Unreachable
from tests.operations_world import of_hosts
from twinsite.inventory import MYSQL_REPLICA, Flow, Host, Inventory, Site, Ssh

from .database_pair import REPLICA, SOURCE, Pair

PLACES = {"source": SOURCE, "replica": REPLICA}
INVENTORY = Inventory(
    topology="onprem-aws",
    dr_mode="pilot-light",
    sites=(Site("source", ()), Site("replica", ())),
    home="source",
    away="replica",
    active_site="source",
    hosts=tuple(
        Host(place, place, address, ("database",), Ssh(address, "ubuntu", "")) for place, address in PLACES.items()
    ),
    tunnels=(),
    flows=(Flow("pair", "mysql", MYSQL_REPLICA, "source", "replica", SOURCE, 3306, "twinsite.heartbeat", 6.0, 24.0),),
    store="ssh://replica/var/lib/twinsite",
    digest="",
)


class PairTransport:
    """A Transport (operations/transport) over a Pair."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        done = self._pair.on(PLACES[host], shlex.join(command), stdin.encode(), timeout_seconds + 5)
        return Done(done.returncode, done.stdout, done.stderr)

    def stream(self, host: str, command: Sequence[str]) -> Stream:
        raise Unreachable(host, "no stream to a pair")  # `repair` asks for clocks, and does without

    def answers(self, host: str, timeout_seconds: float = 1.0) -> bool:
        return True

    def reset(self, host: str) -> None:
        return

    def close(self) -> None:
        return


@dataclasses.dataclass
class PairDesk:
    """A Desk of benchmarks/breakages/run.py."""

    pair: Pair
    folder: Path

    @property
    def _transport(self) -> PairTransport:
        return PairTransport(self.pair)

    def status(self) -> dict[str, Any]:
        """`twinsite status --json`."""
        found = host_facts.read(INVENTORY, gather(Guests(INVENTORY, self._transport)))
        return status.status(of_hosts(found), evidence.standing(None, "", 0.0, "a drill")).shown()

    def command(self, words: Sequence[str]) -> dict[str, Any]:
        """`twinsite repair [--confirm WORD]`."""
        confirmed = frozenset(words[words.index("--confirm") + 1 :] if "--confirm" in words else ())
        stack = Stack("pair", INVENTORY, self.folder)
        return command.run(stack, self._transport, Plain(io.StringIO()), False, confirmed)

    def shell(self, place: str, program: str, *arguments: str) -> str:
        """A shell program on one of the two machines."""
        return self.pair.must(PLACES[place], shlex.join(["sh", "-s", *arguments]), program.encode())
