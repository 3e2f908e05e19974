"""Why a flow must not change sides now: all reasons at once, from what both ends say, before anything is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from . import check, facts, gate
from .config import HEARTBEAT, Config
from .facts import Facts, Named, query
from .gate import Gate
from .psql import PgError, Server, identifier, literal
from .set_up import STATES, publication, way_in

Rows = list[dict[str, Any]]
KINDS = {"i": "INSERT", "u": "UPDATE", "d": "DELETE", "n": "USAGE"}


@dataclass(frozen=True)
class End:
    """One end, as a move looks at it."""

    facts: Facts
    """Of the end in its part: of the source the slot, of the target the subscription."""
    other: Facts
    """Of the same end in the part that it will have."""
    about: dict[str, Any]
    """end.sql's row."""
    sequences: Rows
    rights: Rows
    gate: "Gate | None"

    def ungated(self) -> "list[Named]":
        """Tables that ask no gate."""
        gated = self.about["gated"] or {}
        return [one.key for one in self.facts.tables if one.words not in gated]


@dataclass(frozen=True)
class Ends:
    """Both, and what is going on at the source."""

    source: End
    target: End
    sessions: Rows
    different: "list[str]"
    """Sentences about definitions without which rows stop."""


def ask(config: Config, source: Server, target: Server, different: "list[str]") -> Ends:
    """Read both ends."""
    back = config.reversed

    def end(server: Server, one: Facts, other: Facts) -> End:
        return End(
            one,
            other,
            server.row(query("end.sql", config)),
            server.rows(query("sequences.sql", config)),
            server.rows(query("rights.sql", config)),
            gate.read(server, config),
        )

    here = end(source, facts.of_source(source, config), facts.of_target(source, back))
    there = end(target, facts.of_target(target, config), facts.of_source(target, back))
    return Ends(here, there, gate.sessions(source, config), different)


def problems(config: Config, ends: Ends) -> "list[str]":
    """Sentences, each with its fix."""
    if config.carrier:
        more = [*ends.different, *_carried(config, ends)]
    else:
        more = [*_flow(config, ends), *_back(config, ends)]
    return [
        *more,
        *_others(config, ends),
        *_sessions(config, ends),
        *_sequences(config, ends),
        *_rights(config, ends),
    ]


def _carried(config: Config, ends: Ends) -> Iterator[str]:
    """Of rows that another carries: into an end whose tables ask no gate it would carry while that writes."""
    if ends.target.gate is None:
        yield f"the {config.called[1]} has no gate, so that nothing was set up there for {config.carrier}: `set-up`"


def _flow(config: Config, ends: Ends) -> Iterator[str]:
    here, there = config.called
    source, target = ends.source.facts, ends.target.facts
    if target.subscription is None:
        yield f"the {there} has no subscription {config.name}, so that it has not what the {here} wrote: `set-up`"
    elif not target.subscription["enabled"]:
        yield f"subscription {config.name} at the {there} is disabled: `set-up` enables it"
    if source.slot is None:
        yield f"the {here} has no slot {config.name}, and changes since are kept nowhere: `take-away`, then `set-up`"
    elif source.slot["wal_status"] == "lost":
        yield check.lost(config)
    elif target.subscription is not None and not source.slot["active"]:
        yield f"nobody reads slot {config.name} of the {here}: `look` says why"
    states = {".".join(key): state for key, state in target.subscribed.items()}
    late = [f"{name} {STATES.get(state, state)}" for name, state in sorted(states.items()) if state != "r"]
    if late:
        yield f"the first copy is not there, {', '.join(late)}: wait for it, `look` shows it"
    roots = {one.key for one in source.tables if not one.is_partition} | {HEARTBEAT}
    if lacking := sorted(".".join(key) for key in roots - (source.published or frozenset())):
        yield f"{', '.join(lacking)} of the {here} are not published: `set-up` adds them"
    yield from ends.different


def _others(config: Config, ends: Ends) -> Iterator[str]:
    here, there = config.called
    for which, names in (
        (there, [one for one in ends.target.about["subscriptions"] if one != config.name]),
        (here, ends.source.about["subscriptions"]),
    ):
        if names:
            yield (
                f"the {which} has tables of this flow in another subscription, {', '.join(names)}, whose rows would "
                "come from two sides: DROP SUBSCRIPTION it first"
            )
    for which, end in ((here, ends.source), (there, ends.target)):
        gated = {name for name in (end.about["gated"] or {}).values() if name != config.name}
        if gated:
            yield (
                f"tables of the {which} are behind the gate of another flow, {', '.join(sorted(gated))}: `take-away` "
                "that flow first"
            )


def _sessions(config: Config, ends: Ends) -> Iterator[str]:
    here, about = config.called[0], ends.source.about
    user = config.source.user
    yield from _watched(here, about, user)
    if about["prepared"]:
        yield gate.prepared_words(here, about["prepared"])
    for one in ends.sessions:
        if one["owns"] and one["writing"]:
            yield (
                f"session {one['pid']} of {one['role']}, who owns tables, has been writing at the {here} for "
                f"{one['seconds']} s: wait for it, or end it (`SELECT pg_terminate_backend({one['pid']})`)"
            )
        elif about["signals"] and not one["ends"]:
            yield (
                f"session {one['pid']} of {one['role']} has a transaction open at the {here} that {user} may not end: "
                "end it there"
            )


