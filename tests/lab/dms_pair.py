"""The same schema natively at the two MySQL servers of the machine image, for a task of the lab's DMS."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql

from lab.services.dms.mysql import MySqlSource, MySqlTarget
from lab.services.dms.task import Task
from operations import sql
from operations.dms.answers import Open
from tests.dms_pairs import SOURCE, TARGET, Pair
from tests.dms_world import Way, documents, published
from tests.mocks.test_dms_cdc_task import MYSQL

from .two_servers import Servers

SCHEMA = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, note MEDIUMTEXT, scan MEDIUMBLOB, "
    "more JSON, at TIMESTAMP NULL)",
    "CREATE TABLE shop.orders (id BIGINT UNSIGNED PRIMARY KEY, customer INT NOT NULL, cents DECIMAL(12, 2), day DATE, "
    "KEY by_customer (customer), CONSTRAINT whose FOREIGN KEY (customer) REFERENCES shop.customers (id))",
)  # fmt: skip
FILL = (
    "SET time_zone = '+09:00', cte_max_recursion_depth = 100000",
    "INSERT INTO shop.customers WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
    "SELECT i, CONCAT('ü', i), NULL, NULL, JSON_OBJECT('ä', i), '2026-01-01 12:00' FROM n",
    "UPDATE shop.customers SET note = REPEAT('x', 50000), scan = REPEAT('x', 60000) WHERE id = 7",
    "INSERT INTO shop.orders WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
    "SELECT i, i % 100 + 1, i / 7, '2026-03-01' FROM n",
)  # fmt: skip
LARGEST_KIB = 59


class MySqlPair(Pair):
    """A schema at each end."""

    engine = "mysql"
    cut_off = "32768|32768"

    def __init__(self, servers: Servers, folder: Path, rows: int) -> None:
        super().__init__("shop", folder, rows)
        self.servers = servers
        # DMS reads no checksums, and the server has them by default; it keeps its log for 30 days.
        servers.ask(SOURCE, "SET GLOBAL binlog_checksum = 'NONE'", *SCHEMA)
        servers.ask(TARGET, *SCHEMA)
        servers.ask(SOURCE, *(one.replace("{rows}", str(rows)) for one in FILL))
        self._short = tempfile.TemporaryDirectory(prefix="dms-")  # a socket's path has 107 bytes at most
        self._through = Path(self._short.name) / "source.sock"
        self.way = Way(self._through, Path(servers.place(SOURCE).address))

    def task(self, theirs: bool = False, seconds: float = 30.0, **change: Any) -> Task:
        given, _, target = published(MYSQL, **{"largest_lob_kib": LARGEST_KIB, **change})
        (init,) = [one.removeprefix("Initstmt=") for one in target["extraConnectionAttributes"].split(";")]
        ends = (
            MySqlSource({"unix_socket": str(self._through), "user": "root"}, seconds=seconds),
            MySqlTarget({"unix_socket": self.servers.place(TARGET).address, "user": "root"}, init),
        )
        return Task(self.name, self.folder, ends, documents(given) if theirs else given, tell_seconds=0.2)

    def ask(self, end: str, statement: str) -> str:
        rows = self.servers.ask(end, statement)
        return "|".join(str(value) for value in rows[0]) if rows else ""

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        place = self.servers.place(SOURCE).address
        with contextlib.closing(pymysql.connect(unix_socket=place, user="root")) as one, one.cursor() as cursor:
            yield cursor

    def content(self, end: str) -> Any:
        asked = ("SELECT * FROM shop.customers ORDER BY id", "SELECT * FROM shop.orders ORDER BY id")
        return list(self.servers.ask(end, *asked))

    def listed(self, end: str) -> list[str]:
        return [str(row) for row in self.content(end)]

    def made_natively(self) -> str:
        of = "TABLE_SCHEMA = 'shop'"
        return self.ask(
            TARGET,
            f"SELECT (SELECT COUNT(*) FROM information_schema.STATISTICS WHERE {of} AND INDEX_NAME = 'by_customer'), "
            "(SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'shop')",
        )

    def lobs(self) -> str:
        return self.ask(TARGET, "SELECT LENGTH(note), LENGTH(scan) FROM shop.customers WHERE id = 7")

    def opened(self) -> Open:
        return lambda end: sql.connect(self.servers.place(end), 60.0)

    def answered(self) -> tuple[Path, ...]:
        return ()

    def gone(self) -> None:
        self.stop()
        self.way.close()
        self._short.cleanup()
        self.servers.ask(SOURCE, "SET GLOBAL binlog_checksum = DEFAULT")
        for server in (SOURCE, TARGET):
            self.servers.clear(server)
