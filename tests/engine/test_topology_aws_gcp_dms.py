"""Topology aws-gcp with `flow: dms` on the real engine: what each change of mode creates and deletes, and that a task
that may run is changed by nobody's `up`. The stand-ins record only: no row moves here."""

from collections import Counter

import pytest

from tests.mocks.aws_gcp_topology import BY_DMS

from .conftest import Stack
from .test_topology_aws_azure import planned, resources
from .test_topology_aws_gcp import (
    ACCEPTED,
    COLD,
    LOOKED_AT,
    PILOT_LIGHT_ADDS,
    WARM_ADDS,
    kinds,
    refused_for_its_slot,
    settings,
    stack,
    wanted,
)

__all__ = ["stack"]

TASK = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": 4,
    "aws:dms/certificate:Certificate": 2,
    "aws:dms/endpoint:Endpoint": 2,
    "aws:dms/eventSubscription:EventSubscription": 2,
    "aws:dms/replicationInstance:ReplicationInstance": 1,
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": 1,
    "aws:dms/replicationTask:ReplicationTask": 1,
    "aws:ec2/securityGroup:SecurityGroup": 1,
    "aws:iam/role:Role": 1,
    "aws:iam/rolePolicy:RolePolicy": 1,
    "aws:secretsmanager/secret:Secret": 2,
    "aws:secretsmanager/secretVersion:SecretVersion": 2,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 1,
    "twinsite:index:DmsCdcTask": 1,
}
"""With its way, its logins, and what watches it."""
SLOT_AT_GOOGLE = {"gcp:monitoring/alertPolicy:AlertPolicy": 1, "gcp:monitoring/metricDescriptor:MetricDescriptor": 1}
"""The look does not know DMS's own slot; RDS measures it."""
ADDS = Counter(PILOT_LIGHT_ADDS) - Counter(SLOT_AT_GOOGLE) + Counter(TASK)


@pytest.mark.usefixtures("stack")
def test_each_mode_adds_to_the_one_below_a_task_is_left_alone_and_all_of_it_goes(stack: Stack) -> None:
    settings(stack, **BY_DMS, **ACCEPTED)
    stack.up()
    cold = resources(stack)
    assert kinds(cold) == COLD
    settings(stack, **BY_DMS)
    assert wanted(planned(stack), "create") == ADDS
    stack.up()
    light = resources(stack)
    assert {urn: light[urn] for urn in cold} == cold, "a mode only adds"
    assert kinds({urn: one for urn, one in light.items() if urn not in cold}) == ADDS
    stack.up("--expect-no-changes")
    assert stack.outputs()["dms_task"].endswith(":task:twinsite")
    settings(stack, **BY_DMS, dr_mode="warm")
    assert wanted(planned(stack), "create") == WARM_ADDS, "nothing of AWS"

    # A larger LOB is another text of settings, which the provider would stop the task for.
    settings(stack, **BY_DMS | {"dms_largest_lob_kib": 1200})
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        code, said = stack.run(*command)
        assert code != 0
        assert "aws-gcp-dms-task would change replicationTaskSettings while its task may be running" in said, said
        assert "`twinsite dms modify` stops it" in said

    settings(stack, **BY_DMS, **ACCEPTED)
    refused_for_its_slot(stack, light, ["preview"])
    settings(stack, **BY_DMS, replication="taken-away")
    gone = Counter(LOOKED_AT) - Counter(SLOT_AT_GOOGLE) + Counter(TASK)
    assert wanted(planned(stack), "delete") == gone, "the task first, then what it left nobody to look at"
    stack.up()
    settings(stack, **BY_DMS, **ACCEPTED, replication="taken-away")
    stack.up()
    assert resources(stack) == cold, "going down takes exactly what came"
    stack.must("destroy", "--yes", "--skip-preview", "--run-program")
    assert resources(stack) == {}
