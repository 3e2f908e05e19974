"""What registers of who may write cost a month: agents ask each of them at every turn. The third is its owner's."""

from ..guest.writer.rule import STATUS_SECONDS, TURN_SECONDS
from ..rules.writer import WriterRegistersIntent
from .figures import Item
from .prices import MONTH_SECONDS, Prices
from .route53 import added

REQUESTS = 10_000
"""In a price's unit."""


def registers(prices: Prices, known: WriterRegistersIntent, away: bool) -> list[Item]:
    """WriterRegisters and the agents that ask them; `away`: Google's runs as well. What an agent knows is read and
    written beside the register of its own site's cloud. Pods run on nodes that are there anyway."""
    turns = MONTH_SECONDS / TURN_SECONDS * (2 if away else 1)
    told = MONTH_SECONDS / STATUS_SECONDS
    return [
        _requests(prices, "AWS", "s3", known.aws_region, turns + told, told),
        _requests(prices, "Google", "gcs", known.gcp_location, turns + told * away, told * away),
    ]


def _requests(prices: Prices, cloud: str, service: str, region: str, reads: float, writes: float) -> Item:
    name = f"register at {cloud}, requests"
    words = f"a read every {TURN_SECONDS:g} s by each agent, its state every {STATUS_SECONDS:g} s"
    read = prices.cost(name, f"{service}/reads", region, reads / REQUESTS, words)
    return added(name, [read, prices.cost(name, f"{service}/writes", region, writes / REQUESTS)])
