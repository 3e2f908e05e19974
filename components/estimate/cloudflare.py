"""What a name costs a month that Cloudflare's load balancer answers. The plan of the zone is not in it."""

from .figures import Item
from .prices import EVERYWHERE, Prices
from .route53 import added

POOLS = 3
"""Two sites and a notice, one origin each."""
INCLUDED = 2
"""Origins that the load balancing's own price has in it."""


def failover(prices: Prices) -> Item:
    """A CloudflareFailover. Monitors more often than once a minute, and queries, come on top."""
    name = f"load balancer with {POOLS} origins"
    parts = (("cloudflare/load-balancing", 1), ("cloudflare/origin", POOLS - INCLUDED))
    return added(name, [prices.cost(name, sku, EVERYWHERE, quantity) for sku, quantity in parts])
