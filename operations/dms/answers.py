"""Both databases' answers: by SQL from here where they are MySQL and can be reached, from files where others asked."""

import contextlib
import json
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twinsite.rules import dms_source as my

from .. import sql
from ..stack import age_words
from ..steps import StepFailed
from . import questions
from .questions import SOURCE, TARGET
from .service import Described, Service

Row = Mapping[str, Any]
FRESH_SECONDS = 3600.0
"""An answer of before may be of another database by now."""
KEYS_AT_ONCE = 2000


@dataclass(frozen=True)
class Answers:
    """Rows by question, of each end. `alone`: table → rows that the target alone has, compared by key; None where
    nobody compared."""

    rows: Mapping[str, Mapping[str, Sequence[Row]]]
    alone: Mapping[str, int] | None = None

    def of(self, end: str, name: str) -> Sequence[Row]:
        """Of one question."""
        return self.rows[end].get(name, ())

    def of_tables(self, carries: Callable[[str], bool]) -> "Answers":
        """Without rows about tables of the same schemas that do not go."""
        return replace(
            self,
            rows={
                end: {name: _about(name, rows, carries) for name, rows in said.items()}
                for end, said in self.rows.items()
            },
        )

    def counted(self, end: str) -> dict[str, int]:
        """Table → rows."""
        return {f"{row['schema']}.{row['table']}": int(row["rows"]) for row in self.of(end, questions.ROWS)}

    @property
    def sizes(self) -> dict[str, int]:
        """Table with LOBs → bytes of its largest value, at the source."""
        return {f"{row['schema']}.{row['table']}": int(row["bytes"]) for row in self.of(SOURCE, questions.SIZES)}


def _about(name: str, rows: Sequence[Row], carries: Callable[[str], bool]) -> Sequence[Row]:
    if name == questions.UNCARRIED:
        return [row for row in rows if carries(str(row["name"]))]
    return [row for row in rows if "table" not in row or carries(f"{row['schema']}.{row['table']}")]


@dataclass(frozen=True)
class Unasked:
    """Why the databases were not asked."""

    words: str


Open = Callable[[str], sql.Session]
"""End → a session."""


