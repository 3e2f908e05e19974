"""What the story shows of the standby's cache and of backups: looks, and a cache that is taken away.

Not here: that loads are bounded (tests/servers/test_crm.py), a restore (tests/lab/test_topology_aws_gcp.py).
"""

import json
import time
from typing import Any

from lab.scenes.aws_gcp import primary, standby
from lab.scenes.aws_gcp.writers import STACK
from lab.story import StepFailed, Tour, desk, say

SAID_SECONDS = 60.0
"""At the longest, until pods say of the cache what is so."""
BACKUP_SECONDS = 240.0
"""At the longest, until a backup of the schedule is there: three minutes between two, and its own time."""
KUBECTL = ("kubectl", f"--context={standby.CONTEXT}", "--namespace=crm")


def cache(tour: Tour, there: bool) -> None:
    """Have Google's cache be there or not, and wait until the application says so, which serves in either case."""
    words = ("scale", "deployment/cache", f"--replicas={int(there)}")
    tour.step(f"the cache at Google {'is there' if there else 'goes'}", desk(*KUBECTL, *words))
    cache_is(tour, "seen" if there else "gone")


def cache_is(tour: Tour, wanted: str) -> None:
    """Wait until the application at Google is ready and says this of its cache. StepFailed."""
    address = tour.quietly("address", desk("pulumi", "stack", "output", "standby_address", "--stack", STACK)).strip()
    host = f"crm-gcp.{primary.DOMAIN}"
    words = ("curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--retry", "5", "--retry-all-errors")
    command = desk(*words, "--resolve", f"{host}:443:{address}", f"https://{host}/ready")
    deadline = time.monotonic() + SAID_SECONDS
    while not (found := tour.quietly("/ready", command).strip()).endswith(f"cache {wanted}"):
        if time.monotonic() > deadline:
            raise StepFailed(f"the application at Google does not say that its cache is {wanted}: {found}")
        time.sleep(1.0)
    say(f"- at Google: {found}")


def backed_up(tour: Tour) -> None:
    """Wait until `twinsite status` has a backup of the schedule, and say which. StepFailed."""
    deadline = time.monotonic() + BACKUP_SECONDS
    while True:
        text = tour.quietly("status", desk("twinsite", "--stack", STACK, "status", "--json"), allowed=(0, 1))
        found: dict[str, Any] = json.loads(text)["backup"]
        if found["id"]:
            break
        if time.monotonic() > deadline:
            raise StepFailed(f"no backup of the CronJob at AWS is whole: {found}")
        time.sleep(2.0)
    say(f"- backup {found['id']}, {found['age_seconds']} s old, {found['branch']}")
