"""A backup into a server: verified before the first change, in parallel, resumed after a kill, proved at the end."""

import contextlib
import dataclasses
import pathlib
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import Failed, Refused, SqlError
from . import ddl, definitions, look, progress, promise, prove, target
from .client import Server, Session, define
from .config import Config, Say, Secrets
from .ddl import Added, Statement
from .fetch import Parts, fetch, script_of
from .fill import Fill, add, no_space
from .progress import Decision
from .promise import Promise
from .rows import identifier, literal
from .store import choose, open_store

# A client that died without a word (power cut) holds the lock until the server misses it.
LOCK_SECONDS = 30
LOCK_WAIT_SECONDS = 75


def restore(config: Config, secrets: Secrets, which: str, say: Say) -> dict[str, Any]:
    """Bring the target to what the backup holds; run again after whatever ended it, it goes on.

    {"backup_id", "backup_began", "restored_rows", "divergent_tables", "resumed", "definers", "events", "left_out",
    "differences"}. Refused, before anything is changed, when the backup is damaged or the target holds data that are
    not an unfinished restore's.
    """
    store = open_store(config)
    chosen = choose(store, which)
    schema = config.target.schema
    with _told_of_space(), Server(config.target, secrets.target_password) as server, server.session() as control:
        _prepare(server, control, config, chosen, say)
        with _alone(control):
            decision = progress.decide(progress.look(control, schema), chosen["id"], schema)
            if not isinstance(decision, Decision):
                raise Refused([decision])
            say({"event": "decided", "backup_id": chosen["id"], "decision": decision.value})
            if decision is Decision.COMPARE:
                return _result(chosen, _already(server, config, chosen, script_of(store, chosen), say), False)
            with fetch(store, chosen, pathlib.Path(config.spool), config.streams, say) as parts:
                if decision is Decision.DISCARD:
                    progress.discard(control, schema)
                if decision is not Decision.RESUME:
                    progress.begin(control, chosen["id"], schema)
                promised = promise.read(control, schema, chosen, parts.text)
                if promised.folds:
                    chosen = promise.folded(chosen)
                _Restore(server, control, config, chosen, parts, promised, say).run()
            found = promise.compare(server, promised)
            if found.problems:
                raise Failed("; ".join(found.problems))
            progress.finish(control)
        shutil.rmtree(pathlib.Path(config.spool) / chosen["id"], ignore_errors=True)
        return _result(chosen, found, decision is Decision.RESUME)


@contextlib.contextmanager
def _told_of_space() -> Iterator[None]:
    try:
        yield
    except SqlError as error:
        if words := no_space(error):
            raise Failed(words) from error
        raise


def _result(chosen: dict[str, Any], found: promise.Findings, resumed: bool) -> dict[str, Any]:
    return {
        "backup_id": chosen["id"],
        "backup_began": chosen["began"],
        "gtid_executed": chosen["gtid_executed"],
        "restored_rows": sum(table["rows"] for table in chosen["tables"]),
        "divergent_tables": [],
        "resumed": resumed,
        "left_out": found.left_out,
        "differences": found.differences,
        # Objects now belong to the restoring user, events wait for `events --enable`.
        "definers": chosen["definers"],
        "events": chosen["events"],
    }


def _already(
    server: Server, config: Config, chosen: dict[str, Any], script: Callable[[str], str], say: Say
) -> promise.Findings:
    """A target that is exactly the backup is a finished restore; any other is somebody's."""
    schema = config.target.schema
    found = prove.compare(server, schema, chosen, script, config.streams, say)
    if not found["proved"]:
        raise Refused(
            [
                f"schema {schema!r} on {config.target.address} holds data that are not of backup {chosen['id']} "
                f"({'; '.join(found['problems'][:3])}): name an empty one, or drop it when you are sure"
            ]
        )
    return promise.Findings(left_out=found["left_out"], differences=found["differences"])


def _prepare(server: Server, control: Session, config: Config, chosen: dict[str, Any], say: Say) -> None:
    """One look at the target before anything is written: Refused with all that is wrong, or sessions set up for it."""
    facts = look.facts(server, control, chosen)
    judged = target.judge(chosen, facts)
    problems = judged.problems
    if config.may_differ is not None:
        problems = problems + target.other_meaning(chosen, facts.variables, config.may_differ)
    if problems:
        raise Refused(problems)
    if words := target.not_known(chosen):
        say({"event": "not-known", "words": words})
    server.set_up(judged.session)
    for statement in server.own_settings:
        control.ask(statement)


