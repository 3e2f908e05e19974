"""How the pair is: `report` (quick, never fails on a sick service) and `gate` (waits until a written row arrives)."""

import hashlib
import json
import pathlib
import socket
import time
from collections.abc import Iterator
from typing import Any

from ..errors import Failed, Refused, SqlError
from ..health import Problem, plain
from . import gtid, health, replica, server, source, standalone
from .config import REPLICA, STANDALONE, Config, parse, read, read_secrets
from .seeding import GUEST

_REPORT_SECONDS = 5.0
"""A server that hangs is told from one on a busy machine, which took more than 0.8 s to answer while six others' tests
ran beside it, by waiting; asked once, so that a report of the former ends in time, too (20 s at the desk)."""

_REPORT_SQL = """
SELECT @@version AS version, @@server_uuid AS uuid, @@server_id AS id, @@global.super_read_only AS fenced,
  @@global.gtid_executed AS executed, (SELECT variable_value FROM performance_schema.global_status
  WHERE variable_name = 'Uptime') AS uptime;
SELECT service_state AS state, last_error_number AS number, last_error_message AS error,
  count_received_heartbeats AS heartbeats, last_heartbeat_timestamp AS heartbeat
  FROM performance_schema.replication_connection_status WHERE channel_name = '';
SELECT service_state AS state FROM performance_schema.replication_applier_status WHERE channel_name = '';
SELECT last_error_number AS number, last_error_message AS error FROM (
  SELECT last_error_number, last_error_message FROM performance_schema.replication_applier_status_by_coordinator
  UNION ALL SELECT last_error_number, last_error_message FROM performance_schema.replication_applier_status_by_worker
) e WHERE last_error_number <> 0 LIMIT 1;
SHOW REPLICA STATUS;
"""
# Apart, because the table comes into being only with the first replicated transaction.
_HEARTBEAT_SQL = """
SELECT ts AS at, TIMESTAMPDIFF(MICROSECOND, ts, UTC_TIMESTAMP(6)) / 1000000 AS age FROM twinsite.heartbeat WHERE id = 1;
"""


