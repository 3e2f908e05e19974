"""The story of aws-azure: cold, AWS dies, warm and failover, AWS returns, failback, cold again.

Users write all the while; what was acknowledged is looked for in the end.
"""

import json
import re
import time
from typing import Any

from lab import primary
from lab.tour.steps import StepFailed, Tour, desk, lab, say

PAGE = f"https://dr.{primary.DOMAIN}/petclinic/"
KUBECTL = ("kubectl", "--namespace", primary.NAMESPACE)
BACKUP_SECONDS = 120.0
WATCHED_SECONDS = 25.0
"""Two rounds and a half of the health checks: what would move users has moved them."""


def run(tour: Tour) -> dict[str, Any]:
    """All of it; one result of both operations."""
    tour.step("lab up", lab("up", "--topology", "aws-azure"))
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
    tour.step(name, desk("pulumi", "up", "--yes", "--skip-preview", "--stack", "dr", "--non-interactive"))


def _set(tour: Tour, key: str, value: str) -> None:
    tour.step(f"{key} {value}", desk("pulumi", "config", "set", key, value, "--stack", "dr"))


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
    done = tour.step(words[0], desk("twinsite", "--stack", "dr", *words, "--json"), shows=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _nobody_moves(tour: Tour) -> None:
    """With the latch set, the primary's return moves no name."""
    say(f"… nobody moves back, watched for {WATCHED_SECONDS:g} s")
    deadline = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < deadline:
        answered = tour.quietly("nobody moves back", _page(""))
        site = re.search(r"^x-site: (\S+)", answered, re.IGNORECASE | re.MULTILINE)
        if not site or site[1] != "azure":
            raise StepFailed(f"a user was moved to {site[1] if site else 'nowhere'}: {answered[:300]}")
        time.sleep(1.0)
    say("✓ nobody moves back")


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
        "topology": "aws-azure",
        "dr_mode": "cold",
        "verdict": "passed" if right else "failed",
        "figures": figures,
        "steps": over["steps"] + back["steps"],
        "findings": over.get("findings", []) + back.get("findings", []),
        "evidence": over["evidence"],
        "report": over["report"],
        "failback_report": back["report"],
    }
