"""The unplanned switch: the target goes its own way without the source; and the source's return under it.

A promotion asks nothing of the source. What the source wrote and the target never got stays there, in its slot:
`rejoin` counts it by table, and lets nobody lose it without a word.
"""

import time
from collections.abc import Iterator
from typing import Any

from ..errors import Failed, Refused
from . import facts, gate, loads, movable
from .away import cut_off, drop_slots
from .config import GATE, HEARTBEAT, Config
from .facts import query
from .gate import Gate
from .psql import FORBIDDEN, HURRIED, Patience, PgError, Server, identifier, literal
from .rows import row_sum
from .sequences import carry
from .set_up import all_copied, publication, servers, set_up, table_states
from .switch import follow_back, noted, slot_anew

ASK_SECONDS = 4
"""Whether a source that is said to be gone answers after all."""
STOP_SECONDS = 15
"""How long a subscription's worker may take to end."""
KINDS = {"I": "inserted", "U": "updated", "D": "deleted", "T": "truncated"}


def promote(config: Config, epoch: int, although: bool, half: bool, say: facts.Say) -> "dict[str, Any]":
    """Make the target the writer, the source being gone. `although`: it may answer this job all the same. `half`: what
    a first copy or a load had not brought is given up."""
    source, target = servers(config, HURRIED)
    changed: list[str] = []
    did = noted(changed, say)
    there = gate.read(target, config)
    begun = _begun(config, there, epoch)
    lacking = "" if begun else _lacking(config, target)
    if not begun:
        _judged(config, target, although, lacking, half)
        _stopped(config, target)
        gate.put_up(target, config, ungated(config, target), False, did)
        gate.order(target, config, epoch, False)
        place = _place(config, target)
        gate.take(target, config, epoch, place)
        did(f"parted the {target.which} from the {source.which}, which it has up to {place or 'an unknown place'}")
    about = {
        "outcome": "done",
        "flow": config.name,
        "epoch": epoch,
        "writes": target.which,
        "newest": _newest(config, target),
        "lacking": lacking,
    }
    left = [f"given up on your word: {lacking}"] if lacking else []
    if there is None or not (there.writes and there.epoch == epoch):
        if cut_off(config, target, []):
            did(f"dropped subscription {config.name} at the {target.which}")
        carried = carry(config, source, target, True)
        did(f"set {len(carried['moved'])} sequences ahead at the {target.which}")
        left += [*carried["problems"], *_slot_back(config, target, did)]
        gate.order(target, config, epoch, True)
        did(f"opened the {target.which}")
        if config.carrier:
            # What it had begun, the gate had let in.
            did(f"ended {gate.end_sessions(target, config)} transactions at the {target.which}")
    left.append(
        f"the slot of {config.carrier} at the {source.which} holds WAL until it goes on or is dropped"
        if config.carrier
        else f"slot {config.name} at the {source.which} holds WAL up to max_slot_wal_keep_size, and in it what the "
        f"{target.which} never got: when the {source.which} is back, `rejoin`"
    )
    return about | {"changed": changed, "left": left}


def _begun(config: Config, there: "Gate | None", epoch: int) -> bool:
    """Whether this promotion is under way, or done. Refused when it is late."""
    if epoch < 1:
        raise Refused([f"epoch {epoch} is none: give the registers' next one, from 1 on"])
    if there is None:
        return False
    if there.taken == there.epoch == epoch:
        return True
    target = config.called[1]
    if there.writes:
        raise Refused([f"the {target} writes already (epoch {there.epoch}): there is nothing to promote, see `look`"])
    if epoch < there.epoch or (epoch == there.epoch and there.handed == epoch):
        raise Refused(
            [
                f"epoch {epoch} is late, the gate at the {target} has had an order of epoch {there.epoch}: ask the "
                "registers for the next one (`twinsite status`)"
            ]
        )
    return False


def _lacking(config: Config, target: Server) -> str:
    """What a first copy or a load that never ended leaves out; "" where it ended, or nobody can tell."""
    if config.carrier:
        mark = loads.seen(target, config)
        if mark is None or mark.since is None:
            return ""
        return f"{loads.now(target, mark).words(config.called[1], config.carrier)}, and was not seen to have ended"
    if facts.subscription(target, config) is None or all_copied(states := table_states(config, target)):
        return ""
    late = ", ".join(f"{name} {state}" for name, state in states.items() if state != "ready")
    return f"the first copy never ended, {late or 'of any table'}"


