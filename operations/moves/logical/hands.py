"""What the steps of a move of the writer work with: the job, both sites' pods, the pool of nodes, registers, pages."""

import time
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from typing import Any

from twinsite.inventory import CloudflarePools, Inventory, Name

from ... import gke
from ...steps import Say, StepFailed
from ...subjects import cloud_pools
from ...subjects.clouds import Unknown, World
from ...subjects.eyes import Eyes
from ...subjects.registers import RegistersSeen, Said
from ...transport import RemoteFailed
from ...unanswered import CouldNotAsk
from ...worker import LONG_SECONDS, Worker, answer
from ...writer_registers import WAIT_SECONDS, Registers, clock
from .facts import cluster_of, workload_of
from .pods import Pods

VERB_SECONDS = 600.0
"""A Job's start, and a verb that waits for nothing that is long."""
NODES_SECONDS = 900.0
PODS_SECONDS = 600.0
PAGE_SECONDS = 300.0
MARGIN_SECONDS = 60.0
PAUSE_SECONDS = 1.0
CATCH_UP_SECONDS = 3600.0
SWITCH_LAG_SECONDS = 5.0
"""As the job has it (components/guest/logical/switch.py); tests hold the two together."""
READY = "ready to stop writes"
"""The same: what its switch says while it waits for the registers' word."""
WORD_SECONDS = 60.0
"""So long it waits, with nothing stopped: the registers may take some tries, and agents hear within 5 s."""