def from_files(task: str, files: Sequence[pathlib.Path]) -> Answers | Unasked:
    """Unasked says which is missing, of another task, or old."""
    found: dict[str, Mapping[str, Sequence[Row]]] = {}
    for file in files:
        try:
            end, whose, at, rows = questions.read(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            return Unasked(f"{file}: {problem}")
        age = time.time() - at
        if whose != task or abs(age) > FRESH_SECONDS:
            why = f"of task {whose}" if whose != task else f"{age_words(abs(age))} old"
            return Unasked(f"{file} is {why}: ask the {end} again with `twinsite dms questions --end {end}`")
        found[end] = rows
    lacking = [end for end in (SOURCE, TARGET) if end not in found]
    if lacking:
        return Unasked(
            f"PostgreSQL at the {' and the '.join(lacking)} has not answered: `twinsite dms questions --end END | psql "
            "-At CONNECTION > END.json` from where it is reached, then --answers source.json --answers target.json"
        )
    return Answers(found)


def by_sql(opened: Open, schemas: Sequence[str], compare: bool) -> Answers | Unasked:
    """MySQL, asked from here. `compare` looks for rows that the target alone has, key by key."""
    with contextlib.ExitStack() as sessions:
        try:
            ends = {end: sessions.enter_context(contextlib.closing(opened(end))) for end in (SOURCE, TARGET)}
            rows = {end: _asked(ends[end], end, schemas) for end in ends}
            alone = dict(_alone(ends[SOURCE], ends[TARGET], schemas)) if compare else None
        except (sql.Gone, sql.Refused, StepFailed, ValueError) as problem:
            return Unasked(str(problem))
    return Answers(rows, alone)


def _asked(session: sql.Session, end: str, schemas: Sequence[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for name, statement, values in questions.asked(questions.MYSQL, end, schemas):
        found.setdefault(name, []).extend(session.ask(statement, *values))
    if end == SOURCE:
        columns = [row for schema in schemas for row in session.ask(my.MYSQL_LOBS, schema)]
        found[questions.SIZES] = [
            {**_named(table), "bytes": session.ask(asked)[0]["bytes"]}
            for table, asked in my.mysql_largest(columns).items()
        ]
        # RDS's own procedure; elsewhere there is none.
        with contextlib.suppress(sql.Refused):
            found[questions.RETENTION] = list(session.ask(my.MYSQL_RDS_RETENTION))
    found[questions.ROWS] = [
        {
            **row,
            "rows": _count(session, f"{_quoted(row['schema'])}.{_quoted(row['table'])}"),
        }
        for schema in schemas
        for row in session.ask(my.MYSQL_TABLES, schema)
    ]
    return found


def _named(table: str) -> Row:
    schema, _, name = table.partition(".")
    return {"schema": schema, "table": name}


def _count(session: sql.Session, place: str) -> int:
    return int(session.ask(f"SELECT COUNT(*) AS n FROM {place}")[0]["n"])


def _quoted(name: object) -> str:
    return "`" + str(name).replace("`", "``") + "`"


def _alone(source: sql.Session, target: sql.Session, schemas: Sequence[str]) -> Iterator[tuple[str, int]]:
    """(table, rows that the target alone has), each key of the target looked up at the source."""
    for schema in schemas:
        keys: dict[str, list[str]] = {}
        for row in target.ask(my.MYSQL_KEYS, schema):
            keys.setdefault(str(row["table"]), []).append(str(row["column"]))
        there = {str(row["table"]) for row in source.ask(my.MYSQL_TABLES, schema)}
        for row in target.ask(my.MYSQL_TABLES, schema):
            table = str(row["table"])
            place = f"{_quoted(schema)}.{_quoted(table)}"
            if table not in there or table not in keys:
                # Without a key no row is told from another: all of them count.
                yield f"{schema}.{table}", _count(target, place)
            else:
                yield f"{schema}.{table}", sum(_missing(source, target, place, keys[table]))


def _missing(source: sql.Session, target: sql.Session, place: str, key: Sequence[str]) -> Iterator[int]:
    names = ", ".join(_quoted(one) for one in key)
    one = f"({', '.join(['%s'] * len(key))})"
    last: tuple[Any, ...] = ()
    while True:
        after = f" WHERE ({names}) > {one}" if last else ""
        page = target.ask(f"SELECT {names} FROM {place}{after} ORDER BY {names} LIMIT {KEYS_AT_ONCE}", *last)
        if not page:
            return
        wanted = [tuple(row[name] for name in key) for row in page]
        last = wanted[-1]
        asked = f"SELECT COUNT(*) AS n FROM {place} WHERE ({names}) IN ({', '.join([one] * len(wanted))})"
        yield len(wanted) - int(source.ask(asked, *(value for each in wanted for value in each))[0]["n"])


def opener(service: Service, task: Described) -> Open:
    """Sessions with what DMS itself connects with: its endpoint, its secret, its authority."""

    def opened(end: str) -> sql.Session:
        where = [{"Name": "endpoint-arn", "Values": [task.ends[end]]}]
        (endpoint,) = service.ask("DescribeEndpoints", Filters=where)["Endpoints"]
        secret = (endpoint.get("MySQLSettings") or {}).get("SecretsManagerSecretId")
        if not secret:
            raise ValueError(f"the endpoint of the {end} names no secret: `pulumi up` with DmsCdcTask writes it")
        held = json.loads(str(service.ask("GetSecretValue", "secretsmanager", SecretId=secret)["SecretString"]))
        authority = ""
        if endpoint.get("CertificateArn"):
            by = [{"Name": "certificate-arn", "Values": [endpoint["CertificateArn"]]}]
            (one,) = service.ask("DescribeCertificates", Filters=by)["Certificates"]
            authority = str(one.get("CertificatePem") or "")
        place = sql.Place(
            "mysql", str(held["host"]), str(held["username"]), int(held["port"]), str(held["password"]), authority
        )
        return sql.connect(place)

    return opened
