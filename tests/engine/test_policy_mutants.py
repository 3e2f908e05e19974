"""A program of raw resources that the pack lets pass, and ten changes of one line, each refused by its policy."""

import sys
import textwrap
from pathlib import Path

import pytest

from tests.real_pulumi import Desk

from .conftest import Stack, make_stack

PACK = str(Path(__file__).resolve().parents[2] / "policy")

GOOD = textwrap.dedent(
    """
    import pulumi_aws as aws
    from pulumi_azure_native import network, storage

    aws.ebs.Volume("data", availability_zone="ap-northeast-2a", size=10, encrypted=True)
    address = aws.ec2.Eip("address", domain="vpc")
    group = aws.ec2.SecurityGroup(
        "web",
        ingress=[{"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["0.0.0.0/0"]}],
    )
    aws.ec2.Instance(
        "web",
        ami="ami-0123456789abcdef0",
        instance_type="t3.micro",
        metadata_options={"http_tokens": "required"},
        root_block_device={"encrypted": True},
        user_data="systemctl start shop",
    )

    nightly = aws.s3.Bucket("nightly", bucket="shop-backup")
    aws.s3.BucketVersioning("nightly", bucket=nightly.id, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketPublicAccessBlock(
        "nightly",
        bucket=nightly.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )

    check = aws.route53.HealthCheck("page", type="HTTPS", fqdn="a.example.com", port=443, failure_threshold=3,
        request_interval=10)
    zone = aws.route53.Zone("zone", name="example.com")
    for role, at in (("PRIMARY", "192.0.2.1"), ("SECONDARY", "192.0.2.2")):
        aws.route53.Record(f"shop-{role.lower()}", zone_id=zone.id, name="shop.example.com", type="A", records=[at],
            set_identifier=role,
            failover_routing_policies=[{"type": role}],
            health_check_id=check.id,
            ttl=60,
        )
    topic = aws.sns.Topic("told")
    aws.cloudwatch.MetricAlarm("red", namespace="AWS/Route53", metric_name="HealthCheckStatus", period=60,
        comparison_operator="LessThanThreshold", evaluation_periods=1, threshold=1, statistic="Minimum",
        alarm_actions=[topic.arn],
        treat_missing_data="breaching",
    )

    account = storage.StorageAccount("shop", account_name="shopbackups", resource_group_name="dr",
        location="koreacentral",
        kind="StorageV2",
        sku={"name": "Standard_ZRS"},
        allow_blob_public_access=False,
    )
    storage.BlobServiceProperties("shop", account_name=account.name, resource_group_name="dr",
        blob_services_name="default",
        is_versioning_enabled=True,
        delete_retention_policy={"enabled": True, "days": 14},
    )
    storage.BlobContainer("dumps", account_name=account.name, resource_group_name="dr", container_name="mysql-backup")
    """
)

MUTANTS = [
    ("storage-unencrypted", "size=10, encrypted=True", "size=10", "data: encrypted is not set"),
    ("port-open-to-world", '"from_port": 443', '"from_port": 22', "web: source 0.0.0.0/0 opens SSH (22)"),
    (
        "metadata-service-v1",
        '"http_tokens": "required"',
        '"http_tokens": "optional"',
        "web: metadataOptions.httpTokens is",
    ),
    ("secret-in-machine-data", "systemctl start shop", "password=correct-horse", "web: userData holds a password"),
    (
        "backup-overwritable",
        '"status": "Enabled"',
        '"status": "Suspended"',
        "nightly: bucket shop-backup holds backups",
    ),
    ("storage-public", "ignore_public_acls=True", "ignore_public_acls=False", "nightly: ignorePublicAcls not set"),
    ("ttl-over-60", "ttl=60", "ttl=300", "shop-primary: ttl is 300 s"),
    ("records-contradict", "health_check_id=check.id,", "", "shop.example.com A SECONDARY has no check"),
    ("alarm-blind-when-dead", '"breaching"', '"notBreaching"', "red: treatMissingData is notBreaching"),
    ("backup-in-one-place", "Standard_ZRS", "Standard_LRS", "dumps: container mysql-backup holds backups"),
]
"""(policy, a piece of a line, what stands there instead, what the policy says)."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, pulumi_tools: Path, provider_home: Path, warm: Path) -> Stack:
    """The good program's stack, after its `up`."""
    extra = {"PULUMI_PYTHON_CMD": sys.executable}
    desk = Desk(tmp_path_factory.mktemp("mutants"), pulumi_tools, extra, checkpoints=False, python=warm)
    stack = make_stack(desk, provider_home, "raw", "")
    stack.program(GOOD)
    stack.up()
    return stack


def test_the_program_before_its_change_is_let_pass(good: Stack) -> None:
    good.program(GOOD)
    code, told = good.run("preview", "--policy-pack", PACK)
    assert (code, "[mandatory]" in told) == (0, False), told


@pytest.mark.mutant
@pytest.mark.parametrize(("policy", "line", "instead", "says"), MUTANTS, ids=[policy for policy, *_ in MUTANTS])
def test_the_program_with_one_line_changed_is_refused_by_the_policy_for_it(
    good: Stack, policy: str, line: str, instead: str, says: str
) -> None:
    assert GOOD.count(line) == 1
    good.program(GOOD.replace(line, instead))
    code, told = good.run("preview", "--policy-pack", PACK)
    assert code != 0
    assert f"  {policy}  (" in told, told
    assert says in told
