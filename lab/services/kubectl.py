"""What `kubectl` at the desk can say to a site's cluster: the words that backups, restores and people need.

A stand-in for kubectl and the API server at once; it prints what kubectl prints with `--output json`, and lists else.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lab.client import LabError
from lab.services.cluster import Cluster, Job

WORDS = (
    "get cronjob|job|jobs|pods [NAME] [-l K=V] [-o json] · create -f - · create job NAME --from=cronjob/NAME "
    "[--dry-run=client -o json] · logs job/NAME · delete job NAME"
)
_WITH_VALUE = {
    "--context": "context", "--namespace": "namespace", "-n": "namespace", "--request-timeout": "",
    "--selector": "label", "-l": "label", "--output": "output", "-o": "output", "--filename": "file", "-f": "file",
    "--tail": "", "--from": "from", "--dry-run": "dry", "--wait": "",
}  # fmt: skip
_ALONE = ("--ignore-not-found", "--all-containers")


def run(clusters: Mapping[str, Cluster], words: Sequence[str], stdin: str) -> dict[str, Any]:
    """{"code", "out", "err"} of one command. `clusters` by context; who names none means the first."""
    try:
        options, rest = _parse(words)
        return {"code": 0, "out": _run(_chosen(clusters, options.get("context", "")), options, rest, stdin), "err": ""}
    except LabError as error:
        return {"code": 1, "out": "", "err": f"{error}\n"}


def _chosen(clusters: Mapping[str, Cluster], context: str) -> Cluster:
    if not clusters:
        raise LabError("error: the topology that this lab is up with has no cluster")
    if context and context not in clusters:
        raise LabError(f'error: context "{context}" does not exist')
    cluster = clusters[context] if context else next(iter(clusters.values()))
    if cluster.dark:
        raise LabError(f"Unable to connect to the server: dial tcp: lookup {cluster.host}: i/o timeout")
    return cluster


def _parse(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {"namespace": "default"}
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if name in _WITH_VALUE:
            options[_WITH_VALUE[name]] = value if equals else left.pop(0) if left and name != "--wait" else ""
        elif name in _ALONE:
            options[name] = "true"
        elif word.startswith("-"):
            raise LabError(f"error: the lab's kubectl does not know {word}; it knows: {WORDS}")
        else:
            rest.append(word)
    return options, rest


def _run(cluster: Cluster, options: dict[str, str], rest: list[str], stdin: str) -> str:
    namespace = options["namespace"]
    verb, what, name = [*rest, "", "", ""][:3]
    kind = {"cronjobs": "cronjob", "jobs": "job", "pod": "pods"}.get(what, what)
    verbs: dict[str, Callable[[], str]] = {
        "get": lambda: _get(cluster, options, kind, name),
        "create": lambda: _create(cluster, options, what, name, stdin),
        "logs": lambda: _logs(cluster.job(namespace, what.rpartition("/")[2])),
        "delete": lambda: _delete(cluster, options, kind, name),
    }
    if verb not in verbs:
        raise LabError(f"error: the lab's kubectl does not know {verb!r}; it knows: {WORDS}")
    return verbs[verb]()


def _get(cluster: Cluster, options: dict[str, str], kind: str, name: str) -> str:
    namespace = options["namespace"]
    if kind == "cronjob":
        known = [name] if name else cluster.cronjobs(namespace)
        items = [_cronjob_object(cluster.cronjob(namespace, one)) for one in known]
        found: Any = items[0] if name else {"apiVersion": "v1", "kind": "List", "items": items}
    elif kind == "job" and name:
        found = job_object(cluster.job(namespace, name))
    elif kind in ("job", "pods"):
        jobs = cluster.jobs(namespace)
        items = (
            [job_object(job) for job in jobs] if kind == "job" else [one for job in jobs for one in pod_objects(job)]
        )
        key, _, value = options.get("label", "").partition("=")
        items = [one for one in items if not key or one["metadata"]["labels"].get(key) == value]
        found = {"apiVersion": "v1", "kind": "List", "items": items}
    else:
        raise LabError(f'error: the lab\'s cluster has no resource type "{kind}"; kubectl knows here: {WORDS}')
    if options.get("output") == "json":
        return json.dumps(found, indent=4) + "\n"
    shown = found.get("items", [found])
    return "".join(f"{one['metadata']['name']}\n" for one in shown) or f"No resources found in {namespace} namespace.\n"


def _cronjob_object(record: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in record.items() if not key.startswith("__")}
    return {"apiVersion": "batch/v1", "kind": "CronJob", **plain}


def _create(cluster: Cluster, options: dict[str, str], what: str, name: str, stdin: str) -> str:
    if what == "job" and options.get("from"):
        source = cluster.cronjob(options["namespace"], options["from"].removeprefix("cronjob/"))
        template = source["spec"]["jobTemplate"]
        given = {
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": name, "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
                         "labels": (template.get("metadata") or {}).get("labels") or {}},
            "spec": template["spec"],
        }  # fmt: skip
        if options.get("dry") == "client":
            return json.dumps(given, indent=4) + "\n"
    elif options.get("file") == "-":
        given = json.loads(stdin)
        if given.get("kind") != "Job":
            raise LabError(f"error: the lab's kubectl creates jobs, not {given.get('kind')}")
    else:
        raise LabError(f"error: the lab's kubectl knows: {WORDS}")
    metadata = given["metadata"]
    cluster.create(options["namespace"], metadata["name"], given["spec"], metadata.get("labels") or {})
    return f"job.batch/{metadata['name']} created\n"


def _logs(job: Job) -> str:
    if not job.pods:
        raise LabError(f"error: no pod of job {job.name} has started")
    return job.pods[-1].output


def _delete(cluster: Cluster, options: dict[str, str], kind: str, name: str) -> str:
    name = name or kind.rpartition("/")[2]
    if not cluster.delete(options["namespace"], name) and "--ignore-not-found" not in options:
        raise LabError(f'Error from server (NotFound): jobs.batch "{name}" not found')
    return f'job.batch "{name}" deleted\n'


def job_object(job: Job) -> dict[str, Any]:
    """As the API shows a job."""
    failed = sum(1 for pod in job.pods if pod.node_says or pod.code not in (0, None))
    status: dict[str, Any] = {"startTime": _stamp(job.began), "failed": failed}
    if not job.outcome:
        status["active"] = 1
    else:
        status |= {"conditions": [{"type": job.outcome, "status": "True"}], "succeeded": int(job.outcome == "Complete")}
    metadata = {"name": job.name, "namespace": job.namespace, "labels": {**job.labels, "job-name": job.name}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job.spec, "status": status}


def pod_objects(job: Job) -> list[dict[str, Any]]:
    """As the API shows a job's pods."""
    found = []
    for pod in job.pods:
        state: dict[str, Any] = {"running": {}}
        if pod.node_says:
            state = {"waiting": {"reason": "CreateContainerError", "message": pod.node_says}}
        elif pod.code is not None:
            state = {"terminated": {"exitCode": pod.code, "reason": "Completed" if pod.code == 0 else "Error"}}
        metadata = {"name": pod.name, "namespace": job.namespace, "labels": {**job.labels, "job-name": job.name}}
        status = {"containerStatuses": [{"name": "backup", "state": state}]}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})
    return found


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