@contextlib.contextmanager
def _alone(control: Session) -> Iterator[None]:
    """One restore at a time on a server. The lock goes with the connection, which a dead client loses soon."""
    control.ask(f"SET SESSION wait_timeout = {LOCK_SECONDS}")
    if control.value(f"GET_LOCK('{progress.SCHEMA}', {LOCK_WAIT_SECONDS})") != "1":
        raise Refused(["another restore works on this server: wait for it, or end it (SHOW PROCESSLIST, GET_LOCK)"])
    ended = threading.Event()

    def stay() -> None:
        while not ended.wait(LOCK_SECONDS / 3):
            with contextlib.suppress(SqlError):
                control.ask("SELECT 1")

    keeper = threading.Thread(target=stay, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


class _Restore:
    """The work between begin and finish; every step can be done twice."""

    def __init__(
        self,
        server: Server,
        control: Session,
        config: Config,
        chosen: dict[str, Any],
        parts: Parts,
        promised: Promise,
        say: Say,
    ) -> None:
        self._server, self._control, self._config, self._chosen = server, control, config, chosen
        self._parts, self._promised, self._say = parts, promised, say
        self._schema = config.target.schema

    def run(self) -> None:
        """Everything but the last look."""
        schema, chosen = identifier(self._schema), self._chosen
        options = f"CHARACTER SET {chosen['character_set']} COLLATE {chosen['collation']}"
        self._control.ask(f"CREATE DATABASE IF NOT EXISTS {schema} {options}")
        self._control.ask(f"ALTER DATABASE {schema} {options}")
        self._control.ask(f"USE {schema}")
        split = [ddl.split(made.name, made.sql) for made in self._promised.tables]
        present = {row[0] for row in self._control.ask("SHOW TABLES")}
        for made, parts in zip(self._promised.tables, split, strict=True):
            if made.name not in present:
                try:
                    self._control.ask(parts.create)
                except SqlError as error:
                    raise Failed(f"table {made.name!r} cannot be made on the target: {error}") from error
        Fill(self._server, self._schema, chosen, self._parts, self._say).run(
            self._control, [keys for parts in split for keys in parts.keys], self._config.streams
        )
        with self._server.session(self._schema) as session:
            for parts in split:
                for keys in parts.foreign_keys:
                    add(session, self._schema, self._within_reach(session, keys), self._say)
        self._programs()

    def _within_reach(self, session: Session, wanted: Added) -> Added:
        """Without keys that lead to a table of another schema that is not there: every INSERT would fail."""
        clauses = tuple(
            (name, clause)
            for name, clause in wanted.clauses
            if (wanted.table, name) not in self._promised.foreign or not promise.missing_reference(session, clause)
        )
        return dataclasses.replace(wanted, clauses=clauses)

    def _programs(self) -> None:
        """Routines, views, triggers, events. A view may need another that comes later by name: tried in rounds."""
        source = self._chosen["schema"]
        left = [made for made in self._promised.programs if not promise.stops_rows(self._control, made, source)]
        while left:
            failed: list[tuple[Statement, SqlError]] = []
            for made in left:
                try:
                    self._make(made)
                except SqlError as words:
                    failed.append((made, words))
            if len(failed) == len(left):
                for made, error in failed:
                    if not self._promised.may_lack(made):
                        raise Failed(f"{made.kind} {made.name!r} cannot be made on the target: {error}")
                return
            left = [made for made, _ in failed]

    def _make(self, made: Statement) -> None:
        """One object, under the settings and the schema's collation that it was made under."""
        with _collated(self._control, self._schema, made.collation):
            before = [made.drop, *([ddl.assignments(made.settings)] if made.settings else [])]
            define(self._server, self._schema, before, made.sql)


@contextlib.contextmanager
def _collated(session: Session, schema: str, collation: str) -> Iterator[None]:
    """The schema's default collation for as long as something is made that was made under it ("": under any)."""
    present = session.value(
        f"(SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = {literal(schema)})"
    )
    if collation in ("", present):
        yield
        return
    session.ask(f"ALTER DATABASE {identifier(schema)} COLLATE {collation}")
    try:
        yield
    finally:
        session.ask(f"ALTER DATABASE {identifier(schema)} COLLATE {present}")


def set_events(config: Config, secrets: Secrets, which: str, enable: bool) -> dict[str, Any]:
    """Enable at the target the events that were enabled at the source of backup `which`; or disable all that are there,
    for which no backup is needed."""
    schema = config.target.schema
    wanted = choose(open_store(config), which)["events"] if enable else {}
    with Server(config.target, secrets.target_password) as server, server.session(schema) as session:
        present = [one.statement for one in definitions.programs(server, schema)[0] if one.statement.kind == "event"]
        done = [made for made in present if not enable or wanted.get(made.name) == "ENABLED"]
        for made in done:
            # It takes the character sets and the collation of who alters it: a body in others would be read wrongly.
            text = f"ALTER EVENT {identifier(made.name)} {'ENABLE' if enable else 'DISABLE'}"
            text = definitions.in_set(session, text, made.settings["character_set_client"])
            with _collated(session, schema, made.collation):
                define(server, schema, [ddl.assignments(made.settings)], text)
    return {"backup_id": which, "events": sorted(made.name for made in done), "enabled": enable}
