"""The CRM as its owner deployed it in EKS before twinsite, with the load balancer in front of its pods.

    198.51.100.81  ALB ──▶ Service crm/crm ──▶ pods of Deployment crm, which read and write at RDS
                       └─▶ /writer: Service crm/twinsite-writer, the agent's, once `up` has made it

Here: Kubernetes' records, as `kubectl apply` of the owner's files would leave them. Not here: the program that runs
(workloads/crm), what `pulumi up` deploys at Google.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from lab.scenes import ExistingBalancer
from lab.scenes.aws_gcp import primary
from lab.services.authority import Authority
from lab.services.credentials import ACCOUNT
from lab.services.zones import Balancer

REPOSITORY = f"{ACCOUNT}.dkr.ecr.{primary.REGION}.amazonaws.com/crm"
NAMESPACE = NAME = "crm"
AGENT = "twinsite-writer"
"""What `up` adds beside it: Deployment and Service."""
PORT = 8080
REPLICAS = 2
ALB = Balancer(primary.ALB_NAME, "ZWKZPGTI48KDX", "198.51.100.81", "2001:db8::81")
_CA = "/etc/twinsite/database/ca.pem"


def balancer() -> ExistingBalancer:
    """The ALB, by the controller's target type `ip`: pods are its targets."""
    return ExistingBalancer(
        primary.SITE,
        ALB,
        primary.DOMAIN,
        machine="",
        port=PORT,
        health_path="/ready",
        context=primary.CONTEXT,
        service=f"{NAMESPACE}/{NAME}",
        paths={"/writer": (f"{NAMESPACE}/{AGENT}", "/health")},
    )


def records(authority: Authority, passwords: Mapping[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """By type and id."""
    told = {
        "DATABASE_HOST": primary.DATABASE_HOST,
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": primary.DATABASE,
        "DATABASE_USER": primary.APPLICATION,
        "DATABASE_CA": _CA,
        "ca.pem": authority.certificate,
    }
    password = base64.b64encode(passwords["application"].encode()).decode()
    yield _record("core/v1:ConfigMap", f"{NAME}-database", data=told)
    yield _record("core/v1:ConfigMap", f"{NAME}-role", data={"ROLE": "writer", "SITE": primary.SITE})
    yield _record("core/v1:Secret", NAME, data={"DATABASE_PASSWORD": password})
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    yield _record("core/v1:Service", NAME, spec={"type": "ClusterIP", "selector": _LABELS, "ports": ports})
    yield _record(
        "apps/v1:Deployment",
        NAME,
        spec={
            "replicas": REPLICAS,
            "selector": {"matchLabels": _LABELS},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": _LABELS}, "spec": _pod()},
        },
    )


_LABELS = {"app.kubernetes.io/name": NAME}


def _record(kind: str, name: str, **rest: Any) -> tuple[str, str, dict[str, Any]]:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": _LABELS, "generation": 1}
    version, _, short = kind.partition(":")
    shown = {"apiVersion": version.removeprefix("core/"), "kind": short, "metadata": metadata, **rest}
    return f"kubernetes:{kind}", f"{NAMESPACE}/{name}", shown


def _pod() -> dict[str, Any]:
    container = {
        "name": "application",
        "image": f"{REPOSITORY}@sha256:{'ab' * 32}",
        "ports": [{"name": "http", "containerPort": PORT}],
        "envFrom": [
            {"configMapRef": {"name": f"{NAME}-database"}},
            {"configMapRef": {"name": f"{NAME}-role"}},
            {"secretRef": {"name": NAME}},
        ],
        "livenessProbe": _asks("/health", 10, 3),
        "readinessProbe": _asks("/ready", 2, 2),
        "resources": {"requests": {"cpu": "250m", "memory": "128Mi"}},
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "database", "mountPath": _CA.rpartition("/")[0]},
        ],
    }
    items = [{"key": "ca.pem", "path": "ca.pem"}]
    return {
        "securityContext": {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532},
        "containers": [container],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "database", "configMap": {"name": f"{NAME}-database", "items": items}},
        ],
    }


def _asks(path: str, seconds: int, failures: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": seconds, "failureThreshold": failures}
