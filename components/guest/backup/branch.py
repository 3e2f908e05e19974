"""Of which writer's history a backup is, by its manifest: site and epoch (ADR 18). Pure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Branch:
    """Of a backup. `epoch` is None when its branch is not known."""

    site: str
    epoch: "int | None"
    writer: str
    why: str = ""
    """Why it is not known."""

    @property
    def held(self) -> bool:
        """Whether its site was the writer, so that it may be chosen as the newest."""
        return self.epoch is not None and self.site == self.writer

    @property
    def name(self) -> str:
        """The same for all backups of one history."""
        if self.epoch is None:
            return "unknown"
        # An epoch has one writer, and a manifest from before there were epochs does not name it.
        return f"{self.epoch}" if self.held else f"{self.epoch} {self.site}"

    @property
    def words(self) -> str:
        """For a sentence."""
        if self.epoch is None:
            return f"its branch is unknown ({self.why})"
        if self.held:
            return f"epoch {self.epoch}"
        return f"of {self.site}, while {self.writer} was the writer (epoch {self.epoch})"


def of(manifest: "dict[str, Any] | None") -> Branch:
    """The branch that a manifest states. One from before there were epochs is of the first."""
    said = (manifest or {}).get("branch")
    if said is None:
        return Branch("", 0, "")
    if not isinstance(said, dict):
        return Branch("", None, "", f"its manifest says {said!r}")
    site, epoch, writer = str(said.get("site") or ""), said.get("epoch"), str(said.get("writer") or "")
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0 or not site or not writer:
        return Branch(site, None, writer, str(said.get("unknown") or f"its manifest says {said!r}"))
    return Branch(site, epoch, writer)
