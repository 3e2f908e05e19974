"""WriterAgent: holds the gate of a site's database by three registers, and answers /writer (guest role `writer`)."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import apps, core

from .. import inventory
from ..component import Component
from ..database.postgres import PostgresHandle
from ..guest.writer.config import PORT
from ..handle import Given, handle_of
from ..machine import documents
from ..payload import payload_sha256
from ..protection import keep_registers
from ..rules.writer import WriterAgentIntent
from .pod import PodGiven, guest_pod, pod_given, pod_metadata

ROLE = "writer"
TOKENS = "/var/run/secrets/twinsite"
STS = "sts.amazonaws.com"
SERVICE_PORT = 80
SERVICE_ANNOTATIONS = {
    # EKS' and GKE's load balancers ask for health what is no health without these: /writer says no where all is well.
    "alb.ingress.kubernetes.io/healthcheck-path": "/health",
    "cloud.google.com/neg": '{"ingress": true}',
    # A site that stands by has an agent, and none that is waited for.
    "pulumi.com/skipAwait": "true",
}


class WriterAgentArgs(TypedDict):
    """Arguments of WriterAgent."""

    site: str
    """Where it is, as registers name it."""

    home: str
    """The site at which the data were first: only there an agent writes registers that hold nothing."""

    namespace: str
    """Of Kubernetes, in the site's own cluster. It exists."""

    agent: NotRequired[str]
    """Name of Deployment, Service and service account. Defaults to twinsite-writer."""

    image: str
    """Image with Python 3.10 or later and PostgreSQL's client, pinned by digest."""

    flow: str
    """LogicalReplica's `replica`: whose gate it is."""

    schemas: list[str]
    """Whose tables are behind the gate."""

    database: Given[PostgresHandle]
    """Of this site. The user owns the tables and may end sessions (page logical-replica)."""

    places: list[str]
    """The three registers."""

    regions: NotRequired[dict[str, str]]
    """Place → region, of those at AWS."""

    role: pulumi.Input[str]
    """ARN of whom it is at AWS."""

    audience: NotRequired[pulumi.Input[str]]
    """Of the pool's provider, where the cluster is not Google's. Defaults to none: GKE says who the pod is."""

    service_account: NotRequired[pulumi.Input[str]]
    """E-mail of whom it becomes by that pool."""

    third: NotRequired[pulumi.Input[dict[str, str]]]
    """tenant, client_id and client_secret of an application of Azure's that may write the third register. Kept secret.
    Defaults to none."""

    text: str
    """What /writer answers where this site may write: CloudflareFailover's writer_text."""

    released: NotRequired[bool]
    """Let the gate go: whoever may write then writes without a lease. Before registers are given up. Defaults to
    false."""

    exists: NotRequired[bool]
    """Whether the cluster is there. Defaults to true."""

    site_is_active: NotRequired[bool]
    """Whether users are at this site now (config active_site): its agent is then not deleted before the gate was
    released. Defaults to false."""

    context: NotRequired[str]
    """kubectl context of the cluster, for the inventory. Defaults to the one that the operator uses."""

    account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """On the service account, like iam.gke.io/gcp-service-account. Default to none."""

    tags: NotRequired[dict[str, str]]
    """Labels on everything; a colon in a tag's name becomes a slash."""


