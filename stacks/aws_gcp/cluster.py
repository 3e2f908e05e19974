"""What runs in the cluster at Google: the application, and its cache."""

from typing import Any

import pulumi
from pulumi_kubernetes import core

from twinsite import CacheStance, CloudSqlStandby, GkeStandby, Workload, cluster_provider

from .args import Args, Arguments, joined
from .settings import NAME


def inside(plain: Arguments, cluster: GkeStandby, database: CloudSqlStandby) -> Workload:
    """The application, with what it leans on. In cold there is no cluster, and so nobody to tell its API to: a provider
    without a kubeconfig would take the desk's own, and what it forgets there would be somebody else's."""
    space: list[pulumi.Resource] = []
    provider = None
    if cluster.handle["exists"]:
        provider = cluster_provider(f"{NAME}-gke", cluster)
        space.append(_namespace(plain.workload, provider))
    opts = pulumi.ResourceOptions(provider=provider, depends_on=space)
    return Workload(NAME, _told(plain, cluster, database, _cache(plain.cache, cluster, opts)), opts)


def _namespace(workload: Args, provider: pulumi.ProviderResource) -> core.v1.Namespace:
    """Of everybody who is in there: the cache, whose address the application is told, needs it as well."""
    return core.v1.Namespace(
        f"{NAME}-namespace",
        metadata={"name": workload["namespace"], "labels": workload["tags"]},
        opts=pulumi.ResourceOptions(provider=provider),
    )


def _cache(plain: Args | None, cluster: GkeStandby, opts: pulumi.ResourceOptions) -> Args:
    """Of the Workload's arguments, those about its cache."""
    if plain is None:
        return {}
    made = CacheStance(f"{NAME}-cache", joined(plain, cluster=cluster, namespace=plain["namespace_name"]), opts)
    where = {} if made.cache is None else {"cache": made.cache}
    return {**where, "secrets": {"CACHE_PASSWORD": made.password}}


def _told(plain: Arguments, cluster: GkeStandby, database: CloudSqlStandby, cache: Args) -> Any:
    given, secret = plain.workload, pulumi.Config().require_secret
    return joined(
        {**given, **cache},
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
