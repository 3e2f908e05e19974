"""A Kubernetes cluster: cron jobs, jobs and their pods; with a keeper Deployments and Services, too.

Here: when a cron job starts a job, how often a job tries. Not here: pods that are kept running and nodes (kubernetes/),
the container's process (kubernetes/kubelet on the node), `kubectl`'s words (kubectl.py). Without a keeper there is one
node, which runs jobs' pods one by one under its own address. The image's name is kept and not used: the node's own
python3, mysql and zstd run.
"""

import datetime
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.client import LabError
from lab.services.kubernetes.descriptions import Descriptions, Records, described
from lab.services.kubernetes.keeper import Keeper
from lab.services.kubernetes.objects import Pod as KeptPod
from lab.services.schedule import due

CRONJOB = "kubernetes:batch/v1:CronJob"
JOB = "kubernetes:batch/v1:Job"
BACK_OFF_SECONDS = 10.0
"""Before the second pod of a job; doubled for each further one."""
Run = Callable[[str], tuple[int, str]]
"""A pod's description (JSON) → (exit code, output)."""


@dataclass
class Pod:
    """One try of a job."""

    name: str
    node_says: str = ""
    """Why it cannot start; empty when it could."""
    code: int | None = None
    output: str = ""


@dataclass
class Job:
    """A job and its pods."""

    namespace: str
    name: str
    labels: dict[str, str]
    spec: dict[str, Any]
    owner: str = ""
    """The cron job that started it on schedule, or that it was made from."""
    began: float = field(default_factory=time.time)
    pods: list[Pod] = field(default_factory=list)
    outcome: str = ""
    """Complete or Failed; empty while it runs."""
    forgotten: threading.Event = field(default_factory=threading.Event)
    record: str = ""
    """Uid of the record that asked for it; empty: nobody's."""


