"""Reads, once, what a move of the writer needs to know. What does not answer is a fact, too.

Of a site that may be dead nothing is asked but its application's page: its database is the job's to ask, its tunnels
are Google's.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from twinsite.inventory import Inventory

from ... import parts
from ...journal import document, lock
from ...store import Store
from ...subjects import cloud_pools, cloud_vpn, postgres_replica
from ...subjects.clouds import Unknown, World
from ...subjects.eyes import Eyes
from ...transport import RemoteFailed, Unreachable
from ...unanswered import CouldNotAsk
from ..vantage import Vantage
from .facts import Databases, Facts, flow_of
from .hands import Hands

LOOKS = 2
LOOK_PAUSE_SECONDS = 1.0


class FactsReader:
    """Of one stack."""

    def __init__(self, inventory: Inventory, store: Store, clouds: World, eyes: Eyes) -> None:
        self.inventory, self.store, self.clouds, self.eyes = inventory, store, clouds, eyes

    def facts(self, hands: Hands, owner: str, registers: bool = False) -> Facts:
        """All at once, but for the job's last report, which its look writes over. `registers`: all three as well."""
        reported = self._reported()
        with ThreadPoolExecutor(max_workers=6) as pool:
            databases = pool.submit(self._databases, hands)
            pools = pool.submit(self._pools, hands)
            tunnels = pool.submit(self._tunnels)
            desk = pool.submit(self._desk, hands)
            known = databases.result()
            found, words = pools.result()
            vantages = [self._job(known, tunnels.result()), self._cloudflare(found, words), desk.result()]
        return Facts(
            self.inventory,
            time.time(),
            known,
            reported,
            tuple(vantages),
            found.serving() if found else "",
            tunnels.result(),
            document.unfinished(self.store),
            hands.registers() if registers else None,
            lock.holder(self.store, owner),
        )

    def _reported(self) -> postgres_replica.Look | None:
        host = parts.job_of(self.inventory)
        flow = flow_of(self.inventory)
        if host is None or not host.status:
            return None
        try:
            return postgres_replica.look(flow, host.status, self.clouds.google)
        except CouldNotAsk:
            return None

    def _databases(self, hands: Hands) -> Databases:
        home, away = self.inventory.home, self.inventory.away
        try:
            found = hands.looked(lambda _: None)
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            look = postgres_replica.parse({**found, "version": postgres_replica.VERSION, "at": now}, str(found["flow"]))
            gates = found["gate"]
        except (Unreachable, RemoteFailed) as problem:
            return Databases(home, away, problem=str(problem))
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            said = f"its look is none that this twinsite reads ({type(problem).__name__}: {problem})"
            return Databases(home, away, problem=said)
        sites = {"source": home, "target": away}
        return Databases(home, away, "", look, frozenset(sites[end] for end in gates))

    def _pools(self, hands: Hands) -> tuple[cloud_pools.PoolsSeen | None, str]:
        try:
            return hands.pools(), "no pools steer the name"
        except CouldNotAsk as problem:
            return None, problem.words

    def _tunnels(self) -> tuple[int, int] | None:
        """Google's ends of all tunnels."""
        up, all_ = 0, 0
        for vpn in self.inventory.vpns:
            try:
                ends = cloud_vpn.google_ends(vpn, self.clouds.google)
            except CouldNotAsk:
                return None
            all_ += len(ends)
            up += sum(
                end.status == cloud_vpn.ESTABLISHED and bool(end.session and end.session.up) for end in ends.values()
            )
        return (up, all_) if all_ else None

    # Is home alive?

    def _job(self, known: Databases, tunnels: tuple[int, int] | None) -> Vantage:
        """The job and the tunnels that it goes through are one place: a cut between the clouds looks like a death."""
        place, home = f"the job at {known.away}", known.home
        path = "" if tunnels is None else f", with {tunnels[0]} of {tunnels[1]} tunnels up"
        if known.problem:
            return Vantage(place, None, known.problem)
        if home in known.answered:
            return Vantage(place, True, f"{home}'s database answers{path}")
        return Vantage(place, False, f"{home}'s database does not answer{path}")

    def _cloudflare(self, seen: cloud_pools.PoolsSeen | None, words: str) -> Vantage:
        place, home = "Cloudflare's monitors", self.inventory.home
        if seen is None or isinstance(seen.found, Unknown):
            return Vantage(place, None, words)
        pool = seen.found.pools.get(home)
        if pool is None or pool.healthy is None:
            return Vantage(place, None, f"no place has asked {home} yet")
        if pool.healthy:
            return Vantage(place, True, f"{home} says that it may write")
        return Vantage(place, False, f"{home} does not say that it may write ({', '.join(pool.why) or 'no reason'})")

    def _desk(self, hands: Hands) -> Vantage:
        """From here."""
        name, words = hands.stateful(), ""
        for attempt in range(LOOKS):
            if attempt:
                time.sleep(LOOK_PAUSE_SECONDS)
            page = self.eyes.at_home(name)
            if page.holds(name.primary_marker):
                return Vantage("this desk", True, f"the page of {self.inventory.home} came with status {page.status}")
            words = page.words or f"status {page.status} without the application's marker"
            if page.status < 500 and (page.status or not page.silent):
                return Vantage("this desk", None, words)
        return Vantage("this desk", False, f"{words}, {LOOKS} times")
