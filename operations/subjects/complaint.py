"""What a host's own role says of it."""

from collections.abc import Iterator

from ..host_facts import Complaint, End, HostFacts, Server


def complaints(host: End | Server) -> Iterator[str]:
    """All of them."""
    return (said(host.host, one) for one in host.complaints)


def said(host: str, one: Complaint) -> str:
    """With its fix."""
    return f"{host}: {one.problem}: {one.fix}"


def for_persons(facts: HostFacts) -> Iterator[str]:
    """Those of all hosts that no repair mends; each names who does."""
    every: list[End | Server] = [*facts.ends.values(), *facts.servers.values()]
    return (said(host.host, one) for host in every for one in host.complaints if not one.mends)
