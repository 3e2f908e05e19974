"""Hosts that are logged in to, and whether they answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Host, Ssh

from ..host_facts import HostFacts
from .sources import Sources
from .subject import Subject, line

MEANS = {"gateway": "its end of the tunnel is unknown", "database": "its server's state is unknown"}


@dataclass(frozen=True)
class Hosts:
    """All of them: that nobody answers is one sentence."""

    hosts: tuple[Host, ...]
    ways: Mapping[str, Ssh]
    unreachable: Mapping[str, str]
    """Host → the transport's words."""

    def problems(self) -> Iterator[str]:
        if self.hosts and len(self.unreachable) == len(self.hosts):
            yield nobody_there(len(self.hosts), self.unreachable)
            return
        for host in self.hosts:
            if host.name in self.unreachable:
                yield self._unreachable(host, self.ways[host.name])

    def _unreachable(self, host: Host, way: Ssh) -> str:
        words = self.unreachable[host.name]
        if way.jump in self.unreachable:
            return (
                f"{host.name} is reached through {way.jump}, which cannot be reached: nothing is known of it until "
                f"{way.jump} is back"
            )
        unknown = " and ".join(MEANS.get(role, f"role {role} is unknown") for role in host.roles)
        if not way.user:
            return f"{host.name} cannot be asked ({words}): {unknown}"
        return (
            f"{host.name} cannot be reached at {way.user}@{way.address}:{way.port} ({words}): {unknown}; check that it "
            "runs and admits your address and key"
        )

    def shown(self) -> Mapping[str, Any]:
        return {
            "hosts": [
                {"name": host.name, "site": host.site, "reachable": host.name not in self.unreachable}
                for host in self.hosts
            ]
        }

    def lines(self) -> Iterator[str]:
        for host in self.hosts:
            if host.name in self.unreachable:
                yield line("host", host.name, "cannot be reached")


def nobody_there(count: int, unreachable: Mapping[str, str]) -> str:
    """The sentence for a stack of which no host answers."""
    first = next(iter(unreachable.items()), ("", ""))
    words = f"; {first[0]}: {first[1]}" if first[0] else ""
    return (
        f"none of the {count} hosts can be reached{words}: check your own network, address and key; if they are "
        "right, the hosts do not run or do not exist: bring them up, then run `pulumi up --refresh`"
    )


def seen(facts: HostFacts) -> list[Hosts]:
    """The hosts of what is known."""
    found = facts.inventory
    return [Hosts(found.logins, found.reached_by(Ssh), facts.unreachable)] if found.logins else []


def read(sources: Sources) -> Sequence[Subject]:
    """One for all."""
    return seen(sources.hosts()) if sources.inventory.logins else []
