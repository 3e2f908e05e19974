"""May data come home here? Asked before anybody's writes are stopped for it.

A failback moves the old tables aside and restores beside them: more than a backup's user is given, and than a managed
server's settings allow as they come. What is missing is said with the statement that mends it.
"""

import pathlib
from typing import Any

from . import fetch, look, manifest, privileges, progress, source, target
from .client import Server
from .config import Config, Secrets, at
from .store import open_store, read_all


def ready(config: Config, secrets: Secrets, comes_by: str, coming: "dict[str, Any] | None" = None) -> "dict[str, Any]":
    """Look at the target, and at the store by which the data come ("" the configuration's).

    `coming` is what `describe` says where they come from; without it the target's own tables speak for them.
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
        own = source.variables(session)
        problems += privileges.missing_for_a_return(source.held(session, own), schema, user)
        begun = progress.look(session, schema)
        tables = source.tables(session, schema)
        comes = coming or source.describe(session, config.target)
        problems += target.judge(comes, look.facts(server, session, comes)).problems
        home = {"lower_case_table_names": own.get("lower_case_table_names", ""), "names": tables}
        problems += target.lost_case(home, comes["source"]["settings"])
    return {
        "ready": not problems,
        "problems": problems,
        "user": user,
        "backups": len(known),
        "tables": len(tables),
        "unfinished": begun.backup_id if begun.target_schema == schema else "",
    }


def describe(config: Config, secrets: Secrets) -> "dict[str, Any]":
    """What of this database a target has to be fit for, as a manifest would have it, without rows: for `ready` at the
    other end, before anything is stopped."""
    with Server(config.database, secrets.password) as server, server.session() as session:
        return source.describe(session, config.database)
