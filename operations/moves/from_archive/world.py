"""A stack with a job at its standby that restores backups, as the command works with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from twinsite.inventory import Inventory, Pod

from ... import azure, parts
from ...journal import document, lock
from ...stack import Stack
from ...steps import Say
from ...store import Store, open_store
from ...subjects import pods
from ...subjects.away_reader import newest
from ...transport import RemoteFailed, Unreachable
from ...worker import ClusterWorker, Worker
from ..users import Watch
from ..words import Command, Intent, Plan, Refusal
from .facts import Facts, Fit
from .plan import plan
from .step import BACKUP, VERB_SECONDS, Hands

PROGRAM = "archive"
LATEST = "latest"
"""The job's word for the newest of the writer's."""


@dataclass
class ArchiveWorld:
    """Tests put their own in place of the network's."""

    store: Store
    inventory: Inventory
    worker: Callable[[Say], Worker]

    def plan(self, intent: Intent, owner: str) -> Plan | Refusal:
        """From what the job says of backup and target."""
        unfinished = document.unfinished(self.store)
        same = unfinished is not None and unfinished.command == intent.command
        begun = unfinished.choices.get(BACKUP, "") if unfinished is not None and same else ""
        fit, problem = self._fit(intent.backup or begun or LATEST)
        held = lock.holder(self.store, owner)
        return plan(Facts(self.inventory, time.time(), fit, problem, unfinished, held), intent)

    def _fit(self, which: str) -> tuple[Fit | None, str]:
        try:
            return Fit.of(self.hands("", 0.0).verb(lambda _: None, "fit", which, seconds=VERB_SECONDS)), ""
        except (Unreachable, RemoteFailed) as problem:
            cold = (
                f"; in {self.inventory.dr_mode} there may be no cluster at {self.inventory.away}: raise the mode first"
            )
            return None, f"nobody has looked at backup and database: {problem}{cold if _cold(self.inventory) else ''}"
        except (ValueError, KeyError, TypeError) as problem:
            return None, f"`fit` said what this twinsite does not read ({type(problem).__name__}: {problem})"

    def hands(self, identity: str, began: float) -> Hands:
        """What the step works with."""
        return Hands(self.worker, began)

    def watch(self, intent: Intent) -> Watch | None:
        """Nobody is moved."""
        return None

    def lead(self, command: Command) -> str:
        """What was done."""
        return "A backup was restored into the standby's empty database, and compared with its manifest."

    def left(self, command: Command, to: str) -> list[str]:
        """What is left for a person: whom to let in is not the data's to say."""
        there, away = self.inventory, self.inventory.away
        host = parts.restorer(there)
        left = [
            f"make the application's role at {away}'s database and give it its rights: a backup carries no roles "
            "(page cloud-sql-standby, grants)",
        ]
        if there.registers and any(one.site == away for one in there.agents):
            left.append(f"have the registers name {away}: page writer-agent says how")
        for one in there.workloads:
            if one.site == away and one.exists:
                way = pods.kubectl(Pod(one.context, one.namespace, host.name if host else ""))
                told = '{"data":{"ROLE":"writer"}}'
                left += [
                    f"`{way} patch configmap {one.role_config} --type=merge --patch='{told}'`, once nobody writes at "
                    f"{there.home} any more",
                    "nodes and pods: stack outputs `resize` and `scale`",
                ]
        return [*left, f"`pulumi config set active_site {away}`: the program then refuses whatever would end {away}"]


def _cold(inventory: Inventory) -> bool:
    return not any(one.site == inventory.away and one.exists for one in inventory.clusters)


def connect(stack: Stack) -> ArchiveWorld:
    """With the operator's own identities. ValueError when the inventory names no store that can be used."""
    store = open_store(stack.inventory.store, azure.Identity())
    inventory = newest(stack.inventory, store)
    host = parts.restorer(inventory)
    if host is None or not isinstance(host.way, Pod):
        raise ValueError("the newest inventory names no job that restores: `twinsite status` says in which mode it is")
    way = host.way

    def worker(say: Say) -> ClusterWorker:
        return ClusterWorker(way, program=PROGRAM, say=say)

    return ArchiveWorld(store, inventory, worker)
