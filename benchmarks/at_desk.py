"""What a benchmark does at the desk, with the operator's own network, names, authorities and identities.

    ./scripts/lab exec -- python -m benchmarks.at_desk page SECONDS URL TEXT [URL TEXT…]
    ./scripts/lab exec -- python -m benchmarks.at_desk run MACHINE SECONDS ARGUMENT… <SCRIPT
    ./scripts/lab exec -- python -m benchmarks.at_desk put ACCOUNT/CONTAINER/NAME FILE

`page` asks until every URL answers 200 with its TEXT in it, and prints the time since the epoch; exit code 1 with what
was last seen after SECONDS. `run` runs a shell script as root on a machine that nobody logs in to, by Run Command.
"""

import http.client
import sys
import time
import urllib.request
from collections.abc import Sequence

from operations.azure import STORAGE, AzureError, Identity
from operations.stack import locate
from operations.transport.azure import RunCommand
from twinsite.guest.agent import azure
from twinsite.inventory import AzureRunCommand

BETWEEN_SECONDS = 0.25
PATIENCE_SECONDS = 60


def page(seconds: float, wanted: Sequence[tuple[str, str]]) -> int:
    """0 once every page is there."""
    deadline, seen = time.monotonic() + seconds, "nothing"
    while time.monotonic() < deadline:
        seen = next((words for url, text in wanted if (words := _wrong(url, text))), "")
        if not seen:
            print(time.time())
            return 0
        time.sleep(BETWEEN_SECONDS)
    print(f"not within {seconds:g} s; last seen: {seen}", file=sys.stderr)
    return 1


def _wrong(url: str, text: str) -> str:
    """What is wrong with a page; empty: it is as wanted."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{url}: {type(error).__name__}: {error}"
    return "" if text in body else f"{url}: {body[:200]!r}"


def run(machine: str, seconds: float, script: str, *arguments: str) -> int:
    """The script's own exit code and output."""
    machines = locate().inventory.reached_by(AzureRunCommand)
    done = RunCommand(Identity(), machines).run(machine, ["bash", "-s", *arguments], script, seconds)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.code


def put(place: str, file: str) -> int:
    """Upload a file. A busy machine's resolver may be late: tried again for a minute."""
    account, _, path = place.partition("/")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            azure.blob_put(account, path, file, Identity().token(STORAGE), patience_seconds=PATIENCE_SECONDS)
            return 0
        except AzureError:
            if time.monotonic() > deadline:
                raise
        time.sleep(2)


if __name__ == "__main__":
    if sys.argv[1] == "put":
        sys.exit(put(*sys.argv[2:]))
    if sys.argv[1] == "run":
        sys.exit(run(sys.argv[2], float(sys.argv[3]), sys.stdin.read(), *sys.argv[4:]))
    told = sys.argv[3:]
    sys.exit(page(float(sys.argv[2]), list(zip(told[::2], told[1::2], strict=True))))
