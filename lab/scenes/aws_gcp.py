"""aws-gcp: a VPC, a database and a load balancer in AWS; what a user would write. Recorded only, so far.

Live machines for it were tried by hand; they are not built. What asks for them is told so.
"""

import argparse
from typing import Any

from lab.client import Refused
from lab.model import OPERATOR_ADDRESS
from lab.scenes import Given, Scene, Site
from lab.story import Tour

TOPOLOGY, STACK = "aws-gcp", "gcp"
RECORDED_ONLY = (
    f"The lab has no live machines of topology {TOPOLOGY} yet: no tunnel, no PostgreSQL and no load balancer runs for "
    f"it in the box. `./scripts/lab up --topology {TOPOLOGY}` gives a desk that records what `pulumi up` would make."
)
DOMAIN = "example.com"


def settings(given: Given) -> dict[str, Any]:
    """What a user would write; nobody is behind it."""
    region = "ap-northeast-2"
    return {
        "gcp:project": "example-dr",
        "vpc_id": "vpc-0a00000000000b001",
        "route_table_ids": {"private": "rtb-0a00000000000b001"},
        "primary_database_address": f"crm.c0twinsite00.{region}.rds.amazonaws.com",
        "primary_database_version": "17.5",
        "primary_database_settings": {
            "datestyle": "ISO, MDY",
            "default_transaction_isolation": "read committed",
            "intervalstyle": "postgres",
            "timezone": "Asia/Seoul",
        },
        "database": "crm",
        "zones": ["asia-northeast3-a"],
        "operator_ranges": [f"{OPERATOR_ADDRESS}/32"],
        "application": "crm",
        "application_repository": "asia-northeast3-docker.pkg.dev/example-dr/crm/crm",
        "application_digest": f"sha256:{'ab' * 32}",
        "application_user": "crm_app",
        "fqdn": f"crm.{DOMAIN}",
        "cloudflare_account_id": "0123456789abcdef0123456789abcdef",
        "cloudflare_zone_id": "fedcba9876543210fedcba9876543210",
        "primary_alb_name": f"crm-1234567890.{region}.elb.amazonaws.com",
        "primary_host": f"crm-aws.{DOMAIN}",
        "standby_host": f"crm-gcp.{DOMAIN}",
        "notice_address": "notice.example.net",
        "notice_host": "notice.example.net",
        "notice_text": "not served at the moment",
        "writer_text": "this site may write",
        "primary_marker": "served by site aws",
        "standby_marker": "served by site gcp",
        "alarm_emails": [f"ops@{DOMAIN}"],
        "replication_image": f"asia-northeast3-docker.pkg.dev/example-dr/crm/postgres-client@sha256:{'ef' * 32}",
        "replication_authority": "/etc/ssl/rds.pem",
        "primary_database_user": "crm_owner",
        "primary_database_ca": "-----BEGIN CERTIFICATE-----\nnobody's\n-----END CERTIFICATE-----\n",
        "wal_mib_per_hour": 1000,
    }


def secrets(given: Given) -> dict[str, str]:
    """Of the standby: nobody asks for them, and no two labs have the same."""
    key, mark, chain = given.authority.pem(f"crm-gcp.{DOMAIN}").partition("-----BEGIN CERTIFICATE-----")
    return {
        "application_password": given.passwords["application"],
        "primary_database_password": given.passwords["owner"],
        "replication_password": given.passwords["replication"],
        "standby_certificate": mark + chain,
        "standby_certificate_key": key,
    }


def tell(tour: Tour, chosen: argparse.Namespace) -> dict[str, Any]:
    """There is no story without machines."""
    raise Refused(RECORDED_ONLY)


SCENE = Scene(
    topology=TOPOLOGY,
    stack=STACK,
    sites=(Site("aws", {"aws": ()}, (".amazonaws.com",)), Site("gcp", {"gcp": ()}, (".googleapis.com",))),
    settings=settings,
    secrets=secrets,
    passwords=("application", "owner", "replication"),
    tell=tell,
    recorded_only=RECORDED_ONLY,
)
