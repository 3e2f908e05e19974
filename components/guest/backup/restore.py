"""A backup into a server: verified before the first change, in parallel, resumed after a kill, proved at the end."""

import contextlib
import pathlib
import shutil
import threading
from collections.abc import Iterator
from typing import Any

from ..errors import Failed, Refused, SqlError
from . import ddl, progress, prove
from .client import Server, Session
from .config import Config, Say, Secrets
from .ddl import Statement
from .fetch import Parts, fetch
from .fill import Fill, add
from .progress import Decision
from .rows import identifier, literal
from .store import choose, open_store

# A client that died without a word (power cut) holds the lock until the server misses it.
LOCK_SECONDS = 30
LOCK_WAIT_SECONDS = 75


def restore(config: Config, secrets: Secrets, which: str, say: Say) -> dict[str, Any]:
    """Bring the target to what the backup holds; run again after whatever ended it, it goes on.

    {"backup_id", "backup_began", "restored_rows", "divergent_tables", "resumed", "definers", "events"}. Refused, before
    anything is changed, when the backup is damaged or the target holds data that are not an unfinished restore's.
    """
    store = open_store(config)
    chosen = choose(store, which)
    schema = config.target.schema
    with Server(config.target, secrets.target_password) as server, server.session() as control:
        problems = unfit(control, chosen)
        if problems:
            raise Refused(problems)
        with _alone(control):
            decision = progress.decide(progress.look(control, schema), chosen["id"], schema)
            if not isinstance(decision, Decision):
                raise Refused([decision])
            say({"event": "decided", "backup_id": chosen["id"], "decision": decision.value})
            if decision is Decision.COMPARE:
                return _result(chosen, _already(server, config, chosen, say), False)
            with fetch(store, chosen, pathlib.Path(config.spool), config.streams, say) as parts:
                if decision is Decision.DISCARD:
                    progress.discard(control, schema)
                if decision is not Decision.RESUME:
                    progress.begin(control, chosen["id"], schema)
                _Restore(server, control, config, chosen, parts, say).run()
            with server.session(schema) as look:
                wrong = prove.object_problems(look, schema, chosen)
            if wrong:
                raise Failed("; ".join(wrong))
            progress.finish(control)
        shutil.rmtree(pathlib.Path(config.spool) / chosen["id"], ignore_errors=True)
        return _result(chosen, [], decision is Decision.RESUME)


def _result(chosen: dict[str, Any], divergent: list[str], resumed: bool) -> dict[str, Any]:
    return {
        "backup_id": chosen["id"],
        "backup_began": chosen["began"],
        "gtid_executed": chosen["gtid_executed"],
        "restored_rows": sum(table["rows"] for table in chosen["tables"]),
        "divergent_tables": divergent,
        "resumed": resumed,
        # Objects now belong to the restoring user, events wait for `events --enable`.
        "definers": chosen["definers"],
        "events": chosen["events"],
    }


def _already(server: Server, config: Config, chosen: dict[str, Any], say: Say) -> list[str]:
    """A target that is exactly the backup is a finished restore; any other is somebody's."""
    schema = config.target.schema
    found = prove.compare(server, schema, chosen, config.streams, say)
    if not found["proved"]:
        raise Refused(
            [
                f"schema {schema!r} on {config.target.address} holds data that are not of backup {chosen['id']} "
                f"({'; '.join(found['problems'][:3])}): name an empty one, or drop it when you are sure"
            ]
        )
    return []


def unfit(session: Session, chosen: dict[str, Any]) -> list[str]:
    """Why the server cannot take the backup; sentences with the setting to change."""
    version = tuple(int(part) for part in session.value("@@version").split("-")[0].split(".")[:3])
    problems = []
    if version < (8, 0, 16):
        problems.append(f"the target runs MySQL {'.'.join(map(str, version))}: CHECK constraints need 8.0.16 or later")
    theirs = tuple(int(part) for part in str(chosen["source"]["version"]).split("-")[0].split(".")[:2])
    if version[:2] < theirs:
        problems.append(
            f"the backup is of MySQL {chosen['source']['version']}, newer than the target's "
            f"{'.'.join(map(str, version))}: use a target of the same series or later"
        )
    longest = max((table.get("longest_row", 0) for table in chosen["tables"]), default=0)
    if longest > (packet := int(session.value("@@GLOBAL.max_allowed_packet"))):
        # CONCAT_WS would be NULL, so that row would be in no sum of the target's.
        problems.append(
            f"max_allowed_packet is {packet} on the target and a row of the backup has {longest} bytes, so it could "
            f"not be proved there: set the server parameter to at least {longest}"
        )
    programs = [wanted["name"] for wanted in chosen["objects"] if wanted["kind"] in ("routine", "trigger")]
    return problems + closed_settings(session, programs)


