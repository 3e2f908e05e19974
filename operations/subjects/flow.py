"""Flows of data: each by the module for its kind. One that no module is for is told of, never passed over."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import DMS, MYSQL_REPLICA, POSTGRES_LOGICAL, Flow

from ..brought import brought
from . import dms_task, mysql_replica, postgres_replica
from .sources import Sources
from .subject import Subject, line

KINDS: dict[str, Callable[[Sources], Sequence[Subject]]] = {
    MYSQL_REPLICA: mysql_replica.read,
    POSTGRES_LOGICAL: postgres_replica.read,
    DMS: dms_task.read,
    **{one.FLOW: one.read for one in brought(__package__)},
}
"""Kind of flow → the subjects of all flows of that kind; a module that a topology elsewhere brings says its own."""


@dataclass(frozen=True)
class UnknownFlow:
    """Nothing was asked of it."""

    flow: Flow

    def problems(self) -> Iterator[str]:
        yield (
            f"{self.flow.name}: this twinsite cannot look at flows of kind {self.flow.kind}, so nothing is known of "
            f"the data at {self.flow.target}: install a newer one"
        )

    def shown(self) -> Mapping[str, Any]:
        flow = self.flow
        return {"flows": [{"name": flow.name, "kind": flow.kind, "source": flow.source, "target": flow.target}]}

    def lines(self) -> Iterator[str]:
        yield line("flow", self.flow.name, f"of unknown kind {self.flow.kind}")


def read(sources: Sources) -> Sequence[Subject]:
    """Of every kind that the inventory has."""
    flows = sources.inventory.flows
    known = [kind for kind in dict.fromkeys(flow.kind for flow in flows) if kind in KINDS]
    found: list[Subject] = [one for kind in known for one in KINDS[kind](sources)]
    return [*found, *(UnknownFlow(flow) for flow in flows if flow.kind not in KINDS)]
