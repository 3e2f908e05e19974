"""Monitors of a load balancer in front of data that ask whether a site works, not whether it may write."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, among
from .latch import DATABASES

_BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
_MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"
_WORKS = ("", "health", "healthcheck", "healthz", "live", "livez", "ping", "ready", "readyz", "status")
"""Paths at which every site that runs answers alike."""


def problems(one: Resource, found: Sequence[Resource]) -> Iterator[str]:
    data = next((other.name for other in found if other.type in DATABASES), None)
    several = any(len(other.get("defaultPools", [])) > 1 for other in found if other.type == _BALANCER)
    refuses = str(one.get("expectedCodes", "")).startswith("5")  # what answers so is a notice
    if not data or not several or refuses:
        return
    kind, path = one.get("type", "http"), str(one.get("path", "/")).partition("?")[0]
    asks = kind not in ("http", "https") or path.strip("/").lower() in _WORKS
    if asks and not one.get("expectedBody"):
        what = path if kind in ("http", "https") else f"by {kind}"
        yield (
            f"it asks {what} in front of database {data}, where every site that runs answers alike, so a primary that "
            "comes back gets users whose rows are at the standby: ask a path that answers 200 at the one site that may "
            "write, or expect words in expectedBody that only that one says"
        )


POLICY = among(
    "pool-asks-no-writer",
    Severity.HIGH,
    "Users of data are led to the site that is decided to write, not to the first that answers (K18, K30; Cloudflare "
    "manual, monitors).",
    {_MONITOR: problems},
    (_BALANCER, *DATABASES),
)