def closed_settings(session: Session, programs: list[str]) -> list[str]:
    """Settings of the server that forbid a restore with these routines and triggers; each with the one to change."""
    problems = []
    if session.value("@@GLOBAL.local_infile") != "1":
        problems.append(
            "local_infile is OFF on the target: SET GLOBAL local_infile = ON, or set the server parameter (at RDS in "
            "its parameter group)"
        )
    if programs and session.value("@@GLOBAL.log_bin AND NOT @@GLOBAL.log_bin_trust_function_creators") == "1":
        grants = " ".join(row[0] for row in session.ask("SHOW GRANTS"))
        if "SUPER" not in grants and "ALL PRIVILEGES ON *.*" not in grants:
            problems.append(
                "log_bin_trust_function_creators is OFF on the target, so this user cannot make "
                f"{', '.join(programs[:3])}: set the server parameter to ON"
            )
    if session.value("@@GLOBAL.super_read_only OR @@GLOBAL.read_only") == "1":
        problems.append("the target is read_only: name the writable server")
    return problems


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
        self, server: Server, control: Session, config: Config, chosen: dict[str, Any], parts: Parts, say: Say
    ) -> None:
        self._server, self._control, self._config, self._chosen = server, control, config, chosen
        self._parts, self._say = parts, say
        self._schema = config.target.schema

    def run(self) -> None:
        """Everything but the last look."""
        schema, chosen = identifier(self._schema), self._chosen
        options = f"CHARACTER SET {chosen['character_set']} COLLATE {chosen['collation']}"
        self._control.ask(f"CREATE DATABASE IF NOT EXISTS {schema} {options}")
        self._control.ask(f"ALTER DATABASE {schema} {options}")
        self._control.ask(f"USE {schema}")
        before = ddl.parse(self._parts.text("schema.sql.zst"))
        after = ddl.parse(self._parts.text("after.sql.zst"))
        present = {row[0] for row in self._control.ask("SHOW TABLES")}
        for statement in before:
            if statement.name not in present:
                try:
                    self._control.ask(statement.sql)
                except SqlError as error:
                    raise Failed(f"table {statement.name!r} cannot be made on the target: {error}") from error
        keys = [made for made in after if made.kind == "keys"]
        Fill(self._server, self._schema, self._chosen, self._parts, self._say).run(
            self._control, keys, self._config.streams
        )
        with self._server.session(self._schema) as session:
            for statement in after:
                if statement.kind == "foreign-keys":
                    add(session, self._schema, statement, self._say)
        self._programs([made for made in after if made.kind not in ("keys", "foreign-keys")])

    def _programs(self, statements: list[Statement]) -> None:
        """Routines, views, triggers, events. A view may need another that comes later by name: tried in rounds."""
        left = statements
        while left:
            failed: list[tuple[Statement, SqlError]] = []
            for statement in left:
                # A session each: a client ends with its first error, and settings must not stay.
                with self._server.session(self._schema) as session:
                    try:
                        session.ask(statement.drop)
                        if statement.settings:
                            session.ask(ddl.assignments(statement.settings))
                        session.ask(statement.sql)
                    except SqlError as error:
                        failed.append((statement, error))
            if len(failed) == len(left):
                unmade, words = failed[0]
                raise Failed(f"{unmade.kind} {unmade.name!r} cannot be made on the target: {words}")
            left = [statement for statement, _ in failed]


def set_events(config: Config, secrets: Secrets, which: str, enable: bool) -> dict[str, Any]:
    """Enable at the target the events that were enabled at the source of backup `which`; or disable all that are there,
    for which no backup is needed."""
    schema = config.target.schema
    wanted = choose(open_store(config), which)["events"] if enable else {}
    with Server(config.target, secrets.target_password) as server, server.session(schema) as session:
        found = session.ask(f"SELECT event_name FROM information_schema.events WHERE event_schema = {literal(schema)}")
        there = {row[0] for row in found}
        done = sorted(name for name in there if not enable or wanted.get(name) == "ENABLED")
        for name in done:
            session.ask(f"ALTER EVENT {identifier(name)} {'ENABLE' if enable else 'DISABLE'}")
    return {"backup_id": which, "events": done, "enabled": enable}
