"""Secrets in the environment of a container or a function."""

from collections.abc import Iterable, Iterator
from typing import Any

from pulumi_policy import Severity

from ..judging import Problems, Resource, each
from .words import is_secret_name, secret_in


def _told(variables: Iterable[tuple[str, Any]], fix: str) -> Iterator[str]:
    for name, value in variables:
        text = value if isinstance(value, str) else ""
        what = "what its name says is a secret" if text and is_secret_name(name) else secret_in(text)
        if what:
            yield f"variable {name} holds {what}, readable for everyone who may describe it: {fix}"


def _listed(one: Resource, path: str) -> list[tuple[str, Any]]:
    return [(str(entry.get("name")), entry.get("value", hidden=True)) for entry in one.parts(path)]


def _of_pod(path: str) -> Problems:
    def problems(one: Resource) -> Iterator[str]:
        for kind in ("containers", "initContainers"):
            for container in one.parts(f"{path}.{kind}"):
                yield from _told(_listed(container, "env"), "take it from a Secret with valueFrom.secretKeyRef")

    return problems


def _of_config_map(one: Resource) -> Iterator[str]:
    yield from _told(one.entries("data").items(), "put it into a Secret")


def _of_task(one: Resource) -> Iterator[str]:
    for container in one.document("containerDefinitions", among="containers").parts("containers"):
        yield from _told(_listed(container, "environment"), "take it from Secrets Manager with `secrets`")


def _of_function(one: Resource) -> Iterator[str]:
    yield from _told(one.entries("environment.variables").items(), "let the function ask Secrets Manager")


POLICY = each(
    "secret-in-container-environment",
    Severity.CRITICAL,
    "No secret as the plain value of a variable: it is in the object's description, in the state and in every process "
    "listing of the container (K23; Kubernetes, good practices for Secrets).",
    {
        "kubernetes:core/v1:Pod": _of_pod("spec"),
        "kubernetes:apps/v1:Deployment": _of_pod("spec.template.spec"),
        "kubernetes:apps/v1:StatefulSet": _of_pod("spec.template.spec"),
        "kubernetes:apps/v1:DaemonSet": _of_pod("spec.template.spec"),
        "kubernetes:batch/v1:Job": _of_pod("spec.template.spec"),
        "kubernetes:batch/v1:CronJob": _of_pod("spec.jobTemplate.spec.template.spec"),
        "kubernetes:core/v1:ConfigMap": _of_config_map,
        "aws:ecs/taskDefinition:TaskDefinition": _of_task,
        "aws:lambda/function:Function": _of_function,
    },
)