def _judged(config: Config, target: Server, although: bool, lacking: str, half: bool) -> None:
    here, there = config.called
    problems = []
    if lacking and not half:
        problems.append(
            f"{lacking}: restore the newest backup instead; if what is lacking may be lost, `promote "
            "--although-half-loaded` (`twinsite failover --confirm half-loaded`)"
        )
    found = facts.subscription(target, config)
    if config.carrier:
        # Amid a first load that is a matter of luck, and the word for it is given.
        if _newest(config, target) is None and not (lacking and half):
            problems.append(f"no heartbeat ever came by {config.carrier}, so that nothing says how old the rows are")
    elif found is None:
        problems.append(
            f"the {there} has no subscription {config.name}, and nothing says how old its rows are: restore the newest "
            "backup instead"
        )
    others = [one for one in target.row(query("end.sql", config))["subscriptions"] if one != config.name]
    if others:
        problems.append(
            f"the {there} has tables of this flow in another subscription, {', '.join(others)}: DROP SUBSCRIPTION it "
            "first"
        )
    fixed = [
        f"{row['schema']}.{row['name']}" for row in target.rows(query("sequences.sql", config)) if not row["settable"]
    ]
    if fixed:
        user = config.target.user
        problems.append(f"{user} may not set the sequences {', '.join(fixed)}: GRANT UPDATE on them TO {user}")
    if not although and _answers(config):
        problems.append(
            f"the {here} answers: `switch` loses nothing; if it is to be given up all the same, "
            "`promote --although-it-answers`, and see that nobody writes there any more"
        )
    if problems:
        raise Refused(problems)


def _answers(config: Config) -> bool:
    patience = Patience(connect=ASK_SECONDS, lock=1, statement=ASK_SECONDS, call=ASK_SECONDS)
    try:
        servers(config, patience)[0].row("SELECT 1 AS one")
    except PgError as error:
        return not error.unreachable
    return True


def ungated(config: Config, server: Server) -> "list[facts.Named]":
    gated = server.row(query("end.sql", config))["gated"] or {}
    return [one.key for one in facts.tables(server, config) if one.words not in gated]


def _stopped(config: Config, target: Server) -> None:
    """Nothing is applied any more, so that its place is the last one. A carrier is stopped by the gate that opens."""
    if config.carrier:
        return
    target.script(f"ALTER SUBSCRIPTION {identifier(config.name)} DISABLE;")
    # One that copies a table waits for its dead source, and holds the table until it is told to end.
    running = (
        "SELECT CASE WHEN relid IS NOT NULL THEN pg_terminate_backend(pid) END AS told FROM pg_stat_subscription "
        f"WHERE subname = {literal(config.name)} AND pid IS NOT NULL"
    )
    deadline = time.monotonic() + STOP_SECONDS
    while target.rows(running):
        if time.monotonic() > deadline:
            raise Failed(f"subscription {config.name} still applies after {STOP_SECONDS} s: run it again, it goes on")
        time.sleep(0.05)


def _place(config: Config, target: Server) -> str:
    """Up to where the target has what the source wrote; "" where its user may not know."""
    found = facts.subscription(target, config)
    if found is None:
        return ""  # another carries
    try:
        rows = target.rows(
            f"SELECT remote_lsn::text AS at FROM pg_replication_origin_status WHERE external_id = 'pg_{found['id']}'"
        )
    except PgError as error:
        if error.state != FORBIDDEN:
            raise
        return ""
    return str(rows[0]["at"]) if rows else ""


def _newest(config: Config, target: Server) -> "dict[str, Any] | None":
    """The newest heartbeat of the source that came, by the target's clock."""
    rows = target.rows(
        "SELECT stamp::text, extract(epoch FROM clock_timestamp() - stamp)::float AS age_seconds "
        f"FROM {identifier(*HEARTBEAT)} WHERE flow = {literal(config.name)}"
    )
    return rows[0] if rows else None


def _slot_back(config: Config, target: Server, did: facts.Say) -> "list[str]":
    """A slot for the source's return, from before the first write; without it the return is another first copy."""
    here, there = config.called
    back = config.reversed
    if config.carrier:
        return [f"the {here} follows again when {config.carrier} carries the other way, all rows anew: `rejoin` first"]
    without = f"so the {here} will have to be copied anew (`rejoin --anew`)"
    if not config.back_user:
        return [f"back_user is missing, {without}"]
    found = facts.of_source(target, back)
    bounded = back.looked_after or found.number("max_slot_wal_keep_size") != -1
    if found.setting("wal_level") != "logical" or not bounded:
        return [f"the {there} keeps no WAL for a slot within a bound (wal_level, max_slot_wal_keep_size), {without}"]
    try:
        publication(back, found, target, did)
        # Its version is the other one's, too, as far as failover slots go: nobody can ask that one.
        slot_anew(back, found, found, target, did)
    except PgError as error:
        return [f"the {there} made no slot ({error.words}), {without}"]
    return []


