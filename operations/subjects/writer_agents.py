"""The agent at each site that holds its database's gate (ADR 65), by what it leaves beside its cloud's register.

It says so when something changes and once a minute: how old it is says whether it runs.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite import inventory as inventories
from twinsite.inventory import Inventory

from ..stack import age_words
from ..unanswered import CouldNotAsk
from . import registers
from .clouds import Asks, Unknown, World
from .sources import Sources
from .subject import Subject, line

LATE_SECONDS = 180.0
"""Three times what passes between two."""
STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Told:
    """What an agent knew when it said so."""

    at: datetime.datetime
    role: str
    epoch: int
    lease_seconds: float
    """What was left of its lease then."""
    why: str
    """Why it does not write."""
    problems: tuple[str, ...]


def look(agent: inventories.Agent, region: str, world: World) -> Told | None:
    """One call; None when it has never said anything."""
    content = registers.document(agent.status, region, world)
    if content is None:
        return None
    try:
        return parse(content)
    except (ValueError, KeyError, TypeError) as problem:
        words = f"{agent.status} is none of an agent's ({type(problem).__name__}: {problem})"
        raise CouldNotAsk(words, "use the twinsite that wrote it, or `pulumi up` with this one") from None


def parse(content: Any) -> Told:
    """As components/guest/writer/agent.py writes it; a test holds the two together. Pure."""
    if content["version"] != 1:
        raise ValueError(f"version {content['version']}")
    at = datetime.datetime.strptime(content["at"], STAMP).replace(tzinfo=datetime.UTC)
    return Told(
        at,
        str(content["role"]),
        int(content["epoch"]),
        float(content["lease_seconds"]),
        str(content["why"]),
        tuple(map(str, content["problems"])),
    )


@dataclass(frozen=True)
class AgentSeen:
    """One site's."""

    agent: inventories.Agent
    told: Told | Unknown | None
    now: datetime.datetime

    @property
    def age_seconds(self) -> float | None:
        """Of what it said."""
        return (self.now - self.told.at).total_seconds() if isinstance(self.told, Told) else None

    @property
    def late(self) -> bool:
        """Whether it is not heard any more."""
        return self.age_seconds is not None and self.age_seconds > LATE_SECONDS

    def problems(self) -> Iterator[str]:
        agent, told = self.agent, self.told
        context = f"--context={agent.context} " if agent.context else ""
        logs = f"`kubectl {context}-n {agent.namespace} logs deploy/{agent.name}`"
        if isinstance(told, Unknown):
            yield f"what the agent of {agent.site} says cannot be read ({told})"
        elif told is None:
            yield f"the agent of {agent.site} has never said anything, and nobody knows who holds its gate: {logs}"
        elif self.late:
            yield (
                f"the agent of {agent.site} has said nothing for {age_words(self.age_seconds or 0.0)}: where it does "
                f"not run, {agent.site} writes nothing 40 s later: {logs}"
            )
        else:
            yield from (f"the agent of {agent.site}: {one}" for one in told.problems)

    def shown(self) -> Mapping[str, Any]:
        told = self.told if isinstance(self.told, Told) else None
        return {
            "agents": [
                {
                    "site": self.agent.site,
                    "role": told.role if told and not self.late else None,
                    "epoch": told.epoch if told else None,
                    "lease_seconds": told.lease_seconds if told else None,
                    "said_seconds_ago": None if self.age_seconds is None else round(self.age_seconds, 1),
                }
            ]
        }

    def lines(self) -> Iterator[str]:
        told = self.told
        if not isinstance(told, Told) or self.late:
            yield line("agent", self.agent.site, "unknown")
            return
        lease = f", lease {told.lease_seconds:g} s" if told.role == "writer" else ""
        why = f" ({told.why})" if told.why else ""
        seen = age_words(max(0.0, self.age_seconds or 0.0))
        yield line("agent", self.agent.site, f"{told.role}, epoch {told.epoch}{lease}, said {seen} ago{why}")


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each."""
    region = inventory.site(inventory.home).region
    return {
        ("agent", one.site): lambda one=one: look(one, region, world)  # type: ignore[misc]
        for one in inventory.agents
    }


def read(sources: Sources) -> Sequence[Subject]:
    """One a site that has one."""
    now = datetime.datetime.now(datetime.UTC)
    return [AgentSeen(one, sources.clouds()(("agent", one.site)), now) for one in sources.inventory.agents]
