"""An application's pods in one cluster of one site, of a definition that is the same at every site."""

from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import apps, core, networking

from .. import inventory
from ..component import Component
from ..handle import Given, handle_of
from ..machine import documents
from ..modes import DrMode
from ..protection import keep_serving
from ..rules import backup as backup_rules
from ..rules.workload import WorkloadIntent
from .cluster import ClusterHandle

SERVICE_PORT = 80
AUTHORITY_FOLDER = "/etc/twinsite/database"
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Else the provider waits ten minutes for pods behind it, of which there are none in pilot-light."""
START_SECONDS = 120
READY_SECONDS = 5
"""A pod that cannot serve its role is left out after twice this, and taken in after this."""


class WorkloadDefinition(TypedDict):
    """What is the same at every site: give one value to the Workload of each."""

    name: str
    """Of the Deployment, its Service, and what belongs to them."""

    digest: str
    """sha256:… of the image, as `crane digest` says; every registry has the same. Plain: a rule refuses a tag."""

    port: NotRequired[int]
    """Where it listens, HTTP. Defaults to 8080."""

    live_path: NotRequired[str]
    """200 while the process works, whatever its database does. Defaults to /health."""

    ready_path: NotRequired[str]
    """200 while the pod may serve its role, reader or writer. Defaults to /ready."""

    writer_path: NotRequired[str]
    """200 only at the site that is decided to write (ADR 44). No probe; what steers users asks it. Defaults to
    /writer."""

    cpu: NotRequired[str]
    """What a pod is given at least. Defaults to 250m."""

    memory: NotRequired[str]
    """What a pod is given, and may use. Defaults to 512Mi."""

    user: NotRequired[int]
    """Number of the user that the image runs as; not root. Defaults to 65532."""

    env: NotRequired[dict[str, str]]
    """Variables that are the same everywhere. Defaults to none."""


class WorkloadDatabase(TypedDict):
    """The database of this site, as its pods see it."""

    address: pulumi.Input[str]
    port: int
    schema: str
    user: str
    """The application's, not the administrator."""
    password: pulumi.Input[str]
    """Kept secret."""
    tls_ca: NotRequired[pulumi.Input[str]]
    """PEM that signs its certificate; a file at DATABASE_CA. Defaults to none: the system's authorities."""


class WorkloadCache(TypedDict):
    """The cache of this site; another site has another one (page cache-stance)."""

    address: pulumi.Input[str]
    port: int
    tls: NotRequired[bool]
    """Defaults to true."""
    loads_at_once: NotRequired[int]
    """How many missing keys a pod loads at a time. Defaults to 8."""
    lock_ms: NotRequired[int]
    """How long one loader has a key for itself. Defaults to 5000."""
    timeout_ms: NotRequired[int]
    """After so long the application goes without. Defaults to 200."""
    ttl_seconds: NotRequired[int]
    """How long a value is kept. Defaults to 3600."""


class WorkloadIngress(TypedDict):
    """How users come in, where no load balancer of one's own does it."""

    host: str
    """The name that they use."""
    annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """For the cluster's controller, like kubernetes.io/ingress.global-static-ip-name. Default to none."""
    class_name: NotRequired[str]
    """Of the controller. GKE's own is chosen by annotation. Defaults to none."""
    certificate: pulumi.Input[str]
    """PEM, the whole chain, for `host`."""
    key: pulumi.Input[str]
    """PEM; kept secret."""
    writer_service: NotRequired[pulumi.Input[str]]
    """A Service of the same namespace, port `http`, that answers writer_path in the application's place: WriterAgent's.
    Defaults to none: the application does."""


