"""Which pods are behind a Service, and what an Ingress leads to. Pure.

Left out: headless Services and those without selector, NodePort, LoadBalancer, BackendConfig; of Google's
NEG controller, pods' readiness gates (there a pod counts as ready only after the load balancer found it so).
"""

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.client import LabError
from lab.services.kubernetes.descriptions import port
from lab.services.kubernetes.objects import Pod

STATIC_ADDRESS = "kubernetes.io/ingress.global-static-ip-name"
PLAIN_HTTP = "kubernetes.io/ingress.allow-http"
CLASS = "kubernetes.io/ingress.class"


@dataclass(frozen=True)
class Check:
    """How a load balancer asks whether a pod is well. Defaults are Google's for network endpoint groups
    [kubernetes/ingress-gce, healthchecks: interval and timeout 15 s, 1 good or 2 bad answers in a row]."""

    path: str = "/"
    interval: float = 15.0
    timeout: float = 15.0
    healthy: int = 1
    unhealthy: int = 2


@dataclass(frozen=True)
class Backend:
    """One path of an Ingress."""

    service: str
    """NAMESPACE/NAME"""
    host: str
    """Empty: any."""
    path: str
    exact: bool
    targets: tuple[tuple[str, int], ...] = ()
    """Address and port of each ready pod."""
    check: Check = Check()

    def takes(self, host: str, path: str) -> bool:
        """Whether a request is for it. A prefix is one of whole elements."""
        if self.host not in ("", host):
            return False
        bare = self.path.rstrip("/")
        return path == self.path if self.exact else path == bare or path.startswith(f"{bare}/")


@dataclass(frozen=True)
class Entry:
    """An Ingress: what a load balancer is made of."""

    identity: str
    """NAMESPACE/NAME"""
    address_name: str
    """Of the static address, at the cloud; empty: a passing one."""
    plain_http: bool
    certificate: str = field(repr=False)
    """PEM, chain first, then the key; empty without TLS."""
    backends: tuple[Backend, ...]


class ServiceAddresses:
    """Gives each Service an address of its own for life, from the cluster's range."""

    def __init__(self, cidr: str) -> None:
        hosts = ipaddress.IPv4Network(cidr).hosts()
        next(hosts)  # the API server's own
        self._free = (str(one) for one in hosts)
        self._given: dict[str, str] = {}

    def of(self, identity: str) -> str:
        if identity not in self._given:
            self._given[identity] = next(self._free)
        return self._given[identity]


def behind(identity: str, service: Mapping[str, Any], pods: Sequence[Pod]) -> list[Pod]:
    """Ready pods that a Service selects, in the order of their names."""
    wanted = (service.get("spec") or {}).get("selector") or {}
    namespace = identity.partition("/")[0]
    chosen = [pod for pod in pods if pod.namespace == namespace and wanted.items() <= pod.labels.items()]
    return sorted((pod for pod in chosen if wanted and pod.ready), key=lambda pod: pod.name)


def services(records: Mapping[str, Any], pods: Sequence[Pod], addresses: ServiceAddresses) -> list[dict[str, Any]]:
    """All of a cluster, as its nodes take them (kubelet/network.py)."""
    found = []
    for identity, service in sorted(records.items()):
        namespace, _, name = identity.partition("/")
        there = behind(identity, service, pods)
        for one in service["spec"].get("ports") or []:
            targets = [[pod.address, _target(one, pod)] for pod in there]
            found.append(
                {
                    "name": name,
                    "namespace": namespace,
                    "address": addresses.of(identity),
                    "port": int(one["port"]),
                    "targets": targets,
                }
            )
    return found


def entry(
    identity: str,
    ingress: Mapping[str, Any],
    services_: Mapping[str, Any],
    secrets: Mapping[str, Any],
    pods: Sequence[Pod],
    templates: Sequence[Mapping[str, Any]],
) -> Entry:
    """What an Ingress leads to now. `templates`: of all Deployments; the readiness probe of the one that a Service
    selects is what the load balancer asks, as GKE infers it. LabError for what is not there."""
    namespace = identity.partition("/")[0]
    annotations = (ingress.get("metadata") or {}).get("annotations") or {}
    return Entry(
        identity=identity,
        address_name=str(annotations.get(STATIC_ADDRESS) or ""),
        plain_http=str(annotations.get(PLAIN_HTTP) or "true").lower() != "false",
        certificate=_certificate(namespace, ingress["spec"].get("tls") or [], secrets),
        backends=tuple(
            _backend(namespace, str(rule.get("host") or ""), one, services_, pods, templates)
            for rule in ingress["spec"].get("rules") or []
            for one in rule["http"]["paths"]
        ),
    )


def _backend(
    namespace: str,
    host: str,
    rule: Mapping[str, Any],
    services_: Mapping[str, Any],
    pods: Sequence[Pod],
    templates: Sequence[Mapping[str, Any]],
) -> Backend:
    wanted = rule["backend"]["service"]
    name = f"{namespace}/{wanted['name']}"
    service = services_.get(name)
    if service is None:
        raise LabError(f'Translation failed: invalid ingress spec: could not find service "{name}"')
    its_port = _service_port(service, wanted.get("port") or {}, name)
    selector = (service.get("spec") or {}).get("selector") or {}
    chosen = [one for one in templates if selector.items() <= ((one.get("metadata") or {}).get("labels") or {}).items()]
    # GKE's own default, ImplementationSpecific, is an exact path unless it ends with /*.
    kind, path = rule.get("pathType") or "ImplementationSpecific", str(rule.get("path") or "/*")
    return Backend(
        service=name,
        host=host,
        path=path.removesuffix("*"),
        exact=kind == "Exact" or (kind == "ImplementationSpecific" and not path.endswith("/*")),
        targets=tuple((pod.address, _target(its_port, pod)) for pod in behind(name, service, pods)),
        check=_check(chosen[0]["spec"]["containers"][0], its_port) if chosen else Check(),
    )


def _target(service_port: Mapping[str, Any], pod: Pod) -> int:
    return port(service_port.get("targetPort") or service_port["port"], pod.spec["containers"][0])


def _service_port(service: Mapping[str, Any], wanted: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for one in service["spec"].get("ports") or []:
        if wanted.get("name") in (one.get("name"), None) and wanted.get("number") in (one["port"], None):
            found: Mapping[str, Any] = one
            return found
    raise LabError(f"Translation failed: could not find port {dict(wanted)} in service {name}")


def _check(container: Mapping[str, Any], service_port: Mapping[str, Any]) -> Check:
    asked = (container.get("readinessProbe") or {}).get("httpGet")
    target = port(service_port.get("targetPort") or service_port["port"], container)
    if not asked or port(asked["port"], container) != target:
        return Check()
    given = container["readinessProbe"]
    period, timeout = float(given.get("periodSeconds") or 10), float(given.get("timeoutSeconds") or 1)
    return Check(path=asked.get("path") or "/", interval=period, timeout=timeout)


def _certificate(namespace: str, tls: Sequence[Mapping[str, Any]], secrets: Mapping[str, Any]) -> str:
    if not tls:
        return ""
    name = tls[0].get("secretName")
    data = (secrets.get(f"{namespace}/{name}") or {}).get("data") or {}
    if not {"tls.crt", "tls.key"} <= set(data):
        raise LabError(f'secret "{name}" does not exist or has no tls.crt and tls.key')
    parts = [base64.b64decode(data[key]).decode().strip() for key in ("tls.crt", "tls.key")]
    return "\n".join(parts) + "\n"
