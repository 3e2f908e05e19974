"""What a node is told of a pod: the files of its volumes, its environment, command, user, probes, all of it as values.

ConfigMaps and Secrets are read when a pod begins, so that whoever runs sees what was then: for environments as
in Kubernetes; mounted files would follow after a minute there, and do not here. Not here: where a pod runs.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.client import LabError
from lab.services.kubernetes.objects import quantity

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Keys of envFrom that are none (ca.pem) are left out, as Kubernetes did up to 1.31; later ones give them, too."""

Records = Callable[[str], Mapping[str, Any]]


class ConfigError(LabError):
    """A variable's source is not there: reason CreateContainerConfigError."""


class MountError(LabError):
    """A volume's source is not there: the pod waits in ContainerCreating, with an event FailedMount."""


class ImageError(LabError):
    """Nobody knows what the image would run: reason ErrImagePull."""


class Descriptions:
    """`images`: what an image's container runs when its pod says no command, by repository. An image is never pulled:
    the node's own files stand in for it, and one that nobody put there is an image that cannot be pulled."""

    def __init__(
        self,
        records: Records,
        sign: Callable[[Mapping[str, Any]], str],
        issuer: str,
        images: Mapping[str, Sequence[str]],
    ) -> None:
        self._records = records
        self._sign = sign
        self._issuer = issuer
        self._images = images

    def pod(self, namespace: str, name: str, labels: Mapping[str, str], spec: Mapping[str, Any]) -> dict[str, Any]:
        """Of a pod with one container. LabError when something that it names is not there."""
        if len(spec["containers"]) > 1 or spec.get("initContainers"):
            raise LabError(f"pod {name}: the lab's nodes run pods of one container")
        container = spec["containers"][0]
        security = {**(spec.get("securityContext") or {}), **(container.get("securityContext") or {})}
        account = str(spec.get("serviceAccountName") or "default")
        volumes = {one["name"]: self._volume(namespace, account, name, one) for one in spec.get("volumes") or []}
        mounts = [
            {
                "volume": one["name"],
                "path": one["mountPath"],
                "sub_path": one.get("subPath") or "",
                "read_only": bool(one.get("readOnly")),
            }
            for one in container.get("volumeMounts") or []
        ]
        limit = ((container.get("resources") or {}).get("limits") or {}).get("memory", 0)
        return {
            "name": name,
            "namespace": namespace,
            "container": container["name"],
            "volumes": volumes,
            # the outer before what is inside it
            "mounts": sorted(mounts, key=lambda mount: str(mount["path"])),
            "command": self._command(container),
            "env": self._environment(namespace, container, name, labels),
            "user": int(security.get("runAsUser") or 0),
            "group": int(security.get("runAsGroup") or security.get("fsGroup") or 0),
            "read_only": bool(security.get("readOnlyRootFilesystem")),
            "restart": spec.get("restartPolicy") or "Always",
            "grace": int(spec.get("terminationGracePeriodSeconds", 30)),
            "memory_mib": int(quantity(limit) // 2**20),
            "probes": {
                kind: probe(container[f"{kind}Probe"], container)
                for kind in ("startup", "liveness", "readiness")
                if container.get(f"{kind}Probe")
            },
        }

    def _command(self, container: Mapping[str, Any]) -> list[str]:
        given = [*(container.get("command") or []), *(container.get("args") or [])]
        if container.get("command"):
            return given
        image = str(container.get("image") or "")
        repository = image.partition("@")[0]
        if repository not in self._images:
            raise ImageError(
                f'failed to pull and unpack image "{image}": not found (the lab knows what {self._known()})'
            )
        return [*self._images[repository], *given]

    def _known(self) -> str:
        return "these would run: " + ", ".join(sorted(self._images)) if self._images else "no image would run"

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
                    if data is None:
                        raise MountError(f'MountVolume.SetUp failed: {key.lower()} "{source[key]["name"]}" not found')
                    items = source[key].get("items") or [{"key": one, "path": one} for one in data]
                    gone = [one["key"] for one in items if one["key"] not in data]
                    if gone:
                        raise MountError(f"MountVolume.SetUp failed: references non-existent config key: {gone[0]}")
                    files |= {one["path"]: [data[one["key"]], int(one.get("mode") or mode)] for one in items}
        return {"files": files, "mode": 0o755}

    def _data(self, namespace: str, kind: str, name: str) -> dict[str, str] | None:
        """Content by key, base64; None when there is no such thing."""
        token = CONFIG_MAP if kind == "configMap" else SECRET
        record = self._records(token).get(f"{namespace}/{name}")
        if record is None:
            return None
        texts = (record.get("data") if kind == "configMap" else record.get("stringData")) or {}
        plain = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
        return {**(record.get("data") or {} if kind == "secret" else record.get("binaryData") or {}), **plain}

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
        self, namespace: str, container: Mapping[str, Any], pod: str, labels: Mapping[str, str]
    ) -> dict[str, str]:
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": pod}
        for source in container.get("envFrom") or []:
            for key, kind in (("configMapRef", "configMap"), ("secretRef", "secret")):
                if key in source:
                    data = self._needed(namespace, kind, source[key])
                    texts = {name: base64.b64decode(text).decode() for name, text in data.items()}
                    found |= {name: text for name, text in texts.items() if _VARIABLE.fullmatch(name)}
        for one in container.get("env") or []:
            value = self._value(namespace, one, pod, labels)
            if value is not None:
                found[one["name"]] = value
        return found

    def _needed(self, namespace: str, kind: str, source: Mapping[str, Any]) -> dict[str, str]:
        data = self._data(namespace, kind, str(source["name"]))
        if data is None and not source.get("optional"):
            raise ConfigError(f'{kind.lower()} "{source["name"]}" not found')
        return data or {}

    def _value(self, namespace: str, one: Mapping[str, Any], pod: str, labels: Mapping[str, str]) -> str | None:
        origin = one.get("valueFrom") or {}
        for key, kind in (("configMapKeyRef", "configMap"), ("secretKeyRef", "secret")):
            if key in origin:
                data, wanted = self._needed(namespace, kind, origin[key]), origin[key]["key"]
                if wanted in data:
                    return base64.b64decode(data[wanted]).decode()
                if origin[key].get("optional"):
                    return None
                shown = "ConfigMap" if kind == "configMap" else "Secret"
                raise ConfigError(f"couldn't find key {wanted} in {shown} {namespace}/{origin[key]['name']}")
        if "fieldRef" in origin:
            path = str(origin["fieldRef"]["fieldPath"])
            known = {"metadata.name": pod, "metadata.namespace": namespace}
            known |= {f"metadata.labels['{name}']": value for name, value in labels.items()}
            if path not in known:
                raise LabError(f"the lab's pods know the fields {', '.join(sorted(known))}, not {path}")
            return known[path]
        return str(one.get("value") or "")


