"""The lists of rights against what the programs make: each call that a resource's provider needs is in the deployer's
file and no other is; the operator's has what raising, lowering and the commands call, and no more."""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from lab.services import iam
from operations.doctor import cloudflare_rights, command, policies, questions, quotas
from operations.project import Project
from operations.subjects import cloud_reader
from operations.subjects.clouds import Unknown
from stacks.aws_gcp.needs import needs as needs_of_aws_gcp
from tests.aws_gcp_config import WRITERS as PLAIN_WRITERS
from tests.aws_gcp_config import WRITERS_SECRET
from tests.clouds_world import Clouds, FakeGoogle
from tests.mocks import aws_azure_topology, aws_gcp_topology, onprem_aws_topology
from twinsite.needs import Home, Needs

from .harness import Registered, Run

WRITERS = {**PLAIN_WRITERS, **WRITERS_SECRET}
FOLDER = Path("policies")
AWS, AZURE, GCP = (json.loads((FOLDER / "actions" / f"{cloud}.json").read_text()) for cloud in ("aws", "azure", "gcp"))
PARTS = ("create", "read", "update", "delete")
OTHERWISE = {
    "database_kind": "machine",
    "names": "one",
    "primary_has_ipv6": False,
    "standby_backup_account": "exampledrsecond",
}
"""Every choice of the other kind than the default."""


@functools.cache
def aws_azure(mode: str) -> tuple[Run, ...]:
    """Every shape of the topology in one mode."""
    return tuple(aws_azure_topology.build(dr_mode=mode, **variant) for variant in ({}, OTHERWISE))


@functools.cache
def aws_gcp() -> tuple[Run, ...]:
    """Topology aws-gcp in every mode: a mode only adds, so that one list does for all."""
    modes = ("cold", "pilot-light", "warm")
    return tuple(aws_gcp_topology.build(dr_mode=mode, cold_without_data="accept") for mode in modes)


@functools.cache
def aws_gcp_writers() -> tuple[Run, ...]:
    """With registers of its own."""
    return (aws_gcp_topology.build(**WRITERS),)


@functools.cache
def aws_gcp_dms() -> tuple[Run, ...]:
    """With rows by a task of DMS."""
    return (aws_gcp_topology.build(**aws_gcp_topology.BY_DMS),)


@functools.cache
def onprem_aws() -> tuple[Run, ...]:
    return (onprem_aws_topology.build(**onprem_aws_topology.project()),)


@pytest.fixture(autouse=True, scope="module")
def nothing_left() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


def of(runs: tuple[Run, ...], package: str) -> list[Registered]:
    return [one for run in runs for one in run.resources if one.custom and one.type.startswith(f"{package}:")]


def aws_actions(resources: list[Registered]) -> set[str]:
    found = set()
    for one in resources:
        known = AWS["types"][one.type]
        parts = (*PARTS, "tag") if "tags" in one.inputs else PARTS
        found |= {action for part in parts for action in known.get(part, [])}
    return found


def azure_actions(resources: list[Registered]) -> set[str]:
    return {action for one in resources for action in AZURE["types"][one.type]["actions"]}


def in_aws(name: str) -> set[str]:
    text = (FOLDER / "aws" / name).read_text()
    return {action for one in policies.statements(text) for action in one.actions}


def in_azure(name: str) -> set[str]:
    role = json.loads((FOLDER / "azure" / name).read_text())
    return set(role["Actions"])


TOPOLOGIES = [
    ("onprem-aws", onprem_aws),
    ("aws-azure", lambda: aws_azure("cold") + aws_azure("warm")),
    ("aws-gcp", aws_gcp),
]


@pytest.mark.parametrize(("topology", "runs"), TOPOLOGIES)
def test_the_aws_deployer_may_what_every_resource_needs_and_nothing_else(topology: str, runs: Any) -> None:
    needed = aws_actions(of(runs(), "aws")) | set(AWS["besides"][topology])
    listed = in_aws(f"{topology}.deployer.json")
    assert sorted(needed - listed) == [], "a resource of the program could not be made, read, changed or deleted"
    assert sorted(listed - needed) == [], "no resource of the program needs it"


@pytest.mark.parametrize("mode", ["cold", "warm"])
def test_the_azure_deployer_may_what_every_resource_of_the_mode_needs_and_nothing_else(mode: str) -> None:
    needed = azure_actions(of(aws_azure(mode), "azure-native"))
    listed = in_azure(f"aws-azure.deployer.{mode}.json")
    assert sorted(needed - listed) == []
    assert sorted(listed - needed) == []


