"""A backup into an empty database. Nothing is written before every part is here, whole, and the target is fit.

Before the first write a mark says which backup comes in and what was there before: extensions and schemas. A run that
was killed leaves it, and the next one, for the same backup or another, takes away what the first has made and begins
again: the database was empty, so all of it is this program's. The mark goes when the proof has held.
"""

import contextlib
import json
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

from ..backup import branch
from ..backup.fetch import Parts, fetch, room_problems
from ..errors import Failed, Refused
from ..logical.psql import PgError, client_version, identifier, literal
from . import contents, facts, judge, prove
from .config import Config, Say
from .server import SECONDS, Server, Session, run
from .store import choose, open_store

LOCK = 7_304_185_529
"""Of pg_try_advisory_lock; any number that is nobody else's."""


def restore(config: Config, which: str, say: Say) -> "dict[str, Any]":
    """{"backup_id", "proved", "problems", …}. Refused, with everything that is wrong, before the first write."""
    with _here(config, which, say) as (chosen, folder):
        server = Server("target", config.target)
        with Session(server) as session:
            if session.ask(f"SELECT pg_try_advisory_lock({LOCK})") != "t":
                raise Refused([f"another restore works in database {config.target.database}: let it end"])
            begun, there = _begun(server), facts.target(server)
            if problems := _problems(config, chosen, server, there, begun is not None):
                raise Refused(problems)
            if begun is not None:
                say({"event": "again", "unfinished": begun["backup_id"]})
                _take_away(server, begun["before"])
            _mark(server, chosen["id"], begun["before"] if begun else _before(there))
            say({"event": "restoring", "backup_id": chosen["id"]})
            _load(config, folder, server)
            server.script("ANALYZE;", SECONDS)
            found = prove.compared(config, chosen, folder, server)
            if found["proved"]:
                server.script("DROP SCHEMA twinsite_restore CASCADE;")
                shutil.rmtree(folder.parent, ignore_errors=True)
    return {"backup_id": chosen["id"], **found, "left_behind": [one["words"] for one in chosen["concerns"]]}


def fits(config: Config, which: str) -> "dict[str, Any]":
    """{"backup_id", "fits", "problems", "unfinished", …}: what a restore would say before its first write, but for its
    parts' sums. Nothing is fetched and nothing changed."""
    chosen = choose(open_store(config.store, config.identity), which)
    server = Server("target", config.target)
    begun = _begun(server)
    problems = _problems(config, chosen, server, facts.target(server), begun is not None)
    kept = ("began", "scheduled", "bytes_total")
    return {
        "backup_id": chosen["id"],
        "fits": not problems,
        "problems": problems,
        "unfinished": begun["backup_id"] if begun else None,
        **{name: chosen[name] for name in kept},
        "branch": branch.of(chosen).words,
        "rows": sum(table["rows"] for table in chosen["tables"]),
        "tables": len(chosen["tables"]),
        "target": {"address": config.target.address, "database": config.target.database},
    }


def _problems(
    config: Config, chosen: "dict[str, Any]", server: Server, there: "dict[str, Any]", begun: bool
) -> "list[str]":
    return [*judge.problems(config, chosen, there, client_version(), begun), *_trials(config, chosen, server)]


def proved(config: Config, which: str, say: Say) -> "dict[str, Any]":
    """Compare the target with a backup; nothing is changed."""
    with _here(config, which, say) as (chosen, folder):
        return {
            "backup_id": chosen["id"],
            **prove.compared(config, chosen, folder, Server("target", config.target)),
        }


@contextlib.contextmanager
def _here(config: Config, which: str, say: Say) -> "Iterator[tuple[dict[str, Any], pathlib.Path]]":
    """A backup's manifest, and its dump in a folder, every part verified."""
    store = open_store(config.store, config.identity)
    chosen = choose(store, which)
    with (
        fetch(store, chosen, pathlib.Path(config.spool), config.streams, say) as parts,
        tempfile.TemporaryDirectory(prefix="dump-", dir=parts.folder, ignore_cleanup_errors=True) as folder,
    ):
        _joined(chosen, parts, pathlib.Path(folder))
        yield chosen, pathlib.Path(folder)


