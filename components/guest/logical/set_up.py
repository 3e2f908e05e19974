"""The flow is set up, each step only where it is lacking: what was ended in the middle goes on, a second run changes
nothing.

The slot is made first and by itself, the subscription on it without one of its own (create_slot=false, K43): a run that
is killed between the two leaves a slot that the next one takes over. It may be old: a subscription that is new copies
every table anew, and passes over what the slot has of it from before.
"""

import hashlib
import os
import pathlib
import tempfile
import time
from typing import Any

from ..errors import Failed, Refused
from ..machine import run
from . import check, difference, facts, gate
from .config import GATE, HEARTBEAT, Config
from .facts import Facts, Say, query
from .psql import PATIENT, Patience, PgError, Server, client_version, conninfo, identifier, literal

RESTORE_SECONDS = 3600
SLOT_SECONDS = 600
"""A slot waits for every transaction that was open when it was asked for."""
POLL_SECONDS = 1.0


def servers(config: Config, patience: Patience = PATIENT) -> "tuple[Server, Server]":
    """Source and target."""
    hidden, (here, there) = (config.replication_password, config.back_password), config.called
    return Server(here, config.source, hidden, patience), Server(there, config.target, hidden, patience)


def facing(config: Config) -> Config:
    """The flow as it runs now: the other way round when the source has the subscription. Who does not answer has none;
    what follows then says so."""

    def subscribed(server: Server) -> bool:
        try:
            return facts.subscription(server, config) is not None
        except PgError as error:
            if not error.unreachable:
                raise
            return False

    source, target = servers(config)
    turned = bool(config.back_user) and not subscribed(target) and subscribed(source)
    return config.reversed if turned else config


def checked(config: Config, source: Server, target: Server) -> "tuple[Facts, Facts]":
    """What both ends say; Refused with everything that is wrong."""
    client = client_version()
    here, there = facts.of_source(source, config), facts.of_target(target, config)
    found = difference.tables(source.rows(query("columns.sql", config)), target.rows(query("columns.sql", config)))
    problems = [
        *check.problems(config, here, there, client),
        *check.schema_problems([one for one in found if not one.missing]),
    ]
    if config.turned:
        problems = [f"the {source.which} being the source now, {one}" for one in problems]
    shut = gate.read(target, config)
    if shut is not None and shut.writes:
        problems.append(
            f"the {target.which} takes writes (epoch {shut.epoch}), and nothing may follow into it: bring the "
            f"{source.which} back under it with `rejoin`, or, if this epoch is not the registers', `back-out`"
        )
    if problems:
        raise Refused(problems)
    return here, there


def set_up(config: Config, wait_seconds: float, say: Say) -> dict[str, Any]:
    """Everything, and then until the first copy is there, for at most `wait_seconds`. Of the flow as it runs now."""
    config = facing(config)
    source, target = servers(config)
    here, there = checked(config, source, target)
    changed: list[str] = []

    def did(words: str) -> None:
        changed.append(words)
        say(words)

    made_natively(config, here, there, source, target, did)
    publication(config, here, source, did)
    slot(config, here, there, source, did)
    subscription(config, here, there, target, did)
    _tables_anew(config, source, target, did)
    states = _copied(config, target, wait_seconds, say)
    return {"outcome": "done", "flow": config.name, "changed": changed, "copied": all_copied(states), "tables": states}


def made_natively(config: Config, here: Facts, there: Facts, source: Server, target: Server, did: Say) -> None:
    """What no row brings: heartbeat, extensions, the schemas with all that is in them."""
    _heartbeats(config, source, target, did)
    _extensions(config, here, there, target, did)
    _schema(config, here, there, source, target, did)


def _heartbeats(config: Config, source: Server, target: Server, did: Say) -> None:
    text = (facts.FOLDER / "heartbeat.sql").read_text(encoding="utf-8")
    for server in (source, target):
        if not facts.has_heartbeat(server):
            user = identifier(config.replication_user)
            grants = f"GRANT USAGE ON SCHEMA twinsite TO {user};\nGRANT SELECT ON twinsite.heartbeat TO {user};\n"
            server.script(text + (grants if server is source else ""), together=True)
            did(f"made {'.'.join(HEARTBEAT)} at the {server.which}")


