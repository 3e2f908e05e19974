"""The one lab of this machine as a run of tests uses it: up for the first who wants it, kept for the next."""

from dataclasses import dataclass, field

from lab import scenes

from .database_pair import eventually
from .whole_box import left_on_this_machine, must, no_box_yet

SETTLED_SECONDS = 3


@dataclass
class OneLab:
    """Up with one topology's sites or down. Whoever leaves it as nobody else could use it says `spoil`."""

    topology: str = ""
    """Whose sites it has; empty while it is down."""
    uses: set[str] = field(default_factory=set)
    """What has been put on it, by the names that its users give it."""
    spoilt: bool = False
    _nothing: dict[str, set[str]] = field(default_factory=dict)

    def up(self, topology: str = scenes.DEFAULT, without: str = "") -> None:
        """Up with these sites; a new one when it has others', was spoilt, or has `without` on it."""
        if self.topology == topology and not self.spoilt and without not in self.uses:
            return
        self.down()
        self._nothing = no_box_yet()
        self.topology, self.spoilt = topology, False  # also of one that fails halfway
        must("up", "--topology", topology)

    def down(self) -> None:
        """Down, with nothing of it left on this machine."""
        if not self.topology:
            return
        self.topology = ""
        self.uses.clear()
        must("down")
        # A process that was killed takes a moment on a busy machine.
        eventually(lambda: self._left() == {}, SETTLED_SECONDS, self._left)

    def _left(self) -> dict[str, list[str]]:
        """What is on this machine and was not before, or the reverse."""
        left = left_on_this_machine()
        return {kind: sorted(left[kind] ^ old) for kind, old in self._nothing.items() if left[kind] != old}

    def spoil(self) -> None:
        """The next who wants it gets a new one."""
        self.spoilt = True