_ASKS = {
    "get_availability_zones": {"ec2:DescribeAvailabilityZones"},
    "get_instance_type_offerings": {"ec2:DescribeInstanceTypeOfferings"},
    "get_network_interface": {"ec2:DescribeNetworkInterfaces"},
    "get_object": {"s3:GetObject", "s3:GetObjectTagging"},
    "get_route_table": {"ec2:DescribeRouteTables"},
    "get_route_tables": {"ec2:DescribeRouteTables"},
    "get_subnet": {"ec2:DescribeSubnets"},
    "get_vpc": {"ec2:DescribeVpcs", "ec2:DescribeVpcAttribute", "ec2:DescribeRouteTables"},
}
"""Function of the provider that a component calls → the calls that it makes."""


def test_what_components_ask_the_account_is_in_the_deployers_list() -> None:
    text = "".join(path.read_text() for path in Path("components").rglob("*.py"))
    asked = set(re.findall(r"\baws\.(?:\w+\.)?(get_\w+?)(?:_output)?\(", text))
    assert asked == set(_ASKS)
    assert set().union(*_ASKS.values()) <= in_aws("onprem-aws.deployer.json")


def test_no_type_is_listed_that_no_program_makes() -> None:
    every = onprem_aws() + aws_azure("cold") + aws_azure("warm") + aws_gcp() + aws_gcp_writers() + aws_gcp_dms()
    made = {one.type for one in of(every, "aws")}
    assert set(AWS["types"]) == made
    assert set(AZURE["types"]) == {one.type for one in of(aws_azure("warm"), "azure-native")}
    # What the example's settings leave out, other settings may make: then a component has it.
    text = "".join(path.read_text() for room in ("components", "stacks") for path in Path(room).rglob("*.py"))
    beside = set(GCP["types"]) - {one.type for package in ("gcp", "kubernetes") for one in of(aws_gcp(), package)}
    assert [one for one in beside if not re.search(rf"\.{one.rpartition(':')[2]}\(", text)] == []


def test_registers_of_ones_own_have_a_list_beside_the_deployers() -> None:
    ours = [one for one in of(aws_gcp_writers(), "aws") if one.name.startswith("aws-gcp-registers")]
    assert sorted(in_aws("aws-gcp.writer.json")) == sorted(aws_actions(ours))
    besides = {one.type for one in of(aws_gcp_writers(), "aws")} - {one.type for one in of(aws_gcp(), "aws")}
    assert {one.type for one in ours} == besides, "nothing else of AWS comes with them"
    assert {one.type for one in of(aws_gcp_writers(), "gcp")} <= set(GCP["types"])
    text = policies.filled((FOLDER / "aws" / "aws-gcp.writer.json").read_text(), WORDS)
    assert not iam.allowed([json.loads(text)], "s3:DeleteBucket", "arn:aws:s3:::another", {})
    assert not iam.allowed([json.loads(text)], "iam:PutRolePolicy", f"{ROLES}/admin", {})
    assert iam.allowed([json.loads(text)], "iam:PutRolePolicy", f"{ROLES}/crm-dr-writer-agents", {})


def test_a_task_of_dms_has_a_list_beside_the_deployers() -> None:
    ours = [one for one in of(aws_gcp_dms(), "aws") if one.name.startswith("aws-gcp-dms")]
    besides = {one.type for one in of(aws_gcp_dms(), "aws")} - {one.type for one in of(aws_gcp(), "aws")}
    assert besides <= {one.type for one in ours}, "nothing else of AWS comes with it"
    needed, deployer = aws_actions(ours), in_aws("aws-gcp.deployer.json")
    listed = in_aws("aws-gcp.dms.json")
    assert sorted(needed - listed - deployer) == []
    assert sorted(listed - needed) == []
    text = policies.filled((FOLDER / "aws" / "aws-gcp.dms.json").read_text(), WORDS)
    assert iam.allowed([json.loads(text)], "iam:PutRolePolicy", f"{ROLES}/aws-gcp-dms-secrets-1", {})
    assert not iam.allowed([json.loads(text)], "iam:PutRolePolicy", f"{ROLES}/admin", {})
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:aws-gcp-dms-target-login-1"
    assert may("aws-gcp", "secretsmanager:PutSecretValue", secret), "the deployer's own list has the logins"


def in_gcp(name: str) -> set[str]:
    role = json.loads((FOLDER / "gcp" / name).read_text())
    assert role["includedPermissions"] == sorted(set(role["includedPermissions"]))
    return set(role["includedPermissions"])


