"""The table of benchmarks. A new one: a module with `run(context)`, and a line here."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from .figure import Figure

if TYPE_CHECKING:
    from .context import Context


class Needs(str, Enum):
    """What a benchmark runs on; also the order in which they run, so that the lab comes up once."""

    LAB_DOWN = "the lab down"
    PYTHON = "Python alone"
    SERVERS = "the PostgreSQL servers of the tests"
    NAMESPACES = "root and the machine image, beside any lab"
    ENGINE = "the Pulumi CLI"
    LAB = "the lab with real machines"
    LAB_DR = "the lab with topology aws-azure"

    @property
    def owned(self) -> str | None:
        """What a run owns of this machine meanwhile, by the lab's names of such things; None: nothing of the lab."""
        if self is Needs.NAMESPACES:
            return "bench"
        return None if self in (Needs.PYTHON, Needs.SERVERS, Needs.ENGINE) else ""


@dataclass(frozen=True)
class Benchmark:
    """One row of the table."""

    name: str
    about: str
    needs: Needs
    minutes: str
    """How long it takes on two cores; `--long` where that differs."""
    place: str = ""
    """`module:function`; empty: `run` of the module of the same name."""
    long_needs: Needs | None = None
    """What `--long` runs on, where that differs."""

    @property
    def words(self) -> str:
        """What it is, for a person who chooses."""
        also = f"; --long: {self.long_needs.value}" if self.long_needs else ""
        return f"{self.name:10} {self.about} ({self.minutes} min; needs {self.needs.value}{also})"

    @property
    def measure(self) -> "Callable[[Context], Iterator[Figure]]":
        """The function that measures; figures come as they are ready."""
        module, _, function = (self.place or f"{self.name}:run").partition(":")
        found: Callable[[Context], Iterator[Figure]] = getattr(
            importlib.import_module(f"benchmarks.{module}"), function
        )
        return found


ALL = (
    Benchmark("tour", "./scripts/try, second run; --long: a first one, too", Needs.LAB_DOWN, "3, --long 15"),
    Benchmark("preview", "stack dev: preview and no-change up beside a flat program", Needs.ENGINE, "4", "preview:dev"),
    Benchmark("preview-dr", "the same of stack dr", Needs.ENGINE, "5", "preview:dr"),
    Benchmark(
        "preview-gcp", "the same of stack gcp, and what Cloudflare's SDK costs", Needs.ENGINE, "6", "preview:gcp"
    ),
    Benchmark("preview-dms", "the same of stack gcp with rows by DMS", Needs.ENGINE, "5", "preview:dms"),
    Benchmark("growth", "preview of 1, 10 and 100 tunnel and replica pairs", Needs.ENGINE, "5"),
    Benchmark("review", "./scripts/review of a branch: with nothing kept, and again", Needs.ENGINE, "3"),
    Benchmark(
        "two-writers",
        "who may write: seeded schedules, and with each rule taken away",
        Needs.PYTHON,
        "1, --long 20",
        "two_writers:run",
        long_needs=Needs.SERVERS,
    ),
    Benchmark("restore", "backup and restore beside mysqldump, gzip, sed, mysql", Needs.LAB_DOWN, "5, --long 25"),
    Benchmark("dms", "a DMS task of the lab's between two MySQL and two PostgreSQL servers", Needs.SERVERS, "10"),
    Benchmark("kills", "a cold restore killed at each of its steps and rebooted", Needs.LAB_DOWN, "10"),
    Benchmark("switch", "writers moved between two servers under load, there and back", Needs.SERVERS, "2, --long 5"),
    Benchmark("tunnels", "AWS to Google: tunnels cut silently, and told wrongly", Needs.NAMESPACES, "14"),
    Benchmark(
        "all-cut",
        "AWS to Google: all tunnels cut, replication over them",
        Needs.NAMESPACES,
        "5, --long 21",
        "all_cut:run",
    ),
    Benchmark("terminate", "a clean end of the tunnel", Needs.LAB, "5", "recovery:terminate"),
    Benchmark("link-down", "link cuts of 30 s: tunnel, replication, rows", Needs.LAB, "12", "recovery:link_down"),
    Benchmark("one-way", "the same, one direction at a time", Needs.LAB, "20", "recovery:one_way"),
    Benchmark("gateway-crash", "crash of either gateway", Needs.LAB, "20", "recovery:gateway_crash"),
    Benchmark("gateway-reboot", "reboot of either gateway", Needs.LAB, "20", "recovery:gateway_reboot"),
    Benchmark("loss", "5 % packet loss without a re-establishment", Needs.LAB, "2, --long 11"),
    Benchmark(
        "cold-warm",
        "cold → warm with over 1 GB, beside the document's recipe",
        Needs.LAB_DR,
        "15, --long 35",
        "cold_warm:run",
    ),
    Benchmark(
        "breakages",
        "silent breakages of each host, named by status and mended as it says; no false alarm under load",
        Needs.LAB,
        "14, --long 73",
        "breakages.bench:run",
    ),
    Benchmark("outage", "an outage longer than upstream's retry budget", Needs.LAB, "6, --long 23"),
    # The last of those that need the lab: it reads what their drills have left.
    Benchmark(
        "predicted", "what the estimate said of drills' phases, and what they took", Needs.LAB, "1, or a drill more"
    ),
)


def chosen(names: list[str]) -> list[Benchmark]:
    """The benchmarks of these names (none: all), in the order to run. KeyError names those that do not exist."""
    unknown = sorted(set(names) - {benchmark.name for benchmark in ALL})
    if unknown:
        raise KeyError(", ".join(unknown))
    wanted = [benchmark for benchmark in ALL if not names or benchmark.name in names]
    order = list(Needs)
    return sorted(wanted, key=lambda benchmark: order.index(benchmark.needs))
