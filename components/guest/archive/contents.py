"""What an archive of pg_dump says of itself, by `pg_restore`: its table of contents, definitions, sequences' positions.

The texts are a server's own words as pg_dump writes them down (`pg_get_viewdef` and its like), so the same program
asked of another server gives what that one says.
"""

import pathlib
import re
import tempfile
from collections import Counter
from typing import Any

from ..logical.config import GATE
from .config import OURS
from .server import Server, text_of

CARRIED = ["--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions", "--no-tablespaces"]
"""What roles own and may, and which flows there are, is each server's own."""
_LINE = re.compile(r"(?P<entry>\d+); (?P<catalog>\d+) (?P<oid>\d+) (?P<words>.*)")
_ENTRY = re.compile(r"^--\n-- (Name: .*?; Type: .*?; Schema: .*?; Owner: .*)\n--\n", re.MULTILINE)
_HEADER = re.compile(r"Name: (?P<name>.*); Type: (?P<type>.*?); Schema: (?P<schema>.*); Owner: ")
_SESSION = re.compile(r"^SET default_(?:tablespace|table_access_method) = .*;\n", re.MULTILINE)
_END = re.compile(r"\n*^--\n-- PostgreSQL database dump complete\n--\n.*", re.MULTILINE | re.DOTALL)
_POSITION = re.compile(r"^SELECT pg_catalog\.setval\((E?)'((?:[^']|'')*)', (-?\d+), (true|false)\);$", re.MULTILINE)

Definitions = Counter["tuple[str, str, str, str]"]
"""(type, schema, name, text)"""


def lines(folder: pathlib.Path) -> "list[str]":
    """The table of contents, as `--use-list` takes it."""
    return [line for line in text_of(["pg_restore", "--list", str(folder)]).splitlines() if _LINE.match(line)]


def data_files(folder: pathlib.Path) -> "dict[int, str]":
    """Object id of each table with rows in the archive → the name of its file."""
    found = {}
    present = {path.name.partition(".")[0]: path.name for path in folder.iterdir()}
    for line in lines(folder):
        entry = _LINE.match(line)
        if entry and entry["words"].startswith("TABLE DATA ") and entry["entry"] in present:
            found[int(entry["oid"])] = present[entry["entry"]]
    return found


def wanted(listed: "list[str]", left_out: "tuple[str, ...]") -> "list[str]":
    """Lines of what is restored: no comments on extensions and on schema public, which only their owner may write, and
    no extension that is left out, and no gate, which is of the server that it was at."""
    without = ["COMMENT - SCHEMA public ", *(f"EXTENSION - {name} " for name in left_out)]
    kept = []
    for line in listed:
        entry = _LINE.match(line)
        words = f"{entry['words']} " if entry else ""
        gate = words.startswith("TRIGGER ") and f" {GATE} " in words
        if not gate and not words.startswith(("COMMENT - EXTENSION ", *without)):
            kept.append(line)
    return kept


def positions(folder: pathlib.Path) -> "list[dict[str, Any]]":
    """Where each sequence stands in the archive: {"sequence" (quoted as SQL has it), "last", "called"}."""
    listed = [line for line in lines(folder) if " SEQUENCE SET " in line]
    with tempfile.NamedTemporaryFile("w", prefix="twinsite-list-", suffix=".txt") as file:
        file.write("".join(f"{line}\n" for line in listed))
        file.flush()
        text = text_of(["pg_restore", "--data-only", f"--use-list={file.name}", "--file=-", str(folder)])
    found = []
    for escaped, name, last, called in _POSITION.findall(text):
        name = name.replace("''", "'")
        found.append(
            {
                "sequence": name.replace("\\\\", "\\") if escaped else name,
                "last": int(last),
                "called": called == "true",
            }
        )
    return found


def definitions(text: str, left_out: "tuple[str, ...]" = ()) -> Definitions:
    """Every definition in a text of pg_dump's, counted. Without what a restore leaves out, the schema that every
    database begins with, and the order to fill a materialized view, which only a dump with data has."""
    pieces = _ENTRY.split(_END.sub("", text))
    found: Definitions = Counter()
    for header, body in zip(pieces[1::2], pieces[2::2], strict=True):
        entry = _HEADER.match(header)
        assert entry, header
        kind, schema, name = entry["type"], entry["schema"], entry["name"]
        about = {"COMMENT": ("SCHEMA public",), "SCHEMA": ("public",), "EXTENSION": left_out}.get(kind, ())
        of_extension = kind == "COMMENT" and name.startswith("EXTENSION ")
        gate = kind == "TRIGGER" and name.endswith(f" {GATE}")
        if kind != "MATERIALIZED VIEW DATA" and name not in about and not of_extension and not gate:
            found[kind, schema, name, _SESSION.sub("", body).strip()] += 1
    return found


def of_archive(folder: pathlib.Path, left_out: "tuple[str, ...]") -> Definitions:
    """What the source's server said."""
    return definitions(text_of(["pg_restore", "--schema-only", *CARRIED, "--file=-", str(folder)]), left_out)


def of_server(server: Server, left_out: "tuple[str, ...]") -> Definitions:
    """What a server says now."""
    without = [f"--exclude-schema={one}" for one in OURS]
    return definitions(server.tool(["pg_dump", "--schema-only", *CARRIED, *without], 3600), left_out)
