"""What a user of topology aws-gcp chooses for the site at Google, for users' name and for alarms."""

import re
from collections.abc import Sequence
from typing import Any

from lab.client import Client
from lab.model import OPERATOR_ADDRESS
from lab.operator.desk import Desk
from lab.paths import Paths
from lab.providers.gcp import topology
from lab.providers.gcp.sql_database_instance import SUPERUSER
from lab.scenes import ExistingCluster, Given
from lab.scenes.aws_gcp.application import NAME
from lab.scenes.aws_gcp.primary import APPLICATION, DATABASE, DOMAIN
from lab.services.kubernetes.descriptions import Records
from lab.services.kubernetes.image import Image, crm
from lab.services.kubernetes.objects import Node
from lab.services.managed_postgres import identifier, literal

SITE = "gcp"
PROJECT = "example-dr"
REGION = "asia-northeast3"
REGISTRY = f"{REGION}-docker.pkg.dev/{PROJECT}/crm"
CLUSTER = f"projects/{PROJECT}/locations/{REGION}/clusters/twinsite"
CONTEXT = f"gke_{PROJECT}_{REGION}_twinsite"
SERVER, USER = "gcp:sql/databaseInstance:DatabaseInstance", "gcp:sql/user:User"
BACK = "crm_back"
"""The role that RDS follows as, once the standby writes."""
AUTHORITY = "/etc/ssl/certs/ca-certificates.crt"
"""Of Cloud SQL's machine. RDS's has none that knows Cloud SQL's own authority, as at AWS."""
POOL = "gcp:container/nodePool:NodePool"
UNMASKED = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
"""Where pods are seen under their own addresses [GKE, IP masquerade agent, default non-masquerade destinations, and
masqLinkLocal]."""
DIGEST = f"sha256:{'ab' * 32}"
IMAGES = {f"{REGISTRY}/crm": crm(), f"{REGISTRY}/postgres-client": Image(()), f"{REGISTRY}/valkey": Image(())}
"""All but the first are told their command by their pods."""


def cluster() -> ExistingCluster:
    """GKE's, once `up` has made it."""
    return ExistingCluster(
        SITE,
        CONTEXT,
        "34.64.10.20",
        f"https://container.googleapis.com/v1/{CLUSTER}",
        nodes=nodes,
        exists=lambda records: CLUSTER in records(topology.CLUSTER),
        services_range="10.33.0.0/20",
        images=IMAGES,
    )


def nodes(records: Records) -> Sequence[Node]:
    """As many as the pools are told."""
    pools = records(POOL)
    found = []
    for name, one in sorted(records(topology.NODE).items()):
        pool = pools.get(one["pool"])
        if pool is not None and one["cluster"] == CLUSTER:
            cpu, memory = allocatable(str((pool.get("nodeConfig") or {}).get("machineType") or "e2-medium"))
            labels = {"topology.kubernetes.io/zone": one["zone"], "cloud.google.com/gke-nodepool": pool["name"]}
            labels |= (pool.get("nodeConfig") or {}).get("labels") or {}
            made = Node(name, one["address"], one["pods"], cpu, memory, labels, machine=name, unmasked=UNMASKED)
            found.append(made)
    return found


def allocatable(machine_type: str) -> tuple[int, int]:
    """Milli-CPUs and MiB that GKE leaves to pods of an e2-standard-N [GKE, Plan node sizes, reserved resources]."""
    size = re.fullmatch(r"e2-standard-(\d+)", machine_type)
    cpus = int(size[1]) if size else 2
    reserved_cpu = 60 + 10 * (cpus > 1) + 5 * min(max(cpus - 2, 0), 2) + 2.5 * max(cpus - 4, 0)
    gib = 4.0 * cpus
    reserved = 0.25 * min(gib, 4) + 0.2 * min(max(gib - 4, 0), 4) + 0.1 * min(max(gib - 8, 0), 8)
    reserved += 0.06 * max(gib - 16, 0)
    return int(cpus * 1000 - reserved_cpu), int((gib - reserved) * 1024 - 100)


