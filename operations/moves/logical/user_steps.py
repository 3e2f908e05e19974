"""Steps that see users come: Cloudflare's pools follow whoever says that it may write; the page says who that is."""

import time
from collections.abc import Mapping

from ...steps import Outcome, Plane, Say
from ...unanswered import CouldNotAsk
from .hands import MARGIN_SECONDS, Hands
from .step import MoveStep


class AwaitPools(MoveStep):
    """Nobody tells Cloudflare: its monitors ask each site whether it may write. That it does not tell us stops nothing:
    the page does, in the next step."""

    needs = "the site's /writer answers"
    phases = ("dns",)
    again = True

    @property
    def name(self) -> str:
        return f"await-pools-{self.site}"

    @property
    def title(self) -> str:
        return f"wait until Cloudflare's monitors have seen that {self.site} may write"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.cloudflare,)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        def lacking() -> str:
            seen = hands.pools()
            if seen is None or seen.serving() == self.site:
                return ""
            return f"Cloudflare gives users {seen.serving() or 'to nobody that is known'}"

        try:
            # Down at the one, and up at the other.
            most = 2 * hands.stateful().failover_seconds + MARGIN_SECONDS
            waited = hands.wait(f"Cloudflare to give users to {self.site}", most, lacking, say)
        except CouldNotAsk as problem:
            words = f"what Cloudflare's pools say is not known ({problem.words}): {problem.fix}"
            return Outcome("not known", findings=(words,))
        return Outcome(f"after {waited:g} s", figures={"pools_seconds": waited})


class VerifyAnswers(MoveStep):
    """As a user: by the name."""

    needs = "the pools have followed"
    again = True

    @property
    def name(self) -> str:
        return f"verify-answers-{self.site}"

    @property
    def title(self) -> str:
        return f"get {self.site}'s page by users' name"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.pages,)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        seen = ["nothing"]

        def lacking() -> str:
            site, seen[0] = hands.as_user()
            return "" if site == self.site else f"{hands.stateful().fqdn}: {site or 'no site'} ({seen[0]})"

        most = 2 * hands.stateful().failover_seconds + MARGIN_SECONDS
        hands.wait(f"the page of {self.site} by users' name", most, lacking, say)
        return Outcome(seen[0], figures={"answers_seconds": round(time.time() - hands.began, 1)})
