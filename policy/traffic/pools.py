"""Pools of a load balancer whose standby nobody checks."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each


def _balancer(one: Resource) -> Iterator[str]:
    pools, last = one.get("defaultPools", []), one.get("fallbackPool")
    elsewhere = [
        pool
        for path in ("regionPools", "countryPools", "popPools")
        for some in one.entries(path).values()
        for pool in some
    ]
    if last not in (*pools, *elsewhere):
        yield (
            f"fallbackPool {last} is in no list of pools, so it is not checked and gets users however it is: put it "
            "behind the others into defaultPools"
        )
    steering = one.get("steeringPolicy", "")
    if len(pools) == 1 and steering not in ("", "off"):
        yield (
            f"steeringPolicy is {steering}, and there is one pool to choose from: list the standby's pool second, and "
            "set steeringPolicy to off, which takes the first healthy one"
        )


def _pool(one: Resource) -> Iterator[str]:
    if not one.given("monitor") and not one.given("monitorGroup"):
        yield "no monitor checks it, and it counts as healthy: set monitor to one that asks the end for its page"


POLICY = each(
    "pool-never-checked",
    Severity.HIGH,
    "A standby's pool stands second in an ordered list, and is checked before it is needed (K38; Cloudflare manual, "
    "steering policies, fallback pool).",
    {
        "cloudflare:index/loadBalancer:LoadBalancer": _balancer,
        "cloudflare:index/loadBalancerPool:LoadBalancerPool": _pool,
    },
)
