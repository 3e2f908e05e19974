"""The gate of a PostgreSQL as an agent holds it: a lease that ends by the server's own clock (ADR 65).

../logical/gate.sql asks it. `writes` of that gate is not the agent's: which end has the data, a move says (../logical).
A site writes when both say so.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Failed
from ..logical import facts, gate
from ..logical.config import Config
from ..logical.facts import query
from ..logical.psql import Server, literal
from .holder import clock
from .rule import Memory, Rule

RENEW_SECONDS = 1.0
"""A lease that would grow by less is left as it is."""
PASS_SECONDS = 3.0
"""How long one order to shut waits for what it has ended; the next one goes on."""
SLACK_MS = 100
"""A transaction that began so soon after the end is taken for one that may have passed."""


@dataclass(frozen=True)
class Seen:
    """A gate, as the server said it."""

    now_ms: int
    """The server's clock, milliseconds since 1970."""
    until_ms: int
    """The end of its lease; 0: none was ever given."""
    leased: bool
    """Whether it asks for one."""
    writes: bool
    epoch: int
    floor: int
    prepared: int
    """Transactions that any session may commit, at any time."""
    soon_ms: int = 0
    """Until when a move is about to come; 0: none ever was."""

    @property
    def open_ms(self) -> int:
        """How long it lets writes in from now on, when no order comes; 0: it is shut."""
        return max(0, self.until_ms - self.now_ms) if self.writes and self.leased else 0


