"""Whether all rows were brought to an end where another carries them: a mark in that end's own database, which can be
read when the carrier's API has died with its site.

A load is under way from when tables were made or emptied until the carrier says at that end that it goes on with
changes, or a comparison finds all rows there. Not here: a subscription's first copy, whose state the server keeps.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

from . import facts
from .config import HEARTBEAT, Config
from .psql import Server, literal

STATUS, SUSPENDED = "awsdms_status", "awsdms_suspended_tables"
"""DMS's own tables at a target, in the schema that its task was told [DMS user guide, control table task settings]."""
LOADING, FOLLOWING = "FULL LOAD", "CHANGE PROCESSING"
"""How TASK_STATUS begins while a table is being loaded, and when none is any more."""
_UTC = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
Counted = dict[str, tuple[int, int]]
"""Table → rows there, and at the source; about as many."""


@dataclass(frozen=True)
class Mark:
    """One end's."""

    since: "str | None"
    """A load is under way since then, UTC; None: none is."""
    ended: "str | None"
    """When one was last seen to have ended, UTC."""
    told: "str | None" = None
    lacks: Counted = field(default_factory=dict)
    given_up: "tuple[str, ...]" = ()
    """Tables that the carrier does not carry any more."""

    @property
    def plain(self) -> "dict[str, Any]":
        """As JSON has it."""
        lacks = {one: list(two) for one, two in self.lacks.items()}
        return {"since": self.since, "ended": self.ended, "lacks": lacks, "given_up": list(self.given_up)}

    def words(self, which: str, carrier: str) -> str:
        """Of one that is under way."""
        lacks = [f"{name} has about {there} rows of {here}" for name, (there, here) in self.lacks.items()]
        lacks += [f"{name} was given up" for name in self.given_up]
        found = f": {'; '.join(lacks)}" if lacks else ""
        return f"a load by {carrier} is under way or to come at the {which} since {self.since}{found}"


@dataclass(frozen=True)
class _Said:
    """What the carrier says at its target."""

    status: str = ""
    digest: str = ""
    given_up: "tuple[str, ...]" = ()
    """Tables that it does not carry any more."""


def seen(server: Server, config: Config) -> "Mark | None":
    """The mark, with what the carrier says by now; None: not known."""
    if not _there(server, "loads"):
        return None
    mark, said = _read(server, config), _said(server)
    known, told = mark is not None and mark.since is None, mark.told if mark else None
    if said.status.startswith(LOADING) and (mark is None or known):
        begun(server, config, said.digest)
    elif said.status.startswith(FOLLOWING) and not known and not said.given_up and said.digest != told:
        ended(server, config, mark)
    mark = _read(server, config)
    return replace(mark, given_up=said.given_up) if mark else None


def begun(server: Server, config: Config, told: "str | None" = None) -> None:
    """Say that a load is under way, or is to come."""
    server.script(begin(config, _said(server).digest if told is None else told))


def begin(config: Config, told: str) -> str:
    """The same as a statement."""
    return (
        f"INSERT INTO twinsite.loads VALUES ({literal(config.name)}, clock_timestamp(), NULL, {literal(told)}) "
        "ON CONFLICT (flow) DO UPDATE SET since = clock_timestamp(), told = excluded.told, lacks = NULL;\n"
    )


def emptied(server: Server, config: Config) -> str:
    """The statement that goes with emptying its tables."""
    return begin(config, _said(server).digest) if config.carrier else ""


def awaited(server: Server, config: Config) -> bool:
    """Of an end whose tables are all empty: that a load is to come, unless something is known. Whether nothing was."""
    done = server.script(
        f"INSERT INTO twinsite.loads VALUES ({literal(config.name)}, clock_timestamp()) ON CONFLICT DO NOTHING "
        "RETURNING 1;"
    )
    return bool(done.strip())


