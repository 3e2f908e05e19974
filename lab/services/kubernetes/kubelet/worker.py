"""One pod on its node, from its network to its last process: starts, restarts with back-off, probes, the end.

Times are the kubelet's [Kubernetes, 'Pod Lifecycle', container restart policy]: 10 s before a restart, doubled up to
300, forgotten after ten quiet minutes; whoever is ended gets a SIGTERM and `grace` seconds. Left out: several
containers, init containers, hooks, exec probes, limits that the node's control groups do not have.
"""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import network
from .pod import PODS, prepare, words
from .probes import Probes

FIRST_PAUSE, LONGEST_PAUSE, FORGOTTEN = 10.0, 300.0, 600.0


def next_pause(pause: float, ran: float) -> float:
    """Seconds before the next start, after `pause` before this one (0: none) and so many seconds of running."""
    return FIRST_PAUSE if not pause or ran >= FORGOTTEN else min(2 * pause, LONGEST_PAUSE)


class Worker:
    """`status` may be read at any time; `gone` when nothing of the pod is left."""

    def __init__(self, pod: Mapping[str, Any], addresses: network.Addresses, changed: Callable[[], None]) -> None:
        self.pod = dict(pod)
        self.name = str(pod["name"])
        self.home = PODS / self.name
        self.gone = False
        self.address = ""
        self._addresses = addresses
        self._changed = changed
        self._ended = threading.Event()
        self._probes: Probes | None = None
        self._said: dict[str, Any] = {"state": "waiting", "reason": "ContainerCreating", "message": "", "restarts": 0}
        threading.Thread(target=self._live, name=f"pod-{self.name}", daemon=True).start()

    @property
    def status(self) -> dict[str, Any]:
        probes = self._probes
        running = self._said["state"] == "running"
        wrong = [said for said in probes.wrong.values() if said] if running and probes else []
        ready = bool(running and probes and probes.ready)
        return {**self._said, "address": self.address, "ready": ready, "unwell": "; ".join(wrong)}

    def end(self) -> None:
        """Begin to end it."""
        if self._ended.is_set():
            return
        if self._probes:
            self._probes.terminating.set()
        self._ended.set()

    def logs(self, previous: bool) -> str:
        """What the container said; LookupError when there is none such."""
        file = self._log(previous)
        if not file.exists():
            which = "previous terminated container" if previous else "container"
            raise LookupError(f'{which} "application" in pod "{self.name}" not found')
        return file.read_text(errors="replace")

    def _log(self, previous: bool = False) -> Path:
        return PODS / f"{self.name}.{'1' if previous else '0'}.log"

    def _live(self) -> None:
        try:
            self.address = self._addresses.take()
            network.plug(self.name, self.address)
            prepare(self.pod, self.home)
            self._changed()  # its hosts file
            self._loop()
        except (OSError, LookupError) as error:
            self._said |= {"state": "waiting", "reason": "FailedCreatePodSandBox", "message": str(error)}
            self._ended.wait()
        finally:
            network.unplug(self.name)
            shutil.rmtree(self.home, ignore_errors=True)
            for previous in (False, True):
                self._log(previous).unlink(missing_ok=True)
            if self.address:
                self._addresses.give_back(self.address)
            self.gone = True

    def _loop(self) -> None:
        pause = 0.0
        while not self._ended.is_set():
            began = time.time()
            code, why = self._once()
            last = {"code": code, "reason": why or ("Completed" if code == 0 else "Error"), "finished": time.time()}
            again = self.pod["restart"] == "Always" or (self.pod["restart"] == "OnFailure" and code != 0)
            if not again or self._ended.is_set():
                self._said |= {"state": "terminated", **last, "message": ""}
                self._ended.wait()
                return
            pause = next_pause(pause, time.time() - began)
            said = f"back-off {pause:g}s restarting failed container={self.pod['container']} pod={self.name}"
            self._said |= {"state": "waiting", "reason": "CrashLoopBackOff", "message": said, "last": last}
            if self._ended.wait(pause):
                return
            self._said["restarts"] += 1

    def _once(self) -> tuple[int, str]:
        """Run the container until it ends; its exit code, and why it was ended if it was ill."""
        if self._log().exists():
            self._log().replace(self._log(previous=True))
        limit = [f"MemoryMax={self.pod['memory_mib']}M"] if self.pod["memory_mib"] else []
        settings = [
            f"NetworkNamespacePath=/run/netns/pod-{self.name}",
            f"BindReadOnlyPaths={self.home}/hosts:/etc/hosts",
            f"StandardOutput=append:{self._log()}",
            f"StandardError=append:{self._log()}",
            f"TimeoutStopSec={self.pod['grace']}",
            "KillMode=mixed",
            *limit,
        ]
        self._log().touch()
        with self._log().open("ab") as log:  # what systemd says of a container that it cannot start
            running = subprocess.Popen(words(self.pod, self.home, [], settings), stdin=subprocess.DEVNULL, stderr=log)
        probes = self._probes = Probes(self.pod["probes"], self.address)
        probes.start()
        self._said |= {"state": "running", "reason": "", "message": "", "started": time.time()}
        why = ""
        try:
            while running.poll() is None:
                if self._ended.wait(0.1) or probes.dead:
                    why = probes.dead if not self._ended.is_set() else ""
                    subprocess.run(["systemctl", "stop", f"pod-{self.name}"], capture_output=True, check=False)
                    running.wait()
        finally:
            probes.stop()
        return running.returncode, why
