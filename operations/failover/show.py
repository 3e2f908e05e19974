"""`twinsite status` for a topology with names, a latch and backups: what holds, and what to do about the rest."""

import time
from collections.abc import Iterator
from typing import Any

from ..stack import Stack, age_words
from ..store import Unavailable
from ..transport import Transport
from . import command, writer
from .facts import Facts, Sites


def extend(shown: dict[str, Any], stack: Stack, hosts: Transport) -> dict[str, Any]:
    """`status` of the hosts, with the names, the latch, the backups and the standby in it."""
    try:
        facts = command.connect(stack, hosts).reader.facts()
    except (Unavailable, ValueError) as problem:
        return _with(shown, [f"journal and lock cannot be read: {problem}"], {})
    return _with(shown, list(problems(facts)), describe(facts))


def _with(shown: dict[str, Any], found: list[str], more: dict[str, Any]) -> dict[str, Any]:
    every = [*shown["problems"], *found]
    return shown | more | {"problems": every, "healthy": not every}


def describe(facts: Facts) -> dict[str, Any]:
    """The JSON of DESIGN section 9, and `backup`, `writer`, `standby`, `operation` beside it. Pure."""
    newest = writer.newest(facts.writer, facts.backups.complete)
    unfinished = facts.unfinished
    return {
        "dr_mode": facts.inventory.dr_mode,
        "active_site": facts.active_site() or None,
        "names": [
            {
                "fqdn": name.fqdn,
                "site": name.site(),
                "answers": [{"server": seen.server, "site": seen.site} for seen in name.authoritative],
                "resolver": name.resolver.site if name.resolver else None,
            }
            for name in facts.names
        ],
        "latch": {
            "set": True if facts.latched else False if facts.unlatched else None,
            "objects": [{"store": one.store, "set": one.set} for one in facts.latch],
        },
        "backup": {
            "id": newest.id if newest else None,
            "age_seconds": round(facts.now - newest.began) if newest else None,
            "branch": newest.branch if newest else None,
            "unfinished": list(facts.backups.halves),
            "concerns": list(newest.concerns) if newest else [],
        },
        "writer": {"site": facts.writer.site, "epoch": facts.writer.epoch},
        "standby": {"exists": facts.standby.exists, "words": _standby(facts)},
        "operation": {"id": unfinished.id, "command": unfinished.command} if unfinished else None,
    }


def _standby(facts: Facts) -> str:
    standby = facts.standby
    if not standby.exists:
        return f"no machine ({facts.inventory.dr_mode})"
    if not standby.known:
        return f"does not report: {standby.words}"
    closed = ", closed since a failback" if standby.closed else ""
    return f"{standby.outcome or 'unknown'}, data of backup {standby.backup_id or 'none'}{closed}"


def problems(facts: Facts) -> Iterator[str]:
    """Every problem with its fix. Pure."""
    sites = Sites.of(facts.inventory)
    for one in facts.latch:
        if one.set is None:
            yield f"latch store {one.store} does not answer ({one.words}): see docs/runbooks/latch-store-gone.md"
    if facts.latched and any(one.set is False for one in facts.latch):
        yield f"one latch object of two is set: `twinsite failover --to {sites.away}` sets the other as well"
    yield from _names(facts)
    yield from _writer(facts)
    yield from _backups(facts)
    standby = facts.standby
    if standby.exists and not standby.known:
        yield f"the standby machine does not report ({standby.words}): `pulumi up`"
    elif standby.outcome == "failed":
        yield f"the standby machine failed ({standby.detail}): `pulumi up`, or see /var/log/dr-vm-init.log there"
    if facts.unfinished is not None:
        unfinished = facts.unfinished
        to = sites.home if unfinished.command == "failback" else sites.away
        again = unfinished.command + ("" if unfinished.command.startswith("drill ") else f" --to {to}")
        yield f"{unfinished.command} {unfinished.id}, begun {unfinished.began}, has not ended: `twinsite {again}`"


def _names(facts: Facts) -> Iterator[str]:
    active = facts.active_site()
    for name, known in zip(facts.names, facts.inventory.names, strict=True):
        site = name.site()
        if not name.authoritative:
            yield f"{name.fqdn}: no server of its zone can be asked: check your network and the zone's delegation"
        elif not site:
            yield f"{name.fqdn}: the zone's servers do not lead to one known site: ask again in {known.ttl_seconds} s"
        elif active and site != active and known.stateful:
            yield (
                f"{name.fqdn} leads to {site}, and the latch says {active}: health checks follow within "
                f"{known.failover_seconds:g} s; look at them if it stays"
            )


def _writer(facts: Facts) -> Iterator[str]:
    sites, found, active = Sites.of(facts.inventory), facts.writer, facts.active_site()
    parted = f"users are at {active} by the latch, and {found.site} is the writer (epoch {found.epoch})"
    parted += ": no backup of what they write there counts"
    back = f"`twinsite failback --to {sites.home}`"
    if facts.writer_problem:
        mend = f"`twinsite failover --to {sites.away}`" if facts.latched else back
        yield f"{facts.writer_problem}: {mend} writes it anew, above every backup"
    elif active == sites.away and found.site == sites.home:
        yield f"{parted}; `twinsite failover --to {active}` makes it the writer, {back} goes on with that"
    elif active == sites.home and found.site == sites.away:
        yield (
            f"{parted}; {back} makes it the writer again, and moves nothing; `twinsite failover --to {found.site}` "
            "goes on with that"
        )


def _backups(facts: Facts) -> Iterator[str]:
    asked, backups = facts.inventory.backups, facts.backups
    if asked is None:
        return
    newest = writer.newest(facts.writer, backups.complete)
    youngest = backups.complete[-1] if backups.complete else None
    if youngest is not None and youngest.epoch is None and newest is not None:
        yield f"the youngest backup {youngest.id} is restored by its id only, because it is {youngest.branch}"
    if backups.unread:
        yield f"the standby's own backups cannot be read: {backups.unread}"
    if backups.problem:
        yield f"the backups cannot be read: {backups.problem}"
    elif newest is None and backups.complete:
        last = backups.complete[-1]
        yield f"no complete backup was taken where the writer was; the last is {last.id} ({last.branch})"
    elif newest is None:
        yield f"there is no complete backup in {asked.store}: see docs/runbooks/no-backup.md"
    elif time_since(facts, newest.began) > asked.max_age_hours * 3600:
        age = age_words(time_since(facts, newest.began))
        serves = facts.writer.site == Sites.of(facts.inventory).away
        job = f"`journalctl -u twinsite-backup` on {facts.writer.site}'s machine" if serves else "the backup job"
        yield (
            f"the newest complete backup ({newest.branch}) is {age} old, and {asked.max_age_hours:g} h are allowed: "
            f"look at {job} (docs/runbooks/no-backup.md)"
        )


def time_since(facts: Facts, moment: float) -> float:
    """Seconds before the moment of the look."""
    return max(0.0, (facts.now or time.time()) - moment)
