"""Who may write, on the ground: two registers of this stack's, a third one, and an agent at each site (ADR 44, 65)."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pulumi

from twinsite.rules.intent import Intent
from twinsite.rules.writer import WriterAgentIntent, WriterRegistersIntent

from ..settings import Reader
from .replica import Replica

if TYPE_CHECKING:
    from twinsite import CloudSqlStandby, GkeStandby

IDENTITY = "gate"
"""Of the cluster's identities: whom Google's agent acts as. Short, for the cluster's name is in front of it."""
ACCOUNT = "twinsite-writer"
"""Of Kubernetes, in both clusters."""
CLIENT_SECRET = "writer_third_client_secret"
ISSUER = "https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{cluster}"
Args = dict[str, Any]


class Gates(str, Enum):
    """What agents do with the gates of both databases."""

    HELD = "held"
    RELEASED = "released"


@dataclass(frozen=True)
class Writers:
    """Settings, where `writer_bucket` names one."""

    bucket: str
    third: str
    third_region: str
    third_tenant: str
    third_client_id: str
    generation: int
    image: str
    issuer: str
    provider: str
    namespace: str
    context: str


def read(reader: Reader, registers: tuple[str, ...], flow: Replica | None) -> Writers | None:
    """None: registers, if there are any, are somebody else's, and so are agents."""
    bucket = reader.text("writer_bucket", required=False)
    if not bucket:
        return None
    if registers:
        reader.problems.append(
            f"writer_bucket is {bucket}, and writer_registers names three that somebody made: two of a stack's own and "
            "those would be two answers to who may write: `pulumi config set writer_bucket ''`, or `pulumi config rm "
            "writer_registers`"
        )
    if flow is None:
        reader.problems.append(
            f"writer_bucket is {bucket} and replication by-hand: agents hold the gate of the replication's flow, which "
            "this stack then does not know: `pulumi config set writer_bucket ''`"
        )
    third = reader.text("writer_third")
    at_azure = third.startswith("azblob://")
    if at_azure:
        reader.secret(
            CLIENT_SECRET, f"`pulumi config set --secret {CLIENT_SECRET}`, of application writer_third_client_id"
        )
    return Writers(
        bucket=bucket,
        third=third,
        third_region=reader.text("writer_third_region", required=third.startswith("s3://")),
        third_tenant=reader.text("writer_third_tenant", required=at_azure),
        third_client_id=reader.text("writer_third_client_id", required=at_azure),
        generation=reader.integer("writer_generation"),
        image=reader.text("writer_image"),
        issuer=reader.text("primary_oidc_issuer"),
        provider=reader.text("primary_oidc_provider"),
        namespace=reader.text("primary_namespace"),
        context=reader.text("primary_cluster_context", required=False),
    )


@dataclass(frozen=True)
class WriterArguments:
    """The plain arguments of three components."""

    registers: Args
    home: Args
    away: Args

    def intents(self) -> dict[str, Intent]:
        """What each is meant to be."""
        return {
            "WriterRegisters": WriterRegistersIntent.of(self.registers),
            "WriterAgent at AWS": WriterAgentIntent.of(self.home),
            "WriterAgent at Google": WriterAgentIntent.of(self.away),
        }


def arguments(
    known: Writers,
    sites: tuple[str, str],
    regions: tuple[str, str],
    cluster: Args,
    flow: Args,
    workload: Args,
    text: str,
    active: str,
    released: bool,
    tags: dict[str, str],
) -> WriterArguments:
    """`sites` and `regions` are AWS' and Google's; `cluster`, `flow` and `workload` what their components are given;
    `active` where users are."""
    home = {"issuer": known.issuer, "namespace": known.namespace, "service_account": ACCOUNT}
    issuer = ISSUER.format(project=cluster["project"], location=cluster["region"], cluster=cluster["cluster"])
    registers = {
        "project": cluster["project"],
        "bucket": known.bucket,
        "aws_region": regions[0],
        "gcp_location": regions[1],
        "third": known.third,
        "third_region": known.third_region,
        "home": home,
        "home_provider": known.provider,
        "away": {"issuer": issuer, "namespace": workload["namespace"], "service_account": ACCOUNT},
        "generation": known.generation,
        "given_up": released,
        "tags": tags,
    }
    places = WriterRegistersIntent.of(registers).places
    common = {
        "home": sites[0],
        "agent": ACCOUNT,
        "flow": flow["replica"],
        "schemas": flow["schemas"],
        "places": list(places),
        "regions": {places[0]: regions[0], **({known.third: known.third_region} if known.third_region else {})},
        "text": text,
        "released": released,
        "tags": tags,
    }
    return WriterArguments(
        registers,
        {
            **common,
            "site": sites[0],
            "site_is_active": active == sites[0],
            "namespace": known.namespace,
            "image": known.image,
            "database": flow["source"],
        },
        {
            **common,
            "site": sites[1],
            "site_is_active": active == sites[1],
            "namespace": workload["namespace"],
            "image": flow["image"],
        },
    )


@dataclass(frozen=True)
class Made:
    """What others take of it."""

    service: pulumi.Output[str | None]
    """At Google."""
    after: list[pulumi.Resource]
    inventory: list[Any]
    registers: list[pulumi.Resource]


def made(
    name: str,
    plain: WriterArguments,
    known: Writers,
    cluster: "GkeStandby",
    database: "CloudSqlStandby",
    opts: pulumi.ResourceOptions,
) -> Made:
    """Registers and both agents; `opts` are of what runs in Google's cluster."""
    # Only now: whoever reads settings needs no SDK.
    from twinsite import WriterAgent, WriterRegisters, cluster_provider

    account = cluster.identity_accounts.apply(lambda found: found[IDENTITY])
    registers = WriterRegisters(f"{name}-registers", {**plain.registers, "away_account": account})  # type: ignore[typeddict-item]
    secret = pulumi.Config().require_secret
    third: Args = {}
    if known.third_tenant:
        words = {
            "tenant": known.third_tenant,
            "client_id": known.third_client_id,
            "client_secret": secret(CLIENT_SECRET),
        }
        third = {"third": words}
    source = {**plain.home["database"], "password": secret("primary_database_password")}
    # An `up` while AWS is dead passes over what is in its cluster.
    eks = cluster_provider(
        f"{name}-writer-eks",
        {"site": plain.home["site"], "exists": True, "context": known.context, "kubeconfig": None},
    )
    google = {"audience": registers.audience, "service_account": registers.service_account}
    home: Args = {"context": known.context, **plain.home, **third, **google, "database": source, "role": registers.role}
    agents: list[WriterAgent] = [
        WriterAgent(f"{name}-writer-aws", home, pulumi.ResourceOptions(provider=eks))  # type: ignore[arg-type]
    ]
    away: Args = {
        "context": cluster.handle["context"],
        **plain.away,
        **third,
        "database": database,
        "role": registers.role,
        "exists": cluster.handle["exists"],
        "account_annotations": {"iam.gke.io/gcp-service-account": account},
    }
    # Google lets a pod be an account once the cluster is there, and the grant on the bucket is one of the registers'.
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[registers]))
    agents.append(WriterAgent(f"{name}-writer-gcp", away, after))  # type: ignore[arg-type]
    return Made(agents[1].service_name, list(agents), [one.inventory for one in agents], [registers])