def test_the_google_deployer_may_what_every_resource_needs_and_nothing_else() -> None:
    made = [one for package in ("gcp", "kubernetes") for one in of(aws_gcp(), package)]
    assert sorted({one.type for one in made} - set(GCP["types"])) == [], "what its provider calls is not written down"
    needed = {right for known in GCP["types"].values() for right in known["permissions"]} | set(GCP["besides"])
    assert in_gcp("aws-gcp.deployer.json") == needed


def test_the_google_operator_may_what_operations_call_and_people_are_told_to_run_and_nothing_else() -> None:
    told = {right for group in GCP["operations"].values() for right in group} | set(GCP["besides"])
    assert in_gcp("aws-gcp.operator.json") == told
    clouds = Clouds()
    google = FakeGoogle(clouds.google)
    asked = cloud_reader.connect(clouds.inventory, replace(clouds.world(), google=google))
    kinds = {"vpn": ("aws-gcp", "google"), "database": ("twinsite",), "cluster": ("twinsite",)}
    assert [kind for kind, key in kinds.items() if isinstance(asked((kind, *key)), Unknown)] == []
    rights = {
        r".*/vpnTunnels": "compute.vpnTunnels.list",
        r".*/getRouterStatus": "compute.routers.get",
        r"sqladmin/.*/instances/[^/]+": "cloudsql.instances.get",
        r"container/.*/clusters/[^/]+": "container.clusters.get",
        r".*/instanceGroupManagers/[^/]+": "compute.instanceGroupManagers.get",
        r"storage/.*/o/[^/]+": "storage.objects.get",
    }
    called = {right for path, _ in google.asked for pattern, right in rights.items() if re.fullmatch(pattern, path)}
    assert called == {*GCP["operations"]["status"], "storage.objects.get"}
    assert "storage.objects.get" in GCP["operations"]["store"], "what the replica's job leaves is in operations' bucket"
    assert [path for path, _ in google.asked if not any(re.fullmatch(pattern, path) for pattern in rights)] == []


def test_the_tokens_of_cloudflare_may_write_load_balancers_or_only_read_them() -> None:
    assert {one.type for one in of(aws_gcp(), "cloudflare")} == {
        f"cloudflare:index/{kind}:{kind[0].upper()}{kind[1:]}"
        for kind in ("loadBalancer", "loadBalancerMonitor", "loadBalancerPool", "notificationPolicy")
    }, "another type needs another permission group"
    for who, verb in (("deployer", "Write"), ("operator", "Read")):
        token = json.loads((FOLDER / "cloudflare" / f"aws-gcp.{who}.json").read_text())
        groups = {group for _, group in cloudflare_rights.grants(token["policies"])}
        tells = {"Notifications Write"} if who == "deployer" else set()
        assert groups == {f"Load Balancers {verb}", f"Load Balancing: Monitors and Pools {verb}", "Zone Read", *tells}


def test_what_conditions_go_by_is_on_everything_that_can_be_tagged() -> None:
    tagged = [one for one in of(onprem_aws(), "aws") if one.type.startswith(("aws:ec2/", "aws:ebs/", "aws:vpc/"))]
    taggable = [one for one in tagged if "tag" in AWS["types"][one.type]]
    assert len(taggable) > 20
    assert [one.name for one in taggable if quotas.STACK_TAG not in one.inputs.get("tags", {})] == []


def test_in_aws_both_modes_are_the_same_so_one_file_does_for_both() -> None:
    cold, warm = ({(one.type, one.name) for one in of(aws_azure(mode), "aws")} for mode in ("cold", "warm"))
    assert cold == warm


def test_the_azure_operator_may_what_raising_lowering_and_run_command_call_and_nothing_else() -> None:
    moved = []
    for cold, warm in zip(aws_azure("cold"), aws_azure("warm"), strict=True):
        before, after = (
            {(one.type, one.name): one for one in of((run,), "azure-native")} for run in (cold, warm)
        )  # fmt: skip
        moved += [one for key, one in after.items() if key not in before or one.inputs != before[key].inputs]
        assert set(before) <= set(after), "a mode only adds"
    needed = azure_actions(moved) | set(AZURE["operations"])
    listed = in_azure("aws-azure.operator.json")
    assert sorted(needed - listed) == []
    assert sorted(listed - needed) == []


