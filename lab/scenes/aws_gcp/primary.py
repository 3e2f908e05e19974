"""The primary site of topology aws-gcp as the customer has it before twinsite: VPC, EKS with a node, RDS.

    10.10.1.0/24  private-a  10.10.1.10  aws-node (EKS: its pods are in 10.10.129.0/24)
    10.10.2.0/24  private-b  10.10.2.20  crm (RDS: PostgreSQL, and nothing else: nobody logs in)

Here: what exists, as records and machines, and the values a user would write for it. The load balancer has no pods to
lead to yet, so that it is a name that nobody answers.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from lab.box.layout import ELASTIC
from lab.client import Client
from lab.cloud_config import cloud_config
from lab.methods import INSTANCE_TOKEN
from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Vpc, World
from lab.paths import TREE
from lab.providers.aws import topology
from lab.scenes import Existing, ExistingCluster, Given
from lab.services import managed_postgres
from lab.services.credentials import ACCOUNT
from lab.services.kubernetes.image import Image
from lab.services.kubernetes.objects import Node
from lab.services.managed_postgres import identifier, literal
from lab.services.managed_postgres.machine import VERSION, user_data
from lab.services.web_identity import PROVIDER

SITE = "aws"
REGION = "ap-northeast-2"
DOMAIN = "example.com"
CONTEXT = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/crm"
OIDC_ISSUER = f"https://oidc.eks.{REGION}.amazonaws.com/id/1AB0C1A55E5000000000000000000001"
OIDC_PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{OIDC_ISSUER.removeprefix('https://')}"
CLUSTER_HOST = f"1AB0C1A55E5000000000000000000001.gr7.{REGION}.eks.amazonaws.com"
ALB_NAME = f"crm-1234567890.{REGION}.elb.amazonaws.com"
DATABASE_HOST = f"crm.c0twinsite00.{REGION}.rds.amazonaws.com"
DATABASE = "crm"
NAMESPACE = "crm"
MASTER, OWNER, APPLICATION, REPLICATION = "crm_master", "crm_owner", "crm_app", "twinsite_replication"
BACKUP = "backup"
CLIENT = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/postgres-client@sha256:{'ef' * 32}"
"""Image of whatever asks RDS."""
PASSWORDS = ("master", "owner", "application", "replication", "back", "backup")
"""Of the database's users."""

VPC = Vpc("vpc-0a00000000000b001", "10.10.0.0/16", internet=True)
TABLE, GATEWAY = "rtb-0a00000000000b001", "igw-0a00000000000b001"
SUBNETS = {"subnet-0a00000000000b001": "10.10.1.0/24", "subnet-0a00000000000b002": "10.10.2.0/24"}
NODE, SERVER = "i-0a00000000000b010", "i-0a00000000000b020"
NODE_ADDRESS, SERVER_ADDRESS = "10.10.1.10", "10.10.2.20"
NODE_FACE, SERVER_FACE = "eni-0a00000000000b001", "eni-0a00000000000b002"
NODE_GROUP, SERVER_GROUP = "sg-0a00000000000b001", "sg-0a00000000000b002"
PODS = "10.10.129.0/24"
PUBLIC_ADDRESS = str(ELASTIC[1] - 1)
"""The node's way out, as through a NAT gateway."""

SETTINGS = {
    "datestyle": "ISO, MDY",
    "default_transaction_isolation": "read committed",
    "intervalstyle": "postgres",
    "timezone": "Asia/Seoul",
}
"""What its owner chose and a standby must have, too."""
PARAMETERS = {
    **SETTINGS,
    # Its parameter group, as the stack output `source_parameters` asks: rds.logical_replication is wal_level here.
    "wal_level": "logical",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "max_slot_wal_keep_size": "4016MB",
    "wal_sender_timeout": "10s",
    "track_commit_timestamp": "on",
}


def node() -> Node:
    """An m5.large, as EKS's AMI leaves it to pods."""
    zone = {"topology.kubernetes.io/zone": f"{REGION}a"}
    return Node("aws-node", NODE_ADDRESS, PODS, 1930, 6800, zone, machine=NODE, unmasked=(VPC.cidr,))


def exists(given: Given, images: Mapping[str, Image]) -> Existing:
    """All of it. `images`: what runs for an image, by repository."""
    anywhere = (Rule("-1", -1, -1, "0.0.0.0/0"),)
    within = Rule("tcp", 5432, 5432, VPC.cidr)
    ways = (Route(VPC.cidr, "local"), Route("0.0.0.0/0", "igw"))
    first, second = SUBNETS
    pem = given.authority.pem(DATABASE_HOST)
    world = World(
        vpcs=(VPC,),
        subnets=tuple(Subnet(one, VPC.id, cidr, ways) for one, cidr in SUBNETS.items()),
        groups=(
            SecurityGroup(NODE_GROUP, VPC.id, (Rule("-1", -1, -1, group=NODE_GROUP),), anywhere),
            # Of an owner who lets nothing out: what the way back needs, the stack's own group has.
            SecurityGroup(SERVER_GROUP, VPC.id, (within,), ()),
        ),
        interfaces=(
            Interface(NODE_FACE, first, NODE_ADDRESS, (NODE_GROUP,), public_address=PUBLIC_ADDRESS, prefixes=(PODS,)),
            Interface(SERVER_FACE, second, SERVER_ADDRESS, (SERVER_GROUP,)),
        ),
        machines=(
            Machine(
                NODE,
                NODE_FACE,
                cloud_config("aws-node", given.operator.public),
                hostname="aws-node",
                region=REGION,
            ),
            Machine(
                SERVER,
                SERVER_FACE,
                user_data("crm", managed_postgres.SUPERUSERS["rds"], pem, PARAMETERS, scripts(given.passwords)),
                hostname="crm",
                region=REGION,
            ),
        ),
        names={DATABASE_HOST: SERVER_ADDRESS},
    )
    return Existing(
        world=world,
        records=tuple(records()),
        clusters=(
            ExistingCluster(
                SITE,
                CONTEXT,
                CLUSTER_HOST,
                OIDC_ISSUER,
                nodes=lambda records: [node()],
                services_range="172.20.0.0/16",
                images=images,
            ),
        ),
    )