class DatabaseGate:
    """A `Gate` (holder.py). Failed when the server does not answer: what it was told holds on."""

    def __init__(
        self,
        server: Server,
        config: Config,
        home: bool,
        rule: Rule | None = None,
        now: Callable[[], float] = clock,
        released: bool = False,
    ) -> None:
        """`home`: whether the data were here first. There a gate has no lease before its first order to open, so that
        an agent's first day stops nobody; at another site it has one from the beginning. `released`: where this site
        may write, the gate is let go, as it was before it had a lease."""
        self._server, self._config, self._home, self._released = server, config, home, released
        self._rule, self._now = rule or Rule(), now
        self.knows: Callable[[], Memory] = lambda: Memory("")
        """What the agent has heard."""
        self.seen: Seen | None = None
        """As of the last look."""
        self._given: tuple[int, float] | None = None

    @property
    def until(self) -> float:
        """Until when writes get in here, by the agent's clock, as far as it knows; 0: they do not."""
        if self._given is None or self.seen is None or not self.seen.writes:
            return 0.0
        return self._given[1]

    @property
    def hurried(self) -> bool:
        """Whether a move is about to come, as of the last look."""
        return self.seen is not None and self.seen.soon_ms > self.seen.now_ms

    def put_up(self, did: facts.Say) -> None:
        """Row, triggers on tables that have none, and away from home the lease."""
        lacking: list[facts.Named] = []
        if gate.read(self._server, self._config) is None:
            gate.put_up(self._server, self._config, [], self._home, did)
        gated = self._server.row(query("end.sql", self._config))["gated"] or {}
        lacking = [one.key for one in facts.tables(self._server, self._config) if one.words not in gated]
        gate.put_up(self._server, self._config, lacking, self._home, did)
        if not self._home and not self._released and not self.look().leased:
            self._lease(0)
            did("the gate asks for a lease from now on")

    def look(self) -> Seen:
        """Ask the server. Failed where no gate was put up."""
        name, soon = literal(self._config.name), f"to_regclass({literal(gate.soon_of(self._config))})"
        found = self._server.rows(
            f"SELECT {gate.NOW} AS now_ms, coalesce(pg_sequence_last_value(lease), 0) AS until_ms, "
            "lease IS NOT NULL AS leased, writes, epoch, floor, "
            "(SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()) AS prepared, "
            f"coalesce(CASE WHEN has_sequence_privilege({soon}, 'SELECT') THEN pg_sequence_last_value({soon}) END, 0) "
            "AS soon_ms "
            f"FROM twinsite.gate WHERE flow = {name}"
        )
        if not found:
            raise Failed(f"flow {self._config.name} has no gate at the {self._server.which}")
        self.seen = Seen(**found[0])
        return self.seen

    def open(self, epoch: int, until: float) -> None:
        """See Gate. An absolute time of the server's is sent: whenever it arrives, it opens nothing longer."""
        if self._given is not None and self._given[0] == epoch and 0 <= until - self._given[1] < RENEW_SECONDS:
            return
        here = self.look()
        # From here on time that passes shortens the lease.
        left = until - self._now()
        if left <= 0:
            return
        ends = here.now_ms + int(left * 1000)
        if here.floor > epoch:
            raise Failed(f"the gate has had an order of epoch {here.floor}, and {epoch} is late")
        if self._released:
            self._let_go(here)
            self._given = (epoch, until)
            return
        if not here.leased:
            self._lease(ends)
        told = self._server.script(
            f"UPDATE twinsite.gate SET floor = {epoch} WHERE flow = {literal(self._config.name)} AND floor <= {epoch} "
            f"RETURNING setval(lease, {ends});\nDELETE FROM twinsite.passing WHERE flow = {literal(self._config.name)};"
        )
        if not told.strip():
            raise Failed(f"the gate has had an order of a later epoch than {epoch}")
        self._given = (epoch, until)

    def close(self, below: int) -> bool:
        """See Gate. At home, one that never had a lease is shut only for another site: it stands as it stood before."""
        self._given = None
        here = self.look()
        if not here.leased:
            if not self._elsewhere():
                return False
            self._lease(here.now_ms)
        if here.floor < below or here.until_ms > here.now_ms or not here.leased:
            self._server.script(
                f"UPDATE twinsite.gate SET floor = greatest(floor, {below}) "
                f"WHERE flow = {literal(self._config.name)} RETURNING setval(lease, "
                f"least(pg_sequence_last_value(lease), {gate.NOW}));"
            )
            here = self.look()
        return self._empty(here)

    def _elsewhere(self) -> bool:
        memory = self.knows()
        return any(one.epoch == memory.top and one.site not in ("", memory.site) for one in memory.heard)

    def _let_go(self, here: Seen) -> None:
        if here.leased:
            # The sequence stays: who is writing may be about to read it.
            self._server.script(f"UPDATE twinsite.gate SET lease = NULL WHERE flow = {literal(self._config.name)};")

    def _lease(self, until_ms: int) -> None:
        lease, rule = gate.lease_of(self._config), self._rule
        self._server.script(
            f"CREATE SEQUENCE IF NOT EXISTS {lease} AS bigint MINVALUE 0;\nSELECT setval('{lease}', {until_ms});\n"
            f"UPDATE twinsite.gate SET lease = '{lease}', lasts_ms = {int(rule.lease_seconds * 1000)}, "
            f"closes_ms = {int(rule.closing_seconds * 1000)} WHERE flow = {literal(self._config.name)};",
            together=True,
        )

    def _empty(self, here: Seen) -> bool:
        """Nothing that began before the end is left, or it cannot be committed any more."""
        if here.until_ms > here.now_ms:
            return False  # another agent has opened it meanwhile
        # A move's job is at work here just then; it writes nothing of the users', and ended it would turn back.
        since = f"to_timestamp({here.until_ms + SLACK_MS} / 1000.0)::text"
        asked = gate.ending(self._config, spare=True).replace("$since", since)
        end = time.monotonic() + PASS_SECONDS
        while here.prepared == 0:
            passed = here.now_ms - here.until_ms
            if passed >= self._rule.closing_seconds * 1000:
                return True
            left: list[Any] = self._server.row(asked)["found"]
            if not left and passed > SLACK_MS:
                return self.look().prepared == 0
            if time.monotonic() > end:
                break
            time.sleep(0.1)
            here = self.look()
        return False
