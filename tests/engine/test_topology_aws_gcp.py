"""Topology aws-gcp on the real engine: what each change of mode creates and deletes, and what is refused.

The stand-ins record only: no tunnel carries a packet, no database has a row.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.aws_gcp_config import SECRETS, WRITERS, WRITERS_SECRET, stack_file
from tests.real_pulumi import Desk
from twinsite.inventory import from_dict

from .conftest import Stack
from .test_topology_aws_azure import kill, let_pass_by_policies, planned, resources
from .tree_project import initialised, write

ACCEPTED = {"dr_mode": "cold", "cold_without_data": "accept"}
COLD = {
    "aws:ec2/customerGateway:CustomerGateway": 2,
    "aws:ec2/securityGroup:SecurityGroup": 1,
    "aws:ec2/vpnGateway:VpnGateway": 1,
    "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation": 1,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 1,
    "aws:secretsmanager/secret:Secret": 1,
    "aws:secretsmanager/secretVersion:SecretVersion": 1,
    "aws:sns/topic:Topic": 1,
    "aws:sns/topicSubscription:TopicSubscription": 1,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 3,
    "cloudflare:index/loadBalancer:LoadBalancer": 1,
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": 3,
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": 3,
    "cloudflare:index/notificationPolicy:NotificationPolicy": 1,
    "gcp:compute/globalAddress:GlobalAddress": 2,
    "gcp:compute/haVpnGateway:HaVpnGateway": 1,
    "gcp:compute/network:Network": 1,
    "gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig": 1,
    "gcp:compute/router:Router": 2,
    "gcp:compute/subnetwork:Subnetwork": 1,
    "gcp:monitoring/notificationChannel:NotificationChannel": 1,
    "gcp:projects/iAMMember:IAMMember": 3,
    "gcp:secretmanager/secret:Secret": 2,
    "gcp:secretmanager/secretVersion:SecretVersion": 2,
    "gcp:serviceaccount/account:Account": 2,
    "gcp:servicenetworking/connection:Connection": 1,
    "gcp:storage/bucket:Bucket": 1,
    "gcp:storage/bucketIAMMember:BucketIAMMember": 1,
    "gcp:storage/bucketObject:BucketObject": 1,
    "random:index/randomPassword:RandomPassword": 6,
    "twinsite:index:AwsGcpVpn": 1,
    "twinsite:index:AwsLinkAlarms": 1,
    "twinsite:index:CacheStance": 1,
    "twinsite:index:CloudSqlStandby": 1,
    "twinsite:index:CloudflareFailover": 1,
    "twinsite:index:GcpAlarms": 1,
    "twinsite:index:GkeStandby": 1,
    "twinsite:index:LogicalReplica": 1,
    "twinsite:index:Workload": 1,
}
PILOT_LIGHT_ADDS = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": 5,
    "aws:ec2/vpnConnection:VpnConnection": 2,
    "gcp:compute/externalVpnGateway:ExternalVpnGateway": 1,
    "gcp:compute/routerInterface:RouterInterface": 4,
    "gcp:compute/routerNat:RouterNat": 1,
    "gcp:compute/routerPeer:RouterPeer": 4,
    "gcp:compute/vPNTunnel:VPNTunnel": 4,
    "gcp:container/cluster:Cluster": 1,
    "gcp:container/nodePool:NodePool": 2,
    "gcp:monitoring/alertPolicy:AlertPolicy": 10,
    "gcp:monitoring/metricDescriptor:MetricDescriptor": 2,
    "gcp:serviceaccount/iAMMember:IAMMember": 1,
    "gcp:sql/database:Database": 1,
    "gcp:sql/databaseInstance:DatabaseInstance": 1,
    "gcp:sql/user:User": 1,
    "kubernetes:apps/v1:Deployment": 2,
    "kubernetes:batch/v1:CronJob": 1,
    "kubernetes:batch/v1:Job": 1,
    "kubernetes:core/v1:ConfigMap": 4,
    "kubernetes:core/v1:Namespace": 1,
    "kubernetes:core/v1:Secret": 4,
    "kubernetes:core/v1:Service": 2,
    "kubernetes:core/v1:ServiceAccount": 2,
    "kubernetes:networking.k8s.io/v1:Ingress": 1,
    "random:index/randomId:RandomId": 1,
}
WARM_ADDS = {
    "gcp:container/nodePool:NodePool": 1,
    "gcp:monitoring/alertPolicy:AlertPolicy": 1,
    "kubernetes:apps/v1:Deployment": 1,
}
"""Nothing of AWS."""
RESTORES = {
    "gcp:serviceaccount/iAMMember:IAMMember": 1,
    "kubernetes:batch/v1:CronJob": 1,
    "kubernetes:core/v1:ConfigMap": 1,
    "kubernetes:core/v1:Secret": 1,
    "kubernetes:core/v1:ServiceAccount": 1,
}
"""What a cluster adds where there are backups."""
LOOKED_AT = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": 1,
    "gcp:monitoring/alertPolicy:AlertPolicy": 2,
    "gcp:monitoring/metricDescriptor:MetricDescriptor": 2,
}
"""What goes with the flow, which is taken away before cold: nobody measures lag and slot any more."""

OF_THE_FLOW = {
    "gcp:projects/iAMMember:IAMMember": 1,
    "gcp:serviceaccount/account:Account": 1,
    "gcp:serviceaccount/iAMMember:IAMMember": 1,
    "gcp:storage/bucketIAMMember:BucketIAMMember": 1,
    "kubernetes:batch/v1:CronJob": 1,
    "kubernetes:batch/v1:Job": 1,
    "kubernetes:core/v1:ConfigMap": 1,
    "kubernetes:core/v1:Secret": 1,
    "kubernetes:core/v1:ServiceAccount": 1,
    "twinsite:index:LogicalReplica": 1,
}
"""What is left of it when it has been taken away."""


@pytest.fixture
def stack(desk: Desk, provider_home: Path) -> Stack:
    """The tree's own program as a project of the test's own."""
    made = initialised(desk, provider_home, SECRETS)
    settings(made)
    return made


def settings(stack: Stack, **change: Any) -> None:
    """Write the stack file anew; what is encrypted in it stays."""
    write(stack, stack_file(**change))


def wanted(would: Counter[tuple[str, str]], op: str) -> dict[str, int]:
    """Of a plan, what it does in this way to what is no provider."""
    return {kind: number for (done, kind), number in would.items() if done == op and ":providers:" not in kind}


def kinds(found: dict[str, tuple[str, str]]) -> Counter[str]:
    return Counter(kind for kind, _ in found.values())


def refused_for_its_slot(stack: Stack, there: dict[str, tuple[str, str]], *commands: list[str]) -> None:
    """Each command fails before anything is deleted."""
    for command in commands:
        code, said = stack.run(*command)
        assert code != 0
        assert "keeps WAL there up to max_slot_wal_keep_size" in said, said
        assert "`pulumi config set replication taken-away`" in said
        assert resources(stack) == there


def test_each_mode_adds_to_the_one_below_and_settles_and_going_down_takes_exactly_what_came(stack: Stack) -> None:
    settings(stack, **ACCEPTED)
    stack.up()
    cold = resources(stack)
    assert kinds(cold) == COLD
    stack.up("--expect-no-changes")
    outputs = stack.outputs()
    assert (outputs["tunnels"], outputs["standby_database"]) == ([], "")

    settings(stack)
    would = planned(stack)
    assert wanted(would, "create") == PILOT_LIGHT_ADDS
    stack.up()
    light = resources(stack)
    assert kinds({urn: one for urn, one in light.items() if urn not in cold}) == PILOT_LIGHT_ADDS
    assert {urn: light[urn] for urn in cold} == cold, "a mode only adds: what was there keeps its id"
    stack.up("--expect-no-changes")
    assert stack.outputs().keys() == outputs.keys()
    assert (len(stack.outputs()["tunnels"]), stack.outputs()["standby_database"]) == (4, "10.31.0.3")
    assert json.loads(stack.must("stack", "output", "inventory", "--json"))["dr_mode"] == "pilot-light"
    let_pass_by_policies(stack)

    settings(stack, **ACCEPTED)
    refused_for_its_slot(stack, light, ["preview"], ["up", "--yes", "--skip-preview"])
    settings(stack)
    refused_for_its_slot(stack, light, ["destroy", "--yes", "--skip-preview", "--run-program"])
    settings(stack, replication="taken-away")
    would = planned(stack)
    assert wanted(would, "delete") == LOOKED_AT
    assert would["replace", "kubernetes:batch/v1:Job"] == 1, "another job, which takes away"
    # Both at once would delete what has not been taken away yet, and what is by hand then would be nobody's.
    for change in ({**ACCEPTED, "replication": "taken-away"}, {"replication": "by-hand"}):
        settings(stack, **change)
        refused_for_its_slot(stack, light, ["preview"])
    settings(stack, replication="taken-away")
    stack.up()
    stack.up("--expect-no-changes")
    settings(stack, replication="by-hand")
    assert wanted(planned(stack), "delete") == OF_THE_FLOW
    settings(stack, **ACCEPTED, replication="taken-away")
    assert wanted(planned(stack), "delete") == dict(Counter(PILOT_LIGHT_ADDS) - Counter(LOOKED_AT))
    stack.up()
    assert resources(stack) == cold, "going down takes exactly what came"
    found = json.loads(stack.must("stack", "export"))["deployment"]["resources"]
    (connection,) = [one for one in found if one["type"] == "gcp:servicenetworking/connection:Connection"]
    assert connection["inputs"]["deletionPolicy"] == "REMOVE_PEERING", "as it is in the state, so it is deleted"
    stack.must("destroy", "--yes", "--skip-preview", "--run-program")
    assert resources(stack) == {}


REGISTERS = {
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": 1,
    "aws:iam/role:Role": 1,
    "aws:iam/rolePolicy:RolePolicy": 1,
    "aws:s3/bucket:Bucket": 1,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": 1,
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": 1,
    "gcp:serviceaccount/account:Account": 2,
    "gcp:serviceaccount/iAMMember:IAMMember": 1,
    "gcp:storage/bucket:Bucket": 1,
    "gcp:storage/bucketIAMMember:BucketIAMMember": 2,
    "twinsite:index:WriterAgent": 2,
    "twinsite:index:WriterRegisters": 1,
}
"""In every mode; the second account is Google's agent's, whose cluster may not be there yet."""
ACTS = {"gcp:serviceaccount/iAMMember:IAMMember": 1}
"""Google's agent, once its cluster is there."""
AGENT = {
    "kubernetes:apps/v1:Deployment": 1,
    "kubernetes:core/v1:ConfigMap": 1,
    "kubernetes:core/v1:Secret": 1,
    "kubernetes:core/v1:Service": 1,
    "kubernetes:core/v1:ServiceAccount": 1,
}


