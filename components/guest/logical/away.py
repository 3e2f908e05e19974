"""What set-up made is taken away, the data stay: at a promotion, before another first copy, or for good."""

import time
from typing import Any

from ..errors import Failed, Refused
from . import facts, gate
from .config import Config
from .psql import PgError, Server, identifier, literal
from .set_up import servers

FREE_SECONDS = 30
"""How long a slot stays taken at most, after who read it has gone: wal_sender_timeout is 10 s."""


def take_away(
    config: Config, without_source: bool, without_target: bool, target_writes: bool = False
) -> dict[str, Any]:
    """Subscription, slots, publication and heartbeat. `without_source`: the slot stays there and is named; without the
    target: a slot that nobody will read again goes. Refused where the standby has become the writer, unless the word
    is `target_writes`: a standby is what is deleted next."""
    source, target = servers(config)
    if not target_writes:
        for server, asked in ((source, not without_source), (target, not without_target)):
            if asked and server.which == "target":
                _no_writer(config, server)
    changed: list[str] = []
    left: list[str] = []
    copies = []
    if not without_target:
        copies = cut_off(config, target, changed)
        _gate(config, target, changed, left)
        _heartbeat(target, changed)
    if without_source:
        left.append(
            f"slot and publication {config.name} at the source: the slot holds WAL up to max_slot_wal_keep_size until "
            "`take-away --without-target` has run"
        )
    else:
        drop_slots(config, source, copies, changed)
        if source.rows(f"SELECT 1 AS one FROM pg_publication WHERE pubname = {literal(config.name)}"):
            source.script(f"DROP PUBLICATION IF EXISTS {identifier(config.name)};")
            changed.append(f"dropped publication {config.name}")
        _gate(config, source, changed, left)
        _heartbeat(source, changed)
    return {"outcome": "done", "flow": config.name, "changed": changed, "left": left}


def _no_writer(config: Config, server: Server) -> None:
    found = gate.read(server, config)
    if found is not None and found.writes:
        raise Refused(
            [
                f"the {server.which} takes writes since epoch {found.epoch}, so that it has the newest data, and the "
                "program goes by another site: `pulumi config set active_site` to the one that serves, or bring the "
                "writer home first; by hand --target-writes says that it is known"
            ]
        )


def cut_off(config: Config, target: Server, changed: "list[str]") -> "list[int]":
    """Drop the subscription without asking the source; its id, for the slots of copies that were not at their end."""
    found = facts.subscription(target, config)
    if found is None:
        return []
    name = identifier(config.name)
    target.script(
        f"ALTER SUBSCRIPTION {name} DISABLE;\nALTER SUBSCRIPTION {name} SET (slot_name = NONE);\n"
        f"DROP SUBSCRIPTION {name};"
    )
    changed.append(f"dropped subscription {config.name}")
    return [int(found["id"])]


def drop_slots(config: Config, source: Server, copies: "list[int]", changed: "list[str]") -> None:
    """The flow's slot, and those of copies (pg_ID_sync_…), once nobody reads them."""
    ours = [f"slot_name = {literal(config.name)}", *(f"slot_name LIKE 'pg\\_{id_}\\_sync\\_%'" for id_ in copies)]
    asked = f"SELECT slot_name AS name, active FROM pg_replication_slots WHERE NOT temporary AND ({' OR '.join(ours)})"
    deadline = time.monotonic() + FREE_SECONDS
    while found := source.rows(asked):
        for row in found:
            if row["active"]:
                continue
            try:
                source.script(f"SELECT pg_drop_replication_slot({literal(row['name'])});")
            except PgError as error:
                if error.state not in ("42704", "55006"):  # gone meanwhile; taken again
                    raise
            else:
                changed.append(f"dropped slot {row['name']}")
        if time.monotonic() > deadline:
            names = ", ".join(row["name"] for row in found)
            raise Failed(
                f"somebody still reads {names} after {FREE_SECONDS} s: a subscription elsewhere uses it, disable that "
                "one first"
            )
        if any(row["active"] for row in found):
            time.sleep(0.5)


def _gate(config: Config, server: Server, changed: "list[str]", left: "list[str]") -> None:
    if not gate.take_down(server, config, changed):
        left.append(
            f"the gate at the {server.which}, which is shut, so that its tables take no writes: if it is to be written "
            "to and the other end is not, UPDATE twinsite.gate SET writes = true there"
        )


CARRIERS = tuple(
    f"twinsite.awsdms_{name}"
    for name in ("heartbeat", "status", "suspended_tables", "apply_exceptions", "validation_failures_v1")
)
"""Tables that DMS keeps in the schema that it was told."""


def _heartbeat(server: Server, changed: "list[str]") -> None:
    """The table, unless other flows beat in it, and the schema, unless something else is in it."""
    if not facts.has_heartbeat(server):
        return
    if server.row(
        "SELECT count(DISTINCT prpubid) AS flows FROM pg_publication_rel WHERE prrelid = 'twinsite.heartbeat'::regclass"
    )["flows"]:
        return
    server.script(f"DROP TABLE twinsite.heartbeat;\nDROP TABLE IF EXISTS {', '.join(CARRIERS)};")
    empty = server.row(
        "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'twinsite'::regnamespace) AND NOT EXISTS "
        "(SELECT FROM pg_proc WHERE pronamespace = 'twinsite'::regnamespace) AS empty"
    )
    if empty["empty"]:
        server.script("DROP SCHEMA twinsite;")
    changed.append(f"dropped twinsite.heartbeat at the {server.which}")
