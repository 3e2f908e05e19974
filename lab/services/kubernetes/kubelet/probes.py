"""Probes of one container, as the kubelet asks them: from the node, each on its own period, with thresholds.

A probe is {"kind": "http" | "tcp", "port", "path", "headers": [[name, value]], "delay", "period", "timeout", "success",
"failure"}: seconds, and answers in a row [Kubernetes, 'Liveness, Readiness, and Startup Probes'].
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

Probe = Mapping[str, Any]


class Verdict:
    """What a probe's answers in a row amount to."""

    def __init__(self, good: bool, success: int = 1, failure: int = 3) -> None:
        """`good` until enough answers say something else."""
        self.good = good
        self.decided = False
        """Whether any row of answers was long enough."""
        self._needed = {True: success, False: failure}
        self._last: bool | None = None
        self._run = 0

    def note(self, good: bool) -> bool:
        """One more answer; the verdict after it."""
        self._run = self._run + 1 if good == self._last else 1
        self._last = good
        if self._run >= self._needed[good]:
            self.good, self.decided = good, True
        return self.good


def ask(probe: Probe, address: str) -> str:
    """Once; empty when the answer is good, else what was wrong."""
    where = (address, int(probe["port"]))
    try:
        if probe["kind"] == "tcp":
            socket.create_connection(where, probe["timeout"]).close()
            return ""
        client = http.client.HTTPConnection(*where, timeout=probe["timeout"])
        try:
            headers = {
                "User-Agent": "kube-probe/1.34",
                "Accept": "*/*",
                "Connection": "close",
                **dict(probe["headers"]),
            }
            client.request("GET", probe["path"], headers=headers)
            status = client.getresponse().status
        finally:
            client.close()
    except (OSError, http.client.HTTPException) as error:
        return f"{probe['kind']} probe failed: {error or type(error).__name__}"
    return "" if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"


class Probes:
    """All three kinds of one container, from its start to its end. `ready` and `dead` may be read at any time."""

    def __init__(self, probes: Mapping[str, Probe], address: str, asking: Callable[[Probe, str], str] = ask) -> None:
        self._probes = probes
        self._address = address
        self._ask = asking
        self._ended = threading.Event()
        self.terminating = threading.Event()
        self.dead = ""
        """Why the container must be started anew; empty while it need not."""
        self.wrong: dict[str, str] = {}
        """What was wrong with each kind's last answer; empty where it was good."""
        self.ready = "readiness" not in probes and "startup" not in probes
        self.started = "startup" not in probes
        self._threads = [threading.Thread(target=self._watch, args=(kind,), daemon=True) for kind in probes]

    def start(self) -> None:
        self._began = time.monotonic()
        for one in self._threads:
            one.start()

    def stop(self) -> None:
        self._ended.set()

    def _watch(self, kind: str) -> None:
        probe = self._probes[kind]
        verdict = Verdict(kind == "liveness", probe["success"], probe["failure"])
        while not self.started and kind != "startup":
            if self._ended.wait(0.05):
                return
        self._ended.wait(max(0.0, self._began + probe["delay"] - time.monotonic()))
        while not self._ended.is_set():
            due = time.monotonic() + probe["period"]
            wrong = self._ask(probe, self._address)
            verdict.note(not wrong)
            if self._take(kind, verdict, wrong):
                return
            self._ended.wait(max(0.05, due - time.monotonic()))

    def _take(self, kind: str, verdict: Verdict, wrong: str) -> bool:
        """Whether this probe is done."""
        if self._ended.is_set():
            return True
        self.wrong[kind] = f"{kind.capitalize()} probe failed: {wrong}" if wrong else ""
        if kind == "readiness":
            self.ready = verdict.good
            return False
        if kind == "startup" and verdict.good:
            self.started = True
            self.ready = "readiness" not in self._probes
            return True
        # A container that is being ended is not killed for being ill.
        if verdict.decided and not verdict.good and not self.terminating.is_set():
            self.dead = f"Container failed {kind} probe, will be restarted ({wrong})"
            return True
        return False