def probe(given: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    """As a node asks it, with Kubernetes' defaults. LabError for a kind that the lab's nodes do not ask."""
    kind = next((name for name in ("httpGet", "tcpSocket") if name in given), "")
    if not kind or str(given[kind].get("scheme") or "HTTP") != "HTTP":
        raise LabError(f"the lab's nodes ask probes httpGet (plain) and tcpSocket, not {', '.join(sorted(given))}")
    asked = given[kind]
    return {
        "kind": "http" if kind == "httpGet" else "tcp",
        "port": port(asked["port"], container),
        "path": asked.get("path") or "/",
        "headers": [[one["name"], one["value"]] for one in asked.get("httpHeaders") or []],
        "delay": float(given.get("initialDelaySeconds") or 0),
        "period": float(given.get("periodSeconds") or 10),
        "timeout": float(given.get("timeoutSeconds") or 1),
        "success": int(given.get("successThreshold") or 1),
        "failure": int(given.get("failureThreshold") or 3),
    }


def port(wanted: Any, container: Mapping[str, Any]) -> int:
    """A port by number or by the container's name for it. LabError for no such name."""
    for one in container.get("ports") or []:
        if one.get("name") == wanted:
            return int(one["containerPort"])
    try:
        return int(float(wanted))
    except ValueError:
        raise LabError(f"container {container.get('name')} has no port {wanted!r}") from None


def described(description: Mapping[str, Any], seconds: int) -> str:
    """For a node that runs one pod at a time (kubelet/pod.py)."""
    return json.dumps({**description, "seconds": seconds})