def test_operations_call_at_azure_what_the_list_says() -> None:
    text = "".join(path.read_text() for path in Path("operations/transport").glob("azure*.py"))
    assert "/runCommand?" in text
    called = {word for word in ("/start?", "/deallocate?", "/powerOff?", "/restart?") if word in text}
    assert called == set(), "then policies/actions/azure.json must have it in `operations`"


def test_no_command_of_an_incident_waits_for_aws_and_what_status_asks_it_is_in_the_operators_list() -> None:
    found = sorted(path.name for path in (FOLDER / "aws").glob("*.operator*"))
    assert found == ["aws-gcp.operator.json", "dms.operator.json"]
    # Without s3:ListBucket, S3 says of an object that is not there that it is forbidden [S3, GetObject]; a move swaps.
    swap = {"s3:ListBucket", "s3:PutObject"}
    for module, name, more in (("cloud_vpn", "operator", set()), ("registers", "registers", swap)):
        text = Path(f"operations/subjects/{module}.py").read_text()
        asked = {f"{service}:{call}" for service, call in re.findall(r'\.ask\(\s*"(\w+)", "(\w+)"', text)}
        assert asked | more == in_aws(f"aws-gcp.{name}.json")
    speaks = {
        str(path.relative_to("operations"))
        for path in Path("operations").rglob("*.py")
        if re.search(r"boto|hosted_zone|import amazon|[.]amazon import", path.read_text())
    } - {"amazon.py"}
    # sql: a drill's ledger at a server whose password is kept there; no topology of ours has one. chain: records of
    # attempts, where their place is a bucket; without an answer they wait on the desk and nobody waits for them.
    # subjects: what AWS says of tunnels between clouds and of who may write, bounded in time, and unknown where it says
    # nothing. writer_registers: a move while all live; a failover does not ask the register of a dead site
    # (tests/property/test_logical_commands.py). dms: it starts, stops and changes a task of AWS's, which dies with AWS.
    rooms = {"adopt", "chain", "dms", "doctor", "sql", "subjects", "writer_registers.py"}
    assert {one.partition("/")[0] for one in speaks} == rooms
    assert {one for one in speaks if one.startswith("subjects/")} == {
        f"subjects/{module}.py" for module in ("cloud_reader", "cloud_vpn", "clouds", "dms_task", "registers")
    }


def test_the_operator_of_a_dms_task_may_what_its_command_and_status_call_and_nothing_else() -> None:
    command = "".join(path.read_text() for path in Path("operations/dms").glob("*.py"))
    status = Path("operations/subjects/dms_task.py").read_text()
    asked = re.findall(r'\.ask\(\s*"(\w+)"(?:, "(\w+)")?[,)]', command)
    called = {f"{service or 'dms'}:{call}" for call, service in asked}
    called |= {f"{service}:{call}" for service, call in re.findall(r'\.ask\(\s*"(\w+)", "(\w+)"', status)}
    drilled = in_aws("dms.drill.json")
    assert {one.partition(":")[0] for one in drilled} == {"cloudwatch", "ec2"}
    assert called == in_aws("dms.operator.json") | drilled


def test_the_doctor_asks_an_operator_for_a_tasks_rights_and_writes_their_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, with_task = (
        needs_of_aws_gcp(aws_gcp_topology.read(**change), Home("")) for change in ({}, aws_gcp_topology.BY_DMS)
    )
    monkeypatch.setattr("operations.doctor.command.account", lambda *_: {"partition": "aws", "account": "123456789012"})

    def written(needs: Needs) -> dict[str, str]:
        monkeypatch.setattr("operations.doctor.command.project.read", lambda *_: Project("dev", (), needs))
        found = command.write_policies(tmp_path, "dev", tmp_path / str(needs.aws and needs.aws.task is not None))
        return {Path(one["path"]).name: Path(one["path"]).read_text() for one in found["files"]}

    def asked(needs: Needs) -> set[str]:
        given = questions.questions(Project("dev", (), needs), needs, command.connect(needs), "operator")
        return {one.what for one in given if one.family == "rights"}

    more = {name: text for name, text in written(with_task).items() if name not in written(apart)}
    assert sorted(more) == ["aws-aws-gcp.dms.json", "aws-dms.operator.json"]
    list_of = more["aws-dms.operator.json"]
    task = "arn:aws:dms:ap-northeast-2:123456789012:task:T"
    assert iam.allowed([json.loads(list_of)], "dms:StopReplicationTask", task, {})
    assert not iam.allowed([json.loads(list_of)], "dms:StopReplicationTask", task.replace("northeast", "southeast"), {})
    assert asked(with_task) - asked(apart) == {"dms.operator, AWS"}


