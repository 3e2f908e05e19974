"""Whether an end takes writes: a row that a trigger on each table asks (gate.sql), and the end of what was open.

A transaction that began before the gate shut may have asked it earlier, so each is ended; whatever begins later is
refused by the server, with SQLSTATE 25006. A gate with a lease shuts by itself, too: ../writer/database.py gives it.
"""

import time
from dataclasses import dataclass
from typing import Any

from ..errors import Failed
from . import facts, loads
from .config import GATE, Config
from .facts import Named, query
from .psql import PgError, Server, identifier, literal

SHUT_SECONDS = 10.0
"""From the order until nothing writes (ADR 44)."""
LOCK_SECONDS = 1
"""A trigger waits so long for a table's writers, who meanwhile wait for it."""
TRIES = 15
_LOCKED = "55P03"
NOW = "(date_part('epoch', clock_timestamp()) * 1000)::bigint"
"""The server's clock, milliseconds since 1970."""


@dataclass(frozen=True)
class Gate:
    """One end's."""

    epoch: int
    writes: bool
    handed: "int | None" = None
    taken: "int | None" = None
    place: "str | None" = None


@dataclass(frozen=True)
class Lease:
    """What an agent has told one end's gate, as the server says it. Times are milliseconds of its own clock."""

    now_ms: int
    until_ms: int
    """0: none was ever given."""
    leased: bool
    """Whether the gate asks for one."""
    floor: int
    """The epoch of the agent's last order."""

    @property
    def runs(self) -> bool:
        """Whether it holds back no write."""
        return not self.leased or self.until_ms > self.now_ms

    def stopped(self, epoch: int) -> bool:
        """Whether the agent has shut it for that epoch."""
        return not self.runs and self.floor == epoch


def lease(server: Server, config: Config) -> Lease:
    """Of a gate that was put up."""
    return Lease(
        **server.row(
            f"SELECT {NOW} AS now_ms, coalesce(pg_sequence_last_value(lease), 0) AS until_ms, "
            f"lease IS NOT NULL AS leased, floor FROM twinsite.gate WHERE flow = {literal(config.name)}"
        )
    )


def read(server: Server, config: Config) -> "Gate | None":
    """None where none was put up."""
    if not server.row("SELECT to_regclass('twinsite.gate') IS NOT NULL AS there")["there"]:
        return None
    found = server.rows(
        f"SELECT epoch, writes, handed, taken, place FROM twinsite.gate WHERE flow = {literal(config.name)}"
    )
    return Gate(**found[0]) if found else None


def put_up(server: Server, config: Config, lacking: "list[Named]", writes: bool, did: facts.Say) -> None:
    """Row and triggers where they are lacking; `writes`: what a new one says."""
    if read(server, config) is None or not _whole(server):
        text = (facts.FOLDER / "gate.sql").read_text(encoding="utf-8")
        row = f"INSERT INTO twinsite.gate VALUES ({literal(config.name)}, 0, {writes}) ON CONFLICT DO NOTHING;"
        server.script(f"{text}{row}", together=True)
        did(f"made a gate at the {server.which}, {'open' if writes else 'shut'}")
    for key in lacking:
        _trigger(server, config, key)
    if lacking:
        did(f"put {len(lacking)} tables of the {server.which} behind it")


def _whole(server: Server) -> bool:
    """One of before lacks columns for leases, or the mark of loads."""
    return bool(server.row("SELECT to_regclass('twinsite.loads') IS NOT NULL AS there")["there"])


def lease_of(config: Config) -> str:
    """The sequence that says until when."""
    return f"twinsite.lease_{config.name}"


def soon_of(config: Config) -> str:
    """The sequence that says until when a move is about to come."""
    return f"twinsite.soon_{config.name}"


def expect(server: Server, config: Config, seconds: float) -> None:
    """A move is about to come within that time: the end's agent looks each second (../writer/agent.py). A sequence of
    its own: a column more would wait for whoever writes."""
    soon = soon_of(config)
    server.script(
        f"CREATE SEQUENCE IF NOT EXISTS {soon} AS bigint MINVALUE 0;\n"
        f"SELECT setval('{soon}', {NOW} + {int(seconds * 1000)});"
    )


def _trigger(server: Server, config: Config, key: Named) -> None:
    made = (
        f"SET lock_timeout = '{LOCK_SECONDS}s';\n"
        f"CREATE TRIGGER {GATE} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {identifier(*key)} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION twinsite.gate({literal(config.name)});"
    )
    made += f"\n{enabled(config, key)}" if config.carrier else ""
    for left in reversed(range(TRIES)):
        try:
            server.script(made, together=bool(config.carrier))
            return
        except PgError as error:
            if error.state == "42710":  # made meanwhile
                return
            if error.state != _LOCKED or not left:
                raise
            time.sleep(0.2)


def enabled(config: Config, key: Named) -> str:
    """The statement after which the table asks its gate: of a carrier's rows, too."""
    return f"ALTER TABLE {identifier(*key)} ENABLE {'ALWAYS ' if config.carrier else ''}TRIGGER {GATE};\n"


