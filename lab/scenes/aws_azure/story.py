"""The story of aws-azure: cold, AWS dies, warm and failover, AWS returns, failback, cold again.

Users write all the while; what was acknowledged is looked for in the end.
"""

import argparse
import json
import re
import time
from typing import Any

from lab.scenes.aws_azure import primary
from lab.story import StepFailed, Tour, desk, lab, say

TOPOLOGY, STACK = "aws-azure", "dr"
PAGE = f"https://dr.{primary.DOMAIN}/petclinic/"
KUBECTL = ("kubectl", "--namespace", primary.NAMESPACE)
BACKUP_SECONDS = 600.0
"""At the longest; on a busy machine a job of seconds takes minutes."""
SEEN_SECONDS = 300.0
"""At the longest, until checks see a primary that is back."""


def tell(tour: Tour, chosen: argparse.Namespace) -> dict[str, Any]:
    """All of it; one result of both operations."""
    tour.step("lab up", lab("up", "--topology", TOPOLOGY))
    _up(tour, "pulumi up cold")
    written = [_owner(tour, "Before")]
    _back_up(tour)
    late = _owner(tour, "Late")  # after the backup, so a failover loses it, and a failback lists it
    tour.step("AWS dies", lab("dark", "on"))
    over = _operation(tour, "failover", "--to", "azure", "--source-is-dead")
    written.append(_owner(tour, "Azure"))
    tour.step("AWS returns", lab("dark", "off"))
    _nobody_moves(tour)
    back = _operation(tour, "failback", "--to", "aws")
    owners = tour.step("the page at the end", _page("owners")).stdout
    missing = [name for name in written if name not in owners]
    _set(tour, "active_site", "aws")
    _set(tour, "dr_mode", "cold")
    _up(tour, "pulumi up cold again")
    return result(over, back, len(written), missing, late not in owners)


def _up(tour: Tour, name: str) -> None:
    tour.step(name, desk("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, "--non-interactive"))


def _set(tour: Tour, key: str, value: str) -> None:
    tour.step(f"{key} {value}", desk("pulumi", "config", "set", key, value, "--stack", STACK))


def _page(path: str, *words: str) -> list[str]:
    """A user's request, by name; asked again, as a person does, when a resolver on a busy machine was too slow."""
    options = ("--silent", "--show-error", "--max-time", "20", "--retry", "3", "--include")
    return desk("curl", *options, *words, PAGE + path)


def _owner(tour: Tour, name: str) -> str:
    """A user writes one; the page acknowledges it."""
    form = {"firstName": name, "lastName": "Tour", "address": "1 St", "city": "Seoul", "telephone": "0212345678"}
    words = [word for key, value in form.items() for word in ("--data-urlencode", f"{key}={value}")]
    answered = tour.step(f"a user writes {name}", _page("owners", *words)).stdout
    if " 303 " not in answered.partition("\n")[0]:
        raise StepFailed(f"the owner {name} was not taken: {answered[:300]}")
    return f"{name} Tour"


def _back_up(tour: Tour) -> None:
    tour.step("backup", desk(*KUBECTL, "create", "job", "first", "--from=cronjob/rds-backup"))
    deadline = time.monotonic() + BACKUP_SECONDS
    while True:
        looked = tour.quietly("backup complete", desk(*KUBECTL, "get", "job", "first", "--output", "json"))
        status = json.loads(looked).get("status", {})
        if status.get("succeeded"):
            return
        if status.get("failed") or time.monotonic() > deadline:
            raise StepFailed(f"the backup did not complete: {status}; `kubectl logs job/first`")
        time.sleep(1.0)


def _operation(tour: Tour, *words: str) -> dict[str, Any]:
    done = tour.step(words[0], desk("twinsite", "--stack", STACK, *words, "--json"), shows=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def watched_seconds(names: list[dict[str, Any]]) -> float:
    """From the moment at which the checks see the primary again until whoever that moves has moved: interval x failures
    + 6 + TTL of the slowest name, as its inventory has it. Pure."""
    return max(float(name["failover_seconds"]) for name in names)


def sees_primary(status: dict[str, Any], names: list[dict[str, Any]]) -> bool:
    """Whether the checks of the primary's own page, all of them, have it healthy in `lab status --json`. Pure."""
    asked = {f"{name['fqdn']} primary-page" for name in names}
    found = [check["healthy"] for check in status["traffic"]["health_checks"] if check["name"] in asked]
    return bool(found) and all(found)


def _nobody_moves(tour: Tour) -> None:
    """With the latch set, the primary's return moves no name. Watched from when the checks have seen it return: on a
    busy machine that takes longer than any number of seconds that fits a quiet one."""
    shown = tour.quietly("inventory", desk("pulumi", "stack", "output", "inventory", "--json", "--stack", STACK))
    names = json.loads(shown)["names"]
    seconds, watched, deadline = watched_seconds(names), 0.0, time.monotonic() + SEEN_SECONDS
    say(f"… nobody moves back, watched for {seconds:g} s from when the health checks see the primary again")
    since = 0.0
    while watched < seconds:
        answered = tour.quietly("nobody moves back", _page(""))
        site = re.search(r"^x-site: (\S+)", answered, re.IGNORECASE | re.MULTILINE)
        if not site or site[1] != "azure":
            raise StepFailed(f"a user was moved to {site[1] if site else 'nowhere'}: {answered[:300]}")
        if since:
            watched = time.monotonic() - since
        elif sees_primary(json.loads(tour.quietly("lab status", lab("status", "--json"))), names):
            since = time.monotonic()
        elif time.monotonic() > deadline:
            raise StepFailed(f"the health checks have not seen the primary again within {SEEN_SECONDS:g} s")
        time.sleep(1.0)
    say("✓ nobody moves back")


def _predicted(over: dict[str, Any], back: dict[str, Any]) -> dict[str, Any]:
    """What the estimate said of both, beside what they took."""
    each = [one["predicted"] for one in (over, back) if "predicted" in one]
    ground = next((one["ground"] for one in each), "")
    return {"ground": ground, "phases": [phase for one in each for phase in one["phases"]]}


def result(
    over: dict[str, Any], back: dict[str, Any], acked: int, missing: list[str], late_is_aside: bool
) -> dict[str, Any]:
    """One result of both. A row that was acknowledged and is nowhere is a failure, whatever the commands said."""
    kept = ("rpo_seconds", "rpo_basis", "first_page_seconds", "rto_seconds", "user_outage_seconds", "restored_rows")
    figures = {name: over["figures"].get(name) for name in kept}
    figures |= {name: back["figures"].get(name) for name in ("write_outage_seconds", "divergent_tables", "extra_rows")}
    figures |= {"acked": acked, "missing": len(missing)}
    right = not missing and late_is_aside and figures["divergent_tables"] == 0
    return {
        "topology": TOPOLOGY,
        "dr_mode": "cold",
        "verdict": "passed" if right else "failed",
        "figures": figures,
        "steps": over["steps"] + back["steps"],
        "predicted": _predicted(over, back),
        "findings": over.get("findings", []) + back.get("findings", []),
        "evidence": over["evidence"],
        "report": over["report"],
        "failback_report": back["report"],
    }
