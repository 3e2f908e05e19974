"""Is the target what the backup was? Counts and sums of every table, positions of sequences, and what both servers say
of their definitions."""

import pathlib
from typing import Any

from . import contents, facts, sums
from .config import Config
from .contents import Definitions
from .server import Server

SHOWN_CHARACTERS = 160


def compared(config: Config, chosen: "dict[str, Any]", folder: pathlib.Path, server: Server) -> "dict[str, Any]":
    """{"proved", "problems", "differences", "tables", "rows"}. A difference is a wording of another version's."""
    problems = [*_rows(config, chosen, server), *_positions(chosen, server)]
    there = facts.database(server)
    found, differences = definitions(
        contents.of_archive(folder, config.left_out_extensions),
        contents.of_server(server, config.left_out_extensions),
        same_words=there["major"] == chosen["source"]["major"],
    )
    problems += found
    return {
        "proved": not problems,
        "problems": problems,
        "differences": differences,
        "tables": len(chosen["tables"]),
        "rows": sum(table["rows"] for table in chosen["tables"]),
    }


def _rows(config: Config, chosen: "dict[str, Any]", server: Server) -> "list[str]":
    sizes = {(one["schema"], one["name"]): one for one in facts.tables(server)}
    wanted = {(one["schema"], one["name"]): one for one in chosen["tables"]}
    found = sums.of_tables(server, [sizes[key] for key in wanted if key in sizes], config.streams)
    problems = []
    for key, table in wanted.items():
        name, one = ".".join(key), found.get(key)
        if one is None:
            problems.append(f"table {name} is missing")
        elif one.rows != table["rows"]:
            problems.append(f"table {name} has {one.rows} rows, and the backup {table['rows']}")
        elif one.checksum != table["checksum"]:
            problems.append(f"table {name} has as many rows as the backup ({one.rows}), and other values in them")
    problems += [f"table {'.'.join(key)} is not in the backup" for key in sizes if key not in wanted]
    objects, promised = sums.of_large_objects(server), chosen["large_objects"]
    if objects.rows != promised["count"]:
        problems.append(f"{objects.rows} large objects are there, and the backup has {promised['count']}")
    elif objects.checksum != promised["checksum"]:
        problems.append(f"the {objects.rows} large objects have other contents than in the backup")
    return problems


def _positions(chosen: "dict[str, Any]", server: Server) -> "list[str]":
    problems = []
    for one in chosen["sequences"]:
        asked = f"SELECT last_value AS last, is_called AS called FROM {one['sequence']}"
        said = server.rows(f"SELECT * FROM ({asked}) s") if _is_there(server, one["sequence"]) else []
        if not said:
            problems.append(f"sequence {one['sequence']} is missing")
        elif (said[0]["last"], said[0]["called"]) != (one["last"], one["called"]):
            problems.append(
                f"sequence {one['sequence']} stands at {said[0]['last']} (called: {said[0]['called']}), and in the "
                f"backup at {one['last']} (called: {one['called']})"
            )
    return problems


def _is_there(server: Server, name: str) -> bool:
    return bool(server.row(f"SELECT to_regclass($name${name}$name$) IS NOT NULL AS there")["there"])


def definitions(wanted: Definitions, there: Definitions, same_words: bool) -> "tuple[list[str], list[str]]":
    """(problems, differences). Two servers of one version word a definition alike; between two versions what is there
    under the same name is to be looked at, and what is not there is a problem. Pure."""
    lacking, odd = wanted - there, there - wanted
    names = {key[:3]: key[3] for key in odd}
    problems: list[str] = []
    differences: list[str] = []
    for kind, schema, name, text in sorted(lacking):
        label = f"{kind.lower()} {schema}.{name}"
        other = names.pop((kind, schema, name), None)
        if other is None:
            problems.append(f"{label} is missing")
            continue
        words = f"{label} is defined otherwise than in the backup: {_cut(other, text)}"
        (problems if same_words else differences).append(words)
    for kind, schema, name in sorted(names):
        # A server may have extensions and schemas of its own in every database.
        beside = differences if kind in ("EXTENSION", "SCHEMA") else problems
        beside.append(f"{kind.lower()} {schema}.{name} is not in the backup")
    return problems, differences


def _cut(there: str, wanted: str) -> str:
    """The first line that differs."""
    mine, theirs = there.splitlines(), wanted.splitlines()
    odd = next((line for line in mine if line not in theirs), there)
    lacks = next((line for line in theirs if line not in mine), wanted)
    return f"{odd.strip()[:SHOWN_CHARACTERS]!r} in place of {lacks.strip()[:SHOWN_CHARACTERS]!r}"
