"""What runs in the cluster at Google: the application, its cache, and the jobs by which its database follows."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp
from pulumi_kubernetes import core

from twinsite import CacheStance, CloudSqlStandby, GkeStandby, LogicalReplica, Workload, cluster_provider

from .args import Args, Arguments, joined
from .replica import BACK_PASSWORD, IDENTITY, REPORTS
from .settings import NAME


def inside(plain: Arguments, cluster: GkeStandby) -> pulumi.ResourceOptions:
    """Options of everything in there. In cold there is no cluster, and so nobody to tell its API to: a provider without
    a kubeconfig would take the desk's own, and what it forgets there would be somebody else's."""
    if not cluster.handle["exists"]:
        return pulumi.ResourceOptions(depends_on=[])
    provider = cluster_provider(f"{NAME}-gke", cluster)
    return pulumi.ResourceOptions(provider=provider, depends_on=[_namespace(plain.workload, provider)])


def application(
    plain: Arguments,
    cluster: GkeStandby,
    database: CloudSqlStandby,
    own: CacheStance | None,
    opts: pulumi.ResourceOptions,
    writer_service: pulumi.Output[str | None] | None = None,
) -> Workload:
    """Its pods, which are told of the database and of their site's own cache. `writer_service` answers /writer."""
    kept: Args = {}
    if own is not None:
        where = {} if own.cache is None else {"cache": own.cache}
        kept = {**where, "secrets": {"CACHE_PASSWORD": own.password}}
    told = _told(plain, cluster, database, kept)
    if writer_service is not None:
        told["ingress"]["writer_service"] = writer_service.apply(lambda found: found or "")
    return Workload(NAME, told, opts)


def replica(
    plain: Args,
    cluster: GkeStandby,
    database: CloudSqlStandby,
    bucket: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
    after: Sequence[pulumi.Resource],
) -> LogicalReplica:
    """After everything that there is, so that it is the first to go: while the slot is not taken away, nothing goes.
    `bucket` is operations', in which each look leaves what it found."""
    secret = pulumi.Config().require_secret
    account = cluster.identity_accounts.apply(lambda found: found[IDENTITY])
    report = f"{REPORTS}/{plain['replica']}.json"
    writes = gcp.projects.IAMMember(
        f"{NAME}-look-metrics",
        project=plain["metrics_project"],
        role="roles/monitoring.metricWriter",
        member=account.apply(lambda email: f"serviceAccount:{email}"),
    )
    tells = gcp.storage.BucketIAMMember(
        f"{NAME}-look-report",
        bucket=bucket,
        role="roles/storage.objectUser",
        member=account.apply(lambda email: f"serviceAccount:{email}"),
        # Journal, lock and inventory are in there as well.
        condition={
            "title": "reports of looks alone",
            "expression": bucket.apply(
                lambda name: f'resource.name.startsWith("projects/_/buckets/{name}/objects/{REPORTS}/")'
            ),
        },
    )
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*after, writes, tells]))
    given = joined(
        plain,
        report=bucket.apply(lambda name: f"gs://{name}/{report}"),
        source={**plain["source"], "password": secret("primary_database_password")},
        target=database,
        context=cluster.handle["context"],
        replication_password=secret("replication_password"),
        account_annotations={"iam.gke.io/gcp-service-account": account},
        **({"back_password": secret(BACK_PASSWORD)} if plain["back_user"] else {}),
    )
    return LogicalReplica(f"{NAME}-replica", given, opts)


def _namespace(workload: Args, provider: pulumi.ProviderResource) -> core.v1.Namespace:
    """Of everybody who is in there: the cache, whose address the application is told, needs it as well."""
    return core.v1.Namespace(
        f"{NAME}-namespace",
        metadata={"name": workload["namespace"], "labels": workload["tags"]},
        opts=pulumi.ResourceOptions(provider=provider),
    )


def cache(plain: Args, cluster: GkeStandby, opts: pulumi.ResourceOptions) -> CacheStance:
    """The standby's own."""
    return CacheStance(f"{NAME}-cache", joined(plain, cluster=cluster, namespace=plain["namespace_name"]), opts)


def _told(plain: Arguments, cluster: GkeStandby, database: CloudSqlStandby, kept: Args) -> Any:
    given, secret = plain.workload, pulumi.Config().require_secret
    return joined(
        {**given, **kept},
        cluster=cluster,
        database={
            **given["database"],
            "address": database.address.apply(lambda found: found or ""),
            "tls_ca": database.tls_ca.apply(lambda found: found or ""),
            "password": secret("application_password"),
        },
        ingress={
            **given["ingress"],
            "annotations": {
                "kubernetes.io/ingress.class": "gce",
                "kubernetes.io/ingress.global-static-ip-name": cluster.address_name,
                "kubernetes.io/ingress.allow-http": "false",
            },
            "certificate": secret("standby_certificate"),
            "key": secret("standby_certificate_key"),
        },
    )
