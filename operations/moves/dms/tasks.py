"""The tasks of a move: one carries rows away, one may carry them home."""

from dataclasses import dataclass

from twinsite.inventory import DMS, Flow, Inventory

from ...dms.actions import RUNS, STOPPED
from ...dms.command import circling
from ...dms.service import Service
from ...steps import StepFailed
from ..logical.facts import flow_of
from ..logical.hands import Hands

LOADING = ("Before load", "Full load")
"""TableState, before it is completed [DMS user guide, table states]."""


def flows(inventory: Inventory) -> dict[str, Flow]:
    """Site → the flow whose task carries rows to it."""
    out = flow_of(inventory)
    back = next((one for one in inventory.flows_of(DMS) if circling(one, out)), None)
    return {inventory.away: out} | ({inventory.home: back} if back else {})


@dataclass
class Tasks:
    """What DMS says of them."""

    services: dict[str, Service]
    """Site → about the task that carries rows to it."""

    def to(self, site: str) -> Service:
        """StepFailed where none does."""
        if site not in self.services:
            raise StepFailed(f"no task of DMS carries rows to {site}: make one in the program, the two ends exchanged")
        return self.services[site]

    def state(self, site: str) -> str:
        """Of the task that carries rows to it; "" where there is none."""
        return self.services[site].known_state() if site in self.services else ""

    def loading(self, site: str) -> tuple[str, ...]:
        """Tables that the task to it is loading, or is about to; StepFailed where DMS does not say."""
        if not self.state(site):
            return ()
        found = self.services[site].describe().tables
        return tuple(sorted(one.name for one in found if one.state in LOADING))

    def alone(self, site: str) -> None:
        """StepFailed while a task carries rows from `site`: two of them would be a circle."""
        for other, service in self.services.items():
            if other != site and (state := service.known_state()) not in (*STOPPED, ""):
                raise StepFailed(f"{service.flow.name} is {state} and carries rows from {site}: it is stopped first")


class TaskHands(Hands):
    """What the steps work with, the tasks beside."""

    tasks: Tasks


__all__ = ["RUNS", "STOPPED", "TaskHands", "Tasks", "flows"]
