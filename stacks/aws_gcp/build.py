"""Topology aws-gcp: a primary site that exists in AWS, a standby in Google Cloud by mode (source document 004).

AWS (exists): ALB, EKS, RDS for PostgreSQL       Google: network, address; from pilot-light on Cloud SQL and GKE
    VPC ══ AwsGcpVpn: four tunnels, BGP in each, from pilot-light on ══ network
FQDN  Cloudflare: the first of ALB and Google's address that says it may write, else a notice

cold ⊂ pilot-light ⊂ warm. What warm adds is at Google alone, so that it works while AWS is dead.
"""

import re
from typing import Any

import pulumi
import pulumi_gcp as gcp

from twinsite import AwsGcpVpn, CloudflareFailover, CloudSqlStandby, GkeStandby, Workload, cluster_provider, inventory
from twinsite.rules import require

from ..asked import Intents, problems, stack_digest
from ..promise import promised
from .args import Arguments, arguments, joined
from .estimate import estimate
from .needs import needs
from .settings import MODES, NAME, PACKAGES, SITES, Settings, Site, read

__all__ = ["MODES", "NAME", "PACKAGES", "SITES", "Settings", "build", "estimate", "needs", "read", "refusals"]


def refusals(settings: Settings) -> list[str]:
    """What components would refuse, with the one that would."""
    return problems(arguments(settings, _tags()).intents())


def build(settings: Settings) -> dict[str, Any]:
    """Create the components; returns the stack's exports. Refused before the first resource exists."""
    plain = arguments(settings, _tags())
    intents = plain.intents()
    require(f"topology {NAME}", problems(intents))
    network = _network(settings)
    vpn = AwsGcpVpn(NAME, joined(plain.vpn, gcp_network_id=network.id))
    database = CloudSqlStandby(
        NAME,
        joined(
            plain.database,
            network_id=network.id,
            service_connection=vpn.service_connection,
            service_range_name=vpn.service_range_name,
        ),
    )
    cluster = GkeStandby(f"{NAME}-gke", joined(plain.cluster, network_id=network.id))
    pods = _pods(plain, cluster, database)
    name = CloudflareFailover(NAME, joined(plain.name, standby={**plain.name["standby"], "address": cluster.address}))
    entries = [cluster.inventory, pods.inventory, name.inventory]
    return {
        "inventory": inventory.to_dict(inventory.together(_inventory(settings, intents), entries)),
        "dr_mode": settings.dr_mode.value,
        "name": name.fqdn,
        "standby_address": cluster.address,
        "aws_security_group_id": vpn.aws_security_group_id,
        "tunnels": vpn.tunnel_names.apply(lambda found: found or []),  # an output that is None would not be there
        "standby_database": database.address.apply(lambda found: found or ""),
        "standby_database_password": database.password_secret,
        "resize": cluster.resize,
        "scale": pods.scale,
    }


def _tags() -> dict[str, str]:
    """Also taken by Google, whose labels have small letters, digits, - and _ only."""
    stack = re.sub(r"[^a-z0-9_-]", "-", pulumi.get_stack().lower())[:63]
    return {"twinsite-stack": stack, "twinsite-topology": NAME}


def _network(settings: Settings) -> gcp.compute.Network:
    return gcp.compute.Network(
        f"{NAME}-network",
        name=settings.prefix,
        auto_create_subnetworks=False,
        # With the default a router tells AWS of its own region alone, and lets nobody elsewhere through.
        routing_mode="GLOBAL",
    )


def _pods(plain: Arguments, cluster: GkeStandby, database: CloudSqlStandby) -> Workload:
    """In cold there is no cluster, and so nobody to tell its API to: a provider without a kubeconfig would take the
    desk's own, and what it forgets there would be somebody else's."""
    secret = pulumi.Config().require_secret
    given = plain.workload
    opts = None
    if cluster.handle["exists"]:
        opts = pulumi.ResourceOptions(provider=cluster_provider(f"{NAME}-gke", cluster))
    return Workload(
        NAME,
        joined(
            given,
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
        ),
        opts,
    )


def _inventory(settings: Settings, intents: Intents) -> inventory.Inventory:
    return inventory.Inventory(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        sites=(
            inventory.Site(Site.AWS.value, ("aws",), settings.region),
            inventory.Site(Site.GCP.value, ("gcp", "kubernetes"), settings.location),
        ),
        home=Site.AWS.value,
        away=Site.GCP.value,
        active_site=settings.active_site.value,
        promise=promised(estimate, settings),
        digest=stack_digest(intents, []),
    )