# What the files keep anybody from, by the lab's evaluation of IAM.

WORDS = {"partition": "aws", "region": "eu-west-1", "account": "123456789012", "stack": "dev", "zone_id": "Z1",
         "gateway_ami": "ami-1", "source_ami": "ami-2", "vpc_id": "vpc-1", "gateway_subnet_id": "subnet-1",
         "database_subnet_id": "subnet-2", "prefix": "twinsite", "stack_tag": "dev",
         "writer_register": "crm-registers/writer.json", "writer_register_bucket": "crm-registers",
         "writer_bucket": "crm-dr-writer"}  # fmt: skip
EC2 = "arn:aws:ec2:eu-west-1:123456789012"
OWN, FOREIGN = {"aws:ResourceTag/twinsite:stack": "dev"}, {"aws:ResourceTag/twinsite:stack": "other"}
OWN_GCP = {"aws:ResourceTag/twinsite-stack": "dev"}
ROLES = "arn:aws:iam::123456789012:role"


def may(topology: str, action: str, resource: str, **context: str) -> bool:
    text = policies.filled((FOLDER / "aws" / f"{topology}.deployer.json").read_text(), WORDS)
    return iam.allowed([json.loads(text)], action, resource, context)


@pytest.mark.parametrize(
    ("topology", "action", "resource", "context", "allowed"),
    [
        ("onprem-aws", "ec2:TerminateInstances", f"{EC2}:instance/i-1", OWN, True),
        ("onprem-aws", "ec2:TerminateInstances", f"{EC2}:instance/i-1", FOREIGN, False),
        ("onprem-aws", "ec2:TerminateInstances", f"{EC2}:instance/i-1", {}, False),
        ("onprem-aws", "ec2:TerminateInstances", f"{EC2.replace('eu', 'us')}:instance/i-1", OWN, False),
        ("onprem-aws", "ec2:CreateVpc", f"{EC2}:vpc/*", {}, True),
        ("onprem-aws", "ec2:CreateSubnet", f"{EC2}:subnet/*", {}, True),
        ("onprem-aws", "ec2:CreateSubnet", f"{EC2}:vpc/vpc-1", OWN, True),
        ("onprem-aws", "ec2:CreateSubnet", f"{EC2}:vpc/vpc-1", FOREIGN, False),
        ("onprem-aws", "ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-1", OWN, True),
        ("onprem-aws", "ec2:AuthorizeSecurityGroupIngress", f"{EC2}:security-group/sg-1", {}, False),
        ("onprem-aws", "ec2:RunInstances", "arn:aws:ec2:eu-west-1::image/ami-1", {}, True),
        ("onprem-aws", "ec2:RunInstances", "arn:aws:ec2:eu-west-1::image/ami-9", {}, False),
        ("onprem-aws", "ec2:RunInstances", f"{EC2}:network-interface/eni-1", FOREIGN, False),
        ("onprem-aws", "ec2:CreateTags", f"{EC2}:vpc/vpc-1", {"ec2:CreateAction": "CreateVpc"}, True),
        ("onprem-aws", "ec2:CreateTags", f"{EC2}:vpc/vpc-1", {}, False),
        ("onprem-aws", "iam:PutRolePolicy", f"{ROLES}/onprem-aws-aws-gateway-role-1", {}, True),
        ("onprem-aws", "iam:PutRolePolicy", f"{ROLES}/admin", {}, False),
        ("onprem-aws", "iam:PassRole", f"{ROLES}/onprem-aws-x", {"iam:PassedToService": "ec2.amazonaws.com"}, True),
        ("onprem-aws", "iam:PassRole", f"{ROLES}/onprem-aws-x", {"iam:PassedToService": "lambda.amazonaws.com"}, False),
        ("onprem-aws", "s3:DeleteObjectVersion", "arn:aws:s3:::onprem-aws-guests-1/hosts/x", {}, True),
        ("onprem-aws", "s3:DeleteBucket", "arn:aws:s3:::backups", {}, False),
        ("onprem-aws", "secretsmanager:GetSecretValue", f"{EC2.replace('ec2', 'secretsmanager')}:secret:db", {}, False),
        ("aws-azure", "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1", {}, True),
        ("aws-azure", "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z2", {}, False),
        ("aws-azure", "sns:DeleteTopic", "arn:aws:sns:us-east-1:123456789012:aws-azure-alarms-1", {}, True),
        ("aws-azure", "sns:DeleteTopic", "arn:aws:sns:us-east-1:123456789012:orders", {}, False),
        ("aws-gcp", "ec2:DeleteVpnConnection", f"{EC2}:vpn-connection/vpn-1", OWN_GCP, True),
        ("aws-gcp", "ec2:DeleteVpnConnection", f"{EC2}:vpn-connection/vpn-1", OWN, False),
        ("aws-gcp", "ec2:CreateSecurityGroup", f"{EC2}:vpc/vpc-1", {}, True),
        ("aws-gcp", "ec2:CreateSecurityGroup", f"{EC2}:vpc/vpc-9", {}, False),
        ("aws-gcp", "ec2:AttachVpnGateway", f"{EC2}:vpc/vpc-9", {}, False),
        ("aws-gcp", "ec2:AuthorizeSecurityGroupEgress", f"{EC2}:security-group/sg-1", OWN_GCP, True),
        ("aws-gcp", "ec2:AuthorizeSecurityGroupEgress", f"{EC2}:security-group/sg-1", {}, False),
        ("aws-gcp", "ec2:AuthorizeSecurityGroupEgress", f"{EC2}:security-group-rule/*", {}, True),
        ("aws-gcp", "ec2:CreateTags", f"{EC2}:security-group-rule/r",
         {"ec2:CreateAction": "AuthorizeSecurityGroupEgress"}, True),
        ("aws-gcp", "ec2:EnableVgwRoutePropagation", f"{EC2}:route-table/r", {"ec2:Vpc": f"{EC2}:vpc/vpc-9"}, False),
        ("aws-gcp", "cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders", {}, False),
        ("aws-gcp", "secretsmanager:GetSecretValue", f"{EC2.replace('ec2', 'secretsmanager')}:secret:db", {}, False),
        ("aws-azure", "acm:RequestCertificate", "*", {"aws:RequestedRegion": "us-east-1"}, True),
        ("aws-azure", "acm:RequestCertificate", "*", {"aws:RequestedRegion": "eu-west-1"}, False),
    ],
)  # fmt: skip
def test_the_deployer_changes_its_own_and_nothing_of_others(
    topology: str, action: str, resource: str, context: dict[str, str], allowed: bool
) -> None:
    assert may(topology, action, resource, **context) is allowed