BACKED_UP = {
    "backup_bucket": "crm-dr-backups",
    "backup_image": f"registry.example.com/postgres-backup@sha256:{'a' * 64}",
    "primary_oidc_issuer": "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF",
    "primary_cluster_context": "eks",
}
EVERYTHING: dict[str, Any] = {**BACKED_UP, **WRITERS}
"""Beside the example's cache: backups, registers, agents."""
BACKUPS = {
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": 1,
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": 1,
    "gcp:serviceaccount/account:Account": 2,
    "gcp:serviceaccount/iAMMember:IAMMember": 1,
    "gcp:storage/bucket:Bucket": 1,
    "gcp:storage/bucketIAMMember:BucketIAMMember": 3,
    "kubernetes:batch/v1:CronJob": 1,
    "kubernetes:core/v1:ConfigMap": 1,
    "kubernetes:core/v1:Secret": 1,
    "kubernetes:core/v1:ServiceAccount": 1,
    "twinsite:index:GcsBackupStore": 1,
    "twinsite:index:PostgresBackupJob": 1,
    "twinsite:index:PostgresRestoreJob": 1,
}
"""In every mode: the bucket, the job in EKS, and who restores."""
COLD_WHOLE = Counter(COLD) + Counter(REGISTERS) + Counter(AGENT) + Counter(BACKUPS)
PILOT_LIGHT_WHOLE_ADDS = Counter(PILOT_LIGHT_ADDS) + Counter(AGENT) + Counter(ACTS) + Counter(RESTORES)