def records() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What AWS and the cluster know besides machines."""
    yield topology.VPC, VPC.id, {"cidrBlock": VPC.cidr, "mainRouteTableId": TABLE, "region": REGION}
    yield topology.GATEWAY, GATEWAY, {"vpcId": VPC.id}
    yield topology.TABLE, TABLE, {"vpcId": VPC.id, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": GATEWAY}]}
    for at, (identity, cidr) in enumerate(SUBNETS.items()):
        yield (
            topology.SUBNET,
            identity,
            {"vpcId": VPC.id, "cidrBlock": cidr, "availabilityZone": f"{REGION}{'ac'[at]}", "region": REGION},
        )
    yield (
        topology.INTERFACE,
        SERVER_FACE,
        {"subnetId": list(SUBNETS)[1], "privateIp": SERVER_ADDRESS, "securityGroups": [SERVER_GROUP]},
    )
    for identity, name in ((NODE, "aws-node"), (SERVER, "crm")):
        yield INSTANCE_TOKEN, identity, {"tags": {"Name": name}, "region": REGION}
    known = {"url": OIDC_ISSUER, "clientIdLists": ["sts.amazonaws.com"], "arn": OIDC_PROVIDER}
    yield PROVIDER, OIDC_PROVIDER, known
    space = {"metadata": {"name": NAMESPACE}, "apiVersion": "v1", "kind": "Namespace"}
    yield "kubernetes:core/v1:Namespace", NAMESPACE, space


def scripts(passwords: Mapping[str, str]) -> list[str]:
    """For psql: RDS's roles; then what the customer's master user and the tables' owner made of them."""
    master, owner = identifier(MASTER), identifier(OWNER)
    schema = TREE / "workloads" / "crm" / "schema.sql"
    roles = "".join(
        f"CREATE ROLE {identifier(name)} LOGIN PASSWORD {literal(passwords[which])};\n"
        for which, name in (
            ("owner", OWNER),
            ("application", APPLICATION),
            ("replication", REPLICATION),
            ("backup", BACKUP),
        )
    )
    customer = f"""SET SESSION AUTHORIZATION {master};
{roles}GRANT {owner} TO {master};
CREATE DATABASE {identifier(DATABASE)} OWNER {owner};
GRANT rds_replication TO {identifier(REPLICATION)}, {owner};
GRANT pg_signal_backend, pg_monitor TO {owner};
RESET SESSION AUTHORIZATION;
-- Not by the master user: whether RDS lets it give these on, no account has shown (P-moves, P-managed-restore).
GRANT pg_create_subscription TO {owner};
GRANT pg_read_all_data TO {identifier(BACKUP)};
"""
    tables = f"""\\connect {DATABASE}
SET SESSION AUTHORIZATION {owner};
{schema.read_text()}
GRANT USAGE ON SCHEMA public TO {identifier(REPLICATION)}, {identifier(APPLICATION)};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {identifier(REPLICATION)};
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {identifier(APPLICATION)};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {identifier(REPLICATION)};
RESET SESSION AUTHORIZATION;
"""
    return [managed_postgres.rights("rds", MASTER, passwords["master"]), customer, managed_postgres.follow(), tables]


def settings(given: Given) -> dict[str, Any]:
    """What a user would write into the stack's configuration for this site."""
    return {
        "vpc_id": VPC.id,
        "vpc_range": VPC.cidr,
        "route_table_ids": {"private": TABLE},
        "primary_database_address": DATABASE_HOST,
        "primary_database_version": f"{VERSION}.6",
        "primary_database_settings": SETTINGS,
        "primary_database_user": OWNER,
        "primary_database_ca": given.authority.certificate,
        "primary_oidc_issuer": OIDC_ISSUER,
        "primary_oidc_provider": OIDC_PROVIDER,
        "primary_cluster_context": CONTEXT,
        "writer_bucket": "crm-dr-writer",
        "writer_image": CLIENT,
        "primary_alb_name": ALB_NAME,
        "primary_host": f"crm-aws.{DOMAIN}",
        "database": DATABASE,
        "backup_bucket": "crm-dr-backups",
        "backup_image": CLIENT,
        # Of the story's minutes some are due.
        "backup_schedule": "*/3 * * * *",
        "backup_user": BACKUP,
    }


def let_in(client: Client, group: str) -> None:
    """As its owner does with `aws rds modify-db-instance --vpc-security-group-ids`: RDS is behind this group, too."""
    groups = [SERVER_GROUP, group]
    client.call(
        "records_put",
        token=topology.INTERFACE,
        id=SERVER_FACE,
        record={"subnetId": list(SUBNETS)[1], "privateIp": SERVER_ADDRESS, "securityGroups": groups},
    )
    face = Interface(SERVER_FACE, list(SUBNETS)[1], SERVER_ADDRESS, tuple(groups))
    client.call("world_put", kind="interfaces", record=dataclasses.asdict(face))
    client.call("apply")