def take_down(server: Server, config: Config, changed: "list[str]") -> bool:
    """What put_up made. False where it is shut: it stays, for nobody is to write there."""
    gate = read(server, config)
    if gate is None:
        return True
    if not gate.writes:
        return False
    gated = server.row(query("end.sql", config))["gated"] or {}
    keys = [one.key for one in facts.tables(server, config) if gated.get(one.words) == config.name]
    server.script("".join(f"DROP TRIGGER IF EXISTS {GATE} ON {identifier(*key)};\n" for key in keys))
    server.script(
        f"DELETE FROM twinsite.gate WHERE flow = {literal(config.name)};\nDROP SEQUENCE IF EXISTS {lease_of(config)};"
        f"\nDROP SEQUENCE IF EXISTS {soon_of(config)};"
    )
    loads.forget(server, config)
    if not server.row("SELECT EXISTS (SELECT FROM twinsite.gate) AS others")["others"]:
        # Those of before have no more than function and table of that name.
        server.script(
            "DROP FUNCTION twinsite.gate();\nDROP TABLE IF EXISTS twinsite.passing, twinsite.loads;\n"
            "DROP FUNCTION IF EXISTS twinsite.passed();\nDROP TABLE twinsite.gate;",
            together=True,
        )
    changed.append(f"took the gate at the {server.which} away")
    return True


def order(server: Server, config: Config, epoch: int, writes: bool) -> None:
    """Shut it, or open it. What it says of this epoch stays."""
    _ordered(server, config, epoch, writes, ("handed", "taken"))


def reopen(server: Server, config: Config, epoch: int) -> None:
    """Open what was shut in this epoch, as if it had not been. Failed where it was handed over meanwhile."""
    _ordered(server, config, epoch, True, ("taken",), "NOT coalesce(handed = epoch, false)")


def _ordered(
    server: Server, config: Config, epoch: int, writes: bool, kept: "tuple[str, ...]", only: str = "true"
) -> None:
    marks = {"handed": "NULL", "taken": "NULL"} | {one: f"CASE WHEN {one} = {epoch} THEN {one} END" for one in kept}
    said = ", ".join(f"{one} = {value}" for one, value in marks.items())
    done = server.script(
        f"UPDATE twinsite.gate SET epoch = {epoch}, writes = {writes}, {said} "
        f"WHERE flow = {literal(config.name)} AND epoch <= {epoch} AND {only} RETURNING 1;"
    )
    if not done.strip():
        raise Failed(
            f"the gate at the {server.which} has had an order of a later epoch than {epoch}, or was handed over: this "
            "one is late, ask the registers who writes (`twinsite status`)"
        )


def hand(server: Server, config: Config, epoch: int) -> None:
    """Say of a source that is shut that the other end has all of it. Failed where somebody opened it meanwhile: two
    runs of one move."""
    done = server.script(
        f"UPDATE twinsite.gate SET handed = {epoch} "
        f"WHERE flow = {literal(config.name)} AND NOT writes AND epoch = {epoch} RETURNING 1;"
    )
    if not done.strip():
        raise Failed(f"the gate at the {server.which} is not shut in epoch {epoch} any more: another run has opened it")


def hand_on(server: Server, config: Config, epoch: int) -> None:
    """What was handed over in an earlier epoch, in this one: nobody wrote in between."""
    server.script(
        f"UPDATE twinsite.gate SET epoch = {epoch}, handed = {epoch} "
        f"WHERE flow = {literal(config.name)} AND NOT writes AND handed = epoch AND epoch <= {epoch};"
    )


def take(server: Server, config: Config, epoch: int, place: str) -> None:
    """Say of a target that is shut that it goes its own way, having the source's up to `place` ("": not known)."""
    said = f"{literal(place)}::pg_lsn" if place else "NULL"
    server.script(
        f"UPDATE twinsite.gate SET taken = {epoch}, place = {said} "
        f"WHERE flow = {literal(config.name)} AND NOT writes AND epoch = {epoch};"
    )


def sessions(server: Server, config: Config) -> "list[dict[str, Any]]":
    """Transactions that are open there."""
    return server.rows(query("sessions.sql", config))


def ending(config: Config, spare: bool) -> str:
    """The statement that ends sessions, without its $since. `spare`: those of jobs and agents go on."""
    asked = query("end_sessions.sql", config).replace("$sessions", query("sessions.sql", config))
    return asked.replace("$spare", str(spare))


def end_sessions(server: Server, config: Config) -> int:
    """End what began before now, the gate being shut; how many. Failed when they do not go, or are prepared."""
    asked = ending(config, spare=False)
    since, deadline = "", time.monotonic() + SHUT_SECONDS
    ended: set[int] = set()
    while True:
        told = server.row(asked.replace("$since", literal(since)))
        since, found = told["since"], told["found"]
        if not found:
            break
        ended |= {row["pid"] for row in found}
        if time.monotonic() > deadline:
            named = ", ".join(f"{row['pid']} of {row['role']}" for row in found)
            raise Failed(f"sessions of the {server.which} were told to end and are still there: {named}")
        time.sleep(0.05)
    # One that was prepared since it was last looked belongs to no session, and could be committed at any time.
    (prepared,) = server.row("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()").values()
    if prepared:
        raise Failed(prepared_words(server.which, prepared))
    return len(ended)


def prepared_words(which: str, number: int) -> str:
    """Why writes cannot be stopped there, and what to do."""
    return (
        f"the {which} has {number} prepared transactions, which no end of a session ends: COMMIT PREPARED or ROLLBACK "
        "PREPARED them (pg_prepared_xacts)"
    )