def whole(stack: Stack, **change: Any) -> None:
    """Settings with everything, and the secrets of it."""
    for key, word in {**WRITERS_SECRET, "backup_password": "backup-word"}.items():
        stack.must("config", "set", "--secret", key, word)
    settings(stack, **{**EVERYTHING, **change})


def test_registers_are_there_in_every_mode_agents_with_their_clusters_and_nothing_takes_registers_that_hold_gates(
    stack: Stack,
) -> None:
    whole(stack, **ACCEPTED)
    stack.up()
    cold = resources(stack)
    assert kinds(cold) == COLD_WHOLE
    stack.up("--expect-no-changes")
    settings(stack, **EVERYTHING)
    would = planned(stack)
    assert wanted(would, "create") == PILOT_LIGHT_WHOLE_ADDS
    other = [kind for op, kind in would if op not in ("create", "same", "update") and ":providers:" not in kind]
    assert other == ["gcp:storage/bucketObject:BucketObject"], "a mode only adds, and the inventory is written anew"
    settings(stack, **ACCEPTED, **BACKED_UP)
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        code, said = stack.run(*command)
        assert code != 0 and "two of three registers, a site stops to write" in said, said
        assert "`pulumi config set writer_gates released`" in said
        assert resources(stack) == cold
    settings(stack, **ACCEPTED, **EVERYTHING)
    code, said = stack.run("destroy", "--yes", "--skip-preview", "--run-program")
    assert code != 0 and "two of three registers, a site stops to write" in said, said
    left = kinds(resources(stack))
    assert (left["aws:s3/bucket:Bucket"], left["kubernetes:apps/v1:Deployment"]) == (1, 1), (
        "what holds the gate is there"
    )
    stack.up()
    settings(stack, **ACCEPTED, **EVERYTHING, writer_gates="released")
    stack.up()
    settings(stack, **ACCEPTED, **BACKED_UP, writer_gates="released")
    reads = Counter({"gcp:storage/bucketIAMMember:BucketIAMMember": 1})  # of the backups' job, which epoch it is
    assert wanted(planned(stack), "delete") == Counter(REGISTERS) + Counter(AGENT) + reads