def report(config_path: str, secrets_path: str) -> dict[str, Any]:
    """One JSON object with the live state. What cannot be known is null, and `problem` says why. `problems` is what is
    not as the role has made it (health.py)."""
    try:
        data = json.loads(pathlib.Path(config_path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = {}
    found: dict[str, Any] = {
        "role": data.get("role"),
        "version": None,
        "server_uuid": None,
        "server_id": None,
        "super_read_only": None,
        "gtid_executed": None,
        "uptime_seconds": None,
        "receiver": {"state": "OFF", "error_number": 0, "error": "", "heartbeats": 0, "last_heartbeat": None},
        "applier": {"state": "OFF", "error": ""},
        "show_replica_status": {"Replica_IO_Running": None, "Replica_SQL_Running": None, "Seconds_Behind_Source": None},
        "heartbeat_age_seconds": None,
        "heartbeat_at": None,
        "config_digest": _digest(data),
        "problem": "" if data else f"{config_path} is missing or unreadable",
    }
    silent = _silent()
    # First, because it takes seconds while the source is away: what follows is of the moment in which it is told.
    found["problems"] = plain(_judged(config_path, secrets_path, not silent))
    if silent:
        return found | {"problem": silent}
    try:
        _fill(found, server.sql(_REPORT_SQL, _REPORT_SECONDS))
        beat = server.sql(_HEARTBEAT_SQL, _REPORT_SECONDS)[0]
        if beat:
            found["heartbeat_age_seconds"] = float(beat[0]["age"] or 0)
            found["heartbeat_at"] = f"{str(beat[0]['at']).replace(' ', 'T')}Z"
    except SqlError as error:
        # 1146 and 1049: no heartbeat table yet; an age of null says that already.
        if error.number not in (1146, 1049):
            found["problem"] = str(error)
    return found


def _silent() -> str:
    """Why the server does not answer; "" when it does."""
    try:
        server.sql("SELECT 1", _REPORT_SECONDS)
    except SqlError as error:
        return str(error)
    return ""


def _judged(config_path: str, secrets_path: str, answers: bool) -> Iterator[Problem]:
    try:
        config = read(config_path)
        secrets = read_secrets(secrets_path, config.role)
    except Refused as refused:
        for words in refused.problems:
            yield Problem("configuration", words, "run `pulumi up`, which tells this host again what it is to be")
        return
    yield from health.problems(config, secrets, answers)


def _digest(data: dict[str, Any]) -> str:
    try:
        return parse(data).digest
    except (Refused, TypeError, ValueError):
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _fill(found: dict[str, Any], results: list[list[server.Row]]) -> None:
    basis, connection, applier, error, shown = results
    row = basis[0]
    found |= {
        "version": row["version"],
        "server_uuid": row["uuid"],
        "server_id": int(row["id"] or 0),
        "super_read_only": row["fenced"] == "1",
        "gtid_executed": (row["executed"] or "").replace("\n", ""),
        "uptime_seconds": int(row["uptime"] or 0),
    }
    if connection:
        beat = connection[0]["heartbeat"] or ""
        found["receiver"] = {
            "state": connection[0]["state"],
            "error_number": int(connection[0]["number"] or 0),
            "error": connection[0]["error"] or "",
            "heartbeats": int(connection[0]["heartbeats"] or 0),
            "last_heartbeat": None if beat.startswith("0000") else beat,
        }
    if applier:
        found["applier"] = {"state": applier[0]["state"], "error": (error[0]["error"] if error else "") or ""}
    if shown:
        behind = shown[0]["Seconds_Behind_Source"]
        found["show_replica_status"] = {
            "Replica_IO_Running": shown[0]["Replica_IO_Running"],
            "Replica_SQL_Running": shown[0]["Replica_SQL_Running"],
            "Seconds_Behind_Source": None if behind is None else int(behind),
        }


def gate(config: Config, seconds: float, source_told: str = "") -> dict[str, Any]:
    """Wait for the real thing: on a replica, a row that the source wrote after this began.

    With `source_told`, also until the source has applied the documents with this digest. Raises Failed with MySQL's
    own words.
    """
    if config.role == STANDALONE:
        started = time.monotonic()
        server.wait("MySQL to answer", server.answers, seconds)
        left = max(1.0, seconds - (time.monotonic() - started))
        server.wait(f"the login {config.user}", lambda: standalone.there(config), left)
        return {"passed": True, "seconds": round(time.monotonic() - started, 2)}
    return _gate_replica(config, seconds, source_told) if config.role == REPLICA else _gate_source(seconds)


def _heartbeat() -> str:
    try:
        rows = server.sql("SELECT ts AS at FROM twinsite.heartbeat WHERE id = 1", 5)[0]
    except SqlError as error:
        if error.number in (1146, 1049):
            return ""
        raise
    return str(rows[0]["at"]) if rows else ""


def _gate_source(seconds: float) -> dict[str, Any]:
    started = time.monotonic()
    server.wait("MySQL to answer", server.answers, seconds)
    first = _heartbeat()
    left = max(1.0, seconds - (time.monotonic() - started))
    server.wait("the heartbeat to be written (is event_scheduler ON?)", lambda: _heartbeat() > first, left)
    return {"passed": True, "seconds": round(time.monotonic() - started, 2)}


def _gate_replica(config: Config, seconds: float, source_told: str) -> dict[str, Any]:
    started = time.monotonic()
    deadline = started + seconds
    mark: tuple[str, gtid.GtidSet] | None = None
    seen = "nothing was seen yet"
    while True:
        try:
            seen, mark = _replica_step(config, mark)
            if not seen and source_told and source.told_here() != source_told:
                # A stale digest also means that what the source wrote for it has not arrived.
                seen = f"the source has not applied {source_told} yet; on it: journalctl -u twinsite-agent"
            if not seen:
                return {"passed": True, "seconds": round(time.monotonic() - started, 2)}
        except SqlError as error:
            seen = str(error)
        if time.monotonic() >= deadline:
            raise Failed(f"replication does not work after {seconds:g} s: {seen}")
        time.sleep(0.3)


def _replica_step(config: Config, mark: tuple[str, gtid.GtidSet] | None) -> tuple[str, tuple[str, gtid.GtidSet] | None]:
    """What is still missing ("" when nothing is), and the source's time and position at which the gate began."""
    row = replica.channel_row()
    if row is None:
        return f"no replication channel is configured: run `{GUEST} apply`", mark
    connection, workers, applier = server.sql(
        "SELECT service_state AS s, last_error_number AS n, last_error_message AS e "
        "FROM performance_schema.replication_connection_status WHERE channel_name = ''; "
        "SELECT last_error_number AS n, last_error_message AS e FROM "
        "performance_schema.replication_applier_status_by_worker WHERE channel_name = '' AND last_error_number <> 0; "
        "SELECT service_state AS s FROM performance_schema.replication_applier_status WHERE channel_name = ''"
    )
    if workers and (not applier or applier[0]["s"] != "ON"):
        return f"the applier stopped: error {workers[0]['n']}: {workers[0]['e']}", mark
    if not applier or applier[0]["s"] != "ON":
        return f"the applier does not run: run `{GUEST} apply`", mark
    if not connection or connection[0]["s"] != "ON":
        words = (
            f"error {connection[0]['n']}: {connection[0]['e']}"
            if connection and connection[0]["n"] != "0"
            else "no error yet"
        )
        return _reach(config) or f"the receiver is {connection[0]['s'] if connection else 'OFF'}: {words}", mark
    if mark is None:
        # The channel's own credentials: what is proved is what the receiver uses. The source's clock, not this host's.
        answer = server.remote(
            row["Host"] or "",
            int(row["Port"] or 3306),
            row["User_name"] or "",
            row["User_password"] or "",
            replica.CA,
            "SELECT UTC_TIMESTAMP(6) AS at, @@global.gtid_executed AS e",
            8,
        )[0][0]
        mark = (str(answer["at"]), gtid.parse(answer["e"] or ""))
    missing = mark[1] - gtid.parse(server.value("@@global.gtid_executed"))
    if missing:
        return f"{missing.count()} transactions that the source had when the gate began are not applied yet", mark
    beat = _heartbeat()
    if beat <= mark[0]:
        words = f"no heartbeat written after {mark[0]} UTC arrived (last: {beat or 'none'})"
        return f"{words}; is event_scheduler ON at the source?", mark
    return "", mark


def _reach(config: Config) -> str:
    try:
        socket.create_connection((config.source_address, config.port), timeout=2).close()
        return ""
    except OSError as error:
        return (
            f"cannot reach source {config.source_address}:{config.port}: {error}; check tunnel, "
            "route and firewall (on the gateway `sudo twinsite-guest gateway gate` names a firewall that drops what it "
            "is to forward)"
        )
