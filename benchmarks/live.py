"""The stack on the lab's real machines, driven by the commands that a person would type; left as it was found."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.scenes import named

from .context import Context, NotMeasured

STACK = named().stack
HEALTHY_SECONDS = 120
"""Longest wait for `twinsite status` to be content again between two drills."""


@dataclass(frozen=True)
class Cut:
    """One `twinsite drill tunnel-cut`."""

    how: str
    seconds: float = 0.0
    """Length; 0 for kinds without one."""
    options: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        length = ["--seconds", f"{self.seconds:g}"] if self.seconds else []
        return ["--how", self.how, *length, *self.options]


class Live:
    """The lab with stack dev up. Constructed once a run (Context.once); what it changed is undone at the run's end."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._own_box = ""
        before = self._status_of_lab()
        if before["mode"] == "recorded":
            raise NotMeasured("the lab records only: `./scripts/lab status` says what is missing for real machines")
        if before["mode"] == "down":
            context.say("lab up")
            context.callback(self._take_down)
            context.command("lab up", self._lab("up"))
            found = self._status_of_lab()
            self._own_box = found["box"]
            if found["mode"] != "live":
                raise NotMeasured("the lab records only: `./scripts/lab status` says what is missing for real machines")
        if not self._deployed():
            if before["mode"] != "down":
                destroy = ["pulumi", "destroy", "--yes", "--skip-preview", "--stack", STACK]
                context.callback(self._tidy, "pulumi destroy", self._desk(*destroy))
            context.say("pulumi up of stack dev")
            context.command("pulumi up", self._desk("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK))
        self.wait_until_healthy()

    def lab(self, *words: str) -> str:
        """A command of `./scripts/lab`; its stdout."""
        return self._context.command(f"lab {words[0]}", self._lab(*words)).stdout

    def status(self) -> dict[str, Any]:
        """`twinsite status --json`."""
        done = self._context.command("status", self._desk("twinsite", "status", "--json"), allowed=(0, 1))
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def wait_until_healthy(self, seconds: float = HEALTHY_SECONDS) -> None:
        """Until status has no problem. NotMeasured with the problems after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.status()
            # No evidence yet is a problem of the record, not of the machines.
            problems = [words for words in seen["problems"] if "drill" not in words]
            if not problems:
                return
            if time.monotonic() > deadline:
                raise NotMeasured(f"the stack is not healthy after {seconds:g} s: {'; '.join(problems)}")

    def drill(self, cut: Cut, settle_seconds: float = 20) -> dict[str, Any]:
        """One drill's JSON, also of one that did not pass. NotMeasured when it was refused or broke."""
        words = ["twinsite", "drill", "tunnel-cut", *cut.words, "--settle", f"{settle_seconds:g}", "--json"]
        name = "-".join(["drill", cut.how, *(word.lstrip("-") for word in cut.options)])
        done = self._context.command(name, self._desk(*words), allowed=(0, 1))
        try:
            found: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise NotMeasured(f"{name} printed no JSON: {done.stdout[-300:]!r}") from None
        figures = found.get("figures") or {}
        back, replication = figures.get("tunnel_back_seconds"), figures.get("replication_back_seconds")
        self._context.say(f"  {name}: {found['verdict']}; tunnel back {back} s, replication back {replication} s")
        return found

    def on(self, place: str, program: str, *arguments: str) -> str:
        """A program of benchmarks/guest (on_host.py) on a host, as root; its stdout."""
        words = ["python", "-m", "benchmarks.on_host", place, program, *arguments]
        return self._context.command(f"{Path(program).stem} on {place}", self._desk(*words)).stdout

    def command(self, words: Sequence[str]) -> dict[str, Any]:
        """Another command's JSON, also of one that failed or was refused."""
        done = self._context.command("-".join(words), self._desk(*words, "--json"), allowed=(0, 1, 2))
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @contextlib.contextmanager
    def timers(self, gateway: dict[str, Any], database: dict[str, Any]) -> Iterator[None]:
        """Other settings of both gateways' timers and of the replica's channel, for a comparison."""
        asked = [
            (place, role, {"timers": given} if role == "gateway" else given)
            for place, role, given in (
                ("responder", "gateway", gateway),
                ("initiator", "gateway", gateway),
                ("replica", "database", database),
            )
            if given
        ]
        try:
            for place, role, given in asked:
                self.on(place, "timers", role, json.dumps(given))
            self.wait_until_healthy()
            yield
        finally:
            for place, role, _ in asked:
                self.on(place, "timers", role, "back")
            self.wait_until_healthy()

    def _deployed(self) -> bool:
        words = ["pulumi", "stack", "output", "inventory", "--json", "--stack", STACK]
        return self._context.command("inventory", self._desk(*words), allowed=(0, 1, 255)).returncode == 0

    def _status_of_lab(self) -> dict[str, Any]:
        done = self._context.command("lab status", self._lab("status", "--json"), allowed=(0, 1))
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _take_down(self) -> None:
        """Only the box that this run brought up: somebody may have put another in its place."""
        found = self._status_of_lab()
        if self._own_box and found["mode"] != "down" and found["box"] != self._own_box:
            self._context.say(f"the lab that is up now ({found['box']}) is another one: it stays")
            return
        self._tidy("lab down", self._lab("down"))

    def _tidy(self, name: str, words: Sequence[str]) -> None:
        self._context.say(name)
        try:
            self._context.command(name, words)
        except NotMeasured as problem:
            self._context.say(f"{name} did not work, look after it: {problem}")

    @staticmethod
    def _lab(*words: str) -> list[str]:
        return [sys.executable, "-m", "lab.cli", *words]

    @classmethod
    def _desk(cls, *words: str) -> list[str]:
        return cls._lab("exec", "--", *words)
