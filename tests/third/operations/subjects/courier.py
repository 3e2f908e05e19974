"""A flow by courier: it is there when the boat lies at the quay, which a file says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinsite.inventory import Flow

from .sources import Sources
from .subject import Subject, line

FLOW = "courier"


@dataclass(frozen=True)
class CourierSeen:
    """One boat."""

    flow: Flow
    at_the_quay: bool

    def problems(self) -> Iterator[str]:
        if not self.at_the_quay:
            yield f"{self.flow.name} is not at the quay: `touch {self.flow.name}`"

    def shown(self) -> Mapping[str, Any]:
        return {"couriers": [{"name": self.flow.name, "at_the_quay": self.at_the_quay}]}

    def lines(self) -> Iterator[str]:
        yield line("courier", self.flow.name, "at the quay" if self.at_the_quay else "away")


def read(sources: Sources) -> Sequence[Subject]:
    """One each."""
    return [CourierSeen(flow, Path(flow.name).exists()) for flow in sources.inventory.flows_of(FLOW)]
