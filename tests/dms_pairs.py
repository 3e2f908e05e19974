"""Two databases with a task of the lab's DMS between them, of either engine: what a trial or a benchmark does to them.

Here: what both engines share. Not here: servers and schemas (tests/servers/dms_pair.py, tests/lab/dms_pair.py).
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.services.dms.api import Api
from lab.services.dms.task import FRESH, Task
from operations.console import console
from operations.dms import command, drill
from operations.dms.answers import Open
from operations.dms.plan import Request
from operations.dms.words import Verb, Word
from operations.stack import Stack
from operations.store import DirectoryStore
from tests.aws_gcp_world import INVENTORY
from tests.dms_world import Asked, Way
from twinsite.inventory import DMS, Flow

SOURCE, TARGET = "source", "target"
ROWS, TRANSACTIONS, WRITERS = 20_000, 4_000, 4
ONE_ROW = "SELECT COUNT(*) FROM shop.orders WHERE id = 999"


class Pair(ABC):
    """The same schema natively at both ends, rows at the source: shop.customers, of which one has long values, and
    shop.orders, which has an index and a foreign key."""

    engine: str
    cut_off: str
    """Lengths of the long values at the target when the document's settings have carried them."""
    native = "1|1"
    """Secondary indexes and foreign keys of shop.orders."""
    way: Way

    def __init__(self, name: str, folder: Path, rows: int) -> None:
        self.name, self.folder, self.rows, self._written = name, folder, rows, 0
        self.started: list[Task] = []

    @abstractmethod
    def task(self, theirs: bool = False, seconds: float = 30.0, **change: Any) -> Task:
        """Told what the component publishes; `theirs`: with the settings of the document."""

    @abstractmethod
    def ask(self, end: str, statement: str) -> str:
        """One answer, columns by |."""

    @abstractmethod
    def session(self) -> AbstractContextManager[Any]:
        """A cursor at the source; what it is given is a transaction until its connection's commit."""

    @abstractmethod
    def content(self, end: str) -> Any:
        """All rows, to be compared."""

    @abstractmethod
    def listed(self, end: str) -> list[str]:
        """Each row as a text, with its table."""

    @abstractmethod
    def gone(self) -> None:
        """Nothing of it is left at the servers."""

    @abstractmethod
    def made_natively(self) -> str:
        """What the target has of `native`."""

    @abstractmethod
    def lobs(self) -> str:
        """Lengths of the long values at the target."""

    @abstractmethod
    def opened(self) -> Open:
        """Sessions for `twinsite dms`; ValueError where there are none for this engine."""

    @abstractmethod
    def answered(self) -> tuple[Path, ...]:
        """Both ends' answers to `twinsite dms questions`; none where they are asked directly."""

    def start(self, task: Task, how: str = FRESH) -> Task:
        """It is stopped at the end."""
        task.start(how)
        self.started.append(task)
        return task

    def stop(self) -> None:
        """Whatever still runs."""
        for task in self.started:
            if task.status == "running":
                task.stop()

    def equal(self) -> bool:
        """Whether both ends hold the same rows."""
        return bool(self.content(SOURCE) == self.content(TARGET))

    def same(self) -> bool:
        """Whether what was written last has arrived, and all is equal; the first is asked quickly."""
        asked = "SELECT MAX(id) FROM shop.orders"
        return self.ask(SOURCE, asked) == self.ask(TARGET, asked) and self.equal()

    def write(self, transactions: int) -> None:
        """By several sessions: inserts, changes and deletes, several rows each, one in ten rolled back."""
        first, self._written = self.rows + 1 + self._written, self._written + transactions

        def writes(worker: int) -> None:
            with self.session() as ask:
                for number in range(transactions // WRITERS):
                    new = first + worker + number * WRITERS
                    ask.execute(
                        "INSERT INTO shop.orders (id, customer, cents) VALUES (%s, %s, 1)", [new, new % 100 + 1]
                    )
                    ask.execute("UPDATE shop.orders SET cents = cents + 1 WHERE id = %s", [new // 2])
                    if number % 10 == 5:
                        ask.connection.rollback()
                        continue
                    ask.execute("DELETE FROM shop.orders WHERE id = %s", [new - self.rows])
                    ask.execute("UPDATE shop.customers SET name = %s WHERE id = %s", [f"ö{new}", new % 100 + 1])
                    ask.connection.commit()

        with ThreadPoolExecutor(WRITERS) as sessions:
            list(sessions.map(writes, range(WRITERS)))

    def drill(self, api: Api) -> dict[str, Any]:
        """`twinsite drill dms`; its JSON."""
        flow, stack, world = self.desk(api)
        return drill.run(stack, flow, world, console())

    def desk(self, api: Api) -> tuple[Flow, Stack, command.World]:
        """What operations' commands are given."""
        flow = Flow(
            name=self.name, engine=self.engine, kind=DMS, source="source", target="target", region="ap-northeast-2",
            tolerated_outage_hours=24.0, lag_alarm_seconds=60.0,
        )  # fmt: skip
        stack = Stack("dev", replace(INVENTORY, flows=(flow,), store=""), self.folder)
        world = command.World(
            lambda region: Asked(api),
            None,  # type: ignore[arg-type]
            DirectoryStore(self.folder / "store"),
            lambda service, task: self.opened(),
            0.05,
        )
        return flow, stack, world

    def dms(
        self, api: Api, verb: Verb, *words: Word, tables: tuple[str, ...] = (), answers: bool = True
    ) -> dict[str, Any]:
        """`twinsite dms VERB` against this task; its JSON."""
        flow, stack, world = self.desk(api)
        files = self.answered() if answers else ()
        request = Request(verb, flow, tables, frozenset(words))
        return command.run(stack, request, world, console(), files)


def validated(task: Task) -> bool:
    """Whether DMS has compared every table and found nothing."""
    return {row["ValidationState"] for row in task.statistics.rows()} == {"Validated"}


def differing(task: Task) -> tuple[str, int]:
    """What validation says of shop.orders."""
    (row,) = [one for one in task.statistics.rows() if one["TableName"] == "orders"]
    return str(row["ValidationState"]), int(row["ValidationFailedRecords"])


@contextlib.contextmanager
def closing(pair: Pair) -> Iterator[Pair]:
    """Stopped at the end, whatever happens."""
    try:
        yield pair
    finally:
        pair.stop()


def filed(folder: Path, end: str, said: str) -> Path:
    """An answer of `psql -At`, as a file."""
    path = folder / f"{end}.json"
    path.write_text(said)
    return path