def _extensions(config: Config, here: Facts, there: Facts, target: Server, did: Say) -> None:
    present = there.server["extensions"] or {}
    for name, schema in here.extensions(config).items():
        if name not in present:
            first = f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)};\n" if schema != "pg_catalog" else ""
            target.script(
                f"{first}CREATE EXTENSION IF NOT EXISTS {identifier(name)} WITH SCHEMA {identifier(schema)};",
                together=True,
            )
            did(f"made the extension {name} at the target")


def _schema(config: Config, here: Facts, there: Facts, source: Server, target: Server, did: Say) -> None:
    """All of the schemas where the target has none of the tables, else the tables that it lacks; in one transaction."""
    present = {one.key for one in there.tables}
    lacking = [one for one in here.tables if one.key not in present]
    if not lacking:
        return
    what = [f"--schema={identifier(one)}" for one in config.schemas]
    if present & {one.key for one in here.tables}:
        what = [f"--table={one.sql}" for one in lacking]
    options = "--format=custom --schema-only --no-owner --no-privileges --no-publications --no-subscriptions"
    options += " --no-tablespaces --no-security-labels --lock-wait-timeout=10s"
    with tempfile.TemporaryDirectory(prefix="twinsite-logical-") as folder:
        archive, kept = os.path.join(folder, "archive"), os.path.join(folder, "list")
        source.tool(
            ["pg_dump", *options.split(), *what, f"--file={archive}"],
            RESTORE_SECONDS,
        )
        listed = run(["pg_restore", "--list", archive])
        # The schemas are made here, those that are there already are left alone; a gate is each end's own.
        ours = (" SCHEMA - ", " COMMENT - SCHEMA ", f" {GATE} ")
        lines = [line for line in listed.splitlines() if not any(words in line for words in ours)]
        pathlib.Path(kept).write_text("\n".join(lines) + "\n", encoding="utf-8")
        made_by = "" if config.turned else config.owner_at_target
        role = f" AUTHORIZATION {identifier(made_by)}" if made_by else ""
        target.script("".join(f"CREATE SCHEMA IF NOT EXISTS {identifier(one)}{role};\n" for one in config.schemas))
        owner = [f"--role={made_by}"] if made_by else []
        options = "--single-transaction --exit-on-error --no-owner --no-privileges"
        target.tool(["pg_restore", *options.split(), *owner, f"--use-list={kept}", archive], RESTORE_SECONDS)
    names = ", ".join(one.words for one in lacking[:10]) + (" …" if len(lacking) > 10 else "")
    did(f"made {len(lacking)} tables at the target: {names}")


def publication(config: Config, here: Facts, source: Server, did: Say) -> None:
    """Of all tables, and of those that it lacks."""
    roots = [one.key for one in here.tables if not one.is_partition] + [HEARTBEAT]
    lacking = [key for key in roots if key not in (here.published or ())]
    if not lacking:
        return
    tables = ", ".join(identifier(*key) for key in lacking)
    name = identifier(config.name)
    if here.published is None:
        source.script(f"CREATE PUBLICATION {name} FOR TABLE {tables};")
        did(f"made publication {config.name} of {len(lacking)} tables")
    else:
        source.script(f"ALTER PUBLICATION {name} ADD TABLE {tables};")
        did(f"added {', '.join('.'.join(key) for key in lacking)} to publication {config.name}")


def slot(config: Config, here: Facts, there: Facts, source: Server, did: Say) -> None:
    """From here on changes are kept."""
    if here.slot is not None:
        return
    # temporary, two-phase; failover slots are of 17 and later.
    more = "false, false, true" if fails_over(here, there) else "false, false"
    source.script(
        f"SELECT pg_create_logical_replication_slot({literal(config.name)}, 'pgoutput', {more});",
        None if source.patience.statement else SLOT_SECONDS,
    )
    did(f"made slot {config.name}")


