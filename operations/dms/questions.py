"""What both databases are asked before a task starts or loads again, by name; the statements are the rules'.

MySQL is asked from here. PostgreSQL is asked by whoever reaches it with `psql`: one statement for each end, whose
answer is a file of JSON. Pure.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.rules import dms_postgres as pg
from twinsite.rules import dms_source as my

SOURCE, TARGET = "source", "target"
VARIABLES, GRANTS, RETENTION, FOLLOWS, SLOTS, RECOVERY, ACCOUNT = (
    "variables", "grants", "retention", "follows", "slots", "recovery", "account",
)  # fmt: skip
UNREADABLE, KEYLESS, UNCARRIED, SIZES, ROWS, WRITERS, SEQUENCES = (
    "unreadable", "keyless", "uncarried", "sizes", "rows", "writers", "sequences",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One statement to one end. `times`: how often it takes the schema; 0 is asked once."""

    name: str
    statement: str
    ends: tuple[str, ...]
    times: int = 0


def left(what: str) -> str:
    """Name of the question for what DMS leaves behind."""
    return f"left:{what}"


MYSQL = (
    Question(VARIABLES, my.MYSQL_VARIABLES, (SOURCE,)),
    Question(GRANTS, my.MYSQL_GRANTS, (SOURCE,)),
    Question(FOLLOWS, my.MYSQL_FOLLOWS, (SOURCE,)),
    Question(KEYLESS, my.MYSQL_KEYLESS, (SOURCE,), 1),
    Question(WRITERS, my.WRITERS, (TARGET,), 1),
    *(Question(left(one.what), one.mysql, (SOURCE, TARGET), 1) for one in my.LEFT if one.mysql),
)
"""Sizes and rows are asked by table, retention on RDS alone: answers.py."""
POSTGRES = (
    Question(VARIABLES, pg.SETTINGS, (SOURCE,)),
    Question(SLOTS, pg.SLOTS, (SOURCE,)),
    Question(RECOVERY, pg.RECOVERY, (SOURCE,)),
    Question(ACCOUNT, pg.ACCOUNT, (SOURCE,)),
    Question(UNREADABLE, pg.UNREADABLE, (SOURCE,), 1),
    Question(KEYLESS, pg.KEYLESS, (SOURCE,), 1),
    Question(UNCARRIED, pg.UNCARRIED, (SOURCE,), 2),
    Question(SIZES, pg.SIZES, (SOURCE,), 1),
    Question(ROWS, pg.ROWS, (SOURCE, TARGET), 1),
    Question(WRITERS, pg.WRITERS, (TARGET,), 1),
    Question(SEQUENCES, pg.SEQUENCES, (SOURCE, TARGET), 1),
    *(Question(left(one.what), one.postgres, (SOURCE, TARGET), 1) for one in my.LEFT if one.postgres),
)


BY_TABLE = (SIZES, ROWS)
"""Answered by statements that psql is given by the first one."""
LAST = {"whole": True}

Asked = tuple[str, str, tuple[str, ...]]
"""Name, statement, its values."""


def asked(questions: Sequence[Question], end: str, schemas: Sequence[str]) -> Iterator[Asked]:
    """All that this end is asked."""
    for one in questions:
        if end in one.ends:
            for schema in schemas if one.times else [""]:
                yield one.name, one.statement, (schema,) * one.times


def text(end: str, task: str, schemas: Sequence[str]) -> str:
    """A script for `psql -At`, which changes nothing; it answers with objects of JSON."""
    parts: dict[str, list[str]] = {}
    by_table = []
    for name, statement, values in asked(POSTGRES, end, schemas):
        quoted = tuple("'" + value.replace("'", "''") + "'" for value in values)
        filled = statement % quoted if values else statement
        if name in BY_TABLE:
            by_table.append(f"{filled}\n\\gexec\n")
        else:
            parts.setdefault(name, []).append(filled)
    said = ",\n".join(f"'{name}', ({_together(each)})" for name, each in parts.items())
    about = f"'task', '{task}', 'end', '{end}', 'at', extract(epoch FROM now())"
    first = f"SELECT json_build_object({about}, 'answers', json_build_object(\n{said}\n));\n"
    return "".join([first, *by_table, f"SELECT '{json.dumps(LAST)}';\n"])


def _together(statements: Sequence[str]) -> str:
    every = " UNION ALL ".join(f"SELECT row_to_json(x) AS j FROM ({one}) x" for one in statements)
    return f"SELECT coalesce(json_agg(j), '[]') FROM ({every}) y"


def read(said: str) -> tuple[str, str, float, Mapping[str, list[Mapping[str, object]]]]:
    """(end, task, when, rows by question) of such answers. ValueError when they are none, or not whole."""
    found = list(_objects(said))
    try:
        first = found[0]
        end, task, at, rows = str(first["end"]), str(first["task"]), float(first["at"]), dict(first["answers"])
    except (IndexError, KeyError, TypeError, ValueError):
        words = "it is no answer to `twinsite dms questions`: pass its output through `psql -At`"
        raise ValueError(words) from None
    rows |= {name: [one for one in found[1:] if one.get("question") == name] for name in BY_TABLE}
    lacking = {name for name, _, _ in asked(POSTGRES, end, ["x"])} - set(rows)
    if end not in (SOURCE, TARGET) or lacking or found[-1] != LAST:
        why = ", ".join(sorted(lacking)) or "its end"
        raise ValueError(f"it lacks {why}: ask anew with `twinsite dms questions`")
    return end, task, at, rows


def _objects(said: str) -> Iterator[Any]:
    left = said.strip()
    while left:
        try:
            one, at = json.JSONDecoder().raw_decode(left)
        except ValueError:
            return
        yield one
        left = left[at:].lstrip()
