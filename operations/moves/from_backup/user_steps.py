"""Steps that move users: the writer, the latch, the scheduled events, and what users then get."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Name

from ... import azure
from ...predicted import KEEPS
from ...steps import Outcome, Plane, Say, StepFailed, iso
from .hands import Hands
from .step import InStore, MoveStep, OnPages

ANSWER_MARGIN_SECONDS = 60.0


@dataclass(frozen=True)
class MakeWriter(InStore):
    """Before users go there, and before a standby that they are at is opened."""

    site: str
    name = "make-writer"
    needs = "nobody else changed the document"
    undo = "another failover or failback raises it again"
    again = True

    @property
    def title(self) -> str:
        return f"make {self.site} the writer, in an epoch of its own"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.become(self.site, choices)
        return Outcome(f"{found.site}, epoch {found.epoch}")


@dataclass(frozen=True)
class OfLatch(InStore):
    """One of the latch's objects."""

    store: str
    number: int
    final = True


class SetLatch(OfLatch):
    """Users go to the standby."""

    needs = "data are verified, the application answers and takes writes"
    # There already is as good; an object that somebody took away since must come back.
    again = True

    @property
    def name(self) -> str:
        return f"set-latch-{self.number}"

    @property
    def title(self) -> str:
        return f"set the latch object {self.store}"

    @property
    def undo(self) -> str:
        home = self.ground.home
        return f"none: from here on only `twinsite failback --to {home}`, which brings what was written along"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.is_writer(hands.away)
        content = json.dumps({"set": iso(time.time()), "by": hands.identity}).encode()
        fresh = hands.reader.blobs.put(azure.place(self.store), content, new=True, kind="application/json")
        return Outcome("set" if fresh else "it was set already")


@dataclass(frozen=True)
class RemoveLatch(OfLatch):
    """Users go home."""

    there: bool
    """Whether it was seen: then it is removed again, whatever the journal says."""

    @property
    def name(self) -> str:
        return f"remove-latch-{self.number}"

    @property
    def title(self) -> str:
        return f"remove the latch object {self.store}"

    @property
    def needs(self) -> str:
        ground = self.ground
        return f"every table is equal, {ground.home}'s application answers, {ground.away} is closed"

    @property
    def undo(self) -> str:
        return f"none once users write at {self.ground.home}: from here on only a failover"

    @property
    def again(self) -> bool:
        return self.there

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        if not hands.report().closed:
            raise StepFailed(f"{hands.away} takes writes again: run this again, which brings them along")
        hands.is_writer(hands.home)
        gone = hands.reader.blobs.delete(azure.place(self.store))
        return Outcome("removed" if gone else "it was not set")


@dataclass(frozen=True)
class StartEvents(MoveStep):
    """They write, so they run where users are and nowhere else."""

    site: str
    name = "start-events"
    undo = "stop them"
    again = True

    @property
    def title(self) -> str:
        return f"start the database's scheduled events at {self.site}"

    @property
    def needs(self) -> str:
        return f"users are at {self.site}: events write, so they run there only"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.at_home if self.site == self.ground.home else self.ground.machine,)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        if self.site == hands.home:
            # As they were at home when it was last asked; what came back has them all disabled.
            before = choices.get("old") or hands.report().backup_id
            return Outcome(hands.events(hands.at_home(), before, "--enable") or "there are none")
        return Outcome(hands.events(hands.at_standby(), hands.report().backup_id, "--enable") or "there are none")


@dataclass(frozen=True)
class VerifyAnswers(OnPages):
    """Only now users have come."""

    site: str
    name = "verify-answers"
    phases = ("dns",)
    needs = "the latch says so"
    again = True

    @property
    def title(self) -> str:
        return f"see every name lead to {self.site}, as its zone's servers, the resolver and the page itself say"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        names = hands.inventory.names
        longest = max(name.failover_seconds + name.ttl_seconds for name in names)
        deadline = time.monotonic() + longest + ANSWER_MARGIN_SECONDS
        keeps = max((kept for name in names if (kept := self._kept(hands, name)) is not None), default=None)
        while True:
            wrong = [words for name in names if (words := self._not_yet(hands, name))]
            if not wrong:
                figures: dict[str, Any] = {"answers_seconds": round(time.time() - hands.began, 1), KEEPS: keeps}
                if self.site == hands.home and "closed_at" in choices:
                    figures["write_outage_seconds"] = round(time.time() - float(choices["closed_at"]), 1)
                return Outcome(", ".join(name.fqdn for name in names), figures=figures)
            if time.monotonic() >= deadline:
                raise StepFailed(f"waited {longest + ANSWER_MARGIN_SECONDS:.0f} s; {'; '.join(wrong)}")
            say(wrong[0])
            time.sleep(1.0)

    def _kept(self, hands: Hands, name: Name) -> int | None:
        """How long the resolver keeps an answer that is not this site's; None where it has none."""
        told = hands.reader.eyes.name(name).resolver
        return None if told is None or told.site == self.site else told.ttl_seconds

    def _not_yet(self, hands: Hands, name: Name) -> str:
        """Why users of a name are not there; empty when they are."""
        eyes = hands.reader.eyes
        seen = eyes.name(name)
        for one in (*seen.authoritative, *((seen.resolver,) if seen.resolver else ())):
            if one.site != self.site:
                return f"{name.fqdn}: {one.server} answers {' '.join(one.addresses)} ({one.site or one.words})"
        if not seen.authoritative and seen.resolver is None:
            return f"{name.fqdn}: no server of its zone and no resolver can be asked"
        if seen.resolver is None:
            return ""
        page = eyes.page(name, seen.resolver.addresses[0])
        if eyes.site_of_page(name, page) != self.site:
            return f"{name.fqdn}: the page is not {self.site}'s ({page.words or page.status})"
        return ""
