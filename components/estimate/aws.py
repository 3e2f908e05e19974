"""What components on AWS cost a month."""

from .figures import Item
from .prices import HOURS_PER_MONTH, Prices

ROOT_VOLUME_GIB = 8


def host(prices: Prices, region: str, name: str, kind: str) -> list[Item]:
    """An Ec2Host: the instance, its root volume, its secret, the alarm that recovers it."""
    return [
        prices.cost(f"{name} {kind}", f"ec2/{kind}", region, HOURS_PER_MONTH),
        prices.cost(f"{name}'s root volume", "ebs/gp3", region, ROOT_VOLUME_GIB),
        prices.cost(f"{name}'s secret", "secretsmanager/secret", region, 1),
        prices.cost(f"{name}'s recovery alarm", "cloudwatch/alarm", region, 1),
    ]


def volume(prices: Prices, region: str, name: str, gib: int) -> Item:
    """A data volume."""
    return prices.cost(name, "ebs/gp3", region, gib)


def address(prices: Prices, region: str) -> Item:
    """An Elastic address in use."""
    return prices.cost("elastic address", "vpc/public-ipv4", region, HOURS_PER_MONTH)
