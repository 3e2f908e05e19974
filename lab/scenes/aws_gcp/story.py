"""The story of aws-gcp: cold, pilot-light, warm; over to Google and home while users write; AWS dies, and comes back to
serve nobody; home again, and the agent there is killed.

Users write by name, through Cloudflare; what was acknowledged to them is looked for in the end.
"""

import argparse
import json
import time
from typing import Any

from lab.client import Client
from lab.paths import Paths
from lab.scenes.aws_gcp import primary, standby, stores, writers
from lab.scenes.aws_gcp.users import URL, calm, customers
from lab.story import StepFailed, Tour, desk, lab, say

TOPOLOGY, STACK = "aws-gcp", writers.STACK


def tell(tour: Tour, chosen: argparse.Namespace) -> dict[str, Any]:
    """All of it; one result of all moves."""
    client = Client(Paths().socket)
    tour.step("lab up", lab("up", "--topology", TOPOLOGY))
    _set(tour, "dr_mode", "cold")
    _up(tour, "pulumi up cold")
    primary.let_in(client, tour.quietly("group", desk("pulumi", "stack", "output", "aws_security_group_id")).strip())
    _set(tour, "dr_mode", "pilot-light")
    _up(tour, "pulumi up pilot-light")
    standby.make_roles(client)
    _set(tour, "dr_mode", "warm")
    _up(tour, "pulumi up warm")
    epoch = writers.seen(tour, primary.SITE, -1)
    stores.cache_is(tour, "seen")
    moves: dict[str, dict[str, Any]] = {}
    outages: dict[str, float] = {}
    with customers("planned") as planned:
        calm(planned, primary.SITE)
        for name, site in (("over", standby.SITE), ("home", primary.SITE)):
            began = time.time()
            moves[name] = _move(tour, f"switchover to {site}", "switchover", "--to", site)
            calm(planned, site)
            outages[name] = planned.outage(began)
            epoch = writers.seen(tour, site, epoch)
    with customers("unplanned") as unplanned:
        calm(unplanned, primary.SITE)
        if not all(taken := writers.taken_at_aws(tour, client).values()):
            raise StepFailed(f"AWS is the writer and does not serve: {taken}")
        # No failover waits for a cache, nor needs one.
        stores.cache(tour, False)
        began = time.time()
        tour.step("AWS dies", lab("dark", "on"))
        moves["failover"] = _move(tour, "failover", "failover", "--to", standby.SITE, "--source-is-dead")
        calm(unplanned, standby.SITE)
        outages["failover"] = unplanned.outage(began)
        epoch = writers.seen(tour, standby.SITE, epoch, silent=primary.SITE)
        stores.cache(tour, True)
        tour.step("AWS returns", lab("dark", "off"))
        writers.returned(tour, client, unplanned, epoch)
        moves["failback"] = _home(tour)
        calm(unplanned, primary.SITE)
    stores.backed_up(tour)
    there = _keys(tour)
    with customers("more") as more:
        calm(more, primary.SITE)
        closed = writers.killed(tour, client, more)
    missing = {
        "planned": sorted(planned.acknowledged - there),
        "unplanned": sorted(unplanned.acknowledged - there),
    }
    return result(moves, outages, closed, len(planned.acknowledged | unplanned.acknowledged), missing)


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
    moves: dict[str, dict[str, Any]],
    outages: dict[str, float],
    closed: float,
    acked: int,
    missing: dict[str, list[str]],
) -> dict[str, Any]:
    """One result of all moves. `closed`: seconds in which writes were taken without an agent. A row that a planned move
    lost is a failure, whatever the commands said; what an unplanned one lost is counted."""
    figures: dict[str, Any] = {"acked": acked, "missing": len(missing["planned"]), "lost": len(missing["unplanned"])}
    figures |= {f"{name}_without_write_seconds": round(seconds, 1) for name, seconds in outages.items()}
    for name in ("over", "home"):
        figures[f"{name}_write_outage_seconds"] = moves[name]["figures"].get("write_outage_seconds")
    figures["killed_agent_shut_seconds"] = round(closed, 1)
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
