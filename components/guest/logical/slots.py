"""Logical slots of one end that are not this flow's own: what each keeps, and one that a person gave up is dropped.

Here: those of the flow's database, as a task of AWS's DMS makes them. Not here: the flow's own slot (away.py).
"""

from typing import Any

from ..errors import Refused
from .config import Config
from .psql import PgError, Server, literal
from .set_up import servers

_OTHERS = (
    "slot_type = 'logical' AND NOT temporary AND database = current_database() AND slot_name <> {own} "
    "AND slot_name NOT LIKE 'pg\\_%\\_sync\\_%'"
)
TAKEN = "55006"
"""object_in_use: somebody reads it."""


def listed(config: Config, server: Server) -> "list[dict[str, Any]]":
    """name, plugin, active, wal_status, held_bytes (None where nothing is held, or the server only follows)."""
    return server.rows(
        "SELECT slot_name AS name, plugin, active, wal_status, CASE WHEN NOT pg_is_in_recovery() THEN "
        "pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint END AS held_bytes FROM pg_replication_slots "
        f"WHERE {_OTHERS.format(own=literal(config.name))} ORDER BY 1"
    )


def slots(config: Config, at: str, drop: str = "") -> "dict[str, Any]":
    """Those at the end that the document calls `at`, after `drop` was dropped. Refused while somebody reads that one,
    and for one that is not there."""
    source, target = servers(config)
    server = source if at == config.called[0] else target
    changed: list[str] = []
    if drop:
        _drop(config, server, drop)
        changed.append(f"dropped slot {drop}")
    return {"outcome": "done", "flow": config.name, "at": at, "slots": listed(config, server), "changed": changed}


def _drop(config: Config, server: Server, name: str) -> None:
    found = {row["name"]: row for row in listed(config, server)}
    if name not in found:
        there = ", ".join(found) or "none"
        raise Refused([f"the {server.which} has no slot {name} that is another's: there is {there}"])
    if found[name]["active"]:
        raise Refused([f"somebody reads slot {name}: stop that one first"])
    try:
        server.script(f"SELECT pg_drop_replication_slot({literal(name)});")
    except PgError as error:
        if error.state != TAKEN:
            raise
        raise Refused([f"somebody reads slot {name} again: stop that one first"]) from None