class Cluster:
    """`sign` makes a token of claims; `run` runs a pod on the only node, `keeper` on one of several. `put` changes a
    record; `images` says what runs for an image (kubernetes/descriptions.py)."""

    def __init__(
        self,
        records: Records,
        sign: Callable[[Mapping[str, Any]], str],
        issuer: str,
        run: Run | None = None,
        host: str = "",
        put: Callable[[str, str, dict[str, Any]], None] = lambda token, identity, record: None,
        images: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.host = host
        """Of its API server."""
        self.descriptions = Descriptions(records, sign, issuer, images or {})
        self.keeper: Keeper | None = None
        self.records = records
        self.put = put
        self.dark = False
        """Nobody reaches the API server; what it started goes on."""
        self.absent = False
        """There is no such cluster just now."""
        self._records = records
        self._run = run
        self._lock = threading.RLock()
        self._jobs: dict[tuple[str, str], Job] = {}
        self._taken: set[str] = set()
        """Uids of the job records that were seen."""
        self._ended = threading.Event()
        self._last_minute = ""

    def start(self) -> None:
        threading.Thread(target=self._clock, name="cron", daemon=True).start()
        if self.keeper is not None:
            self.keeper.start()

    def stop(self) -> None:
        self._ended.set()
        if self.keeper is not None:
            self.keeper.stop()

    def cronjob(self, namespace: str, name: str) -> dict[str, Any]:
        """The cron job's record. LabError when there is none."""
        found = self._records(CRONJOB).get(f"{namespace}/{name}")
        if found is None:
            raise LabError(f'Error from server (NotFound): cronjobs.batch "{name}" not found')
        return dict(found)

    def cronjobs(self, namespace: str) -> list[str]:
        """Names of a namespace's cron jobs."""
        return sorted(key.partition("/")[2] for key in self._records(CRONJOB) if key.startswith(f"{namespace}/"))

    def jobs(self, namespace: str) -> list[Job]:
        with self._lock:
            return [job for job in self._jobs.values() if job.namespace == namespace]

    def job(self, namespace: str, name: str) -> Job:
        with self._lock:
            found = self._jobs.get((namespace, name))
        if found is None:
            raise LabError(f'Error from server (NotFound): jobs.batch "{name}" not found')
        return found

    def create(
        self,
        namespace: str,
        name: str,
        spec: Mapping[str, Any],
        labels: Mapping[str, str],
        owner: str = "",
        record: str = "",
    ) -> Job:
        """Start a job. LabError when its name is taken."""
        with self._lock:
            if (namespace, name) in self._jobs:
                raise LabError(f'Error from server (AlreadyExists): jobs.batch "{name}" already exists')
            job = Job(namespace, name, dict(labels), json.loads(json.dumps(spec)), owner, record=record)
            self._jobs[namespace, name] = job
        threading.Thread(target=self._work, args=(job,), name=f"job-{name}", daemon=True).start()
        return job

    def delete(self, namespace: str, name: str) -> bool:
        """Forget it. On a keeper's node its pod is ended; else what it still runs ends by itself."""
        with self._lock:
            job = self._jobs.pop((namespace, name), None)
        if job is not None:
            job.forgotten.set()
        return job is not None

    def take_recorded(self) -> None:
        """Start jobs that a program has made, and forget those whose record it has taken away."""
        there = {str(one["metadata"].get("uid")): (key, one) for key, one in self._records(JOB).items()}
        with self._lock:
            made = {job.record: job for job in self._jobs.values() if job.record}
        for uid, job in made.items():
            if uid not in there:
                self.delete(job.namespace, job.name)
        for uid, (identity, record) in there.items():
            with self._lock:
                new = uid not in self._taken
                self._taken.add(uid)
            if new:
                namespace, _, name = identity.partition("/")
                labels = (record["spec"]["template"].get("metadata") or {}).get("labels") or {}
                self.create(namespace, name, record["spec"], labels, record=uid)

    def tick(self, now: datetime.datetime) -> list[str]:
        """Start what is due in this minute; the names of the jobs that were started."""
        started = []
        for identity, record in self._records(CRONJOB).items():
            namespace, _, name = identity.partition("/")
            spec = record["spec"]
            if spec.get("suspend") or not due(str(spec["schedule"]), now):
                continue
            active = [job for job in self.jobs(namespace) if job.owner == name and not job.outcome]
            if active and spec.get("concurrencyPolicy") == "Forbid":
                continue
            template = spec["jobTemplate"]
            job = f"{name}-{int(now.timestamp()) // 60}"
            labels = (template.get("metadata") or {}).get("labels") or {}
            self.create(namespace, job, template["spec"], labels, name)
            started.append(job)
            self._tidy(namespace, name, spec)
        return started

    def describe(self, job: Job, name: str) -> str:
        """The pod of a job as the node gets it. LabError when something that it names is not there."""
        template = job.spec["template"]
        labels = {**((template.get("metadata") or {}).get("labels") or {}), "job-name": job.name}
        found = self.descriptions.pod(job.namespace, name, labels, template["spec"])
        return described(found, int(job.spec.get("activeDeadlineSeconds") or 86400))

    def _clock(self) -> None:
        while not self._ended.wait(1.0):
            now = datetime.datetime.now(datetime.UTC)
            minute = now.strftime("%Y%m%d%H%M")
            if minute != self._last_minute:
                self._last_minute = minute
                self.tick(now)
            if self.keeper is not None:
                self.take_recorded()

    def _work(self, job: Job) -> None:
        pause = BACK_OFF_SECONDS
        for tries in range(int(job.spec.get("backoffLimit", 6)) + 1):
            if tries and (self._ended.wait(pause) or job.forgotten.is_set()):
                return
            pause = pause * 2 if tries else pause
            pod = Pod(f"{job.name}-{tries:05}")
            job.pods.append(pod)
            try:
                code, output = self._try(job, pod.name)
            except LabError as error:
                pod.node_says = str(error)
                job.outcome = "Failed"
                return
            pod.output, pod.code = output, code
            if code == 0:
                job.outcome = "Complete"
                return
        job.outcome = "Failed"

    def _try(self, job: Job, name: str) -> tuple[int, str]:
        if self.keeper is None:
            assert self._run is not None
            return self._run(self.describe(job, name))
        template = job.spec["template"]
        labels = {**((template.get("metadata") or {}).get("labels") or {}), "job-name": job.name}
        kept = KeptPod(job.namespace, name, labels, dict(template["spec"]))
        return self.keeper.run_once(kept, float(job.spec.get("activeDeadlineSeconds") or 86400), job.forgotten)

    def _tidy(self, namespace: str, cronjob: str, spec: Mapping[str, Any]) -> None:
        for outcome, key, default in (
            ("Complete", "successfulJobsHistoryLimit", 3),
            ("Failed", "failedJobsHistoryLimit", 1),
        ):
            done = [job for job in self.jobs(namespace) if job.owner == cronjob and job.outcome == outcome]
            kept = int(spec.get(key, default))
            for job in sorted(done, key=lambda one: one.began)[: max(0, len(done) - kept)]:
                self.delete(namespace, job.name)
