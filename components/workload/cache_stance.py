"""A site's own cache: a Valkey in its cluster that begins empty, keeps nothing, and may be gone at any time."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_random as random
from pulumi_kubernetes import apps, core

from ..component import Component
from ..handle import Given, handle_of
from ..machine import documents
from ..modes import DrMode
from ..rules.cache import CacheStanceIntent
from .cluster import ClusterHandle
from .workload import SKIP_AWAIT, WorkloadCache

PORT = 6379
USER = 999
FOLDER = "/etc/valkey"
OVERHEAD_MIB = 64
"""Of a server over what it is told to keep."""


class CacheStanceArgs(TypedDict):
    """Arguments of CacheStance."""

    dr_mode: DrMode
    """Counts at the standby only: in cold there is none."""

    standby: bool
    """Whether this site stands by."""

    cluster: Given[ClusterHandle]
    """Where it runs. The provider comes by `opts`, as for a Workload."""

    name: NotRequired[str]
    """Of its Deployment and Service. Defaults to cache."""

    namespace: pulumi.Input[str]
    """The Workload's; it exists."""

    namespace_name: str
    """The same, plain: its address is made of it."""

    image: str
    """A Valkey, by digest."""

    memory_mib: NotRequired[int]
    """What it keeps at most; then what was not asked for longest goes. Defaults to 256."""

    holds: list[str]
    """What is in it: fragments, pages, queries. Anything else, like sessions, is refused: it is lost in a failover."""

    written_from: NotRequired[list[str]]
    """Sites whose applications write into it. Another one than its own is refused (K45). Defaults to none."""

    streams_from: NotRequired[list[str]]
    """Refused with the reason. Defaults to none."""

    loads_at_once: NotRequired[int]
    """How many missing keys a pod loads from the database at a time. Defaults to 8."""

    lock_ms: NotRequired[int]
    """One loader a key; another one may try after so long. Defaults to 5000."""

    timeout_ms: NotRequired[int]
    """After so long the cache counts as gone, and the database is asked. Defaults to 200."""

    ttl_seconds: NotRequired[int]
    """How long a value is kept. Defaults to 3600."""


class CacheStance(Component):
    """A cold cache: the standby's begins empty, is filled from the standby's database, and no failover waits for it.

    At home, and at the standby from pilot-light on: a password, a Valkey without persistence, its Service. With no
    nodes it waits, and starts by itself on the nodes that a failover adds.
    """

    address: pulumi.Output[str | None]
    """Name inside the cluster; None while there is no cluster."""
    password: pulumi.Output[str]
    """A secret; for the Workload's `secrets`, as CACHE_PASSWORD."""

    def __init__(self, name: str, args: CacheStanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        cluster = handle_of(args["cluster"])
        known = CacheStanceIntent.of({**args, "site": cluster["site"], "namespace": args["namespace_name"]})
        super().__init__("CacheStance", name, known, opts)
        self._name, self._args, self._known = name, args, known
        drawn = random.RandomPassword(f"{name}-password", length=32, special=False, opts=self._child())
        text: pulumi.Output[str] = drawn.result
        self.password = pulumi.Output.secret(text)
        self.address = pulumi.Output.from_input(None)
        # Not declared above: no output. For the Workload's argument `cache`.
        self.cache: WorkloadCache | None = None
        if known.exists and cluster["exists"]:
            self._server()
            where = f"{known.name}.{known.namespace}.svc"
            self.address = pulumi.Output.from_input(where)
            self.cache = WorkloadCache(
                address=where,
                port=PORT,
                tls=False,
                loads_at_once=known.loads_at_once,
                lock_ms=known.lock_ms,
                timeout_ms=known.timeout_ms,
                ttl_seconds=known.ttl_seconds,
            )
        self.register_outputs({"address": self.address, "password": self.password})

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _meta(self, annotations: Any = None) -> Any:
        return {
            "name": self._known.name,
            "namespace": self._args["namespace"],
            "labels": self._labels(),
            **({"annotations": annotations} if annotations else {}),
        }

    def _labels(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": self._known.name}

    def _server(self) -> None:
        known = self._known
        settings = {
            "bind": "* -::*",
            "port": PORT,
            "save": '""',
            "appendonly": "no",
            "maxmemory": f"{known.memory_mib}mb",
            "maxmemory-policy": "allkeys-lru",
        }
        lines = "".join(f"{key} {value}\n" for key, value in settings.items())
        text = self.password.apply(lambda word: f"{lines}requirepass {word}\n")
        # In a file and not in arguments, which every process of the node sees.
        secret = core.v1.Secret(
            f"{self._name}-settings",
            metadata=self._meta(),
            string_data={"valkey.conf": text},
            opts=self._child(),
        )
        digest = pulumi.Output.unsecret(text.apply(lambda one: documents.digest(one)))
        memory = f"{known.memory_mib + OVERHEAD_MIB}Mi"
        apps.v1.Deployment(
            f"{self._name}-server",
            # With no nodes it is not ready, and an `up` in pilot-light must not wait for it.
            metadata=self._meta(SKIP_AWAIT),
            spec={
                "replicas": 1,
                "selector": {"match_labels": self._labels()},
                "strategy": {"type": "Recreate"},
                "template": {
                    "metadata": {
                        "labels": self._labels(),
                        "annotations": {"twinsite.io/told": digest},
                    },
                    "spec": {
                        "automount_service_account_token": False,
                        "security_context": {
                            "run_as_non_root": True,
                            "run_as_user": USER,
                            "run_as_group": USER,
                            "fs_group": USER,
                            "seccomp_profile": {"type": "RuntimeDefault"},
                        },
                        "containers": [
                            {
                                "name": "valkey",
                                "image": known.image,
                                "command": ["valkey-server", f"{FOLDER}/valkey.conf"],
                                "ports": [{"name": "valkey", "container_port": PORT}],
                                "readiness_probe": {"tcp_socket": {"port": "valkey"}, "period_seconds": 5},
                                "resources": {
                                    "requests": {"cpu": "100m", "memory": memory},
                                    "limits": {"memory": memory},
                                },
                                "security_context": {
                                    "allow_privilege_escalation": False,
                                    "read_only_root_filesystem": True,
                                    "capabilities": {"drop": ["ALL"]},
                                },
                                "volume_mounts": [{"name": "settings", "mount_path": FOLDER, "read_only": True}],
                            }
                        ],
                        "volumes": [
                            {
                                "name": "settings",
                                "secret": {"secret_name": known.name, "default_mode": 0o440},
                            }
                        ],
                    },
                },
            },
            # By plain names: it would be deleted with what the provider replaces (pod.names).
            opts=self._child(depends_on=[secret]),
        )
        core.v1.Service(
            f"{self._name}-service",
            metadata=self._meta(SKIP_AWAIT),
            spec={
                "selector": self._labels(),
                "ports": [{"name": "valkey", "port": PORT, "target_port": "valkey"}],
            },
            opts=self._child(),
        )