def _watched(which: str, about: dict[str, Any], user: str) -> Iterator[str]:
    """What whoever ends sessions at an end needs there."""
    if not about["tracks"]:
        yield f"track_activities of the {which} is off, so that nobody sees what is being written: set it to on"
    if not about["sees"]:
        yield f"{user} does not see what others do at the {which}: GRANT pg_read_all_stats TO {user}"
    if not about["signals"]:
        yield f"{user} may end no session of others at the {which}: GRANT pg_signal_backend TO {user}"


def _sequences(config: Config, ends: Ends) -> Iterator[str]:
    here, there = config.called
    known = {(row["schema"], row["name"]): row for row in ends.target.sequences}
    unread = [f"{row['schema']}.{row['name']}" for row in ends.source.sequences if not row["readable"]]
    if unread:
        user = config.source.user
        yield f"{user} may not read the sequences {', '.join(unread)} of the {here}: GRANT SELECT on them TO {user}"
    fixed = [".".join(key) for key, row in known.items() if not row["settable"]]
    if fixed:
        user = config.target.user
        yield f"{user} may not set the sequences {', '.join(fixed)} of the {there}: GRANT UPDATE on them TO {user}"
    lacking = [row for row in ends.source.sequences if (row["schema"], row["name"]) not in known]
    if lacking:
        names = ", ".join(f"{row['schema']}.{row['name']}" for row in lacking)
        yield f"the {there} lacks the sequences {names}: CREATE SEQUENCE them there"


def _rights(config: Config, ends: Ends) -> Iterator[str]:
    """The gate opens for whoever may write; who may here and may not there would find that out afterwards."""
    here, there = config.called
    may = {(row["role"], row["schema"], row["name"]): row["may"] for row in ends.target.rights}
    lacking: dict[str, list[str]] = {}
    for row in ends.source.rights:
        missing = set(row["may"]) - set(may.get((row["role"], row["schema"], row["name"]), ""))
        if missing:
            words = ", ".join(KINDS[one] for one in "iudn" if one in missing)
            lacking.setdefault(row["role"], []).append(f"{words} on {row['schema']}.{row['name']}")
    for role, grants in lacking.items():
        more = f" and {len(grants) - 5} more" if len(grants) > 5 else ""
        yield (
            f"{role} may write at the {here} and not at the {there} ({'; '.join(grants[:5])}{more}): make the role "
            "there and GRANT it the same; while the gate is shut it writes nothing"
        )


def _back(config: Config, ends: Ends) -> Iterator[str]:
    _, there = config.called
    if not config.back_user:
        yield (
            f"back_user is missing, so that nothing would follow the {there} afterwards: name the role of the {there} "
            "that the way back logs in as, with back_password and authority_at_source"
        )
        return
    back = config.reversed
    needed = _watched(there, ends.target.about, config.target.user)
    for one in (*check.back_problems(back, ends.target.other, ends.source.other), *needed):
        yield f"on the way back, where the {there} is the source, {one}"


def in_the_way(config: Config, source: Server, target: Server, different: "list[str]") -> "list[str]":
    """What `prepare` would refuse now, for whoever only looks. All but the way back's path, which a trial shows."""
    try:
        return problems(config, ask(config, source, target, different))
    except PgError as error:
        return [f"what is in the way of a move could not be asked: {error.words}"]


def refuse(config: Config, ends: Ends) -> None:
    """Refused with everything."""
    if found := problems(config, ends):
        raise Refused(found)


def prove_back(config: Config, source: Server) -> None:
    """The way back's subscription is made at the source and rolled back: its server reaches the other one, verifies it,
    logs in there and finds the publication. Refused, with PostgreSQL's words."""
    back = config.reversed
    name, way = identifier(config.name), literal(way_in(back))
    options = "connect = true, enabled = false, create_slot = false, slot_name = NONE, copy_data = false"
    try:
        source.script(
            f"BEGIN;\nCREATE SUBSCRIPTION {name} CONNECTION {way} PUBLICATION {name} WITH ({options});\nROLLBACK;"
        )
    except PgError as error:
        here, there = config.called
        raise Refused(
            [
                f"the server of the {here} does not get to the {there} for the way back: {error.words}: open the path "
                f"from the one to the other, and look at back_user, back_password and authority_at_source"
            ]
        ) from None


def ready(config: Config, ends: Ends, source: Server, target: Server, did: facts.Say) -> None:
    """What a move needs and nobody notices: gates, the way back's publication, its right to read the heartbeat."""
    gate.put_up(source, config, ends.source.ungated(), True, did)
    gate.put_up(target, config, ends.target.ungated(), False, did)
    if not config.carrier:
        publication(config.reversed, ends.target.other, target, did)
        let_read(config, target, did)


def let_read(config: Config, target: Server, did: facts.Say) -> None:
    """The heartbeat of the way back is read by its role."""
    user = literal(config.back_user)
    if not target.row(f"SELECT has_table_privilege({user}, 'twinsite.heartbeat', 'select') AS may")["may"]:
        role = identifier(config.back_user)
        target.script(f"GRANT USAGE ON SCHEMA twinsite TO {role};\nGRANT SELECT ON twinsite.heartbeat TO {role};")
        did(f"let {config.back_user} read the heartbeat at the {target.which}")
