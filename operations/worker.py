"""Where programs of a guest package run at a site: the standby machine, a Job in a cluster, a host."""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twinsite.inventory import Inventory, Pod, Ssh

from .guest import GUEST, brief
from .kubectl import Kubectl
from .transport import Done, RemoteFailed, Transport, Unreachable

BACKUP = "backup"
CONFIG = "/etc/twinsite/backup.json"
SECRETS = "/etc/twinsite/backup.secrets.json"
LABEL = "app.kubernetes.io/managed-by=twinsite-operations"
LONG_SECONDS = 5400.0
# A Job's pod that cannot start says nothing by itself.
START_SECONDS = 180.0
BLINK_SECONDS = 60.0
"""So long a cluster's API may be silent while a Job runs."""


class Runner(Protocol):
    """A transport's one verb."""

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done: ...


class Worker(Protocol):
    """A place where `PROGRAM VERB …` runs."""

    place: str
    program: str
    """The guest's package."""

    def run(self, arguments: Sequence[str], seconds: float) -> Done:
        """To its end. Unreachable when it cannot be run there."""


class HostWorker:
    """A machine with the guest's programs and the configuration of its site's database."""

    program = BACKUP

    def __init__(self, runner: Runner, host: str, sudo: bool) -> None:
        self.place = host
        self._runner, self._sudo = runner, sudo

    def run(self, arguments: Sequence[str], seconds: float) -> Done:
        command = [GUEST, self.program, *arguments, "--config", CONFIG, "--secrets", SECRETS]
        return self._runner.run(self.place, ["sudo", "-n", *command] if self._sudo else command, "", seconds)


class ClusterWorker:
    """A Kubernetes Job made by kubectl from the site's CronJob, so with its image, identity and configuration."""

    def __init__(
        self,
        job: Pod,
        pause_seconds: float = 1.0,
        program: str = BACKUP,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """`say`: told the program's newest words while it runs."""
        self.place, self.program = f"CronJob {job.namespace}/{job.cronjob}", program
        self._job, self._pause, self._say = job, pause_seconds, say
        self._kubectl = Kubectl(job.context, job.namespace, self.place)

    def unseen(self) -> str:
        """Why kubectl does not see the CronJob; empty when it does, or there is no kubectl here."""
        if shutil.which("kubectl") is None:
            return ""
        try:
            self._kubectl.get("cronjob", self._job.cronjob)
        except Unreachable as problem:
            return problem.words
        return ""

    def run(self, arguments: Sequence[str], seconds: float) -> Done:
        deadline = time.monotonic() + seconds
        self._wait_for_others(deadline)
        name = f"twinsite-{arguments[0]}-{secrets.token_hex(4)}"
        cronjob = self._kubectl.get("cronjob", self._job.cronjob)
        job = job_from(cronjob, name, arguments, self.program)
        self._kubectl.run("create", "--filename", "-", stdin=json.dumps(job))
        try:
            code = self._outcome(name, deadline)
            return Done(code, self._kubectl.run("logs", f"job/{name}", "--tail=-1"), "")
        finally:
            self._kubectl.run("delete", "job", name, "--wait=false", "--ignore-not-found")

    def _wait_for_others(self, deadline: float) -> None:
        """A Job of a command that was killed goes on by itself: two at once would write the same tables."""
        while True:
            jobs = self._kubectl.get("jobs", "--selector", LABEL).get("items", [])
            running = [job["metadata"]["name"] for job in jobs if (job.get("status") or {}).get("active")]
            if not running:
                return
            if time.monotonic() >= deadline:
                raise Unreachable(self.place, f"job {running[0]} of an earlier command does not end")
            time.sleep(self._pause)

    def _outcome(self, name: str, deadline: float) -> int:
        started = seen = time.monotonic()
        while True:
            try:
                pods = self._kubectl.get("pods", "--selector", f"job-name={name}").get("items", [])
                seen = time.monotonic()
            except Unreachable:
                # The program goes on meanwhile: what it is at is not ended for a blink.
                if time.monotonic() >= min(seen + BLINK_SECONDS, deadline):
                    raise
                time.sleep(self._pause)
                continue
            states = [state for pod in pods for state in (pod.get("status") or {}).get("containerStatuses") or []]
            for state in states:
                ended = (state.get("state") or {}).get("terminated")
                if ended:
                    return int(ended.get("exitCode", 1))
            waiting = [((state.get("state") or {}).get("waiting") or {}).get("message", "") for state in states]
            begun = any((state.get("state") or {}).get("running") for state in states)
            if not begun and time.monotonic() - started > START_SECONDS:
                raise Unreachable(
                    self.place, f"job {name} does not start: {'; '.join(filter(None, waiting)) or 'no pod'}"
                )
            if time.monotonic() >= deadline:
                raise Unreachable(self.place, f"job {name} did not end in time")
            if begun and self._say is not None:
                self._say(self._newest(name))
            time.sleep(self._pause)

    def _newest(self, name: str) -> str:
        """The program's last line; nothing stops for it."""
        try:
            return self._kubectl.run("logs", f"job/{name}", "--tail=1").strip()
        except Unreachable:
            return ""


def job_from(cronjob: dict[str, Any], name: str, arguments: Sequence[str], program: str = BACKUP) -> dict[str, Any]:
    """A Job as the CronJob would make it, which runs its program with other arguments, once. Pure."""
    template = json.loads(json.dumps(cronjob["spec"]["jobTemplate"]["spec"]["template"]))
    pod = template["spec"]
    pod["restartPolicy"] = "Never"
    # Its command brings the program and the tools; what that runs is in the arguments.
    pod["containers"][0]["args"] = ["python3", "-m", program, *arguments]
    key, _, value = LABEL.partition("=")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {key: value}},
        "spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 86400, "template": template},
    }


def home_worker(inventory: Inventory, hosts: Transport | None) -> Worker | None:
    """What runs `backup` at home: the host that has the role, by its way in; None when nothing does."""
    host = inventory.with_role("backup", inventory.home)
    if host is None:
        return None
    if isinstance(host.way, Pod):
        return ClusterWorker(host.way)
    if isinstance(host.way, Ssh) and hosts is not None:
        return HostWorker(hosts, host.name, sudo=True)
    return None


def answer(worker: Worker, arguments: Sequence[str], seconds: float, codes: frozenset[int] = frozenset({0})) -> Any:
    """The JSON object that the program printed last. RemoteFailed with its own words for a code beyond `codes`."""
    done = worker.run(arguments, seconds)
    found: Any = None
    for line in reversed(done.stdout.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            break
    else:
        # Perhaps one object over several lines.
        start = done.stdout.find("{")
        try:
            found = json.loads(done.stdout[start:]) if start >= 0 else None
        except ValueError:
            found = None
    program = f"{worker.program} {arguments[0]}"
    if done.code not in codes:
        said = "; ".join(map(str, found.get("problems") or [])) if isinstance(found, dict) else ""
        raise RemoteFailed(worker.place, program, done.code, said or brief(done.stderr or done.stdout))
    if not isinstance(found, dict):
        raise RemoteFailed(worker.place, program, done.code, f"it printed no JSON: {done.stdout[-200:]!r}")
    return found
