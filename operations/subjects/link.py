"""The link between two sites, as the hosts report it: tunnels, and the MySQL replicas that go through them."""

from ..host_facts import HostFacts
from . import mysql_replica, tunnel
from .subject import Subject


def problems(facts: HostFacts) -> list[str]:
    """What is wrong with either."""
    every: list[Subject] = [*tunnel.seen(facts), *mysql_replica.seen(facts)]
    return [words for one in every for words in one.problems()]
