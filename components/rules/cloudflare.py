"""Refusals about a name that Cloudflare's load balancer answers (K38), and how soon it moves users. Pure."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import twice_problems
from .intent import Intent, Part
from .names import HOST, name_problems
from .traffic import UNREACHABLE
from .watching import told_problems

INTERVALS = {"pro": 60, "business": 15, "enterprise": 10}
"""Plan -> shortest interval of a monitor in seconds (Cloudflare's manual, load balancing, create a monitor)."""

REGIONS = ("WNAM", "ENAM", "WEU", "EEU", "NSAM", "SSAM", "OC", "ME", "NAF", "SAF", "SAS", "SEAS", "NEAS", "ALL_REGIONS")
"""From where a pool may be asked (the provider's schema)."""

AFFINITY_SECONDS = (1800, 604800)
"""How long a cookie may lead a user to one origin (the provider's schema)."""

_ID = re.compile("[0-9a-f]{32}")
_POOL = re.compile("[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?")


def detection_seconds(interval_seconds: int, consecutive_down: int, retries: int, timeout_seconds: int) -> int:
    """From a site's death until its pool is down, at most: it dies right after it was asked, and each of the failures
    but the last is a whole interval; retries follow each other at once, and each try hangs for its timeout."""
    return interval_seconds * consecutive_down + (retries + 1) * timeout_seconds


@dataclass(frozen=True, kw_only=True)
class PoolEnd(Part):
    """What one pool of the load balancer leads to."""

    site: str = ""
    address: str | None = None
    """None while it is an Output."""
    host: str = ""


@dataclass(frozen=True, kw_only=True)
class CloudflareFailoverIntent(Intent):
    """What a CloudflareFailover is meant to be."""

    fqdn: str = ""
    account_id: str = ""
    zone_id: str = ""
    plan: str = ""
    primary: PoolEnd = field(default_factory=PoolEnd)
    standby: PoolEnd = field(default_factory=PoolEnd)
    notice: PoolEnd = field(default_factory=PoolEnd)
    check_regions: tuple[str, ...] = ()
    writer_path: str = "/writer"
    writer_text: str = ""
    notice_text: str = ""
    interval_seconds: int | None = None
    timeout_seconds: int = 5
    retries: int = 2
    consecutive_down: int = 1
    consecutive_up: int = 1
    steering_policy: str = "off"
    session_affinity_seconds: int = AFFINITY_SECONDS[0]
    emails: tuple[str, ...] = ()

    @property
    def interval(self) -> int:
        """The monitors' interval in seconds: the one that is given, else the plan's shortest."""
        return self.interval_seconds or INTERVALS.get(self.plan, max(INTERVALS.values()))

    @property
    def detection_seconds(self) -> int:
        """From a site's death until its pool is down, at most."""
        return detection_seconds(self.interval, self.consecutive_down, self.retries, self.timeout_seconds)

    def problems(self) -> list[str]:
        """Why users would not reach who may write, or would reach who may not."""
        return [
            *name_problems("fqdn", self.fqdn),
            *id_problems(self.account_id, self.zone_id),
            *monitor_problems(self),
            *steering_problems(self.steering_policy, self.session_affinity_seconds),
            *end_problems(self.fqdn, {"primary": self.primary, "standby": self.standby, "notice": self.notice}),
            *region_problems(self.check_regions),
            *(told_problems(self.emails, ()) if self.emails else ()),
        ]


def id_problems(account_id: str, zone_id: str) -> Iterator[str]:
    """Ids that Cloudflare does not have: pools and monitors are an account's, the load balancer a zone's."""
    for what, found in (("account_id", account_id), ("zone_id", zone_id)):
        if not _ID.fullmatch(found):
            yield (
                f"{what} {found!r} is no id of Cloudflare's: give the 32 hexadecimal digits that the zone's overview "
                "page shows under API; monitors and pools belong to the account, the load balancer to the zone"
            )
    if account_id == zone_id and account_id:
        yield "account_id and zone_id are the same: give each its own, the zone's overview page shows both"


def monitor_problems(intent: CloudflareFailoverIntent) -> Iterator[str]:
    """Monitors that Cloudflare does not take, or that call the wrong answer healthy."""
    shortest = INTERVALS.get(intent.plan)
    if shortest is None:
        yield f"plan {intent.plan!r} has no known interval: give one of {', '.join(INTERVALS)}"
    elif intent.interval < shortest:
        yield (
            f"interval_seconds {intent.interval} is shorter than the {shortest} s that plan {intent.plan} allows: set "
            f"{shortest} or more, or name the plan that the account has"
        )
    for name, value, low, high in (
        ("interval_seconds", intent.interval, 5, 3600),
        ("timeout_seconds", intent.timeout_seconds, 1, 10),
        ("retries", intent.retries, 0, 5),
        ("consecutive_down", intent.consecutive_down, 1, 10),
        ("consecutive_up", intent.consecutive_up, 1, 10),
    ):
        if not low <= value <= high:
            yield f"{name} is {value}: set {low} to {high}"
    tries = (intent.retries + 1) * intent.timeout_seconds
    if tries >= intent.interval:
        yield (
            f"{intent.retries + 1} tries of {intent.timeout_seconds} s do not fit into an interval of "
            f"{intent.interval} s: set interval_seconds higher, or timeout_seconds or retries lower"
        )
    if not intent.writer_path.startswith("/"):
        yield f"writer_path {intent.writer_path!r} is no path: write it like /writer"
    for name, text in (("writer_text", intent.writer_text), ("notice_text", intent.notice_text)):
        if not text.strip():
            yield (
                f"{name} is empty, so any page with the right code would do, a proxy's or a stranger's, too: give "
                "words that only that page has"
            )
    if intent.writer_text.strip() and intent.writer_text.lower() in intent.notice_text.lower():
        yield "notice_text holds writer_text, so a notice would pass for a writer: give each words of its own"


def steering_problems(steering_policy: str, session_affinity_seconds: int) -> Iterator[str]:
    """A choice that has no order, or a cookie that Cloudflare does not take."""
    if steering_policy != "off":
        yield (
            f"steering_policy {steering_policy!r} chooses among healthy pools, and of two sites one may write (K38): "
            "set off, which takes the first healthy one of the list"
        )
    low, high = AFFINITY_SECONDS
    if not low <= session_affinity_seconds <= high:
        yield f"session_affinity_seconds is {session_affinity_seconds}: set {low} to {high}"


def end_problems(fqdn: str, ends: dict[str, PoolEnd]) -> Iterator[str]:
    """Pools that are one and the same, lead in a circle, or cannot be asked."""
    yield from twice_problems("sites of the pools", (end.site for end in ends.values()))
    for what, end in ends.items():
        if not _POOL.fullmatch(end.site):
            yield (
                f"{what}.site {end.site!r} cannot be part of a pool's name: write it in lower-case letters, digits "
                "and hyphens, like aws"
            )
        if not HOST.fullmatch(end.host):
            yield (
                f"{what}.host {end.host!r} is no host name: give the name that the origin's certificate and virtual "
                "host have, the monitor and users' requests carry it"
            )
        if end.address is not None:
            yield from _address(what, end.address, fqdn)
    where = [(what, end.address) for what, end in ends.items() if end.address]
    for at, (what, address) in enumerate(where):
        for other, same in where[at + 1 :]:
            if address == same:
                yield (
                    f"{what} and {other} are both at {address}, so when one is down so is the other"
                    + (": a notice that a site serves is gone with it" if other == "notice" else "")
                    + f": give {other} an address of its own"
                )


def _address(what: str, address: str, fqdn: str) -> Iterator[str]:
    if address == fqdn:
        yield (
            f"{what}.address is {fqdn}, the name that Cloudflare itself answers, so it would ask itself: give the load "
            "balancer's own address"
        )
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        if not HOST.fullmatch(address):
            yield f"{what}.address {address!r} is neither an IP address nor a host name: give the load balancer's"
        return
    if any(found in network for network in UNREACHABLE):
        yield (
            f"{what}.address {address} is not reached from the internet, where Cloudflare asks from: give a public "
            "address"
        )


def region_problems(check_regions: tuple[str, ...]) -> Iterator[str]:
    """Places that nobody asks from."""
    if not check_regions:
        yield (
            "check_regions is empty, which means every data centre and is refused by most plans: list one or more, for "
            "instance NEAS"
        )
    for region in check_regions:
        if region not in REGIONS:
            yield f"check_regions has {region!r}, which Cloudflare does not ask from: list some of {', '.join(REGIONS)}"
    yield from twice_problems("check_regions", check_regions)
