"""The planned switch: writes stop at one end, all that it wrote is proven to be at the other, and that one writes.

Writes are stopped from `shut` to `opened`, and everything that can be refused is refused before. What is done is read
from the servers, so a run that was ended is run again, with the same epoch:

  nothing is stopped             it begins; told to, it waits until the registers name the target
  the source is shut             it goes on from there; when that fails, the source writes again
  the source is handed over      all of it is at the target, it goes on to the end; nobody goes back from here
  the target writes              what is left of the way back and of the old slot
"""

import time
from dataclasses import replace
from typing import Any

from ..errors import Failed, Refused
from . import facts, gate, movable
from .away import cut_off, drop_slots
from .config import Config
from .gate import Gate
from .look import differences, has_beat, write_beat
from .movable import Ends
from .psql import HURRIED, PgError, Server, client_version, literal
from .rows import row_sum, sizes
from .sequences import carry
from .set_up import servers, slot, subscription

READY = "ready to stop writes"
"""A switch that waits for the registers' word says so, and has stopped nothing; operations go by it."""
HEARD_SECONDS = 8.0
"""After the target's agent has heard the word, for the source's to hear it as well: more than one of its turns."""
OPENS_SECONDS = 10.0
"""For the target's agent to give its lease; who comes later is waited for by operations."""
SOON_SECONDS = 900.0
"""From `prepare` to the switch: nodes and pods come in between."""
WITHIN_SECONDS = 20.0
"""How long writes may have stopped until everything is at the target; after that the source writes again."""
LAG_SECONDS = 5.0
"""A flow that takes longer for a row is not switched: writes would stop for as long."""
POLL_SECONDS = 0.05
SAME_SECONDS = 4
"""For rows to be compared while nobody writes."""
BRIEF = replace(HURRIED, statement=SAME_SECONDS // 2)
"""The sums of one table at both ends fit into that. The server itself ends one that takes longer: a client that gives
up knows no SQLSTATE, as if nobody had answered."""


def prepare(config: Config, say: facts.Say) -> "dict[str, Any]":
    """Everything that a switch needs, while all goes on: what is in its way is named, gates are put up."""
    source, target = servers(config, HURRIED)
    changed: list[str] = []
    _prepared(config, source, target, noted(changed, say))
    _expect(config, source, target)
    return {"outcome": "done", "flow": config.name, "changed": changed}


def _expect(config: Config, *ends: Server) -> None:
    for one in ends:
        gate.expect(one, config, SOON_SECONDS)


def noted(changed: "list[str]", say: facts.Say) -> facts.Say:
    def did(words: str) -> None:
        changed.append(words)
        say(words)

    return did


def _prepared(config: Config, source: Server, target: Server, did: facts.Say) -> Ends:
    client_version()
    different = [one.words for one in differences(config, source, target) if one.stops or one.missing]
    ends = movable.ask(config, source, target, different)
    movable.refuse(config, ends)
    movable.ready(config, ends, source, target, did)
    if not config.carrier:
        movable.prove_back(config, source)
    return ends


SHUT, HANDED, OPEN = "shut", "handed", "open"


def stage(config: Config, here: "Gate | None", there: "Gate | None", epoch: int) -> str:
    """How far a switch in this epoch is: "" when it has not begun. Refused when another one is meant. Pure."""
    source, target = config.called
    if epoch < 1:
        raise Refused([f"epoch {epoch} is none: give the registers' next one, from 1 on"])
    if here is None or there is None:
        return ""
    handed = not here.writes and here.handed == here.epoch
    if there.writes and there.epoch == epoch == here.epoch and handed:
        return OPEN
    if there.writes:
        raise Refused(
            [f"the {target} writes already (epoch {there.epoch}): to go the other way, `switch --to {source}`"]
        )
    if handed and epoch >= max(here.epoch, there.epoch):
        return HANDED
    newest = max(here.epoch, there.epoch)
    if epoch < newest or there.handed == epoch:
        raise Refused(
            [
                f"epoch {epoch} is late, the gates have had orders of epoch {newest}: ask the registers for the next "
                "one (`twinsite status`)"
            ]
        )
    return SHUT if not here.writes else ""


def switch(
    config: Config, epoch: int, within_seconds: float, say: facts.Say, word_seconds: float = 0.0
) -> "dict[str, Any]":
    """Make the target the writer. `closed_seconds`: how long nobody could write, as far as this run saw it.

    `word_seconds`: how long to wait, everything else being ready and nothing stopped, until the registers name the
    target; 0: not. With it `open` says whether the target's lease came, and `closed_seconds` ends there.
    """
    source, target = servers(config, HURRIED)
    changed: list[str] = []
    did = noted(changed, say)
    here, there = gate.read(source, config), gate.read(target, config)
    at = stage(config, here, there, epoch)
    about: dict[str, Any] = {"outcome": "done", "flow": config.name, "epoch": epoch, "writes": target.which}
    began = time.monotonic()
    if at in ("", SHUT):
        try:
            if here is not None and there is not None:
                _expect(config, source, target)
            ends = _prepared(config, source, target, did)
            _flows(config, source, target)
        except (Refused, Failed):
            if at == SHUT:
                _undo(config, source, target, epoch, did)
            raise
        began = time.monotonic()
        if word_seconds and at != SHUT:
            began = time.monotonic() - _word(config, source, target, epoch, word_seconds, say)
        about |= _hand_over(config, ends, source, target, epoch, within_seconds, did)
    if at == HANDED:
        gate.hand_on(source, config, epoch)
    if at != OPEN:
        if cut_off(config, target, []):
            did(f"dropped subscription {config.name} at the {target.which}")
        gate.order(target, config, epoch, True)
        did(f"opened the {target.which}")
        if word_seconds:
            about["open"] = _lets_in(config, target)
        about["closed_seconds"] = round(time.monotonic() - began, 3)
    return about | {"changed": changed, "problems": follow_back(config, source, target, did)}


def _word(config: Config, source: Server, target: Server, epoch: int, seconds: float, say: facts.Say) -> float:
    """Wait until the registers name the target in this epoch, which is seen by what the agents did to the gates; how
    many seconds ago the source's agent stopped its writes. Refused when nobody gives the word: nothing was stopped."""
    say(f"{READY}: waits for the registers' word of epoch {epoch}")
    began, heard, asked = time.monotonic(), 0.0, 0.0
    while True:
        here = gate.lease(source, config)
        if here.stopped(epoch):
            return (here.now_ms - here.until_ms) / 1000
        if here.leased and here.floor >= epoch:
            raise Refused(
                [
                    f"the agent of the {source.which} has had an order of epoch {here.floor}, not this move's, "
                    "so nothing was stopped: another one came first, see `twinsite status`"
                ]
            )
        now = time.monotonic()
        if not heard and now - asked >= 1:
            asked = now
            heard = now if gate.lease(target, config).floor == epoch else 0.0
        if heard and now - heard >= HEARD_SECONDS:
            say(f"the agent of the {source.which} has not heard: the move's own gate stops writes there")
            return 0.0
        if not heard and now - began >= seconds:
            raise Refused(
                [
                    f"no agent has heard of epoch {epoch} within {seconds:g} s, so nothing was stopped: either the "
                    "registers were not swapped, or neither site's agent runs (`twinsite status`)"
                ]
            )
        time.sleep(POLL_SECONDS)


def _lets_in(config: Config, target: Server) -> bool:
    """Whether its agent has let writes in, too. It is open as far as this move goes, so nothing fails any more."""
    end = time.monotonic() + OPENS_SECONDS
    try:
        while not gate.lease(target, config).runs:
            if time.monotonic() >= end:
                return False
            time.sleep(POLL_SECONDS)
    except Failed:
        return False
    return True


def _flows(config: Config, source: Server, target: Server) -> None:
    (beat, _), began = write_beat(config, source), time.monotonic()
    while not has_beat(config, target, beat):
        if time.monotonic() - began > LAG_SECONDS:
            raise Refused(
                [
                    f"a row of the {source.which} was not at the {target.which} after {LAG_SECONDS:g} s, and writes "
                    "would stop for as long: `look` says why; wait until it has caught up"
                ]
            )
        time.sleep(POLL_SECONDS)


def _hand_over(
    config: Config, ends: Ends, source: Server, target: Server, epoch: int, within: float, did: facts.Say
) -> "dict[str, Any]":
    """From the last write to the mark behind which there is no way back."""
    deadline = time.monotonic() + within
    try:
        gate.order(source, config, epoch, False)
        did(f"shut the {source.which}")
        ended = gate.end_sessions(source, config)
        did(f"ended {ended} transactions at the {source.which}")
        lsn = _contained(config, source, target, deadline)
        did(f"all of the {source.which} is at the {target.which}, up to {lsn}")
        if config.carrier:
            _same(config, source, target, did)
        moved = carry(config, source, target, False, ends.target.sequences)["moved"]
        did(f"set {len(moved)} sequences ahead at the {target.which}")
        if not config.carrier:
            slot_anew(config.reversed, ends.target.other, ends.source.other, target, did)
        gate.hand(source, config, epoch)
        did(f"handed the {source.which} over")
    except BaseException as error:
        words = _undo(config, source, target, epoch, did)
        if isinstance(error, (Failed, Refused)):
            raise Failed(f"{error}; {words}") from error
        raise
    return {"ended": ended, "moved": moved, "contained": lsn}


def _contained(config: Config, source: Server, target: Server, deadline: float) -> str:
    """Wait until everything is there: a beat after the last write was applied, and all WAL confirmed as flushed. Of
    a carrier, whose slot is its own, the beat alone says it, and then the rows themselves."""
    beat, lsn = write_beat(config, source)
    asked = (
        f"SELECT confirmed_flush_lsn >= {literal(lsn)}::pg_lsn AS flushed, confirmed_flush_lsn::text AS at "
        f"FROM pg_replication_slots WHERE slot_name = {literal(config.name)}"
    )
    while True:
        if config.carrier:
            found = {"flushed": True, "at": "an earlier heartbeat"}
        else:
            (found,) = source.rows(asked) or [{"flushed": False, "at": "no slot"}]
        if found["flushed"] and has_beat(config, target, beat):
            return lsn
        if time.monotonic() > deadline:
            raise Failed(f"the {target.which} has not confirmed {lsn} of the {source.which}, it is at {found['at']}")
        time.sleep(POLL_SECONDS)


def _same(config: Config, source: Server, target: Server, did: facts.Say) -> None:
    """Nobody writes: rows are the same, the smallest tables first, as far as the time goes. Failed where not."""
    tables = [one for one in facts.tables(source, config) if not one.partitioned]
    size, brief, began = sizes(source), servers(config, BRIEF), time.monotonic()
    equal, rest = 0, sorted(tables, key=lambda one: size.get(one.key, 0))
    while rest and time.monotonic() - began < SAME_SECONDS:
        one = rest.pop(0)
        try:
            here, there = (row_sum(server, one, BRIEF.call) for server in brief)
        except PgError as error:
            if error.unreachable:
                raise
            rest.append(one)  # too large for the time there is
            break
        if here != there:
            counted = f"{here[0]} rows at the {source.which}, {there[0]} at the {target.which}"
            raise Failed(f"{one.words} is not the same at both ends ({counted})")
        equal += 1
    left = f"; no time for {', '.join(one.words for one in rest)}" if rest else ""
    did(f"rows of {equal} tables are the same{left}")


def slot_anew(back: Config, here: facts.Facts, there: facts.Facts, server: Server, did: facts.Say) -> None:
    """A slot for the way back that keeps what is written from now on, in place of an earlier one."""
    name = literal(back.name)
    server.script(
        f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = {name} AND NOT active;"
    )
    slot(back, replace(here, slot=None), there, server, did)


def _undo(config: Config, source: Server, target: Server, epoch: int, did: facts.Say) -> str:
    """Let the source write again; what became of it, in words."""
    try:
        gate.reopen(source, config, epoch)
    except Failed as error:
        return (
            f"the {source.which} could not be opened again ({error}), nobody writes: run `switch` again, or `back-out`"
        )
    did(f"opened the {source.which} again")
    try:
        drop_slots(config.reversed, target, [], [])
    except Failed as error:
        return f"the {source.which} writes again; slot {config.name} at the {target.which} is left ({error})"
    return f"the {source.which} writes again"


def back_out(config: Config, epoch: int, say: facts.Say) -> "dict[str, Any]":
    """After a switch that was ended between `shut` and `handed`: the source writes again."""
    source, target = servers(config, HURRIED)
    changed: list[str] = []
    here, there = gate.read(source, config), gate.read(target, config)
    if here is None or here.writes:
        return {"outcome": "done", "flow": config.name, "writes": source.which, "changed": changed}
    if there is not None and there.writes:
        raise Refused([f"the {target.which} writes (epoch {there.epoch}): `switch --to {source.which}` brings it back"])
    if here.handed == here.epoch:
        raise Refused(
            [
                f"the {source.which} was handed over in epoch {here.epoch}, the {target.which} has all of it and may "
                f"follow no more: run `switch --epoch {here.epoch}` again, it goes on to the end"
            ]
        )
    words = _undo(config, source, target, epoch, noted(changed, say))
    if not changed:
        raise Failed(words)
    return {"outcome": "done", "flow": config.name, "writes": source.which, "changed": changed}


def follow_back(config: Config, source: Server, target: Server, did: facts.Say) -> "list[str]":
    """The old writer follows the new one, and its slot goes; what did not come about, in sentences. Nothing of it stops
    who writes."""
    if config.carrier:
        return []
    back = config.reversed
    try:
        here, there = facts.of_source(target, back), facts.of_target(source, back)
        subscription(back, here, there, source, did, copy=False)
        dropped: list[str] = []
        drop_slots(config, source, [], dropped)
        for words in dropped:
            did(f"{words} at the {source.which}")
    except PgError as error:
        return [f"the {source.which} does not follow the {target.which} yet: {error}: run it again, it goes on"]
    except Failed as error:
        return [f"{error}: run it again, it goes on"]
    return []
