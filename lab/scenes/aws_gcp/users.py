"""Users of the CRM as the story has them: begun at the desk, ended with the block, their answers read meanwhile.

Here: what their answers amount to. Not here: what each of them does (customers.py, which the desk runs).
"""

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

from lab.paths import TREE
from lab.scenes.aws_gcp import primary
from lab.story import StepFailed, desk, say

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

    def last(self) -> float:
        """When a write was acknowledged last, seconds since 1970; 0 for never."""
        return max((one["at"] for one in list(self.answers) if "key" in one), default=0.0)

    def sites(self, began: float) -> set[str]:
        """Who took writes since then."""
        return {one["site"] for one in list(self.answers) if "key" in one and one["at"] >= began}

    def outage(self, began: float) -> float:
        """Seconds of the longest time since `began` in which no write was acknowledged."""
        times = sorted(one["at"] for one in list(self.answers) if "key" in one and one["at"] >= began)
        return max((after - before for before, after in itertools.pairwise(times)), default=0.0)


@contextlib.contextmanager
def customers(tag: str) -> Iterator[Customers]:
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


def calm(users: Customers, site: str) -> None:
    """Until a site takes their writes."""
    deadline = time.monotonic() + CALM_SECONDS
    while users.where() != site:
        if time.monotonic() > deadline:
            raise StepFailed(f"users' writes are not taken at {site}: {users.answers[-3:]}")
        time.sleep(0.25)
    say(f"✓ users write at {site}")