class WorkloadArgs(TypedDict):
    """Arguments of Workload."""

    dr_mode: DrMode
    """Counts at the standby only."""

    standby: bool
    """Whether this site stands by."""

    cluster: Given[ClusterHandle]
    """Where it runs. The provider comes by `opts`: `cluster_provider` makes it of the same handle."""

    definition: WorkloadDefinition
    """The same value at each site."""

    namespace: str
    """Is made, unless `namespace_exists`."""

    namespace_exists: NotRequired[bool]
    """Defaults to false."""

    repository: str
    """Where this site's cluster gets the image: a repository without a tag."""

    database: WorkloadDatabase
    """Of this site."""

    cache: NotRequired[WorkloadCache]
    """Of this site. Defaults to none: CACHE_HOST is empty, and the application goes without."""

    role: NotRequired[str]
    """What pods begin with, once: reader at the standby, writer elsewhere. Then whoever moves the site flips it."""

    serving_replicas: NotRequired[int]
    """Pods while the site serves. Defaults to 3."""

    warm_replicas: NotRequired[int]
    """Pods at the standby in warm. Defaults to 1."""

    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """More variables, kept secret. Default to none."""

    account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """On the service account: iam.gke.io/gcp-service-account, eks.amazonaws.com/role-arn. Default to none."""

    service_annotations: NotRequired[dict[str, str]]
    """On the Service: cloud.google.com/neg and the like. Default to none."""

    ingress: NotRequired[WorkloadIngress]
    """Defaults to none."""

    site_is_active: bool
    """Whether users are at this site now: its Deployments are then not deleted or replaced."""

    tags: NotRequired[dict[str, str]]
    """Labels on everything; a colon in a tag's name becomes a slash."""


