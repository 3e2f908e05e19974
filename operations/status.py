"""`twinsite status`: one loop over what the inventory has. What holds, what does not, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Inventory

from .once import Once
from .render import evidence_lines
from .stack import Stack
from .subjects import KINDS
from .subjects.sources import Sources, Unread
from .subjects.subject import Subject
from .transport import Transport


@dataclass(frozen=True)
class Status:
    """One look at a stack."""

    inventory: Inventory
    subjects: Sequence[Subject]
    evidence: Mapping[str, Any]
    """What was proved about the stack, and whether that still counts."""
    note: str = ""
    unread: tuple[str, ...] = ()
    """What did not answer, so that nothing is known of the subjects behind it."""

    def problems(self) -> list[str]:
        """All of them."""
        found = [words for subject in self.subjects for words in subject.problems()]
        return list(dict.fromkeys([*found, *self.unread]))

    def shown(self) -> dict[str, Any]:
        """The JSON of DESIGN section 9. `healthy` speaks of the running system; `evidence` of what was proved."""
        found: dict[str, Any] = {
            "topology": self.inventory.topology,
            "dr_mode": self.inventory.dr_mode,
            # What moves users says where they are (latch); where nothing can, they are where the stack was told.
            "active_site": None if self.inventory.names else self.inventory.active_site,
            **{field: [] for field in ("hosts", "tunnels", "replicas", "names")},
            "latch": None,
        }
        for subject in self.subjects:
            for field, value in subject.shown().items():
                found[field] = [*found.get(field, []), *value] if isinstance(value, list) else value
        problems = self.problems()
        return found | {
            "evidence": dict(self.evidence),
            "note": self.note,
            "healthy": not problems,
            "problems": problems,
        }

    def text(self) -> str:
        """For a terminal of 100 columns."""
        found = self.shown()
        return "\n".join(
            [
                f"{found['topology']}, {found['dr_mode']}, active site {found['active_site'] or 'unknown'}",
                *([f"  note: {self.note}"] if self.note else []),
                *(line for subject in self.subjects for line in subject.lines()),
                *evidence_lines(self.evidence),
                *([f"✗ {problem}" for problem in found["problems"]] or ["healthy"]),
            ]
        )


def status(sources: Sources, evidence: Mapping[str, Any], note: str = "") -> Status:
    """Every kind of subject is asked what there is of it."""
    subjects: list[Subject] = []
    unread: list[str] = []
    for read in KINDS.values():
        try:
            subjects += read(sources)
        except Unread as problem:
            unread.append(str(problem))
    return Status(sources.inventory, subjects, evidence, note, tuple(unread))


def sources(stack: Stack, transport: Transport) -> Sources:
    """The world of a stack."""
    from . import host_facts, worker
    from .guest import Guests
    from .ledger import choice
    from .subjects import away_reader, cloud_reader

    def cluster() -> str:
        found = worker.home_worker(stack.inventory, transport)
        return found.unseen() if isinstance(found, worker.ClusterWorker) else ""

    clouds = Once(lambda: cloud_reader.connect(stack.inventory))
    return Sources(
        stack.inventory,
        Once(lambda: host_facts.read(stack.inventory, choice.gather_all(Guests(stack.inventory, transport)))),
        Once(lambda: away_reader.connect(stack.inventory).parts()),
        cluster,
        clouds,
    )