def _joined(chosen: "dict[str, Any]", parts: Parts, folder: pathlib.Path) -> None:
    split = [blob for blobs in chosen["dump"].values() if len(blobs) > 1 for blob in blobs]
    # They are there once more, in one piece.
    if problems := room_problems(folder, sum(parts.path(blob).stat().st_size for blob in split)):
        raise Refused(problems)
    for name, blobs in chosen["dump"].items():
        if len(blobs) == 1:
            (folder / name).symlink_to(parts.path(blobs[0]))
            continue
        with (folder / name).open("wb") as file:
            for blob in blobs:
                file.write(parts.path(blob).read_bytes())


def _begun(server: Server) -> "dict[str, Any] | None":
    if not server.row("SELECT to_regclass('twinsite_restore.state') IS NOT NULL AS there")["there"]:
        return None
    return server.row("SELECT backup_id, before FROM twinsite_restore.state")


def _before(there: "dict[str, Any]") -> "dict[str, Any]":
    return {"schemas": sorted(there["schemas"]), "extensions": sorted(there["extensions"])}


def _mark(server: Server, backup_id: str, before: "dict[str, Any]") -> None:
    values = f"{literal(backup_id)}, {literal(json.dumps(before))}"
    server.script(
        "CREATE SCHEMA IF NOT EXISTS twinsite_restore;\n"
        "CREATE TABLE IF NOT EXISTS twinsite_restore.state (backup_id text NOT NULL, before jsonb NOT NULL);\n"
        "DELETE FROM twinsite_restore.state;\n"
        f"INSERT INTO twinsite_restore.state VALUES ({values});",
        together=True,
    )


def _trials(config: Config, chosen: "dict[str, Any]", server: Server) -> "Iterator[str]":
    """What only trying shows, in transactions that are rolled back: extensions, and who may make an event trigger."""
    for name in chosen["needs"]["extensions"]:
        if name not in config.left_out_extensions:
            try:
                server.script(f"BEGIN;\nCREATE EXTENSION IF NOT EXISTS {identifier(name)} CASCADE;\nROLLBACK;")
            except PgError as error:
                yield (
                    f"extension {name} cannot be made at the target ({error.words}): choose a server that has it and "
                    "lets this user make it, or, when the application does without, name it in `left_out_extensions`"
                )
    if chosen["needs"]["event_triggers"]:
        try:
            server.script(_EVENT_TRIGGER)
        except PgError as error:
            named = ", ".join(chosen["needs"]["event_triggers"])
            yield (
                f"the backup has event triggers ({named}), which this user may not make at the target "
                f"({error.words}): restore as a user who may, or drop them at the source before the next backup"
            )


_EVENT_TRIGGER = """BEGIN;
CREATE SCHEMA twinsite_trial;
CREATE FUNCTION twinsite_trial.nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER twinsite_trial ON ddl_command_end EXECUTE FUNCTION twinsite_trial.nothing();
ROLLBACK;"""


def _take_away(server: Server, before: "dict[str, Any]") -> None:
    """What an unfinished restore has made."""
    while objects := server.rows(facts.sql("objects.sql")):
        named = ((one["type"].removesuffix(" object"), one["identity"]) for one in objects)  # a statistics object
        server.script("".join(f"DROP {kind} IF EXISTS {identity} CASCADE;\n" for kind, identity in named))
        if server.rows(facts.sql("objects.sql")) == objects:
            one = objects[0]
            raise Failed(f"{one['type']} {one['identity']} of an unfinished restore is still there: drop it by hand")
    now = _before(facts.target(server))
    ours = [one for one in now["schemas"] if one not in before["schemas"] and one != "twinsite_restore"]
    gone = [
        f"DROP EXTENSION {identifier(one)} CASCADE;" for one in now["extensions"] if one not in before["extensions"]
    ]
    gone += [f"DROP SCHEMA {identifier(one)} CASCADE;" for one in ours]
    gone.append("SELECT lo_unlink(oid) FROM pg_largeobject_metadata;")
    server.script("\n".join(gone), SECONDS)


def _load(config: Config, folder: pathlib.Path, server: Server) -> None:
    listed = contents.wanted(contents.lines(folder), config.left_out_extensions)
    with tempfile.NamedTemporaryFile("w", prefix="twinsite-list-", suffix=".txt") as file:
        file.write("".join(f"{line}\n" for line in listed))
        file.flush()
        more = ["--exit-on-error", f"--jobs={config.streams}", f"--use-list={file.name}"]
        run(server, ["pg_restore", *contents.CARRIED, *more, str(folder)])
