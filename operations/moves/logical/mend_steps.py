"""Steps that bring a flow back: set up again, or copied anew."""

from collections.abc import Mapping

from ...steps import Outcome, Say
from .hands import Hands
from .step import ByJob


class SetUp(ByJob):
    """`site` follows the other one again."""

    needs = "both databases answer, and the writer has kept what is lacking"
    undo = "none needed"

    @property
    def name(self) -> str:
        return f"set-up-{self.site}"

    @property
    def title(self) -> str:
        return f"have rows come to {self.site} again"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.long_verb(say, "set-up")
        return Outcome("; ".join(found["changed"]) or "all is there")


class Reseed(ByJob):
    """`site` is emptied and gets everything anew. It never writes."""

    needs = "a person's word; both databases answer"
    undo = "none: its rows are gone until the copy is whole; killed, the same command goes on"

    @property
    def name(self) -> str:
        return f"reseed-{self.site}"

    @property
    def title(self) -> str:
        return f"empty {self.site} and copy everything to it from {self.old}"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.long_verb(say, "reseed")
        return Outcome("; ".join(found["changed"]) or "all is there")
