"""May data come home here? Asked before anybody's writes are stopped for it.

A failback moves the old tables aside and restores beside them: more than a backup's user is given, and than a managed
server's settings allow as they come. What is missing is said with the statement that mends it.
"""

import pathlib
from typing import Any

from . import fetch, manifest, privileges, progress, restore
from .client import Server, Session
from .config import Config, Secrets, at
from .rows import literal
from .store import open_store, read_all


def ready(config: Config, secrets: Secrets, comes_by: str) -> "dict[str, Any]":
    """Look at the target, and at the store by which the data come ("" the configuration's).

    {"ready", "problems", "user", "backups", "tables", "unfinished"}: `tables` are those of the schema now, `unfinished`
    is the backup of a restore into it that did not end. The room that a restore takes is judged by the newest backup in
    the configuration's store. Changes nothing but makes the spool's folder.
    """
    schema = config.target.schema
    if comes_by:
        open_store(at(config, comes_by)).sizes(manifest.ROOT)
    known = [found for found in read_all(open_store(config)) if found.complete]
    newest = max(known, key=manifest.began, default=None)
    size = newest.manifest["bytes_total"] if newest and newest.manifest else 0
    problems = fetch.room_problems(pathlib.Path(config.spool), size)
    with Server(config.target, secrets.target_password) as server, server.session() as session:
        user = privileges.account(session.value("CURRENT_USER()"))
        lines = [row[0] for row in session.ask("SHOW GRANTS")]
        needs = privileges.needs_of_a_return(schema, progress.SCHEMA)
        problems += privileges.missing_for_a_return(lines, needs, user)
        begun = progress.look(session, schema)
        tables = session.value(
            f"(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = {literal(schema)} "
            "AND table_type = 'BASE TABLE')"
        )
        problems += restore.closed_settings(session, _programs(session, schema))
    return {
        "ready": not problems,
        "problems": problems,
        "user": user,
        "backups": len(known),
        "tables": int(tables),
        "unfinished": begun.backup_id if begun.target_schema == schema else "",
    }


def _programs(session: Session, schema: str) -> "list[str]":
    """Routines and triggers of today: the data that come back bring the same, as far as anybody can know."""
    here = literal(schema)
    return [
        row[0]
        for row in session.ask(
            f"SELECT routine_name FROM information_schema.routines WHERE routine_schema = {here} UNION "
            f"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = {here}"
        )
    ]
