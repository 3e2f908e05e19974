"""Whether the rows of both ends are the same, table by table, while all goes on.

A table is judged only when the writer's did not change from before a heartbeat went until after the follower's was
read: the follower has everything then. One that is written all the while is said to be, and not judged.
"""

import time
from typing import Any

from ..errors import Failed
from . import facts
from .config import Config
from .facts import Table
from .look import BEAT_SECONDS, has_beat, write_beat
from .psql import Server
from .reseed import as_it_writes
from .rows import row_sum
from .set_up import servers

TRIES = 3


def compare(config: Config, say: facts.Say) -> "dict[str, Any]":
    """{"rows", "equal", "divergent", "moving"}: rows that are equal, and the names of tables."""
    config = as_it_writes(config)
    source, target = servers(config)
    found: dict[str, list[str]] = {"equal": [], "divergent": [], "moving": []}
    rows = 0
    for table in facts.tables(source, config):
        if table.partitioned:
            continue  # its partitions have the rows
        verdict, seen = _judged(config, source, target, table)
        found[verdict].append(table.words)
        rows += seen if verdict == "equal" else 0
        say(f"{table.words}: {verdict}, {seen} rows")
    problems = [f"{name} differs between {source.which} and {target.which}" for name in found["divergent"]]
    return {"outcome": "done", "flow": config.name, "rows": rows, **found, "problems": problems}


def _judged(config: Config, source: Server, target: Server, table: Table) -> "tuple[str, int]":
    for _ in range(TRIES):
        before = row_sum(source, table)
        _beat_arrives(config, source, target)
        there = row_sum(target, table)
        if row_sum(source, table) == before:
            return ("equal" if there == before else "divergent"), before[0]
    return "moving", before[0]


def _beat_arrives(config: Config, source: Server, target: Server) -> None:
    (beat, _), began = write_beat(config, source), time.monotonic()
    while not has_beat(config, target, beat):
        if time.monotonic() - began > BEAT_SECONDS:
            raise Failed(f"a heartbeat of the {source.which} did not come to the {target.which}: `look` says why")
        time.sleep(0.05)