def fails_over(here: Facts, there: Facts) -> bool:
    """Whether the slot can go along to a promoted standby of the source."""
    return min(here.version, there.version) >= 17


def way_in(config: Config) -> str:
    """What the subscription is told of the source."""
    end = config.subscriber_source
    words = end.where(config.authority_at_target) | {"application_name": config.name}
    return conninfo(words | ({"password": end.password} if end.password else {}))


def subscription(config: Config, here: Facts, there: Facts, target: Server, did: Say, copy: bool = True) -> None:
    """On the slot that is there. `copy`: the first copy, too; without it both ends have the same rows."""
    way = way_in(config)
    # So that a new password or address is seen; too short to guess a password by.
    about = f"twinsite {hashlib.sha256(way.encode()).hexdigest()[:8]}"
    name, comment = identifier(config.name), f"COMMENT ON SUBSCRIPTION {identifier(config.name)} IS {literal(about)};\n"
    if there.subscription is None:
        options = {"create_slot": "false", "slot_name": literal(config.name), "enabled": "false"}
        options["copy_data"] = "true" if copy else "false"
        if there.version >= 16:
            options |= {"origin": "none", "streaming": "parallel" if here.version >= 16 else "on"}
        if fails_over(here, there):
            options["failover"] = "true"
        listed = ", ".join(f"{option} = {value}" for option, value in options.items())
        target.script(
            f"CREATE SUBSCRIPTION {name} CONNECTION {literal(way)} PUBLICATION {name} WITH ({listed});\n{comment}",
            together=True,
        )
        did(f"made subscription {config.name}")
    elif there.subscription["about"] != about:
        target.script(f"ALTER SUBSCRIPTION {name} CONNECTION {literal(way)};\n{comment}", together=True)
        did(f"told subscription {config.name} another way to the source")
    if there.subscription is None or not there.subscription["enabled"]:
        target.script(f"ALTER SUBSCRIPTION {name} ENABLE;")
        did(f"enabled subscription {config.name}")


def _tables_anew(config: Config, source: Server, target: Server, did: Say) -> None:
    """Tables that the publication has by now and the subscription does not know."""
    listed = source.rows(
        f"SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = {literal(config.name)}"
    )
    known = facts.of_target(target, config).subscribed
    lacking = [f"{one['schemaname']}.{one['tablename']}" for one in listed]
    lacking = [
        name for name, one in zip(lacking, listed, strict=True) if (one["schemaname"], one["tablename"]) not in known
    ]
    if lacking:
        target.script(f"ALTER SUBSCRIPTION {identifier(config.name)} REFRESH PUBLICATION;")
        did(f"subscribed to {', '.join(lacking)}")


STATES = {"i": "waiting", "d": "copying", "f": "copied", "s": "catching up", "r": "ready"}
"""Of a table's first copy (pg_subscription_rel.srsubstate)."""


def table_states(config: Config, target: Server) -> dict[str, str]:
    """Each table's first copy, in words."""
    found = facts.of_target(target, config).subscribed
    return {".".join(key): STATES.get(state, state) for key, state in sorted(found.items())}


def all_copied(states: dict[str, str]) -> bool:
    """Whether every table's first copy is there."""
    return bool(states) and all(state == "ready" for state in states.values())


def _copied(config: Config, target: Server, wait_seconds: float, say: Say) -> dict[str, str]:
    deadline = time.monotonic() + wait_seconds
    before: dict[str, str] = {}
    while True:
        states = table_states(config, target)
        if states != before:
            ready = sum(state == "ready" for state in states.values())
            say(f"first copy: {ready} of {len(states)} tables are ready")
            before = states
        if all_copied(states) or not wait_seconds:
            return states
        if time.monotonic() > deadline:
            late = ", ".join(f"{name} {state}" for name, state in states.items() if state != "ready")
            raise Failed(
                f"the first copy did not end within {wait_seconds:g} s: {late}; it goes on, and the target's log says "
                "what it waits for: run `look`"
            )
        time.sleep(POLL_SECONDS)