def test_while_aws_is_dead_google_goes_on_and_warm_rises_and_falls(stack: Stack) -> None:
    whole(stack)
    stack.up()
    light = resources(stack)
    assert kinds(light) == COLD_WHOLE + PILOT_LIGHT_WHOLE_ADDS
    there = from_dict(json.loads(stack.must("stack", "output", "inventory", "--json")))
    assert there.backups is not None and there.backups.store == "gs://crm-dr-backups"
    roles = [("gcp", ("logical",)), ("aws", ("archive",)), ("gcp", ("archive",))]
    assert [(host.site, host.roles) for host in there.hosts] == roles
    assert [(flow.kind, there.host(flow.through).status) for flow in there.flows] == [
        ("postgres-logical", f"{there.store}/replicas/twinsite.json")
    ]
    kill(stack, "aws")
    stack.up("--expect-no-changes")
    raised: dict[str, Any] = {**EVERYTHING, "database_flags": {"max_connections": "300"}}
    settings(stack, **raised)
    assert {kind for _, kind in planned(stack)} == {
        "gcp:sql/databaseInstance:DatabaseInstance", "gcp:storage/bucketObject:BucketObject",
        "twinsite:index:CloudSqlStandby",
    }, "the database, and the inventory that says its flags"  # fmt: skip
    stack.up()
    assert resources(stack) == light

    settings(stack, **raised, dr_mode="warm")
    would = planned(stack)
    assert wanted(would, "create") == WARM_ADDS
    assert [kind for _, kind in would if kind.startswith("aws:")] == []
    stack.up()
    warm = resources(stack)
    assert {urn: warm[urn] for urn in light} == light
    stack.up("--expect-no-changes")
    settings(stack, **raised)
    stack.up()
    assert resources(stack) == light

    # The source is gone, and its slot with it: nothing is refused for its sake, and nothing of AWS is asked.
    given_up = {**raised, "replication": "abandoned"}
    settings(stack, **given_up, **ACCEPTED)
    assert wanted(planned(stack), "delete") == PILOT_LIGHT_WHOLE_ADDS
    settings(stack, **given_up)
    stack.up()
    stack.up("--expect-no-changes")
    found = json.loads(stack.must("stack", "export"))["deployment"]["resources"]
    (job,) = [one for one in found if one["type"] == "kubernetes:batch/v1:Job"]
    assert job["inputs"]["spec"]["template"]["spec"]["containers"][0]["args"][3:] == ["take-away", "--without-source"]

    settings(stack, **raised, psk_generations={"tunnel-1": 2})
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "connection timed out: this cloud is dead" in said, "one end of a key is at AWS"