class Hands:
    """Of one operation."""

    def __init__(
        self,
        inventory: Inventory,
        clouds: World,
        worker: Callable[[Say], Worker],
        registers: Callable[[Collection[str]], Registers],
        eyes: Eyes,
        began: float,
    ) -> None:
        """`registers`: of all but those whose scheme is given."""
        self.inventory, self.clouds, self.eyes, self.began = inventory, clouds, eyes, began
        self._worker, self._registers = worker, registers
        self._since: dict[str, float] = {}
        """Site → when it was known that two registers name it."""
        self._tried: set[str] = set()
        """Sites that one register may name."""
        self._open: set[str] = set()
        """Sites of which the job saw that they take writes."""

    # The databases.

    def verb(self, say: Say, *words: str, seconds: float = VERB_SECONDS) -> dict[str, Any]:
        """What a verb of the job prints. RemoteFailed with its own sentences."""
        found: dict[str, Any] = answer(self._worker(say), words, seconds)
        return found

    def moved(self, say: Say, *words: str) -> dict[str, Any]:
        """A verb that may end with something left, which its `problems` say. StepFailed when it came to no end."""
        found: dict[str, Any] = answer(self._worker(say), words, VERB_SECONDS, frozenset({0, 1}))
        if found.get("outcome") != "done":
            raise StepFailed(f"`{words[0]}`: {'; '.join(map(str, found.get('problems') or [found]))}")
        return found

    def switched(self, say: Say, site: str, epoch: int, asks: bool) -> dict[str, Any]:
        """The job's `switch`. `asks`: it waits, with nothing stopped, until the registers name `site`, which they do as
        soon as it says that it is ready. One that was told of is tried again as long as it waits."""
        words = ("switch", "--epoch", str(epoch), "--to", self.end(site))
        if not asks:
            return self.moved(say, *words)
        trouble: list[str] = []

        def heard(line: str) -> None:
            say(line)
            if line.startswith(READY) and site not in self._since:
                try:
                    self.claim(site, epoch - 1, ())
                except CouldNotAsk as problem:
                    # Raised here it would end the job's watch, and the job may have gone on.
                    trouble[:] = [str(problem)]

        try:
            found = self.moved(heard, *words, "--word", f"{WORD_SECONDS:g}")
        except (StepFailed, RemoteFailed) as problem:
            if not trouble:
                raise
            raise StepFailed(f"{'; '.join(trouble)}; {problem}") from problem
        if site not in self._since:
            self.claim(site, epoch - 1, ())
        return found

    def compared(self, say: Say) -> dict[str, Any]:
        """Both ends' rows; a difference is a result."""
        found: dict[str, Any] = answer(self._worker(say), ["compare"], LONG_SECONDS, frozenset({0, 1}))
        if found.get("outcome") != "done":
            raise StepFailed(f"`compare`: {'; '.join(map(str, found.get('problems') or [found]))}")
        return found

    def caught_up(self, say: Say) -> str:
        """When rows come as fast as a switch wants them."""

        def lacking() -> str:
            lag = (self.looked(say).get("lag") or {}).get("seconds")
            return "" if lag is not None and lag <= SWITCH_LAG_SECONDS else f"a row takes {_seconds(lag)}"

        waited = self.wait("rows to come in time", CATCH_UP_SECONDS, lacking, say)
        return f"after {waited:g} s"

    def age(self, newest: Mapping[str, Any] | None) -> dict[str, Any]:
        """How old the newest heartbeat was when this operation was begun: nothing older is lost."""
        if newest is None:
            return {"rpo_seconds": None, "rpo_basis": "no heartbeat of the old writer ever came"}
        age = float(newest["age_seconds"]) - (time.time() - self.began)
        basis = f"at most: the newest heartbeat that came is of {newest['stamp']}, and one goes with each look"
        return {"rpo_seconds": round(max(0.0, age), 1), "rpo_basis": basis}

    def long_verb(self, say: Say, *words: str) -> dict[str, Any]:
        """One that may copy everything."""
        return self.verb(say, *words, "--wait", f"{LONG_SECONDS - VERB_SECONDS:.0f}", seconds=LONG_SECONDS)

    def looked(self, say: Say) -> dict[str, Any]:
        """What a look finds, well or not."""
        found: dict[str, Any] = answer(self._worker(say), ["look"], VERB_SECONDS, frozenset({0, 1}))
        return found

    def end(self, site: str) -> str:
        """What the job calls a site's database."""
        return "source" if site == self.inventory.home else "target"

    # Who may write.

    def outage(self, site: str, found: Mapping[str, Any]) -> float | None:
        """How long nobody could write, by what a switch found. Where the job did not see the new site's lease come, the
        old one may have been shut since the claim, and that counts."""
        closed = found.get("closed_seconds")
        if found.get("open"):
            self._open.add(site)
        if closed is None or not self.inventory.registers or site in self._open:
            return None if closed is None else float(closed)
        return None if site not in self._since else round(max(closed, clock() - self._since[site]), 1)

    def waited(self, site: str) -> float | None:
        """The same, once the old site has stopped; None where the switch said it."""
        return None if site in self._open else self.outage(site, {"closed_seconds": 0.0})

    def reserve(self, site: str, above: int) -> int:
        """The epoch that a claim would have now."""
        return self._registers(()).next_epoch(site, above)

    def claimed_back(self, site: str, epoch: int) -> int:
        """The registers name `site` again: in a later epoch, if any may name the other one."""
        others = {one.name for one in self.inventory.sites} - {site}
        return self.claim(site, epoch if others & self._tried else -1, ())

    def claim(self, site: str, above: int, without: Collection[str]) -> int:
        """The epoch of a move to `site`: the registers' next one, or one more than `above` where there are none."""
        if not self.inventory.registers:
            return above + 1
        self._tried.add(site)
        epoch = self._registers(without).make_writer(site, above)
        self._since[site] = clock()
        return epoch

    def registers(self) -> RegistersSeen | None:
        """As they are now; None where there are none."""
        places, sites = self.inventory.registers, tuple(one.name for one in self.inventory.sites)
        if not places:
            return None
        said: dict[str, Said | Unknown | None] = {}
        for place, one in zip(places, self._registers(()).seen(), strict=True):
            known = None if one is None or isinstance(one, str) else Said(one.site, one.epoch, one.clear)
            said[place] = Unknown(one) if isinstance(one, str) else known
        return RegistersSeen(said, sites, self.inventory.active_site)

    def stopped(self, site: str, epoch: int, without: Collection[str], say: Say) -> str:
        """Wait until who wrote before `site` has stopped: by its own word, or by time. Another process's claim is
        waited for anew: this one does not know when it was."""
        since = self._since.setdefault(site, clock())
        registers = self._registers(without)
        while (left := since + WAIT_SECONDS - clock()) > 0:
            if registers.clear(site, epoch):
                return "by its own word"
            say(f"{left:.0f} s left")
            time.sleep(min(left, PAUSE_SECONDS))
        return f"after {WAIT_SECONDS:g} s"

    # Capacity.

    def told(self, site: str) -> bool:
        """Whether its pods may be told a role."""
        return workload_of(self.inventory, site) is not None

    def pods(self, site: str) -> Pods:
        """Of a site whose pods may be told."""
        known = workload_of(self.inventory, site)
        if known is None:
            raise StepFailed(f"the inventory names no pods at {site}: run `pulumi up`")
        return Pods(known)

    def nodes(self, site: str, serving: bool, say: Say) -> int:
        """Resize the pool that is operations'; how many nodes it has then."""
        known = cluster_of(self.inventory, site)
        if known is None:
            raise StepFailed(f"the inventory names no cluster at {site}: run `pulumi up`")
        return gke.resize(known, known.serving_nodes if serving else 0, self.clouds.google, say, NODES_SECONDS)

    # Users.

    def stateful(self) -> Name:
        """The name that the application has."""
        name = next((one for one in self.inventory.names if one.stateful), None)
        if name is None:
            raise StepFailed("the inventory has no stateful name: run `pulumi up`")
        return name

    def pools(self) -> cloud_pools.PoolsSeen | None:
        """As Cloudflare has them now; None where none steers the name."""
        name = self.stateful()
        if not isinstance(name.steering, CloudflarePools) or not name.steering.pools:
            return None
        found = cloud_pools.look(name, name.steering, self.clouds.cloudflare)
        return cloud_pools.PoolsSeen(name, name.steering, found, tuple(site.name for site in self.inventory.sites))

    def as_user(self) -> tuple[str, str]:
        """(site, words) of the page that the name gives now, through whatever stands before it."""
        name = self.stateful()
        scheme = urllib.parse.urlsplit(name.primary_url).scheme
        page = self.eyes.get(f"{scheme}://{name.fqdn}{name.path}", "", "")
        site = self.eyes.site_of_page(name, page)
        return site, page.words or f"status {page.status}" + ("" if site else " without a site's marker")

    def wait(self, what: str, seconds: float, look: Callable[[], str], say: Say) -> float:
        """Until `look` finds nothing that is lacking; how long it took. StepFailed with what it said last."""
        began = time.monotonic()
        while True:
            lacking = look()
            waited = time.monotonic() - began
            if not lacking:
                return round(waited, 1)
            if waited >= seconds:
                raise StepFailed(f"waited {seconds:g} s for {what}; last seen: {lacking}")
            say(lacking)
            time.sleep(PAUSE_SECONDS)


def claimed(site: str) -> str:
    """Under what the epoch of a move to `site` is kept."""
    return f"epoch-{site}"


def epoch_of(choices: Mapping[str, str], site: str) -> int:
    """What an earlier step of the move decided. StepFailed when none did."""
    if claimed(site) not in choices:
        raise StepFailed("no epoch was decided for this move: run the same command again")
    return int(choices[claimed(site)])


def _seconds(lag: float | None) -> str:
    return "longer than a look waits" if lag is None else f"{lag:g} s"
