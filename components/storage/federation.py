"""Whoever runs in another cloud's cluster becomes an account of Google's: one service account of one issuer, no key."""

import pulumi
import pulumi_gcp as gcp

from ..rules.backup import Writer


def trusted(
    name: str,
    project: str,
    pool_id: str,
    display_name: str,
    writer: Writer,
    issuer: pulumi.Input[str],
    account: gcp.serviceaccount.Account,
    opts: pulumi.ResourceOptions,
) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """(audience, id of the grant): the pool, its provider, and who becomes `account`. `name` begins their names."""
    subject = f"system:serviceaccount:{writer.namespace}:{writer.service_account}"
    pool = gcp.iam.WorkloadIdentityPool(
        f"{name}-pool",
        project=project,
        workload_identity_pool_id=pool_id,
        display_name=display_name[:32],
        opts=opts,
    )
    provider = gcp.iam.WorkloadIdentityPoolProvider(
        f"{name}-provider",
        project=project,
        workload_identity_pool_id=pool.workload_identity_pool_id,
        workload_identity_pool_provider_id="cluster",
        attribute_mapping={"google.subject": "assertion.sub"},
        # Whoever may make a pod in the cluster would else be somebody here, if nobody much.
        attribute_condition=f"assertion.sub == '{subject}'",
        oidc={"issuer_uri": issuer},
        opts=opts,
    )
    lends = gcp.serviceaccount.IAMMember(
        f"{name}-becomes",
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=pool.name.apply(lambda path: f"principal://iam.googleapis.com/{path}/subject/{subject}"),
        opts=opts,
    )
    audience: pulumi.Output[str] = provider.name.apply(lambda path: f"//iam.googleapis.com/{path}")
    return audience, lends.id
