"""Where another carries the rows, for instance a task of AWS's DMS: what it leaves behind is made, and the target shut.

Here: definitions at the target before the first row, its gate, a look at both ends. Not here: rows and slot, which are
the carrier's, whose sessions run with session_replication_role = replica: no foreign key asks them, and the gate only
whether this end is shut; moves of the writer (switch.py, promote.py).
"""

from typing import Any

from ..errors import Refused
from . import check, difference, facts, gate, loads, look, set_up
from .config import HEARTBEAT, Config
from .facts import query
from .promote import ungated
from .psql import FORBIDDEN, PgError, Server, client_version, identifier, literal
from .reseed import as_it_writes


def checked(config: Config) -> "tuple[facts.Facts, facts.Facts]":
    """What both ends say; Refused with everything that is wrong."""
    source, target = set_up.servers(config)
    here, there = facts.of_source(source, config), facts.of_target(target, config)
    found = difference.tables(source.rows(query("columns.sql", config)), target.rows(query("columns.sql", config)))
    problems = [
        *check.carried_problems(config, here, there, client_version()),
        *check.schema_problems([one for one in found if not one.missing]),
    ]
    if there.subscription is not None:
        problems.append(
            f"the target has the subscription {config.name}, and its rows would come twice: `replication taken-away` "
            "first, and an empty target"
        )
    problems += _may_be_replica(config, target)
    shut = gate.read(target, config)
    if shut is not None and shut.writes:
        problems.append(f"the target takes writes (epoch {shut.epoch}), and nothing may follow into it")
    if problems:
        raise Refused(problems)
    return here, there


def _may_be_replica(config: Config, target: Server) -> "list[str]":
    """The carrier logs in as the job does. One without that setting would load nothing: the gate refuses each row."""
    try:
        target.script("SET session_replication_role = 'replica';")
    except PgError as error:
        if error.state != FORBIDDEN:
            raise
        user = config.target.user
        return [
            f"{user} may not set session_replication_role at the target, by which the gate knows "
            f"{config.carrier}: `ALTER ROLE {user} REPLICATION` at Cloud SQL, elsewhere `GRANT SET ON PARAMETER "
            f"session_replication_role TO {user}`"
        ]
    return []


def definitions(config: Config, say: facts.Say) -> "dict[str, Any]":
    """All that rows need, and then the gate: whoever connects reads, the carrier alone writes. Again: nothing."""
    here, there = checked(config)
    source, target = set_up.servers(config)
    changed: list[str] = []

    def did(words: str) -> None:
        changed.append(words)
        say(words)

    set_up.made_natively(config, here, there, source, target, did)
    _own_heartbeat(config, source, did)
    gate.put_up(target, config, ungated(config, target), False, did)
    if not there.filled and loads.awaited(target, config):
        did(f"marked the target: no rows were loaded there yet by {config.carrier}")
    return {"outcome": "done", "flow": config.name, "carrier": config.carrier, "changed": changed}


def _own_heartbeat(config: Config, source: Server, did: facts.Say) -> None:
    """The carrier's login may keep a table of its own beside ours, which moves DMS's slot on while nobody writes."""
    schema, user = HEARTBEAT[0], config.replication_user
    asked = f"SELECT has_schema_privilege({literal(user)}, {literal(schema)}, 'CREATE') AS may"
    if not source.row(asked)["may"]:
        source.script(f"GRANT CREATE ON SCHEMA {identifier(schema)} TO {identifier(user)};")
        did(f"let {user} make tables in schema {schema} of the source")


def _as_it_writes(config: Config) -> Config:
    """As it is told where one end does not answer; what follows then says so."""
    try:
        return as_it_writes(config)
    except PgError as error:
        if not error.unreachable:
            raise
        return config


def looked(config: Config) -> "dict[str, Any]":
    """`healthy` with what was found; `problems` are sentences. Writes one heartbeat at the end that writes, which the
    carrier brings over with the other rows."""
    config = _as_it_writes(config)
    source, target = set_up.servers(config)
    here, there = config.called
    found: dict[str, Any] = {"flow": config.name, "carrier": config.carrier, "from": here, "to": there}
    shut = look.gate_of(config, target)
    found["gate"] = {there: shut}
    writes = shut is not None and shut["writes"]
    mark = None if writes else loads.seen(target, config)
    found["load"] = mark.plain if mark else None
    try:
        different = look.differences(config, source, target)
    except PgError as error:
        if not error.unreachable:
            raise
        words = [f"the {here} does not answer ({error.words}): rows are as old as its outage, and longer"]
        if mark is not None and mark.since is not None:
            mark = loads.now(target, mark)
            words.append(half_loaded(config, mark))
        return {**found, "lag": None, "differences": [], "healthy": False, "problems": words}
    if mark is not None and mark.since is not None:
        mark = loads.counted(config, source, target, mark)
        found["load"] = mark.plain
    found["gate"][here] = look.gate_of(config, source)
    found["differences"] = [one.plain for one in different]
    found["lag"] = None if writes else look.beaten(config, source, target)
    problems = [one.words for one in different]
    if shut is None:
        problems.append(f"the {there} has no gate, so whoever has grants there may write (K44): `set-up` puts it up")
    elif writes:
        problems.append(f"the {there} writes since epoch {shut['epoch']}, and nothing follows it")
    if mark is not None and mark.since is not None:
        problems.append(half_loaded(config, mark))
    problems += look.gate_problems(found["gate"])
    problems += look.late(found["lag"])
    return {**found, "healthy": not problems, "problems": problems}


def half_loaded(config: Config, mark: loads.Mark) -> str:
    """Of a load that is under way: what that means."""
    return (
        f"{mark.words(config.called[1], config.carrier)}; a failover before its end loses what is lacking: wait, or "
        "see the task's log; where all rows are there `compare` marks it as ended"
    )
