"""What the lab only records: it has no metrics, notifies nobody, its edges neither sign nor add headers, its APIs
answer every subnet without an endpoint, and AWS's managed policies allow nothing in it."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.aws.edge import EdgeType
from lab.providers.framework.checks import Problem
from lab.providers.framework.recorded import Rows
from lab.providers.framework.types import AutoName, Call
from lab.services.credentials import ACCOUNT

_OWNED = {"ownerId": ACCOUNT}


def _waits(record: Mapping[str, Any]) -> bool:
    """Subscriptions that somebody has to confirm."""
    return record["protocol"] in ("email", "email-json", "http", "https")


def _given(name: str, otherwise: str) -> Callable[[Mapping[str, Any]], str]:
    """What the program said, else what AWS takes."""
    return lambda record: record.get(name) or otherwise


def _dms(call: str, named: str, **more: Any) -> dict[str, Any]:
    """A resource of DMS, which is the program's own name for it: who is made first of two is the one that has it."""
    operation = f"operation error Database Migration Service: {call}, https response error StatusCode: 400"
    taken = f"creating DMS {{id}}: {operation}, ResourceAlreadyExistsFault: {{id}} already exists"
    return {"service": "dms", "named": named, "taken": taken, **more}


def _arn(kind: str, arn: str, **outputs: Any) -> dict[str, Any]:
    """Outputs: the ARN (output `arn`) ends in a text of AWS's."""
    return {arn: f"arn:aws:dms:{{region}}:{ACCOUNT}:{kind}:{{hex}}", **outputs}


def _task_problems(self: AwsType, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What the provider says of a task's two documents at plan."""
    for name in ("replicationTaskSettings", "tableMappings"):
        text = inputs.get(name)
        if not isinstance(text, str):
            continue
        try:
            document = json.loads(text)
        except ValueError as error:
            yield Problem(name, f'"{name}" contains an invalid JSON: {error}')
            continue
        said = document.get("Logging", {}) if isinstance(document, dict) else {}
        for key in ("CloudWatchLogGroup", "CloudWatchLogStream"):
            if key in said:
                yield Problem(name, f"The parameter Logging.{key} is read-only and cannot be set.")


def _task_arn(record: Mapping[str, Any]) -> str:
    """Ends in what the program says, else in a text of AWS's own."""
    return f"arn:aws:dms:{record['region']}:{ACCOUNT}:task:{record.get('resourceIdentifier') or 'QWERTYUIOPASDFGHJKL'}"


def _task_status(record: Mapping[str, Any]) -> str:
    return "running" if record.get("startReplicationTask") else "ready"


ROWS: Rows = {
    "aws:cloudfront/originAccessControl:OriginAccessControl": (
        EdgeType,
        {"arn_path": "origin-access-control/", "autoname": AutoName("name", 64)},
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        EdgeType,
        {"arn_path": "response-headers-policy/", "autoname": AutoName("name", 128), "named": "{uuid}"},
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": (
        AwsType,
        {"service": "cloudwatch", "arn_path": "alarm:", "named": "{alarmName}"},
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        AwsType,
        {"service": "cloudwatch", "arn_path": "alarm:", "named": "{name}", "autoname": AutoName("name", 255)},
    ),
    "aws:dms/certificate:Certificate": (
        AwsType,
        _dms("ImportCertificate", "{certificateId}", outputs=_arn("cert", "certificateArn")),
    ),
    "aws:dms/endpoint:Endpoint": (
        AwsType,
        _dms("CreateEndpoint", "{endpointId}", outputs=_arn("endpoint", "endpointArn")),
    ),
    "aws:dms/eventSubscription:EventSubscription": (
        AwsType,
        _dms("CreateEventSubscription", "{name}", arn_path="es:", autoname=AutoName("name", 255)),
    ),
    "aws:dms/replicationInstance:ReplicationInstance": (
        AwsType,
        _dms(
            "CreateReplicationInstance",
            "{replicationInstanceId}",
            outputs=_arn(
                "rep",
                "replicationInstanceArn",
                replicationInstancePrivateIps=["10.20.1.77"],
                replicationInstancePublicIps=[""],
            ),
        ),
    ),
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": (
        AwsType,
        _dms(
            "CreateReplicationSubnetGroup",
            "{replicationSubnetGroupId}",
            outputs=_arn("subgrp", "replicationSubnetGroupArn", vpcId="vpc-0a1b2c3d4e5f60718"),
        ),
    ),
    "aws:dms/replicationTask:ReplicationTask": (
        AwsType,
        _dms(
            "CreateReplicationTask",
            "{replicationTaskId}",
            problems=_task_problems,
            outputs={"replicationTaskArn": _task_arn, "status": _task_status},
        ),
    ),
    "aws:ec2/customerGateway:CustomerGateway": (AwsType, {"prefix": "cgw", "arn_path": "customer-gateway/"}),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        AwsType,
        {
            "prefix": "vpce",
            "arn_path": "vpc-endpoint/",
            "outputs": {
                **_OWNED,
                "state": "available",
                "requesterManaged": False,
                "prefixListId": lambda record: "pl-0a1b2c3d" if record["vpcEndpointType"] == "Gateway" else "",
                "cidrBlocks": [],
                "dnsEntries": [],
                "networkInterfaceIds": [],
            },
        },
    ),
    "aws:ec2/vpnGateway:VpnGateway": (
        AwsType,
        {"prefix": "vgw", "arn_path": "vpn-gateway/", "outputs": {"amazonSideAsn": _given("amazonSideAsn", "64512")}},
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        AwsType,
        {
            "service": "iam",
            "named": "{hex}",
            "outputs": {
                "arn": lambda record: f"arn:aws:iam::{ACCOUNT}:oidc-provider/{record['url'].removeprefix('https://')}",
                "thumbprintLists": ["0" * 40],
            },
        },
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (AwsType, {"service": "iam", "named": "{role}-{hex}"}),
    "aws:sns/topic:Topic": (
        AwsType,
        {
            "service": "sns",
            "named": "arn:aws:sns:{region}:{account}:{name}",
            "autoname": AutoName("name", 256),
            "outputs": {"arn": "{id}", "owner": ACCOUNT, "beginningArchiveTime": ""},
        },
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        AwsType,
        {
            "service": "sns",
            "named": "{topic}:{uuid}",
            "outputs": {
                **_OWNED,
                "arn": "{id}",
                "pendingConfirmation": _waits,
                "confirmationWasAuthenticated": lambda record: not _waits(record),
            },
        },
    ),
}
