"""A Kubernetes cluster: cron jobs, jobs and their pods, on the one node that it has.

Here: when a cron job starts a job, how often a job tries, what a pod's volumes and environment hold, service accounts'
tokens. Not here: the container's process (pod.py on the node), `kubectl`'s words (kubectl.py). The image's name is
kept and not used: the node's own python3, mysql and zstd run.
"""

import base64
import datetime
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.client import LabError
from lab.services.schedule import due

CRONJOB = "kubernetes:batch/v1:CronJob"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
BACK_OFF_SECONDS = 10.0
"""Before the second pod of a job; doubled for each further one."""

Records = Callable[[str], Mapping[str, Any]]
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


class Cluster:
    """`sign` makes a token of claims; `run` runs a pod on the node."""

    def __init__(
        self, records: Records, sign: Callable[[Mapping[str, Any]], str], issuer: str, run: Run, host: str = ""
    ) -> None:
        self.host = host
        """Of its API server."""
        self.dark = False
        """Nobody reaches the API server; what it started goes on."""
        self._records = records
        self._sign = sign
        self._issuer = issuer
        self._run = run
        self._lock = threading.RLock()
        self._jobs: dict[tuple[str, str], Job] = {}
        self._ended = threading.Event()
        self._last_minute = ""

    def start(self) -> None:
        threading.Thread(target=self._clock, name="cron", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

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
        self, namespace: str, name: str, spec: Mapping[str, Any], labels: Mapping[str, str], owner: str = ""
    ) -> Job:
        """Start a job. LabError when its name is taken."""
        with self._lock:
            if (namespace, name) in self._jobs:
                raise LabError(f'Error from server (AlreadyExists): jobs.batch "{name}" already exists')
            job = Job(namespace, name, dict(labels), json.loads(json.dumps(spec)), owner)
            self._jobs[namespace, name] = job
        threading.Thread(target=self._work, args=(job,), name=f"job-{name}", daemon=True).start()
        return job

    def delete(self, namespace: str, name: str) -> bool:
        """Forget it; what it still runs ends by itself."""
        with self._lock:
            return self._jobs.pop((namespace, name), None) is not None

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

    def describe(self, job: Job, name: str, tries: int) -> str:
        """The pod of a job as the node gets it. LabError when something that it names is not there."""
        template = job.spec["template"]
        spec = template["spec"]
        container = spec["containers"][0]
        security = {**(spec.get("securityContext") or {}), **(container.get("securityContext") or {})}
        labels = {**((template.get("metadata") or {}).get("labels") or {}), "job-name": job.name}
        account = str(spec.get("serviceAccountName") or "default")
        volumes = {one["name"]: self._volume(job.namespace, account, name, one) for one in spec.get("volumes") or []}
        mounts = [
            {
                "volume": one["name"],
                "path": one["mountPath"],
                "sub_path": one.get("subPath") or "",
                "read_only": bool(one.get("readOnly")),
            }
            for one in container.get("volumeMounts") or []
        ]
        return json.dumps(
            {
                "name": name,
                "volumes": volumes,
                # the outer before what is inside it
                "mounts": sorted(mounts, key=lambda mount: str(mount["path"])),
                "command": [*(container.get("command") or []), *(container.get("args") or [])],
                "env": self._environment(job, container, name, labels),
                "user": int(security.get("runAsUser") or 0),
                "group": int(security.get("runAsGroup") or security.get("fsGroup") or 0),
                "read_only": bool(security.get("readOnlyRootFilesystem")),
                "seconds": int(job.spec.get("activeDeadlineSeconds") or 86400),
            }
        )

    def _clock(self) -> None:
        while not self._ended.wait(1.0):
            now = datetime.datetime.now(datetime.UTC)
            minute = now.strftime("%Y%m%d%H%M")
            if minute != self._last_minute:
                self._last_minute = minute
                self.tick(now)

    def _work(self, job: Job) -> None:
        pause = BACK_OFF_SECONDS
        for tries in range(int(job.spec.get("backoffLimit", 6)) + 1):
            if tries and self._ended.wait(pause):
                return
            pause = pause * 2 if tries else pause
            pod = Pod(f"{job.name}-{tries:05}")
            job.pods.append(pod)
            try:
                code, output = self._run(self.describe(job, pod.name, tries))
            except LabError as error:
                pod.node_says = str(error)
                job.outcome = "Failed"
                return
            pod.output, pod.code = output, code
            if code == 0:
                job.outcome = "Complete"
                return
        job.outcome = "Failed"

    def _tidy(self, namespace: str, cronjob: str, spec: Mapping[str, Any]) -> None:
        for outcome, key, default in (
            ("Complete", "successfulJobsHistoryLimit", 3),
            ("Failed", "failedJobsHistoryLimit", 1),
        ):
            done = [job for job in self.jobs(namespace) if job.owner == cronjob and job.outcome == outcome]
            kept = int(spec.get(key, default))
            for job in sorted(done, key=lambda one: one.began)[: max(0, len(done) - kept)]:
                self.delete(namespace, job.name)

    def _volume(self, namespace: str, account: str, pod: str, volume: Mapping[str, Any]) -> dict[str, Any]:
        files: dict[str, Any] = {}
        if "emptyDir" in volume:
            return {"files": {}, "mode": 0o2777}
        projected = volume.get("projected") or {}
        sources = list(projected.get("sources") or [])
        mode = int(projected.get("defaultMode") or 0o644)
        for key, wrapped in (("configMap", "configMap"), ("secret", "secret")):
            if key in volume:
                one = dict(volume[key])
                mode = int(one.get("defaultMode") or 0o644)
                sources.append({wrapped: {**one, "name": one.get("name") or one.get("secretName")}})
        if not sources:
            raise LabError(f"the lab's node has no volumes like {volume['name']!r}: {', '.join(sorted(volume))}")
        for source in sources:
            if "serviceAccountToken" in source:
                wanted = source["serviceAccountToken"]
                token = self._token(namespace, account, pod, wanted)
                files[wanted["path"]] = [base64.b64encode(token.encode()).decode(), mode]
            for key in ("configMap", "secret"):
                if key in source:
                    data = self._data(namespace, key, str(source[key]["name"]))
                    items = source[key].get("items") or [{"key": one, "path": one} for one in data]
                    files |= {one["path"]: [data[one["key"]], int(one.get("mode") or mode)] for one in items}
        return {"files": files, "mode": 0o755}

    def _data(self, namespace: str, kind: str, name: str) -> dict[str, str]:
        """Content by key, base64. LabError as the kubelet says it."""
        token = CONFIG_MAP if kind == "configMap" else SECRET
        record = self._records(token).get(f"{namespace}/{name}")
        if record is None:
            raise LabError(f'MountVolume.SetUp failed: {kind.lower()} "{name}" not found')
        if kind == "secret":
            return dict(record.get("data") or {})
        plain = {key: base64.b64encode(str(text).encode()).decode() for key, text in (record.get("data") or {}).items()}
        return {**plain, **(record.get("binaryData") or {})}

    def _token(self, namespace: str, account: str, pod: str, wanted: Mapping[str, Any]) -> str:
        if self._records(ACCOUNT).get(f"{namespace}/{account}") is None and account != "default":
            raise LabError(
                f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
            )
        now = int(time.time())
        return self._sign(
            {
                "iss": self._issuer,
                "sub": f"system:serviceaccount:{namespace}:{account}",
                "aud": [wanted.get("audience") or "https://kubernetes.default.svc"],
                "iat": now,
                "nbf": now,
                "exp": now + int(wanted.get("expirationSeconds") or 3600),
                "kubernetes.io": {"namespace": namespace, "pod": {"name": pod}, "serviceaccount": {"name": account}},
            }
        )

    def _environment(
        self, job: Job, container: Mapping[str, Any], pod: str, labels: Mapping[str, str]
    ) -> dict[str, str]:
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": pod}
        for source in container.get("envFrom") or []:
            for key, kind in (("configMapRef", "configMap"), ("secretRef", "secret")):
                if key in source:
                    data = self._data(job.namespace, kind, str(source[key]["name"]))
                    found |= {name: base64.b64decode(value).decode() for name, value in data.items()}
        for one in container.get("env") or []:
            found[one["name"]] = self._value(job, one, pod, labels)
        return found

    def _value(self, job: Job, one: Mapping[str, Any], pod: str, labels: Mapping[str, str]) -> str:
        origin = one.get("valueFrom") or {}
        for key, kind in (("configMapKeyRef", "configMap"), ("secretKeyRef", "secret")):
            if key in origin:
                data = self._data(job.namespace, kind, str(origin[key]["name"]))
                return base64.b64decode(data[origin[key]["key"]]).decode()
        if "fieldRef" in origin:
            path = str(origin["fieldRef"]["fieldPath"])
            known = {"metadata.name": pod, "metadata.namespace": job.namespace}
            known |= {f"metadata.labels['{name}']": value for name, value in labels.items()}
            if path not in known:
                raise LabError(f"the lab's pods know the fields {', '.join(sorted(known))}, not {path}")
            return known[path]
        return str(one.get("value") or "")
