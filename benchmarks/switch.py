"""Writers moved between two real PostgreSQL servers under load, there and back, by the job's own verbs; and beside it
what the document does: the subscription is dropped and users are led to the standby.

The application has four sessions with transactions of several rows; they go to the other server when one refuses them.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.load import COLLIDED, Load, missing
from tests.servers.postgres import Flow, Postgres, eventually, running_pair
from tests.servers.test_logical_moves import BACK, BACK_GRANTS, GRANTS, cleared
from tests.servers.test_logical_servers import SCHEMA, equal

from .context import Context, NotMeasured
from .figure import Figure, value_at_most, value_is

ROUNDS, LONG_ROUNDS = 3, 10
"""There and back; each is two moves."""
MUST_SECONDS = 5.0
TRANSACTIONS = 60
"""Acknowledged before, between and after."""
PATIENCE_SECONDS = 60
RECIPE_SECONDS = 20
"""How long users of the document's recipe are watched at the standby."""


@dataclass
class Moved:
    """What became of the moves of one kind."""

    gaps: list[float] = field(default_factory=list)
    """Seconds in which nobody's write was acknowledged, of each round the longest."""
    closed: list[float] = field(default_factory=list)
    """Seconds for which neither end took writes, by the verb's own answer, of each move."""
    acknowledged: int = 0
    missing: int = 0
    collided: int = 0
    first: float | None = None
    """The recipe's: seconds from its first step until a write was acknowledged at the standby; None: never."""


def run(context: Context) -> Iterator[Figure]:
    """Three figures."""
    ours, theirs = Moved(), Moved()
    with running_pair() as servers, tempfile.TemporaryDirectory(prefix="twinsite-switch-") as folder:
        try:
            for number in range(LONG_ROUNDS if context.long else ROUNDS):
                _round(_flow(servers, Path(folder), f"ours{number}"), ours)
                context.say(f"  there and back: nobody could write for {ours.gaps[-1]:.2f} s at most")
            _recipe(_flow(servers, Path(folder), "recipe"), theirs)
        except AssertionError as late:
            raise NotMeasured(str(late)) from None
    context.say(f"  recipe: {theirs.collided} collisions, {theirs.missing} of {theirs.acknowledged} missing")
    if not theirs.missing or not theirs.collided:
        raise NotMeasured("the document's recipe lost nothing or collided with nothing: the checks may see nothing")
    moves = f"{len(ours.closed)} moves"
    yield Figure(
        name="switchover under load: nobody could write at the database, worst",
        value=max(ours.gaps),
        unit="s",
        must=value_at_most(MUST_SECONDS),
        compared_to=f"the document's recipe: until a write came through there (watched {RECIPE_SECONDS} s)",
        compared_value=theirs.first,
        runs={"longest gap of a round": _rounded(ours.gaps), "closed, by the verb": _rounded(ours.closed)},
        note=f"{moves}, {ours.acknowledged} transactions of four sessions; two servers on one machine, over sockets",
    )
    yield Figure(
        name="acknowledged transactions that are missing or there twice",
        value=ours.missing,
        unit="transactions",
        must=value_is(0),
        compared_to=f"the recipe's, of {theirs.acknowledged}",
        compared_value=theirs.missing,
        note=f"of {ours.acknowledged} in {moves}; one taken away on purpose was found in each round",
    )
    yield Figure(
        name="collisions of keys",
        value=ours.collided,
        unit="transactions",
        must=value_is(0),
        compared_to="the recipe's, whose sequences stay where the first copy found them",
        compared_value=theirs.collided,
    )


def _flow(servers: tuple[Postgres, Postgres], folder: Path, name: str) -> Flow:
    """Set up, with the application's rights at both ends."""
    for one in servers:
        one.sql(f"CREATE DATABASE {name}")
    flow = Flow(name, *servers, folder, dict(BACK))
    flow.here(SCHEMA + GRANTS)
    flow.must("set-up")
    flow.there(GRANTS + BACK_GRANTS)
    return flow


def _round(flow: Flow, seen: Moved) -> None:
    """There and back."""
    flow.must("prepare")
    with Load((flow.source, flow.target), flow.name) as load:
        load.wait_for(TRANSACTIONS, PATIENCE_SECONDS)
        for epoch, to in (("1", "target"), ("2", "source")):
            seen.closed.append(flow.must("switch", "--epoch", epoch, "--to", to)["closed_seconds"])
            load.wait_for(TRANSACTIONS, PATIENCE_SECONDS)
    seen.gaps.append(load.longest_gap())
    seen.acknowledged += len(load.acknowledged)
    seen.missing += len(missing(load, flow.source))
    seen.collided += load.refusals.count(COLLIDED)
    eventually(lambda: equal(flow), PATIENCE_SECONDS, "both ends are the same")
    gone = min(load.acknowledged)
    flow.here(f"DELETE FROM orders WHERE customer = (SELECT id FROM customers WHERE name = '{gone}')")
    if gone not in missing(load, flow.source):
        raise NotMeasured("a transaction whose rows were taken away on purpose was not missed: the check sees nothing")
    _away(flow)


def _recipe(flow: Flow, seen: Moved) -> None:
    """The subscription is dropped at the standby, users are led there; nobody shuts the source, nothing is said of
    sequences [the document, replication and failover]."""
    with Load((flow.source, flow.target), flow.name) as load:
        load.wait_for(TRANSACTIONS, PATIENCE_SECONDS)
        began = time.monotonic()
        flow.there(f"ALTER SUBSCRIPTION {flow.name} DISABLE")
        flow.there(f"ALTER SUBSCRIPTION {flow.name} SET (slot_name = NONE); DROP SUBSCRIPTION {flow.name}")
        flow.source.sql(
            "ALTER ROLE crm_app NOLOGIN; "
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'crm_app'"
        )
        led = time.monotonic()
        time.sleep(RECIPE_SECONDS)
    seen.acknowledged = len(load.acknowledged)
    seen.missing = len(missing(load, flow.target))
    seen.collided = load.refusals.count(COLLIDED)
    there = [at for at in load.acknowledged.values() if at > led]
    seen.first = min(there) - began if there else None
    flow.source.sql("ALTER ROLE crm_app LOGIN")
    _away(flow)


def _away(flow: Flow) -> None:
    flow.guest("take-away")
    for end in (flow.source, flow.target):
        cleared(end, flow.name)


def _rounded(found: list[float]) -> list[float]:
    return [round(one, 2) for one in found]