class WriterAgent(Component):
    """One pod in a site's cluster that asks three registers every five seconds and holds the gate of its database.

    Creates, once there is a cluster: service account, configuration, secret, Deployment of one pod, Service. Killed, it
    leaves a lease that ends: it closes and never opens (ADR 65).
    """

    service_name: pulumi.Output[str | None]
    """What an Ingress sends /writer to, port `http`; None while there is no cluster."""
    status: str
    """Where it leaves what it knows; the same in every mode."""

    def __init__(self, name: str, args: WriterAgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = WriterAgentIntent.of(args)
        super().__init__("WriterAgent", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self.status = status_place(known.places, known.site, known.home)
        # In every mode: the engine wants the hook for what a mode takes away.
        self._kept = keep_registers(name, known.released or not known.site_is_active)
        self.service_name = pulumi.Output.from_input(None)
        if known.exists:
            self.service_name = self._run()
        # Not declared above: no output.
        self.inventory = inventory.Entry(
            agents=(
                (inventory.Agent(known.site, known.agent, known.namespace, args.get("context", ""), self.status),)
                if known.exists
                else ()
            )
        )
        self.register_outputs({"service_name": self.service_name, "status": self.status})

    def _run(self) -> pulumi.Output[str | None]:
        name, known, args = self._name, self._known, self._args
        child = pulumi.ResourceOptions(parent=self)
        metadata = pod_metadata(known.agent, known.namespace, known.tags)
        config = self._config()
        words = pulumi.Output.all(password=handle_of(args["database"])["password"], third=args.get("third") or {})
        plain: pulumi.Output[str] = words.apply(
            lambda all_: json.dumps({"database_password": all_["password"], "third": all_["third"]})
        )
        text: pulumi.Output[str] = pulumi.Output.secret(plain)
        given = pod_given(name, ROLE, metadata, config, text, child, args.get("account_annotations", {}))
        # A pod reads its documents once.
        digest = pulumi.Output.unsecret(
            pulumi.Output.all(config, text).apply(
                lambda both: documents.digest("\n".join(both), payload_sha256(ROLE))[:16]
            )
        )
        chosen = {"app.kubernetes.io/name": known.agent}
        apps.v1.Deployment(
            f"{name}-agent",
            metadata=metadata,
            spec={
                "replicas": 1,
                # A second one is harmless, and of no use.
                "strategy": {"type": "Recreate"},
                "revision_history_limit": 3,
                "selector": {"match_labels": chosen},
                "template": {
                    "metadata": {"labels": metadata["labels"], "annotations": {"twinsite.io/told": digest}},
                    "spec": self._pod(given),
                },
            },
            opts=pulumi.ResourceOptions(parent=self, hooks=self._kept, depends_on=[*given]),
        )
        service = core.v1.Service(
            f"{name}-service",
            metadata={**metadata, "annotations": SERVICE_ANNOTATIONS},
            spec={
                "type": "ClusterIP",
                "selector": chosen,
                "ports": [{"name": "http", "port": SERVICE_PORT, "target_port": "http"}],
            },
            opts=child,
        )
        found: pulumi.Output[str | None] = service.metadata.name
        return found

    def _pod(self, given: PodGiven) -> Any:
        args, known = self._args, self._known
        tokens = [{"service_account_token": {"audience": STS, "expiration_seconds": 3600, "path": "aws"}}]
        if "audience" in args:
            # Google takes the provider's whole name, with https: before it, for an audience without being told of any.
            audience = pulumi.Output.from_input(args["audience"]).apply(lambda one: f"https:{one}")
            tokens.append(
                {"service_account_token": {"audience": audience, "expiration_seconds": 3600, "path": "google"}}
            )
        pod = guest_pod(
            ROLE,
            known.image,
            ["python3", "-m", ROLE, "agent"],
            given,
            {"cpu": "50m", "memory": "96Mi"},
            volumes=[
                (
                    {"name": "tokens", "projected": {"sources": tokens}},
                    {"name": "tokens", "mount_path": TOKENS, "read_only": True},
                )
            ],
            named=known.agent,
        )
        probe = {"http_get": {"path": "/health", "port": "http"}, "period_seconds": 10, "timeout_seconds": 5}
        container = {
            **pod["containers"][0],
            "ports": [{"name": "http", "container_port": PORT}],
            "readiness_probe": probe,
            "liveness_probe": {**probe, "initial_delay_seconds": 20},
        }
        return {**pod, "containers": [container], "restart_policy": "Always", "termination_grace_period_seconds": 10}

    def _config(self) -> pulumi.Output[str]:
        """writer.json."""
        args, known = self._args, self._known
        database = handle_of(args["database"])

        def config(found: dict[str, Any]) -> str:
            end = {name: found[name] for name in ("address", "tls_ca", "certificate_name") if found[name]}
            google = {
                "audience": found["audience"],
                "token_file": f"{TOKENS}/google",
                "service_account": found["service_account"],
            }
            return json.dumps(
                {
                    "site": known.site,
                    "home": known.home,
                    "flow": known.flow,
                    "schemas": list(known.schemas),
                    "database": {
                        **end,
                        "port": database.get("port", 5432),
                        "database": database["database"],
                        "user": database["user"],
                    },
                    "registers": [self._place(one) for one in known.places],
                    "status": self._place(self.status),
                    "aws": {"role": found["role"], "token_file": f"{TOKENS}/aws"},
                    **({"google": google} if found["audience"] else {}),
                    "text": known.text,
                    "released": known.released,
                },
                indent=1,
                sort_keys=True,
            )

        return pulumi.Output.all(
            address=database["address"],
            tls_ca=database.get("tls_ca"),
            certificate_name=database.get("certificate_name"),
            role=args["role"],
            audience=args.get("audience"),
            service_account=args.get("service_account"),
        ).apply(config)

    def _place(self, place: str) -> dict[str, str]:
        regions = self._args.get("regions", {})
        bucket = place.rpartition("/")[0]
        region = next((regions[one] for one in regions if one.rpartition("/")[0] == bucket), "")
        return {"place": place, **({"region": region} if place.startswith("s3://") else {})}


def status_place(places: "tuple[str, ...]", site: str, home: str) -> str:
    """Beside the register of the site's own cloud, the first or the second one: neither fails with the other site."""
    if not places:
        return ""
    own = places[0] if site == home else places[1 % len(places)]
    return f"{own.rpartition('/')[0]}/agent-{site}.json"