def rejoin(config: Config, epoch: int, anew: bool, wait_seconds: float, say: facts.Say) -> "dict[str, Any]":
    """The old writer is shut and follows. Refused, shut, when it has rows that nobody else has; `anew`: those go, and
    everything is copied to it."""
    source, target = servers(config, HURRIED)
    changed: list[str] = []
    did = noted(changed, say)
    there = gate.read(target, config)
    if there is None or not there.writes or there.epoch != epoch:
        said = "has no gate" if there is None else f"has had orders of epoch {there.epoch}"
        raise Refused(
            [f"the {target.which} does not write in epoch {epoch}, its gate {said}: `switch` or `promote` first"]
        )
    about: dict[str, Any] = {"outcome": "done", "flow": config.name, "epoch": epoch, "writes": target.which}
    if config.carrier:
        _shut(config, epoch, source, did)
        here = gate.read(source, config)
        handed = here is not None and here.handed == epoch
        reasons = [] if handed or anew else list(_differing(config, source, target))
        if reasons:
            raise Refused([f"{one}; the {source.which} is shut" for one in reasons])
        return about | {"changed": changed, "problems": []}
    if not config.back_user:
        raise Refused([f"back_user is missing: name the role of the {target.which} that the {source.which} follows as"])
    back = config.reversed
    if facts.subscription(source, back) is not None:
        if not all_copied(table_states(back, source)):
            about["copied"] = set_up(back, wait_seconds, say)["copied"]
    else:
        _shut(config, epoch, source, did)
        reasons = [*_lost(config, there, gate.read(source, config), source), *_kept(back, target)]
        if reasons and not anew:
            raise Refused([f"{one}; the {source.which} is shut" for one in reasons])
        movable.let_read(config, target, did)
        if anew and reasons:
            drop_slots(config, source, [], [])
            emptied(config, source, did)
            about["copied"] = set_up(back, wait_seconds, say)["copied"]
    return about | {"changed": changed, "problems": follow_back(config, source, target, did)}


def _differing(config: Config, source: Server, target: Server) -> Iterator[str]:
    """Tables of which the old writer may have rows that nobody else has."""
    for table in facts.tables(source, config):
        if table.partitioned:
            continue
        mine, theirs = row_sum(source, table), row_sum(target, table)
        if mine != theirs:
            yield (
                f"{table.words} is not the same at both ends ({mine[0]} rows at the {source.which}, {theirs[0]} at the "
                f"{target.which}): bring over by hand what is to be kept (it can be read there); then `rejoin --anew`, "
                "after which it may be emptied"
            )


def _shut(config: Config, epoch: int, source: Server, did: facts.Say) -> None:
    gate.put_up(source, config, ungated(config, source), False, did)
    gate.order(source, config, epoch, False)
    did(f"shut the {source.which}, and ended {gate.end_sessions(source, config)} transactions there")


def _lost(config: Config, there: Gate, here: "Gate | None", source: Server) -> "list[str]":
    """What the source alone has, in sentences."""
    if here is not None and here.handed == there.epoch:
        return []
    name, again = literal(config.name), "`rejoin --anew` empties it and copies everything"
    slots = source.rows(f"SELECT wal_status, active FROM pg_replication_slots WHERE slot_name = {name}")
    if not slots or slots[0]["wal_status"] == "lost":
        return [
            f"the {source.which} has no WAL any more of what it wrote after the parting, nobody can say what: {again}"
        ]
    text = query("lost.sql", config).replace("$lsn", f"{literal(there.place or '0/0')}::pg_lsn")
    found = source.rows(text, 120)
    if not found:
        return []
    words = ", ".join(f"{row['rows']} {KINDS[row['kind']]} in {row['schema']}.{row['name']}" for row in found)
    most = "" if there.place else " at most"
    return [
        f"the {source.which} has what no other has,{most} {words}: bring over by hand what is to be kept (it can be "
        f"read there); then {again}"
    ]


def _kept(back: Config, target: Server) -> "list[str]":
    slots = target.rows(
        f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = {literal(back.name)} AND plugin = 'pgoutput'"
    )
    if slots and slots[0]["wal_status"] != "lost":
        return []
    return [
        f"the {target.which} has not kept what it wrote since: `rejoin --anew` empties the other end and copies "
        "everything"
    ]


def emptied(config: Config, source: Server, did: facts.Say) -> None:
    """Past the gate, which stays shut for all others: the triggers are off in this transaction only."""
    tables = [one for one in facts.tables(source, config) if not one.is_partition]
    names = [one.sql for one in facts.tables(source, config)]
    off = "".join(f"ALTER TABLE {name} DISABLE TRIGGER {GATE};\n" for name in names)
    on = "".join(gate.enabled(config, one.key) for one in facts.tables(source, config))
    every = ", ".join([*(one.sql for one in tables), identifier(*HEARTBEAT)])
    mark = loads.emptied(source, config)
    source.script(f"{off}TRUNCATE {every};\n{on}{mark}", 120, together=True)
    did(f"emptied {len(tables)} tables at the {source.which}")
