"""The story of aws-gcp: cold, pilot-light, warm; over to Google and home while users write; AWS dies.

Users write by name, through Cloudflare; what was acknowledged to them is looked for in the end.
"""

import argparse
import contextlib
import itertools
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.client import Client
from lab.paths import TREE, Paths
from lab.scenes.aws_gcp import primary, standby
from lab.story import StepFailed, Tour, desk, lab, say

TOPOLOGY, STACK = "aws-gcp", "gcp"
URL = f"https://crm.{primary.DOMAIN}"
CUSTOMERS = Path(__file__).with_name("customers.py")
SESSIONS = 4
CALM_SECONDS = 120.0
"""At the longest, until users' writes are taken where they should be."""


@dataclass
class Customers:
    """Users that write until they are told to stop: what each answer was."""

    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def acknowledged(self) -> set[str]:
        return {one["key"] for one in list(self.answers) if "key" in one}

    def where(self) -> str:
        """The site that took the last write; "" where the last was not taken."""
        return str(self.answers[-1].get("site", "")) if self.answers else ""

    def outage(self, began: float) -> float:
        """Seconds of the longest time since `began` in which no write was acknowledged."""
        times = sorted(one["at"] for one in list(self.answers) if "key" in one and one["at"] >= began)
        return max((after - before for before, after in itertools.pairwise(times)), default=0.0)


def tell(tour: Tour, chosen: argparse.Namespace) -> dict[str, Any]:
    """All of it; one result of all moves."""
    client = Client(Paths().socket)
    tour.step("lab up", lab("up", "--topology", TOPOLOGY))
    _set(tour, "cold_without_data", "accept")
    _set(tour, "dr_mode", "cold")
    _up(tour, "pulumi up cold")
    primary.let_in(client, tour.quietly("group", desk("pulumi", "stack", "output", "aws_security_group_id")).strip())
    _set(tour, "dr_mode", "pilot-light")
    _up(tour, "pulumi up pilot-light")
    standby.make_roles(client)
    _set(tour, "dr_mode", "warm")
    _up(tour, "pulumi up warm")
    moves: dict[str, dict[str, Any]] = {}
    outages: dict[str, float] = {}
    with _customers("planned") as planned:
        _calm(planned, primary.SITE)
        for name, site in (("over", standby.SITE), ("home", primary.SITE)):
            began = time.time()
            moves[name] = _move(tour, f"switchover to {site}", "switchover", "--to", site)
            _calm(planned, site)
            outages[name] = planned.outage(began)
    with _customers("unplanned") as unplanned:
        _calm(unplanned, primary.SITE)
        began = time.time()
        tour.step("AWS dies", lab("dark", "on"))
        moves["failover"] = _move(tour, "failover", "failover", "--to", standby.SITE, "--source-is-dead")
        _calm(unplanned, standby.SITE)
        outages["failover"] = unplanned.outage(began)
        tour.step("AWS returns", lab("dark", "off"))
        moves["failback"] = _home(tour)
        _calm(unplanned, primary.SITE)
    there = _keys(tour)
    missing = {
        "planned": sorted(planned.acknowledged - there),
        "unplanned": sorted(unplanned.acknowledged - there),
    }
    return result(moves, outages, len(planned.acknowledged | unplanned.acknowledged), missing)


def _up(tour: Tour, name: str) -> None:
    tour.step(name, desk("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, "--non-interactive"))


def _set(tour: Tour, key: str, value: str) -> None:
    tour.step(f"{key} {value}", desk("pulumi", "config", "set", key, value, "--stack", STACK))


def _move(tour: Tour, name: str, *words: str) -> dict[str, Any]:
    done = tour.step(name, desk("twinsite", "--stack", STACK, *words, "--json"), shows=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _home(tour: Tour) -> dict[str, Any]:
    """Back to AWS. Rows that AWS alone has make the first try end with their number; what they are is in the
    application's own log here, so they are given up."""
    words = ("failback", "--to", primary.SITE)
    done = tour.step("failback", desk("twinsite", "--stack", STACK, *words, "--json"), (0, 1), shows=True)
    first: dict[str, Any] = json.loads(done.stdout)
    if first["verdict"] == "passed":
        return first
    problems = [str(one) for one in first["problems"]]
    if not any("has what no other has" in one for one in problems):
        raise StepFailed(f"failback: {'; '.join(problems)}")
    for one in problems:
        say(f"- {one}")
    return _move(tour, "failback anew", *words, "--anew")


@contextlib.contextmanager
def _customers(tag: str) -> Iterator[Customers]:
    """Users, from now to the end of the block."""
    command = desk("python3", str(CUSTOMERS), URL, tag, str(SESSIONS))
    with subprocess.Popen(
        command, cwd=TREE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        found = Customers()

        def listen() -> None:
            assert child.stdout is not None
            for line in child.stdout:
                found.answers.append(json.loads(line))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield found
        finally:
            assert child.stdin is not None
            child.stdin.close()
            listener.join()


def _calm(users: Customers, site: str) -> None:
    """Until a site takes their writes."""
    deadline = time.monotonic() + CALM_SECONDS
    while users.where() != site:
        if time.monotonic() > deadline:
            raise StepFailed(f"users' writes are not taken at {site}: {users.answers[-3:]}")
        time.sleep(0.25)
    say(f"✓ users write at {site}")


def _keys(tour: Tour) -> set[str]:
    """All that the application has, asked by users' name, a page at a time."""
    found: set[str] = set()
    after = 0
    while True:
        words = ("curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--retry", "3")
        text = tour.quietly("customers", desk(*words, f"{URL}/customers?after={after}&limit=10000"))
        page = json.loads(text)["customers"]
        if not page:
            return found
        found |= {one["key"] for one in page}
        after = page[-1]["id"]


def result(
    moves: dict[str, dict[str, Any]], outages: dict[str, float], acked: int, missing: dict[str, list[str]]
) -> dict[str, Any]:
    """One result of all moves. A row that a planned move lost is a failure, whatever the commands said; what an
    unplanned one lost is counted."""
    figures: dict[str, Any] = {"acked": acked, "missing": len(missing["planned"]), "lost": len(missing["unplanned"])}
    figures |= {f"{name}_without_write_seconds": round(seconds, 1) for name, seconds in outages.items()}
    for name in ("over", "home"):
        figures[f"{name}_write_outage_seconds"] = moves[name]["figures"].get("write_outage_seconds")
    figures["rpo_seconds"] = moves["failover"]["figures"].get("rpo_seconds")
    figures["rto_seconds"] = moves["failover"]["figures"].get("rto_seconds")
    over = moves["failover"]
    phases = [phase for one in moves.values() for phase in (one.get("predicted") or {}).get("phases", [])]
    return {
        "topology": TOPOLOGY,
        "dr_mode": "warm",
        "verdict": "failed" if missing["planned"] else "passed",
        "figures": figures,
        "steps": [step for one in moves.values() for step in one["steps"]],
        "predicted": {"ground": (over.get("predicted") or {}).get("ground", ""), "phases": phases},
        "findings": [finding for one in moves.values() for finding in one.get("findings", [])],
        "evidence": over["evidence"],
        "report": over["report"],
        "failback_report": moves["failback"]["report"],
    }
