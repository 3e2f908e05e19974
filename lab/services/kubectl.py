"""What `kubectl` at the desk can say to a site's cluster: the words that operations, backups and people need.

A stand-in for kubectl and the API server at once; it prints what kubectl prints with `--output json`, and tables
or lists else. Not here: what a word changes (kubernetes/changes.py), how objects look (kubernetes/views.py).
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lab.client import LabError
from lab.services.cluster import Cluster, Job
from lab.services.kubernetes import changes
from lab.services.kubernetes.descriptions import CONFIG_MAP
from lab.services.kubernetes.keeper import DEPLOYMENT, INGRESS, SERVICE
from lab.services.kubernetes.views import described, node_object, of_record, plain, pod_object, table

WORDS = (
    "get cronjob|job|pods|deployment|configmap|service|ingress|nodes [NAME…] [-l K=V] [-o json|name] · create -f - · "
    "create job NAME --from=cronjob/NAME [--dry-run=client -o json] · logs job/NAME|deployment/NAME|POD [--previous] · "
    "delete job|pod NAME · scale deployment NAME --replicas N · patch configmap|deployment NAME --type merge -p JSON · "
    "describe pods [NAME] · rollout restart|status deployment/NAME [--timeout 60s] [--watch=false]"
)
_WITH_VALUE = {
    "--context": "context", "--namespace": "namespace", "-n": "namespace", "--request-timeout": "",
    "--selector": "label", "-l": "label", "--output": "output", "-o": "output", "--filename": "file", "-f": "file",
    "--tail": "tail", "--from": "from", "--dry-run": "dry", "--wait": "wait", "--replicas": "replicas",
    "--type": "type", "--patch": "patch", "-p": "patch", "--timeout": "timeout", "--watch": "watch",
    "--container": "", "-c": "", "--grace-period": "",
}  # fmt: skip
_MAY_BE_ALONE = ("--wait", "--watch")
_ALONE = ("--ignore-not-found", "--all-containers", "--previous")
_KINDS = {
    "cronjobs": "cronjob", "cj": "cronjob", "jobs": "job", "pod": "pods", "po": "pods", "deployments": "deployment",
    "deploy": "deployment", "deployment.apps": "deployment", "deployments.apps": "deployment", "node": "nodes",
    "no": "nodes", "configmaps": "configmap", "cm": "configmap", "services": "service", "svc": "service",
    "ingresses": "ingress", "ing": "ingress",
}  # fmt: skip
_NAMED = {
    "cronjob": "cronjob.batch", "job": "job.batch", "pods": "pod", "deployment": "deployment.apps",
    "configmap": "configmap", "service": "service", "ingress": "ingress.networking.k8s.io", "nodes": "node",
}  # fmt: skip
"""As `-o name` has them."""
_RECORDED = {
    "deployment": (DEPLOYMENT, "Deployment", "apps/v1"),
    "configmap": (CONFIG_MAP, "ConfigMap", "v1"),
    "service": (SERVICE, "Service", "v1"),
    "ingress": (INGRESS, "Ingress", "networking.k8s.io/v1"),
}
TAKEN_SECONDS = 5.0
_DURATION = re.compile(r"(\d+)(s|m|)")


def run(clusters: Mapping[str, Cluster], words: Sequence[str], stdin: str) -> dict[str, Any]:
    """{"code", "out", "err"} of one command. `clusters` by context; who names none means the first."""
    try:
        options, rest = _parse(words)
        return {"code": 0, "out": _run(_chosen(clusters, options.get("context", "")), options, rest, stdin), "err": ""}
    except changes.Unfinished as error:
        return {"code": 1, "out": error.said, "err": f"{error}\n"}
    except LabError as error:
        return {"code": 1, "out": "", "err": f"{error}\n"}


def _chosen(clusters: Mapping[str, Cluster], context: str) -> Cluster:
    if not clusters:
        raise LabError("error: the topology that this lab is up with has no cluster")
    if context and context not in clusters:
        raise LabError(f'error: context "{context}" does not exist')
    cluster = clusters[context] if context else next(iter(clusters.values()))
    if cluster.absent:
        raise LabError(f"Unable to connect to the server: dial tcp: lookup {cluster.host}: no such host")
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
            alone = name in _MAY_BE_ALONE or not left
            options[_WITH_VALUE[name]] = value if equals else "" if alone else left.pop(0)
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
    verbs: dict[str, Callable[[], str]] = {
        "get": lambda: _get(cluster, options, *_kind_and_names(what, rest[2:])),
        "describe": lambda: _describe(cluster, namespace, *_kind_and_names(what, rest[2:])),
        "create": lambda: _create(cluster, options, what, name, stdin),
        "logs": lambda: _logs(cluster, options, what),
        "delete": lambda: _delete(cluster, options, *_kind_and_name(what, name)),
        "scale": lambda: changes.scale(
            cluster, namespace, _only("deployment", what, name), options.get("replicas", "")
        ),
        "patch": lambda: changes.patch(
            cluster, namespace, *_kind_and_name(what, name), options.get("type", "strategic"), options.get("patch", "")
        ),
        "rollout": lambda: _rollout(cluster, options, what, name, [*rest, "", ""][3]),
    }
    if verb not in verbs:
        raise LabError(f"error: the lab's kubectl does not know {verb!r}; it knows: {WORDS}")
    return verbs[verb]()


def _kind_and_name(what: str, name: str) -> tuple[str, str]:
    kind, slash, named = what.partition("/")
    return _KINDS.get(kind, kind), named if slash else name


def _kind_and_names(what: str, names: Sequence[str]) -> tuple[str, Sequence[str]]:
    kind, slash, named = what.partition("/")
    return _KINDS.get(kind, kind), [named] if slash else names


def _only(kind: str, what: str, name: str) -> str:
    """The name of one of this kind. LabError for another kind or no name."""
    found, named = _kind_and_name(what, name)
    if found != kind or not named:
        raise LabError(f"error: the lab's kubectl takes {kind} NAME or {kind}/NAME here, not {what} {name}".rstrip())
    return named


def _rollout(cluster: Cluster, options: dict[str, str], verb: str, what: str, name: str) -> str:
    named, namespace = _only("deployment", what, name), options["namespace"]
    if verb == "restart":
        return changes.restart(cluster, namespace, named)
    if verb != "status":
        raise LabError(f"error: the lab's kubectl does not know rollout {verb}; it knows: {WORDS}")
    given = _DURATION.fullmatch(options.get("timeout", "0"))
    if not given:
        raise LabError(f'error: invalid argument "{options["timeout"]}" for "--timeout" flag: write it like 60s')
    seconds = float(given[1]) * (60 if given[2] == "m" else 1)
    return changes.follow(cluster, namespace, named, seconds, options.get("watch", "true") != "false")


def _get(cluster: Cluster, options: dict[str, str], kind: str, names: Sequence[str]) -> str:
    namespace = options["namespace"]
    items = _items(cluster, namespace, kind)
    key, _, value = options.get("label", "").partition("=")
    items = [one for one in items if not key or (one["metadata"].get("labels") or {}).get(key) == value]
    if names:
        there = {one["metadata"]["name"]: one for one in items}
        gone = [name for name in names if name not in there]
        if gone and "--ignore-not-found" not in options:
            raise LabError(f'Error from server (NotFound): {_plural(kind)} "{gone[0]}" not found')
        items = [there[name] for name in names if name in there]
        if not items:
            return ""
    # Who asks for one by its name gets it alone; else it is a list, also of one.
    found = items[0] if len(names) == 1 else {"apiVersion": "v1", "kind": "List", "items": items}
    if options.get("output") == "json":
        return json.dumps(found, indent=4) + "\n"
    if options.get("output") == "name":
        return "".join(f"{_NAMED[kind]}/{one['metadata']['name']}\n" for one in items)
    if options.get("output", "wide") != "wide":
        raise LabError(f"error: the lab's kubectl prints -o json, name or wide, not {options['output']}")
    return table(kind, items) if items else f"No resources found in {namespace} namespace.\n"


def _describe(cluster: Cluster, namespace: str, kind: str, names: Sequence[str]) -> str:
    if kind != "pods":
        raise LabError("error: the lab's kubectl describes pods")
    unwell = {pod.name: str(pod.status.get("unwell") or "") for pod in cluster.keeper.pods()} if cluster.keeper else {}
    items = [one for one in _items(cluster, namespace, kind) if not names or one["metadata"]["name"] in names]
    texts = [described(one, unwell.get(one["metadata"]["name"], "")) for one in items if "conditions" in one["status"]]
    return "\n\n".join(texts) or f"No resources found in {namespace} namespace.\n"


def _plural(kind: str) -> str:
    singular, dot, group = _NAMED[kind].partition(".")
    return f"{singular}{'es' if kind == 'ingress' else 's'}{dot}{group}"


def _items(cluster: Cluster, namespace: str, kind: str) -> list[dict[str, Any]]:
    keeper = cluster.keeper
    if kind == "cronjob":
        return [_cronjob_object(cluster.cronjob(namespace, one)) for one in cluster.cronjobs(namespace)]
    if kind == "job":
        if keeper:
            cluster.take_recorded()
        return [job_object(job) for job in cluster.jobs(namespace)]
    if kind == "pods":
        kept = keeper.pods(namespace) if keeper else []
        hosts = {node.name: node.address for node, _ in keeper.nodes()} if keeper else {}
        shown = [pod_object(pod, hosts.get(pod.node, "")) for pod in sorted(kept, key=lambda pod: pod.name)]
        known = {one["metadata"]["name"] for one in shown}
        of_jobs = [one for job in cluster.jobs(namespace) for one in pod_objects(job)]
        return [*shown, *(one for one in of_jobs if one["metadata"]["name"] not in known)]
    if kind == "nodes":
        return [node_object(node, ready) for node, ready in keeper.nodes()] if keeper else []
    if kind in _RECORDED:
        token, shown_kind, version = _RECORDED[kind]
        here = [one for key, one in sorted(cluster.records(token).items()) if key.startswith(f"{namespace}/")]
        return [of_record(shown_kind, version, one, **_status(cluster, kind, namespace, one)) for one in here]
    raise LabError(f'error: the lab\'s cluster has no resource type "{kind}"; kubectl knows here: {WORDS}')


def _status(cluster: Cluster, kind: str, namespace: str, record: Mapping[str, Any]) -> dict[str, Any]:
    name = record["metadata"]["name"]
    if kind == "deployment":
        return {"status": changes.status(cluster, namespace, name, record)}
    if kind == "service" and cluster.keeper:
        return {"spec": {**plain(record["spec"]), "clusterIP": cluster.keeper.service_address(f"{namespace}/{name}")}}
    return {}


def _cronjob_object(record: dict[str, Any]) -> dict[str, Any]:
    return of_record("CronJob", "batch/v1", record)


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


def _logs(cluster: Cluster, options: dict[str, str], what: str) -> str:
    kind, named = _kind_and_name(what, "") if "/" in what else ("pods", what)
    namespace, keeper = options["namespace"], cluster.keeper
    if kind == "job":
        job = cluster.job(namespace, named)
        if not job.pods:
            raise LabError(f"error: no pod of job {job.name} has started")
        return _tail(_said(cluster, job), options)
    if keeper is None:
        raise LabError(f'Error from server (NotFound): pods "{named}" not found')
    if kind == "deployment":
        pods = sorted(pod.name for pod in keeper.pods(namespace) if pod.owner == named)
        if not pods:
            raise LabError(f"error: deployment {named} has no pod")
        named = pods[0]
    return _tail(keeper.logs(namespace, named, "--previous" in options), options)


def _said(cluster: Cluster, job: Job) -> str:
    """By the newest pod of a job, which may end meanwhile: between its end and the taking of its output it is waited
    for."""
    pod, keeper, deadline = job.pods[-1], cluster.keeper, time.monotonic() + TAKEN_SECONDS
    while keeper and pod.code is None and not pod.node_says:
        try:
            return keeper.logs(job.namespace, pod.name)
        except LabError:
            if any(one.name == pod.name for one in keeper.pods(job.namespace)) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    return pod.output


def _tail(said: str, options: dict[str, str]) -> str:
    lines = int(options.get("tail") or -1)
    return said if lines < 0 else "".join(said.splitlines(keepends=True)[-lines:]) if lines else ""


def _delete(cluster: Cluster, options: dict[str, str], kind: str, name: str) -> str:
    namespace, keeper = options["namespace"], cluster.keeper
    if kind == "pods" and keeper:
        found = keeper.delete(namespace, name)
        while found and options.get("wait") != "false" and any(pod.name == name for pod in keeper.pods(namespace)):
            time.sleep(0.1)
        shown, plural = f'pod "{name}" deleted\n', "pods"
    else:
        name = name or kind.rpartition("/")[2]
        found, shown, plural = cluster.delete(namespace, name), f'job.batch "{name}" deleted\n', "jobs.batch"
    if not found and "--ignore-not-found" not in options:
        raise LabError(f'Error from server (NotFound): {plural} "{name}" not found')
    return shown


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
        phase = "Running"
        if pod.node_says:
            phase = "Pending"
            state = {"waiting": {"reason": "CreateContainerError", "message": pod.node_says}}
        elif pod.code is not None:
            phase = "Failed" if pod.code else "Succeeded"
            state = {"terminated": {"exitCode": pod.code, "reason": "Completed" if pod.code == 0 else "Error"}}
        metadata = {"name": pod.name, "namespace": job.namespace, "labels": {**job.labels, "job-name": job.name}}
        metadata["creationTimestamp"] = _stamp(job.began)
        status = {"phase": phase, "containerStatuses": [{"name": "backup", "state": state}]}
        spec = job.spec["template"]["spec"]
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
    return found


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
