"""A database at each of two PostgreSQL servers, the same schema natively at both, for a task of the lab's DMS."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from lab.services.dms.postgres import PostgresSource, PostgresTarget
from lab.services.dms.task import Task
from operations.dms import questions
from operations.dms.answers import Open
from tests.dms_pairs import SOURCE, TARGET, Pair, filed
from tests.dms_world import Way, documents, published
from tests.mocks.test_dms_cdc_task import POSTGRES

from .postgres import Postgres

SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, note text, scan bytea, at timestamptz);
CREATE TABLE shop.orders (
    id bigint PRIMARY KEY, customer int NOT NULL REFERENCES shop.customers, cents numeric(12, 2), tags text[]
);
CREATE INDEX by_customer ON shop.orders (customer);
"""
FILL = """
INSERT INTO shop.customers SELECT i, 'ü' || i, NULL, NULL, '2026-01-01 12:00+09' FROM generate_series(1, 100) i;
UPDATE shop.customers SET note = repeat('x', 50000), scan = decode(repeat('78', 60000), 'hex') WHERE id = 7;
INSERT INTO shop.orders SELECT i, i % 100 + 1, i / 7.0, ARRAY['a,b', NULL] FROM generate_series(1, {rows}) i;
"""
LARGEST_KIB = 98
"""50000 characters, two bytes each."""


class PostgresPair(Pair):
    """A database at each end."""

    engine = "postgres"
    cut_off = "16384|32768"

    def __init__(self, source: Postgres, target: Postgres, name: str, folder: Path, rows: int) -> None:
        super().__init__(name, folder, rows)
        self.source, self.target = source, target
        for one in (source, target):
            one.sql(f"CREATE DATABASE {name}")
            one.sql(SCHEMA, name)
        source.sql(FILL.replace("{rows}", str(rows)), name)
        place = source.folder / name
        place.mkdir()
        self.way = Way(place / f".s.PGSQL.{source.port}", source.folder / f".s.PGSQL.{source.port}")
        self._through = place

    def info(self, one: Postgres, folder: Path | None = None) -> str:
        """A connection's words."""
        return f"host={folder or one.folder} port={one.port} user=postgres dbname={self.name}"

    def task(self, theirs: bool = False, seconds: float = 30.0, **change: Any) -> Task:
        given, source, target = published(POSTGRES, **{"largest_lob_kib": LARGEST_KIB, **change})
        own = source["postgresSettings"]
        ends = (
            PostgresSource(self.info(self.source, self._through), f"dms_{self.name}", own["heartbeatEnable"], seconds),
            PostgresTarget(self.info(self.target), target["postgresSettings"]["afterConnectScript"]),
        )
        fails = own["failTasksOnLobTruncation"] and not theirs
        return Task(self.name, self.folder, ends, documents(given) if theirs else given, fails, 0.2)

    def _at(self, end: str) -> Postgres:
        return self.source if end == SOURCE else self.target

    def ask(self, end: str, statement: str) -> str:
        return self._at(end).sql(statement, self.name)

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        with psycopg.connect(self.info(self.source)) as one, one.cursor() as cursor:
            yield cursor

    def content(self, end: str) -> Any:
        return self.ask(
            end,
            """SELECT md5(string_agg(t, ',' ORDER BY t)) FROM (
            SELECT c::text AS t FROM shop.customers c UNION ALL SELECT o::text FROM shop.orders o) x""",
        )

    def listed(self, end: str) -> list[str]:
        asked = (
            "SELECT 'c' || md5(c::text) || c.id FROM shop.customers c UNION ALL "
            "SELECT 'o' || md5(o::text) || o.id FROM shop.orders o"
        )
        return self.ask(end, asked).splitlines()

    def made_natively(self) -> str:
        return self.ask(
            TARGET,
            "SELECT (SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop' AND indexname = 'by_customer'), "
            "(SELECT count(*) FROM pg_constraint WHERE contype = 'f')",
        )

    def lobs(self) -> str:
        return self.ask(TARGET, "SELECT length(note), length(scan) FROM shop.customers WHERE id = 7")

    def opened(self) -> Open:
        raise ValueError("this twinsite speaks to mysql")

    def answered(self) -> tuple[Path, ...]:
        return tuple(
            filed(self.folder, end, self.ask(end, questions.text(end, self.name, ["shop"]))) for end in (SOURCE, TARGET)
        )

    def gone(self) -> None:
        self.stop()
        self.way.close()
        self.source.sql(
            f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'dms_{self.name}'"
        )
        for one in (self.source, self.target):
            one.sql(f"DROP DATABASE {self.name} WITH (FORCE)")
