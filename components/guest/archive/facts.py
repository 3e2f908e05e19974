"""What a server says of a database: read once, judged elsewhere."""

import pathlib
from typing import Any

from .server import Server

FOLDER = pathlib.Path(__file__).parent
MEANING = (
    "array_nulls",
    "datestyle",
    "default_text_search_config",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "intervalstyle",
    "search_path",
    "standard_conforming_strings",
    "timezone",
    "transform_null_equals",
    "xmloption",
)
"""Settings with which one statement means another thing: what the source's sessions begin with, the target's must."""


def sql(file: str) -> str:
    """A SELECT from a file beside this."""
    return (FOLDER / file).read_text(encoding="utf-8")


def database(server: Server) -> "dict[str, Any]":
    """Of source.sql, with "settings"."""
    return {**server.row(sql("source.sql")), "settings": server.begins_with(MEANING)}


def target(server: Server) -> "dict[str, Any]":
    """Of source.sql and target.sql, with "settings" and "objects": what somebody has made there."""
    return {**database(server), **server.row(sql("target.sql")), "objects": server.rows(sql("objects.sql"))}


def tables(server: Server) -> "list[dict[str, Any]]":
    """Of tables.sql."""
    return server.rows(sql("tables.sql"))