def settings(given: Given) -> dict[str, Any]:
    """Plain settings; keys with a colon are a provider's."""
    return {
        "gcp:project": PROJECT,
        "zones": ["asia-northeast3-a"],
        "operator_ranges": [f"{OPERATOR_ADDRESS}/32"],
        "application": "crm",
        "application_repository": f"{REGISTRY}/crm",
        "application_digest": DIGEST,
        "application_user": APPLICATION,
        "fqdn": f"crm.{DOMAIN}",
        "cloudflare_account_id": "0123456789abcdef0123456789abcdef",
        "cloudflare_zone_id": "fedcba9876543210fedcba9876543210",
        "standby_host": f"crm-gcp.{DOMAIN}",
        # Pools are asked every 15 s.
        "cloudflare_plan": "business",
        "notice_address": "notice.example.net",
        "notice_host": "notice.example.net",
        "notice_text": "not served at the moment",
        "writer_text": "this site may write",
        "primary_marker": "served by site aws",
        "primary_role_config": f"{NAME}-role",
        "standby_marker": "served by site gcp",
        "alarm_emails": [f"ops@{DOMAIN}"],
        "replication_image": f"{REGISTRY}/postgres-client@sha256:{'ef' * 32}",
        "restore_image": f"{REGISTRY}/postgres-client@sha256:{'ef' * 32}",
        "cache_image": f"{REGISTRY}/valkey@sha256:{'dc' * 32}",
        "cache_holds": ["pages"],
        # RDS has a public authority's certificate here, and the bundle is where the distribution has it.
        "replication_authority": AUTHORITY,
        "replication_back_user": BACK,
        "replication_back_authority": "channel-binding",
        "wal_mib_per_hour": 1000,
    }


def secrets(given: Given) -> dict[str, str]:
    """Of the standby: no two labs have the same."""
    key, mark, chain = given.authority.pem(f"crm-gcp.{DOMAIN}").partition("-----BEGIN CERTIFICATE-----")
    return {
        "application_password": given.passwords["application"],
        "primary_database_password": given.passwords["owner"],
        "replication_password": given.passwords["replication"],
        "replication_back_password": given.passwords["back"],
        "backup_password": given.passwords["backup"],
        "standby_certificate": mark + chain,
        "standby_certificate_key": key,
    }


def make_roles(client: Client) -> None:
    """As the administrator of Cloud SQL does once, when the schema has come (page cloud-sql-standby, grants): who
    reads at home may read here, and RDS may follow."""
    (server,) = client.call("records_list", token=SERVER).values()
    (owner,) = client.call("records_list", token=USER).values()
    passwords = Desk(Paths(), live=True).passwords()
    application, back = identifier(APPLICATION), identifier(BACK)
    for user, password, statements in (
        # Which Google's API does for a customer: a server of the community lets no role give what it has not got.
        (
            SUPERUSER,
            server["__password"],
            [
                f"CREATE ROLE {back} LOGIN REPLICATION PASSWORD {literal(passwords['back'])}",
                f"ALTER ROLE {identifier(owner['name'])} REPLICATION",
                # An administrator of Cloud SQL is said to have these (P-moves).
                f"GRANT pg_signal_backend, pg_read_all_stats TO {identifier(owner['name'])}",
            ],
        ),
        (
            owner["name"],
            owner["__inputs"]["password"],
            [
                f"CREATE ROLE {application} LOGIN PASSWORD {literal(passwords['application'])}",
                f"GRANT USAGE ON SCHEMA public TO {application}, {back}",
                f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {application}",
                f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {back}",
            ],
        ),
    ):
        client.call(
            "postgres",
            machine=server["__machine"],
            user=user,
            password=password,
            statements=statements,
            database=DATABASE,
        )
