"""The machine's own verdict: a status file for programs, a log for people, and the gate that waits for it."""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from typing import Any

STATUS = pathlib.Path("/var/lib/twinsite/standby.status.json")
MARKS = pathlib.Path("/var/lib/twinsite/standby.marks.json")
TOLD = pathlib.Path("/etc/twinsite/standby.told")
LOG = pathlib.Path("/var/log/dr-vm-init.log")
PATIENCE = 3
"""Runs that may fail before the gate gives up: the agent tries again every few seconds."""

LAST_LINES = 30


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def put(path: pathlib.Path, document: Any) -> None:
    """JSON on disk, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def get(path: pathlib.Path) -> dict[str, Any]:
    """A JSON object from disk; empty when there is none or it broke off."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def told() -> str:
    """Digest of the document that this machine was told last."""
    return TOLD.read_text(encoding="utf-8").strip() if TOLD.exists() else ""


def say(words: str) -> None:
    """One line into the log, and to whoever runs this."""
    line = f"{_now()} {words}"
    print(line, file=sys.stderr, flush=True)
    with open(LOG, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


class Run:
    """One run of `apply`, written to the status file as it goes. Safe from several threads."""

    def __init__(self, steps: list[str]) -> None:
        before = get(STATUS)
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self.document: dict[str, Any] = {
            "outcome": "running",
            "step": "",
            "steps": [],
            "backup_id": before.get("backup_id", ""),
            "backup_began": before.get("backup_began", ""),
            "restored_rows": before.get("restored_rows"),
            "divergent_tables": before.get("divergent_tables"),
            "detail": "",
            "told": told(),
            "began": _now(),
            "failures": before.get("failures", 0) if before.get("told") == told() else 0,
        }
        say(f"run begins, steps to do: {', '.join(steps)}")
        self._write()

    def _write(self) -> None:
        put(STATUS, self.document)

    def begin(self, step: str) -> None:
        """A step has begun."""
        with self._lock:
            self._began[step] = time.monotonic()
            self.document["step"] = step
            self._write()
        say(f"{step}: begins")

    def end(self, step: str, outcome: str, detail: str) -> None:
        """A step has ended: done, already or failed."""
        with self._lock:
            seconds = round(time.monotonic() - self._began[step], 2)
            entry = {"name": step, "seconds": seconds, "outcome": outcome, "detail": detail}
            self.document["steps"].append(entry)
            self._write()
        say(f"{step}: {outcome} in {seconds} s{': ' + detail if detail else ''}")

    def data(self, **facts: Any) -> None:
        """What is known about the data: backup_id, backup_began, restored_rows, divergent_tables."""
        with self._lock:
            self.document.update(facts)
            self._write()

    def finish(self, outcome: str, step: str, detail: str, final: bool = False) -> None:
        """The verdict: ready or failed. `final`: trying again would not help."""
        with self._lock:
            failures = self.document["failures"] + 1 if outcome == "failed" else 0
            if final:
                failures = max(failures, PATIENCE)
            self.document.update(outcome=outcome, step=step, detail=detail, failures=failures, ended=_now())
            self._write()
        say(f"verdict: {outcome}{f' at {step}' if step else ''}{': ' + detail if detail else ''}")


def verdict(found: dict[str, Any], now_told: str) -> "tuple[str, str]":
    """(ready | failed | wait, why) of a status document. Pure."""
    if not found:
        return "wait", "nothing has run yet"
    if found.get("told") != now_told:
        return "wait", "what this machine was told last has not begun yet"
    step = f" at step {found.get('step')}" if found.get("step") else ""
    if found.get("outcome") == "ready":
        return "ready", ""
    if found.get("outcome") == "failed" and found.get("failures", 0) >= PATIENCE:
        return "failed", f"failed{step}: {found.get('detail')}"
    return "wait", f"{found.get('outcome')}{step}: {found.get('detail') or 'not done yet'}"


def gate(timeout_seconds: float) -> "tuple[bool, dict[str, Any], str]":
    """Wait for the verdict: (passed, status, why not)."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = get(STATUS)
        outcome, why = verdict(found, told())
        if outcome == "ready":
            return True, found, ""
        if outcome == "failed":
            return False, found, why
        if time.monotonic() > deadline:
            return False, found, f"not ready within {timeout_seconds:g} s; last seen: {why}"
        time.sleep(0.5)


def last_lines() -> str:
    """The end of the log."""
    if not LOG.exists():
        return f"{LOG} does not exist: the role never ran"
    return subprocess.run(["tail", "-n", str(LAST_LINES), str(LOG)], capture_output=True, text=True, check=False).stdout