class Workload(Component):
    """The application's pods in one cluster, with their configuration, Service and service account.

    At home: Deployment NAME with `serving_replicas`. At the standby, cold: nothing. From pilot-light on: all of it,
    NAME with no pods, which only a failover scales. In warm, too: Deployment NAME-warm with `warm_replicas` readers.
    """

    service_name: pulumi.Output[str | None]
    """None while there is no cluster, as all that follows."""
    account_name: pulumi.Output[str | None]
    namespace: pulumi.Output[str | None]
    """Known when it is there."""
    deployments: list[str]
    """Those of this mode."""
    scale: str
    """Command that gives the Deployment its pods, when the site is to serve."""

    def __init__(self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        cluster = handle_of(args["cluster"])
        role = args.get("role", "reader" if args["standby"] else "writer")
        host = args["ingress"]["host"] if "ingress" in args else ""
        known = WorkloadIntent.of({**args, "site": cluster["site"], "role": role, "ingress_host": host})
        super().__init__("Workload", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self._labels = {backup_rules.label(tag): value for tag, value in args.get("tags", {}).items()}
        # In every mode: the engine wants the hooks for what a mode takes away.
        self._kept = {part: self._keep(part) for part in ("pods", "warm")}
        nothing: pulumi.Output[str | None] = pulumi.Output.from_input(None)
        self.service_name = self.account_name = self.namespace = nothing
        self.deployments = []
        if known.exists and cluster["exists"]:
            self._space = self._namespace()
            account, told = self._account(), self._told()
            born = known.serving_replicas if known.site_is_active or not known.standby else 0
            self._deployment("pods", "", born, account, told)
            if known.warm:
                self._deployment("warm", "-warm", known.warm_replicas, account, told)
            service = self._service()
            self.service_name, self.account_name = service.metadata.name, account.metadata.name
            self.namespace = self._space
            if "ingress" in args:
                self._ingress(args["ingress"], service)
        context = f"--context={cluster['context']} " if cluster["context"] else ""
        pods = known.definition.name
        self.scale = (
            f"kubectl {context}-n {known.namespace} scale deployment/{pods} --replicas={known.serving_replicas}"
        )
        # Not declared above: no output.
        self.inventory = inventory.Entry(
            workloads=(
                inventory.Workload(
                    name=pods,
                    site=known.site,
                    context=cluster["context"],
                    namespace=known.namespace,
                    role_config=f"{pods}-role",
                    serving_replicas=known.serving_replicas,
                    exists=known.exists and cluster["exists"],
                ),
            )
        )
        self.register_outputs(
            {
                "service_name": self.service_name,
                "account_name": self.account_name,
                "namespace": self.namespace,
                "deployments": self.deployments,
                "scale": self.scale,
            }
        )

    def _keep(self, part: str) -> pulumi.ResourceHookBinding:
        known = self._known
        what = f"Deployment {known.definition.name}{'-warm' if part == 'warm' else ''} of site {known.site}"
        return keep_serving(f"{self._name}-{part}", what, known.site_is_active, [], disturbing=())

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _meta(self, suffix: str = "", annotations: Any = None) -> Any:
        pods = self._known.definition.name
        return {
            "name": f"{pods}{suffix}",
            "namespace": self._space,
            "labels": {**self._labels, "app.kubernetes.io/name": pods},
            **({"annotations": annotations} if annotations else {}),
        }

    def _namespace(self) -> pulumi.Output[str]:
        known = self._known
        if self._args.get("namespace_exists", False):
            return pulumi.Output.from_input(known.namespace)
        made = core.v1.Namespace(
            f"{self._name}-namespace",
            metadata={"name": known.namespace, "labels": self._labels},
            opts=self._child(),
        )
        space: pulumi.Output[str] = made.metadata.apply(lambda found: str(found.name))
        return space

    def _account(self) -> core.v1.ServiceAccount:
        return core.v1.ServiceAccount(
            f"{self._name}-account",
            metadata=self._meta(annotations=self._args.get("account_annotations")),
            automount_service_account_token=False,
            opts=self._child(),
        )

    def _told(self) -> list[core.v1.ConfigMap | core.v1.Secret]:
        """What pods are told, the role last."""
        args, known = self._args, self._known
        database = args["database"]
        data = {
            "DATABASE_HOST": database["address"],
            "DATABASE_PORT": str(database["port"]),
            "DATABASE_NAME": database["schema"],
            "DATABASE_USER": database["user"],
        }
        if "tls_ca" in database:
            data["DATABASE_CA"] = f"{AUTHORITY_FOLDER}/ca.pem"
            data["ca.pem"] = database["tls_ca"]
        of_database = core.v1.ConfigMap(
            f"{self._name}-database", metadata=self._meta("-database"), data=data, opts=self._child()
        )
        cache = _of_cache(args.get("cache"))
        of_cache = core.v1.ConfigMap(
            f"{self._name}-cache",
            metadata=self._meta("-cache"),
            data=cache,
            opts=self._child(),
        )
        words = {
            "DATABASE_PASSWORD": pulumi.Output.secret(database["password"]),
            **{one: pulumi.Output.secret(value) for one, value in args.get("secrets", {}).items()},
        }
        secret = core.v1.Secret(f"{self._name}-secret", metadata=self._meta(), string_data=words, opts=self._child())
        told = pulumi.Output.json_dumps([data, cache, words], sort_keys=True)
        self._digest = pulumi.Output.unsecret(told.apply(lambda text: documents.digest(text)))
        role = core.v1.ConfigMap(
            f"{self._name}-role",
            metadata=self._meta("-role"),
            data={"ROLE": known.role, "SITE": known.site},
            # A failover flips it, with the database; the next `up` must not flip it back (ADR 49).
            opts=self._child(ignore_changes=["data"]),
        )
        return [of_database, of_cache, secret, role]

    def _deployment(
        self,
        part: str,
        suffix: str,
        replicas: int,
        account: core.v1.ServiceAccount,
        told: list[core.v1.ConfigMap | core.v1.Secret],
    ) -> None:
        pods = f"{self._known.definition.name}{suffix}"
        chosen = {"twinsite.io/deployment": pods}
        operations = self._known.standby and part == "pods"
        cluster = self._args["cluster"]
        apps.v1.Deployment(
            f"{self._name}-{part}",
            metadata=self._meta(suffix),
            spec={
                "replicas": replicas,
                "selector": {"match_labels": chosen},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": "100%"}},
                "revision_history_limit": 3,
                "template": {
                    "metadata": {
                        "labels": {**self._labels, "app.kubernetes.io/name": self._known.definition.name, **chosen},
                        # A pod reads its variables once. Not the role: operations flip it.
                        "annotations": {"twinsite.io/told": self._digest},
                    },
                    "spec": self._pod(),
                },
            },
            opts=self._child(
                hooks=self._kept[part],
                # Operations scale it, and an `up` in the middle of that must not scale it back.
                ignore_changes=["spec.replicas"] if operations else [],
                # Its pods want nodes. By plain names and not by outputs: it would be deleted with what the provider
                # replaces (pod.names).
                depends_on=[account, *told, *([cluster] if isinstance(cluster, pulumi.Resource) else [])],
            ),
        )
        self.deployments.append(pods)

    def _pod(self) -> Any:
        known = self._known.definition
        authority = "tls_ca" in self._args["database"]
        mounts = [{"name": "tmp", "mount_path": "/tmp"}]
        volumes: list[dict[str, Any]] = [{"name": "tmp", "empty_dir": {}}]
        if authority:
            mounts.append({"name": "database", "mount_path": AUTHORITY_FOLDER})
            volumes.append(
                {
                    "name": "database",
                    "config_map": {
                        "name": f"{known.name}-database",
                        "items": [{"key": "ca.pem", "path": "ca.pem"}],
                    },
                }
            )
        return {
            "service_account_name": known.name,
            "automount_service_account_token": False,
            "security_context": {
                "run_as_non_root": True,
                "run_as_user": known.user,
                "run_as_group": known.user,
                "fs_group": known.user,
                "seccomp_profile": {"type": "RuntimeDefault"},
            },
            "topology_spread_constraints": [
                {
                    "max_skew": 1,
                    "topology_key": "topology.kubernetes.io/zone",
                    "when_unsatisfiable": "ScheduleAnyway",
                    "label_selector": {"match_labels": {"app.kubernetes.io/name": known.name}},
                }
            ],
            "containers": [
                {
                    "name": "application",
                    "image": self._known.image,
                    "ports": [{"name": "http", "container_port": known.port}],
                    "env": [{"name": one, "value": value} for one, value in known.env.items()],
                    "env_from": [
                        *({"config_map_ref": {"name": f"{known.name}-{one}"}} for one in ("database", "cache", "role")),
                        {"secret_ref": {"name": known.name}},
                    ],
                    "startup_probe": _asks(known.live_path, READY_SECONDS, START_SECONDS // READY_SECONDS),
                    "liveness_probe": _asks(known.live_path, 10, 3),
                    "readiness_probe": _asks(known.ready_path, READY_SECONDS, 2),
                    "resources": {
                        "requests": {"cpu": known.cpu, "memory": known.memory},
                        "limits": {"memory": known.memory},
                    },
                    "security_context": {
                        "allow_privilege_escalation": False,
                        "read_only_root_filesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volume_mounts": mounts,
                }
            ],
            "volumes": volumes,
        }

    def _service(self) -> core.v1.Service:
        return core.v1.Service(
            f"{self._name}-service",
            metadata=self._meta(annotations={**SKIP_AWAIT, **self._args.get("service_annotations", {})}),
            spec={
                "type": "ClusterIP",
                "selector": {"app.kubernetes.io/name": self._known.definition.name},
                "ports": [{"name": "http", "port": SERVICE_PORT, "target_port": "http"}],
            },
            opts=self._child(),
        )

    def _ingress(self, wanted: WorkloadIngress, service: core.v1.Service) -> None:
        certificate = core.v1.Secret(
            f"{self._name}-certificate",
            metadata=self._meta("-certificate"),
            type="kubernetes.io/tls",
            string_data={"tls.crt": wanted["certificate"], "tls.key": pulumi.Output.secret(wanted["key"])},
            opts=self._child(),
        )
        backend = {"service": {"name": service.metadata.name, "port": {"name": "http"}}}
        paths = [{"path": "/", "path_type": "Prefix", "backend": backend}]
        if "writer_service" in wanted:
            asked = {"service": {"name": wanted["writer_service"], "port": {"name": "http"}}}
            paths.insert(0, {"path": self._known.definition.writer_path, "path_type": "Exact", "backend": asked})
        class_name = {"ingress_class_name": wanted["class_name"]} if "class_name" in wanted else {}
        networking.v1.Ingress(
            f"{self._name}-ingress",
            metadata=self._meta(annotations={**SKIP_AWAIT, **wanted.get("annotations", {})}),
            spec={
                **class_name,
                "tls": [{"hosts": [wanted["host"]], "secret_name": certificate.metadata.name}],
                "rules": [
                    {
                        "host": wanted["host"],
                        "http": {"paths": paths},
                    }
                ],
            },
            opts=self._child(),
        )


def _of_cache(cache: WorkloadCache | None) -> dict[str, pulumi.Input[str]]:
    if cache is None:
        return {"CACHE_HOST": ""}
    return {
        "CACHE_HOST": cache["address"],
        "CACHE_PORT": str(cache["port"]),
        "CACHE_TLS": str(cache.get("tls", True)).lower(),
        "CACHE_LOADS_AT_ONCE": str(cache.get("loads_at_once", 8)),
        "CACHE_LOCK_MS": str(cache.get("lock_ms", 5000)),
        "CACHE_TIMEOUT_MS": str(cache.get("timeout_ms", 200)),
        "CACHE_TTL_SECONDS": str(cache.get("ttl_seconds", 3600)),
    }


def _asks(path: str, period_seconds: int, failures: int) -> dict[str, Any]:
    return {
        "http_get": {"path": path, "port": "http"},
        "period_seconds": period_seconds,
        "timeout_seconds": 3,
        "failure_threshold": failures,
    }
