"""A stack whose standby follows by logical replication, as its moves work with it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from twinsite.inventory import Inventory, Pod

from ... import azure, dns, google, parts
from ...stack import Stack
from ...steps import Say
from ...store import Store, open_store
from ...subjects import cloud_reader
from ...subjects.away_reader import newest
from ...subjects.clouds import World as Clouds
from ...subjects.eyes import Eyes
from ...worker import ClusterWorker, Worker
from ...writer_registers import Registers, opened
from ..users import Watch
from ..words import Command, Intent, Plan, Refusal
from .facts_reader import FactsReader
from .hands import Hands
from .plan import plan

PROGRAM = "logical"
LEADS = {
    Command.SWITCHOVER: "The writer was moved while both sites lived; nobody was let in before all rows were there.",
    Command.FAILOVER: "The standby's database was promoted without its source, and users were let in.",
    Command.FAILBACK: "The old primary follows again, and the writer was brought home.",
    Command.DRILL_SWITCHOVER: "Everything that a switchover needs was seen; users are where they were.",
    Command.REPAIR: "What the databases and the registers said was amiss was mended.",
    Command.DRILL_FAILOVER: "Everything but the promotion was done, and taken away again.",
}


@dataclass
class LogicalWorld:
    """Tests put their own in place of the network's."""

    store: Store
    inventory: Inventory
    clouds: Clouds
    worker: Callable[[Say], Worker]
    registers: Callable[[Collection[str]], Registers]
    eyes: Eyes

    def plan(self, intent: Intent, owner: str) -> Plan | Refusal:
        """From facts alone."""
        reader = FactsReader(self.inventory, self.store, self.clouds, self.eyes)
        return plan(
            reader.facts(self.hands("", 0.0), owner, intent.command in (Command.REPAIR, Command.DRILL_FAILOVER)), intent
        )

    def hands(self, identity: str, began: float) -> Hands:
        """What the steps work with."""
        return Hands(self.inventory, self.clouds, self.worker, self.registers, self.eyes, began)

    def watch(self, intent: Intent) -> Watch | None:
        """Users of the application's name."""
        name = next((one for one in self.inventory.names if one.stateful), None)
        if name is None or not intent.moves_users or not self.eyes.resolver:
            return None
        watch = Watch(self.eyes, name)
        watch.start()
        return watch

    def lead(self, command: Command) -> str:
        """What was done."""
        return LEADS[command]

    def left(self, command: Command, to: str) -> list[str]:
        """What is left for a person: the program asks no database and no register who writes, a person tells it."""
        if command not in (Command.FAILOVER, Command.SWITCHOVER, Command.FAILBACK):
            return []
        home, told, word = self.inventory.home, self.inventory.active_site, f"`pulumi config set active_site {to}`"
        until = "refuses what would end it" if to == home else f"would let a change of mode end {to}"
        left = [
            f"{word}, if it was set to another one since the last `pulumi up`"
            if told == to
            else f"{word}, before anything else is done by Pulumi: it goes by {told} until then, and {until}"
        ]
        if command is Command.FAILOVER:
            left.append(
                f"when {home} is back, before its application is let at it: `twinsite failback --to {home} --plan`"
            )
        return left


def connect(stack: Stack) -> LogicalWorld:
    """With the operator's own identities. ValueError when the inventory names no store that can be used."""
    store = open_store(stack.inventory.store, azure.Identity())
    inventory = newest(stack.inventory, store)
    host = parts.job_of(inventory)
    if host is None or not isinstance(host.way, Pod):
        raise ValueError("the newest inventory names no job that sees both databases: run `pulumi up`")
    way, identity, resolvers = host.way, google.Identity(), dns.resolvers()

    def worker(say: Say) -> ClusterWorker:
        return ClusterWorker(way, program=PROGRAM, say=say)

    places = {place: inventory.register_region(place) for place in inventory.registers}

    def registers(without: Collection[str]) -> Registers:
        return opened(places, identity, without)

    eyes = Eyes(inventory.home, inventory.away, resolvers[0] if resolvers else "")
    return LogicalWorld(store, inventory, cloud_reader.world(), worker, registers, eyes)
