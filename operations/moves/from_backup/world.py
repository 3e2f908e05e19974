"""A stack whose standby's data come from backups, as its moves work with it."""

import pathlib
from collections.abc import Callable
from dataclasses import dataclass

from twinsite.inventory import AzureRunCommand, Inventory

from ... import azure
from ...stack import Stack
from ...steps import Say
from ...store import Store
from ...subjects import away_reader
from ...transport import Transport
from ...worker import Worker, home_worker
from .. import activation
from ..program import Program
from ..users import Watch
from ..words import Command, Intent, Plan, Refusal
from .facts import Facts
from .facts_reader import FactsReader
from .hands import Hands
from .plan import plan

LEADS = {
    Command.FAILOVER: "Users were moved to the standby site, onto data that came from a backup.",
    Command.FAILBACK: "Users and what they had written were brought home; the latch went only after every table was "
    "equal.",
    Command.DRILL_FAILOVER: "Everything that a failover does was done up to the latch; users stayed where they were.",
    Command.DRILL_RESTORE: "A backup was restored beside the standby's own data, compared, timed and taken away again.",
}


@dataclass
class BackupWorld:
    """Tests put their own in place of the network's."""

    store: Store
    reader: FactsReader
    worker: Worker | None
    to_mode: Callable[[str, Say], Inventory]

    @property
    def inventory(self) -> Inventory:
        """As it is now."""
        return self.reader.inventory

    def facts(self, command: Command, intent: Intent, owner: str) -> Facts:
        """Read once."""
        return self.reader.facts(command is Command.FAILBACK or intent.planned, owner)

    def plan(self, intent: Intent, owner: str) -> Plan | Refusal:
        """From facts alone."""
        return plan(self.facts(intent.command, intent, owner), intent)

    def hands(self, identity: str, began: float) -> Hands:
        """What the steps work with."""
        return Hands(self.reader, self.worker, self.to_mode, identity, began)

    def watch(self, intent: Intent) -> Watch | None:
        """Users of the application's name."""
        name, eyes = self.reader.stateful(), self.reader.eyes
        if name is None or intent.command.drill or not eyes.resolver:
            return None
        watch = Watch(eyes, name)
        watch.start()
        return watch

    def lead(self, command: Command) -> str:
        """What was done."""
        return LEADS[command]

    def left(self, command: Command, to: str) -> list[str]:
        """What is left for a person."""
        home, away = self.inventory.home, self.inventory.away
        if command is Command.FAILOVER:
            return [
                f"`pulumi config set active_site {away}`: the program then refuses whatever would end {away}",
                f"when {home} is back: stop its application before it takes writes, then `twinsite failback --to "
                f"{home} --plan`",
            ]
        if command is Command.FAILBACK:
            return [
                f"`pulumi config set active_site {home}`; the standby stays closed until a failover or a drill",
                f"`pulumi config set dr_mode {activation.resting_mode()}` and `pulumi up`, if it shall cost nothing "
                "again",
                "look at the rows that were kept aside, then drop their schema by hand",
            ]
        return []


def connect(stack: Stack, hosts: Transport | None, endpoints: azure.Endpoints | None = None) -> BackupWorld:
    """The world of a stack, with the operator's own identity."""
    found = away_reader.connect(stack.inventory, endpoints)
    inventory, machines = found.inventory, found.machines
    worker = home_worker(inventory, hosts)
    others = tuple(site for site in inventory.sites if site.name != inventory.home)
    program = Program(stack.name, pathlib.Path.cwd(), inventory.site(inventory.home), others)
    reader = FactsReader(inventory, found.blobs, found.store, machines, worker, found.eyes, program.problems)

    def to_mode(mode: str, say: Say) -> Inventory:
        raised = program.to_mode(mode, say)
        machines.know(raised.reached_by(AzureRunCommand))
        return raised

    return BackupWorld(found.store, reader, worker, to_mode)
