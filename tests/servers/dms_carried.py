"""A database at each of two PostgreSQL servers, the job's gates at both, and a task of the lab's DMS for each way."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from lab.services.dms.postgres import PostgresSource, PostgresTarget
from lab.services.dms.task import FRESH, RESUME, Task
from tests.dms_trials import PATIENCE
from tests.dms_world import published
from tests.mocks.test_dms_cdc_task import POSTGRES

from .postgres import Flow, Postgres, eventually
from .test_dms_natively import TABLES
from .test_logical_moves import GRANTS
from .test_logical_servers import SCHEMA

NUMBERS = count(1)
REPLICATES = "GRANT USAGE ON SCHEMA public TO repl; GRANT SELECT ON ALL TABLES IN SCHEMA public TO repl;"


class Carried(Flow):
    """With tasks of the lab's DMS, told what the component publishes."""

    through: str = "job"
    """Who looks at both ends, so that a task tells its target how it is."""

    def begun(self) -> "Carried":
        self.tasks: dict[str, Task] = {}
        return self

    def task(self, to: str = "target") -> Task:
        """The one that brings rows there, always the same."""
        if to not in self.tasks:
            given, source, target = published(POSTGRES, largest_lob_kib=1, tables=TABLES, through=self.through)
            ends = (self.source, self.target) if to == "target" else (self.target, self.source)
            one, other = (f"host={end.folder} port={end.port} user=postgres dbname={self.name}" for end in ends)
            beats, init = (
                source["postgresSettings"]["heartbeatEnable"],
                target["postgresSettings"]["afterConnectScript"],
            )
            both = (PostgresSource(one, f"dms_{to}_{self.name}", beats, 30.0), PostgresTarget(other, init))
            self.tasks[to] = Task(f"{self.name}-{to}", self.folder, both, given, True, 0.2)
        return self.tasks[to]

    def current(self) -> bool:
        """Whether a heartbeat of the end that writes comes in time."""
        lag = self.guest("look")[0]["lag"]
        return lag is not None and lag["seconds"] is not None and lag["seconds"] < 3

    def revived(self) -> Task:
        """Its instance is back, and starts it as DMS does."""
        del self.tasks["target"]
        task = self.task()
        task.start(RESUME)
        return task

    def over(self) -> None:
        """Tasks stand, and no slot is left."""
        for task in self.tasks.values():
            if task.status == "running":
                task.stop()
        for end in (self.source, self.target):
            if not (end.data / "postmaster.pid").exists():
                end.start()
            mine = f"WHERE database = '{self.name}'"
            end.sql(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots {mine}")


def fresh(servers: tuple[Postgres, Postgres], folder: Path) -> Carried:
    """Rows at both ends, a task that runs and is current."""
    name = f"dmsmove{next(NUMBERS)}"
    for one in servers:
        one.sql(f"CREATE DATABASE {name}")
    one = Carried(name, *servers, folder, {"carrier": "dms"}).begun()
    one.here(SCHEMA + GRANTS + REPLICATES)
    one.must("set-up")
    one.there(GRANTS + REPLICATES)
    one.task().start(FRESH)
    eventually(one.current, PATIENCE, "the load, and a heartbeat")
    return one


@pytest.fixture
def carried(servers: tuple[Postgres, Postgres], tmp_path: Path) -> Iterator[Carried]:
    one = fresh(servers, tmp_path)
    yield one
    one.over()
