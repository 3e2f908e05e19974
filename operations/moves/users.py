"""Users, watched while they are moved: several times a second what DNS says of the stateful name, and which page comes.

One thread asks the zone's servers in turn; another is a user: a resolver that honours the TTL, then the page there.
"""

import threading
import time
from dataclasses import dataclass, field

from twinsite.inventory import Name

from .. import dns, web
from ..subjects.eyes import Eyes

INTERVAL_SECONDS = 0.2


@dataclass(frozen=True)
class UserLook:
    """One look. `site` is "" when nothing came, or what came is no site's."""

    t: float
    site: str
    words: str = ""


@dataclass
class UserTape:
    """What was seen, in order of time. `t` is this desk's clock, seconds since 1970."""

    fqdn: str = ""
    answers: list[UserLook] = field(default_factory=list)
    """Of the zone's own servers."""
    pages: list[UserLook] = field(default_factory=list)
    """As a user with a resolver that honours the TTL."""


class Watch:
    """Two threads that look until `stop`."""

    def __init__(self, eyes: Eyes, name: Name) -> None:
        self._eyes, self._name = eyes, name
        self.tape = UserTape(name.fqdn)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Also finds out, once, which addresses are whose: asking for that each time would be a load."""
        self._home = self._eyes.own_addresses(self._name.primary_url)
        self._away = self._eyes.own_addresses(self._name.secondary_url)
        self._servers = self._eyes.servers(self._name)
        for each in (self._answers, self._pages):
            thread = threading.Thread(target=each, daemon=True)
            thread.start()
            self._threads.append(thread)

    def settle(self, site: str, seconds: float, calm_seconds: float) -> None:
        """Until this user has had pages of `site` for `calm_seconds`, at most `seconds`: what it was told before, it
        believes until the TTL is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            latest = [look for look in self.tape.pages if look.t > time.time() - calm_seconds]
            if latest and all(look.site == site for look in latest) and self.tape.pages[0].t < latest[0].t:
                return
            time.sleep(INTERVAL_SECONDS)

    def stop(self) -> UserTape:
        """The tape."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)
        return self.tape

    def _answers(self) -> None:
        turn = 0
        while self._servers and not self._stop.wait(INTERVAL_SECONDS):
            server = self._servers[turn % len(self._servers)]
            turn += 1
            now = time.time()
            try:
                found = frozenset(dns.addresses(dns.ask(server, self._name.fqdn)))
            except dns.NoAnswer as problem:
                self.tape.answers.append(UserLook(now, "", str(problem)))
                continue
            self.tape.answers.append(UserLook(now, self._of(found), " ".join(sorted(found))))

    def _of(self, found: frozenset[str]) -> str:
        eyes = self._eyes
        if found & self._home and not found & self._away:
            return eyes.home
        # The edges answer with other addresses to each who asks; that it is not the primary's is what counts.
        return eyes.away if found and self._home and not found & self._home else ""

    def _pages(self) -> None:
        cache = dns.Cache(self._eyes.resolver)
        while not self._stop.wait(INTERVAL_SECONDS):
            now = time.time()
            try:
                addresses = cache.addresses(self._name.fqdn)
            except dns.NoAnswer as problem:
                self.tape.pages.append(UserLook(now, "", str(problem)))
                continue
            page = self._eyes.page(self._name, addresses[0]) if addresses else web.Page(0, words="no address")
            site = self._eyes.site_of_page(self._name, page)
            self.tape.pages.append(UserLook(now, site, page.words or f"status {page.status}"))


def outage_seconds(looks: list[UserLook], since: float, site: str) -> float | None:
    """From the first page that did not come, at or after `since`, to the first of `site` after which all came; 0 when
    none was missed, None when pages of `site` never came for good. Pure."""
    seen = [look for look in looks if look.t >= since]
    good = len(seen)
    while good and seen[good - 1].site == site:
        good -= 1
    if good == len(seen):
        return None
    missed = [look.t for look in seen[:good] if not look.site]
    return max(0.0, seen[good].t - missed[0]) if missed else 0.0


def first_page_seconds(looks: list[UserLook], since: float, site: str) -> float | None:
    """From `since` to the first page of `site`. Pure."""
    return next((look.t - since for look in looks if look.t >= since and look.site == site), None)
