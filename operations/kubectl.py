"""A namespace of a cluster as the operator's kubectl reaches it: one call at a time, each with an end."""

import json
import shutil
import subprocess
from typing import Any

from .guest import brief
from .transport import Unreachable

KUBECTL_SECONDS = 60.0


class Kubectl:
    """Of one context; "" is the operator's current one."""

    def __init__(self, context: str, namespace: str, place: str) -> None:
        """`place`: what is said to be out of reach when it is."""
        self.place = place
        self._context, self._namespace = context, namespace

    def run(self, *arguments: str, stdin: str = "") -> str:
        """What it printed. Unreachable with its own words otherwise."""
        if shutil.which("kubectl") is None:
            raise Unreachable(self.place, "`kubectl` is not installed here")
        context = ["--context", self._context] if self._context else []
        command = ["kubectl", *context, "--namespace", self._namespace, "--request-timeout", "15s", *arguments]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, timeout=KUBECTL_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise Unreachable(self.place, "the cluster does not answer") from None
        if done.returncode:
            raise Unreachable(self.place, brief(done.stderr) or f"kubectl ended with {done.returncode}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """As JSON; empty where there is none and `--ignore-not-found` was said."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "--output", "json") or "{}")
        return found
