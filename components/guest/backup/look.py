"""What a target is, for target.py: read once, before anything is written to it."""

from collections.abc import Mapping
from typing import Any

from ..errors import SqlError
from . import source, target
from .client import Server, Session
from .rows import literal

AZURES_ZONES = "CALL mysql.az_load_timezone()"
"""Fills the time zone tables of a flexible server, which are empty until then [Microsoft Learn, flexible server:
time zone]; it may be called again."""


def facts(server: Server, session: Session, manifest: "Mapping[str, Any]") -> target.Facts:
    """Of this server, for this backup. Where its time zone tables are empty and it is Azure's, they are filled."""
    variables = source.variables(session)
    zones = [str(zone) for zone in (manifest.get("needs") or {}).get("time_zones") or []]
    known = _known(session, zones)
    if set(zones) - known and _allowed(server, AZURES_ZONES):
        known = _known(session, zones)
    grants = " ".join(row[0] for row in session.ask("SHOW GRANTS"))
    wanted = target.wanted(manifest, variables)
    return target.Facts(
        version=variables["version"],
        variables=variables,
        settable=frozenset(one.name for one in wanted if _allowed(server, f"SET SESSION {one.name} = {one.value}")),
        zones=frozenset(known),
        tablespaces=_tablespaces(server) if (manifest.get("needs") or {}).get("tablespaces") else frozenset(),
        may_trust="SUPER" in grants or "ALL PRIVILEGES ON *.*" in grants,
    )


def _known(session: Session, zones: "list[str]") -> "set[str]":
    return {zone for zone in zones if session.value(f"CONVERT_TZ('2026-01-01', '+00:00', {literal(zone)})") != "NULL"}


def _allowed(server: Server, statement: str) -> bool:
    """In a session of its own: a client ends with its first error."""
    with server.session() as trial:
        try:
            trial.ask(statement)
        except SqlError:
            return False
        return True


def _tablespaces(server: Server) -> "frozenset[str] | None":
    with server.session() as trial:
        try:
            found = trial.ask("SELECT DISTINCT tablespace_name FROM information_schema.files WHERE engine = 'InnoDB'")
        except SqlError:
            return None
        return frozenset(row[0] for row in found)