def ended(server: Server, config: Config, mark: "Mark | None") -> None:
    """Say that it has, unless another one began meanwhile."""
    name = literal(config.name)
    if mark is None:
        if _there(server, "loads"):
            server.script(
                f"INSERT INTO twinsite.loads VALUES ({name}, NULL, clock_timestamp()) ON CONFLICT DO NOTHING;"
            )
        return
    server.script(
        "UPDATE twinsite.loads SET since = NULL, ended = clock_timestamp(), told = NULL, lacks = NULL "
        f"WHERE flow = {name} AND {_UTC.format('since')} = {literal(mark.since or '')};"
    )


def counted(config: Config, source: Server, target: Server, mark: Mark) -> Mark:
    """Of one that is under way: which tables have fewer rows than the source; kept for when nobody can ask that."""
    here, there = _rows(source), _rows(target)
    ours = [one.words for one in facts.tables(source, config) if not one.partitioned]
    lacks = {one: (there.get(one, 0), here[one]) for one in ours if there.get(one, 0) < here.get(one, 0)}
    target.script(
        f"UPDATE twinsite.loads SET lacks = {literal(json.dumps(lacks))}::jsonb "
        f"WHERE flow = {literal(config.name)} AND since IS NOT NULL;"
    )
    return replace(mark, lacks=lacks)


def now(server: Server, mark: Mark) -> Mark:
    """With the rows that those tables have by now."""
    there = _rows(server)
    return replace(mark, lacks={one: (there.get(one, 0), here) for one, (_, here) in mark.lacks.items()})


def forget(server: Server, config: Config) -> None:
    """Of a flow that goes."""
    if _there(server, "loads"):
        server.script(f"DELETE FROM twinsite.loads WHERE flow = {literal(config.name)};")


def _there(server: Server, name: str) -> bool:
    return bool(server.row(f"SELECT to_regclass({literal(f'{HEARTBEAT[0]}.{name}')}) IS NOT NULL AS there")["there"])


def _read(server: Server, config: Config) -> "Mark | None":
    rows = server.rows(
        f"SELECT {_UTC.format('since')} AS since, {_UTC.format('ended')} AS ended, told, lacks FROM twinsite.loads "
        f"WHERE flow = {literal(config.name)}"
    )
    if not rows:
        return None
    lacks = {one: (int(two[0]), int(two[1])) for one, two in (rows[0]["lacks"] or {}).items()}
    return Mark(rows[0]["since"], rows[0]["ended"], rows[0]["told"], lacks)


def _said(server: Server) -> _Said:
    """Of the newest run: one of before, or of a task that was taken away, has left a line as well."""
    lines = _lines(server, STATUS)
    if not lines:
        return _Said()
    newest = max(lines, key=lambda one: str(one.get("status_time")))
    text = json.dumps(newest, sort_keys=True)
    given_up = [one for one in _lines(server, SUSPENDED) if one.get("task_name") == newest.get("task_name")]
    return _Said(
        str(newest.get("task_status") or ""),
        hashlib.sha256(text.encode()).hexdigest()[:16],
        tuple(sorted({f"{one.get('table_owner')}.{one.get('table_name')}" for one in given_up})),
    )


def _lines(server: Server, name: str) -> "list[dict[str, Any]]":
    """By lower-case names, as which one of its tables has its columns and another has not."""
    if not _there(server, name):
        return []
    found = server.rows(f"SELECT to_jsonb(s) AS said FROM {HEARTBEAT[0]}.{name} s")
    return [{str(key).lower(): value for key, value in row["said"].items()} for row in found]


def _rows(server: Server) -> "dict[str, int]":
    """Table → about how many rows: what the server counts as it goes, or found when it last looked at it all."""
    found = server.rows(
        "SELECT format('%s.%s', n.nspname, c.relname) AS name, "
        "greatest(pg_stat_get_live_tuples(c.oid), c.reltuples::bigint, 0) AS rows "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
    )
    return {str(row["name"]): int(row["rows"]) for row in found}