def test_from_cold_the_database_for_a_backup_is_made_while_aws_is_dead(stack: Stack) -> None:
    """As docs/aws-gcp.md has it: what is at AWS, and what waits for it, is left for a later `up`."""
    stack.must("config", "set", "--secret", "backup_password", "backup-word")
    settings(stack, **BACKED_UP, dr_mode="cold", replication="by-hand")
    stack.up()
    cold = resources(stack)
    kill(stack, "aws")
    settings(stack, **BACKED_UP, replication="by-hand")
    stack.up("--exclude", "**aws:*/**", "--exclude-dependents")
    raised = resources(stack)
    assert {urn: raised[urn] for urn in cold} == cold
    made = Counter(urn.split("::")[2].rpartition("$")[2] for urn in raised.keys() - cold.keys())
    assert [kind for kind in made if kind.startswith("aws:")] == []
    assert made["gcp:sql/databaseInstance:DatabaseInstance"] == made["gcp:container/cluster:Cluster"] == 1
    assert [kind for kind, number in RESTORES.items() if made[kind] < number] == []


def test_what_may_not_be_is_refused_in_preview_and_in_up_with_nothing_made(stack: Stack) -> None:
    wrong = {"dr_mode": "hot", "gate": "wait", "standby_data": "backup"}
    for change, words in (
        (wrong, ["what is written at the standby is lost", "gate wait cannot be kept", "standby_data backup is not"]),
        ({"operator_ranges": []}, ["GkeStandby: operator_ranges is empty"]),
        ({"alarm_emails": []}, ["AwsLinkAlarms: nobody is told of an alarm", "GcpAlarms: nobody is told of an alarm"]),
        ({"cache_holds": ["sessions"]}, ["CacheStance: holds has 'sessions'"]),
        ({"replication_user": "crm_owner"}, ["LogicalReplica: replication_user is 'crm_owner': set a role of its own"]),
        ({"application_digest": "latest"}, ["Workload: definition digest 'latest' is no digest"]),
        ({"dr_mode": "cold"}, ["keeps no data outside AWS", "`pulumi config set cold_without_data accept`"]),
        (ACCEPTED | {"active_site": "gcp"}, ["would delete the database at Google while active_site is gcp"]),
        ({"service_range": "10.10.9.0/24"}, ["AwsGcpVpn: "]),
        ({"primary_database_settings": {}}, ["CloudSqlStandby: source_settings lacks datestyle"]),
        ({"notice_text": "this site may write, or not"}, ["CloudflareFailover: notice_text holds writer_text"]),
    ):
        settings(stack, **change)
        for command in (["preview"], ["up", "--yes", "--skip-preview"])[: 2 if change is wrong else 1]:
            code, said = stack.run(*command)
            assert code != 0, said
            assert [one for one in words if one not in said] == [], said
            assert "Traceback" not in said
        assert resources(stack) == {}


def servers(stack: Stack) -> list[str]:
    """Ids of all databases at Google that the state knows, also of one that waits for its deletion."""
    found = json.loads(stack.must("stack", "export"))["deployment"]["resources"]
    return [one["id"] for one in found if one["type"] == "gcp:sql/databaseInstance:DatabaseInstance"]


def test_what_serves_is_kept(stack: Stack) -> None:
    stack.up()
    settings(stack, active_site="gcp")
    stack.up()
    old = servers(stack)
    assert len(old) == 1
    settings(stack, active_site="gcp", database_generation=2)
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        code, said = stack.run(*command)
        assert code != 0
        # Another database is another configuration of the pods, and either may be refused first.
        assert "holds the data of the server twinsite" in said or "Deployment crm of site gcp, which serves now" in said
    assert set(servers(stack)) >= set(old), "a new one may be beside it, empty; the old one is there"
