"""What a dump does not carry, said at the backup; what must not be backed up so, refused there. Pure."""

from collections.abc import Iterator
from typing import Any

TIMEOUT_SINCE = 17
"""Since when pg_restore sets `transaction_timeout`, which an older server does not know."""


def refusals(about: "dict[str, Any]", client: int, tables: int) -> "list[str]":
    """Why a backup would not be one."""
    found = []
    if client < about["major"]:
        found.append(
            f"this job's client is PostgreSQL {client} and the source {about['major']}, which its pg_dump refuses: put "
            "a client of the source's version into the image"
        )
    if about["half_restored"]:
        found.append(
            f"a restore into database {about['database']} has not ended, so it is half filled: run `archive restore` "
            "to its end first (or DROP SCHEMA twinsite_restore CASCADE, if you know that it is whole)"
        )
    if about["encoding"] == "SQL_ASCII":
        found.append(
            f"database {about['database']} is SQL_ASCII, so nobody knows what its texts say and no other server would "
            "take them: bring it into a database of UTF8 first"
        )
    if not tables:
        found.append(f"database {about['database']} has no tables that this user sees: name the application's database")
    return found


def concerns(about: "dict[str, Any]", client: int) -> "Iterator[dict[str, str]]":
    """{"kind", "words"} of each thing that a restore leaves behind or changes."""
    if others := [one for one in about["roles"] if one != "pg_database_owner"]:
        yield _of(
            "roles",
            f"roles, what they own and what they may do are each server's own ({_named(others)}): everything restored "
            "belongs to who restores it, and GRANTs are given again there",
        )
    if about["definer_functions"]:
        yield _of(
            "definer",
            f"{about['definer_functions']} functions run as their owner (SECURITY DEFINER), who is another one after a "
            "restore: look at what they may do there",
        )
    if about["tablespaces"]:
        yield _of(
            "tablespaces", f"tablespaces {_named(about['tablespaces'])} are left out: all rests in the target's default"
        )
    if about["foreign_tables"]:
        yield _of(
            "foreign-tables",
            f"the rows of foreign tables {_named(about['foreign_tables'])} are elsewhere and not in this backup",
        )
    if about["materialized"]:
        yield _of(
            "materialized",
            f"materialized views {_named(about['materialized'])} are filled anew by a restore, from the tables as they "
            "are in the backup",
        )
    if about["publications"] or about["subscriptions"] or about["slots"]:
        yield _of(
            "flows",
            f"{about['publications']} publications, {about['subscriptions']} subscriptions and {about['slots']} "
            "replication slots are left out: set replication up again",
        )
    if about["database_settings"]:
        yield _of(
            "database-settings",
            f"what is set for the database itself is left out: {'; '.join(about['database_settings'])}",
        )
    if about["major"] < TIMEOUT_SINCE <= client:
        yield _of(
            "client",
            f"pg_dump is of {client} and the server of {about['major']}: what restores this must be a client of "
            f"{client} or later, and with it a server of {TIMEOUT_SINCE} or later; with a client of {about['major']} "
            "in the image a server of the same version would do",
        )


def _of(kind: str, words: str) -> "dict[str, str]":
    return {"kind": kind, "words": words}


def _named(names: "list[str]") -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