def test_a_network_of_ones_own_has_a_list_beside_the_deployers() -> None:
    text = policies.filled((FOLDER / "aws" / "onprem-aws.own-network.json").read_text(), WORDS)
    assert in_aws("onprem-aws.own-network.json") <= in_aws("onprem-aws.deployer.json")

    def beside(action: str, resource: str, **context: str) -> bool:
        return iam.allowed([json.loads(text)], action, f"{EC2}:{resource}", context)

    assert beside("ec2:CreateSecurityGroup", "vpc/vpc-1") and not beside("ec2:CreateSecurityGroup", "vpc/vpc-9")
    assert not beside("ec2:DeleteVpc", "vpc/vpc-1")
    assert beside("ec2:CreateRoute", "route-table/rtb-1", **{"ec2:Vpc": f"{EC2}:vpc/vpc-1"})
    assert not beside("ec2:CreateRoute", "route-table/rtb-1", **{"ec2:Vpc": f"{EC2}:vpc/vpc-9"})
    assert not may("onprem-aws", "ec2:CreateSecurityGroup", f"{EC2}:vpc/vpc-1"), "so the list is needed"


def test_every_statement_is_of_a_form_that_iam_takes_and_short_enough_for_a_role() -> None:
    for path in (FOLDER / "aws").glob("*.json"):
        text = policies.filled(path.read_text(), WORDS)
        wrong = [one for one in iam.problems(json.loads(text)) if "does not evaluate" not in one]
        assert wrong == [], path
        assert policies.gaps(text) == [], path
        # Characters without white space of all inline policies of a role [IAM quotas].
        assert len("".join(text.split())) <= 10240, path


def test_a_name_that_is_known_is_no_wildcard() -> None:
    for path in (FOLDER / "aws").glob("*.deployer.json"):
        for one in policies.statements(path.read_text()):
            listing = all(action.split(":")[1].startswith("Describe") for action in one.actions)
            alone = {
                "cloudwatch:PutCompositeAlarm",
                "acm:RequestCertificate",
                "sns:Unsubscribe",
                "route53:CreateHealthCheck",
            }
            unnamed = set(one.actions) <= alone | {"cloudwatch:DescribeAlarms"}
            assert "*" not in one.resources or listing or unnamed, one
