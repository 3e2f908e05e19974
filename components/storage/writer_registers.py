"""WriterRegisters: two of the three places that say who may write, and who may ask them (ADR 44)."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from ..component import Component
from ..protection import keep_registers
from ..rules.backup import Writer as AgentIntent
from ..rules.writer import WriterRegistersIntent
from .cluster_writer import Writer
from .federation import trusted
from .gcs_backup_store import WRITES

STS = "sts.amazonaws.com"


class WriterRegistersArgs(TypedDict):
    """Arguments of WriterRegisters."""

    project: str
    """Google's project of one bucket."""

    bucket: str
    """Name of both buckets to create, unique in the world: 6 to 48 lower-case letters, digits and hyphens."""

    aws_region: str
    gcp_location: str
    """Where the one and the other is."""

    third: str
    """The third register, made by its owner: azblob://ACCOUNT/CONTAINER/NAME, s3://BUCKET/NAME in another region or
    gs://BUCKET/NAME elsewhere. Whoever asks it is its owner's to let in."""

    third_region: NotRequired[str]
    """Of a third one at AWS."""

    home: Writer
    """The service account of the agent in AWS' cluster, by the cluster's OIDC issuer."""

    home_provider: str
    """ARN of the identity provider that AWS' account has for that issuer."""

    away: Writer
    """The same of the agent in Google's cluster, whose issuer is made known to AWS here."""

    away_account: pulumi.Input[str]
    """E-mail of the account of Google's that the latter is."""

    generation: NotRequired[int]
    """Raise by 1 for another pool of identities: Google keeps a deleted one's name for 30 days. Defaults to 1."""

    given_up: NotRequired[bool]
    """True once the gates were released (WriterAgent): only then the buckets may be deleted, with all that is in them.
    Defaults to false. It is to be so in an `up` before the one that deletes: the providers ask their state."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags, at Google as labels."""


class WriterRegisters(Component):
    """A bucket at AWS and one at Google, each for one small object that agents swap, and who both agents are there.

    The same in every mode. Objects in them are no resources: agents and failovers write them. Neither bucket is
    deleted, by `destroy` either, before the gates were released: without two registers every site stops to write.
    """

    places: list[str]
    """s3://…, gs://… and the third."""
    role: pulumi.Output[str]
    """ARN of the role that both agents are at AWS, known once it may."""
    audience: pulumi.Output[str]
    """Of the pool's provider, by which AWS' agent asks Google."""
    service_account: pulumi.Output[str]
    """E-mail of whom it becomes there, known once that one may."""

    def __init__(self, name: str, args: WriterRegistersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = WriterRegistersIntent.of(args)
        super().__init__("WriterRegisters", name, known, opts)
        self._name, self._args, self._known = name, args, known
        kept = keep_registers(name, known.given_up)
        self.places = list(known.places)
        self.role = self._at_aws(kept)
        self.audience, self.service_account = self._at_google(kept)
        self.register_outputs(
            {
                "places": self.places,
                "role": self.role,
                "audience": self.audience,
                "service_account": self.service_account,
            }
        )

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _at_aws(self, kept: pulumi.ResourceHookBinding) -> pulumi.Output[str]:
        name, known = self._name, self._known
        bucket = aws.s3.Bucket(
            f"{name}-aws",
            bucket=known.bucket,
            region=known.aws_region,
            # What is in it says who may write, until nobody asks any more.
            force_destroy=known.given_up,
            tags=known.tags,
            opts=self._child(hooks=kept),
        )
        aws.s3.BucketPublicAccessBlock(
            f"{name}-aws",
            bucket=bucket.bucket,
            region=known.aws_region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child(),
        )
        provider = aws.iam.OpenIdConnectProvider(
            f"{name}-gke",
            url=self._args["away"]["issuer"],
            client_id_lists=[STS],
            tags=known.tags,
            opts=self._child(),
        )
        trusts = pulumi.Output.all(away=provider.arn, issuers=[self._args[one]["issuer"] for one in ("home", "away")])
        role = aws.iam.Role(
            f"{name}-agents",
            name=f"{known.bucket}-agents",
            description=f"Agents that read and swap {known.places[0]}",
            assume_role_policy=trusts.apply(
                lambda found: json.dumps(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            _trust(known.home_provider, found["issuers"][0], known.home),
                            _trust(found["away"], found["issuers"][1], known.away),
                        ],
                    }
                )
            ),
            tags=known.tags,
            opts=self._child(),
        )
        rights = aws.iam.RolePolicy(
            f"{name}-agents",
            role=role.name,
            policy=bucket.arn.apply(lambda arn: json.dumps(_rights(arn, known.third))),
            opts=self._child(),
        )
        found: pulumi.Output[str] = pulumi.Output.all(role.arn, rights.id).apply(lambda both: str(both[0]))
        return found

    def _at_google(self, kept: pulumi.ResourceHookBinding) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        name, known = self._name, self._known
        bucket = gcp.storage.Bucket(
            f"{name}-gcp",
            name=known.bucket,
            project=known.project,
            location=known.gcp_location.upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            force_destroy=known.given_up,
            labels=known.tags,
            opts=self._child(hooks=kept),
        )
        account = gcp.serviceaccount.Account(
            f"{name}-agent",
            project=known.project,
            account_id=known.account,
            display_name=f"Agent at AWS of {known.bucket}"[:100],
            opts=self._child(),
        )
        audience, lends = trusted(
            name,
            known.project,
            known.pool,
            f"Agent of {known.home.namespace}",
            known.home,
            self._args["home"]["issuer"],
            account,
            self._child(),
        )
        grants = [
            gcp.storage.BucketIAMMember(
                f"{name}-{who}",
                bucket=bucket.name,
                # To write over an object is to delete it, to Cloud Storage.
                role=WRITES,
                member=pulumi.Output.concat("serviceAccount:", email),
                opts=self._child(),
            ).id
            for who, email in (("home", account.email), ("away", self._args["away_account"]))
        ]
        email: pulumi.Output[str] = pulumi.Output.all(account.email, lends, *grants).apply(lambda all_: str(all_[0]))
        return audience, email


def _trust(provider: str, issuer: str, agent: AgentIntent) -> dict[str, Any]:
    of = issuer.removeprefix("https://")
    subject = f"system:serviceaccount:{agent.namespace}:{agent.service_account}"
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{of}:aud": STS, f"{of}:sub": subject}},
    }


def _rights(arn: str, third: str) -> dict[str, Any]:
    """Of one bucket, and of a third register at AWS, whose owner has to say so as well. Nobody deletes."""
    partition = arn.split(":")[1]
    arns = [arn, *([f"arn:{partition}:s3:::{third.split('/')[2]}"] if third.startswith("s3://") else [])]
    return {
        "Version": "2012-10-17",
        "Statement": [
            # Without ListBucket an object that is not there is one that is forbidden.
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": arns},
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": [f"{one}/*" for one in arns]},
        ],
    }
