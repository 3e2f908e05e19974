"""What a task of AWS's DMS needs around it: a way to both databases, and two logins.

Not here: definitions and the target's gate, which the job of LogicalReplica makes before there is a task (ADR 70).
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from twinsite import AwsGcpVpn, AwsLinkAlarms, CloudSqlStandby, DmsCdcTask, LogicalReplica

from .args import Args, Arguments

HTTPS_PORT = 443


def made(
    name: str,
    arguments: Arguments,
    vpn: AwsGcpVpn,
    database: CloudSqlStandby,
    flow: LogicalReplica,
    told: AwsLinkAlarms,
) -> DmsCdcTask:
    """From pilot-light on: in cold there is no target that an endpoint could name. After the job that makes the target
    ready, and told by the topic of the other alarms."""
    plain, user = arguments.task or {}, (arguments.replica or {})["replication_user"]
    here: Args = {"region": plain["region"], "tags": plain["tags"]}
    group = _way(name, here, arguments.vpn, vpn)
    secret = pulumi.Config().require_secret
    source = {**plain["source"], "username": user, "password": secret("replication_password")}
    there = database.handle
    ready = pulumi.Output.all(there["address"], flow.ready).apply(lambda both: str(both[0]))
    target = {**plain["target"], "port": there["port"], "username": there["user"], "password": there["password"]}
    ends = {
        side: {**plain[side], "secret_arn": _login(f"{name}-{side}", here, end)}
        for side, end in (("source", source), ("target", {**target, "address": ready}))
    }
    ends["target"] |= {"address": ready, "tls_ca": database.tls_ca}
    whole: Any = {
        **plain,
        **ends,
        "security_group_ids": [group],
        "topic_arn": told.topic_arn,
        "through": flow.host,
        "look_seconds": flow.look_seconds,
    }
    return DmsCdcTask(name, whole)


def _way(name: str, here: Args, vpn_args: Mapping[str, Any], vpn: AwsGcpVpn) -> pulumi.Output[str]:
    """Out to both databases and the region's APIs; in at RDS by the group that it has for Google already."""
    port = vpn_args["aws_tcp_ports"][0]
    out = [(vpn_args["vpc_range"], port), (vpn_args["service_range"], port), ("0.0.0.0/0", HTTPS_PORT)]
    group = aws.ec2.SecurityGroup(
        f"{name}-from-dms",
        description="What the replication instance may reach",
        vpc_id=vpn_args["vpc_id"],
        egress=[
            {"protocol": "tcp", "from_port": number, "to_port": number, "cidr_blocks": [where]} for where, number in out
        ],
        **here,
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-from-dms",
        security_group_id=vpn.aws_security_group_id,
        referenced_security_group_id=group.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description="from the replication instance of DMS",
        **here,
    )
    made: pulumi.Output[str] = group.id
    return made


def _login(name: str, here: Args, end: Mapping[str, Any]) -> pulumi.Output[str]:
    """ARN of the secret, known once it holds the login: DMS tries it when an endpoint is made."""
    kept = aws.secretsmanager.Secret(f"{name}-login", recovery_window_in_days=7, **here)
    words = pulumi.Output.all(host=end["address"], port=end["port"], username=end["username"], password=end["password"])
    said: pulumi.Output[str] = words.apply(lambda found: json.dumps(found, sort_keys=True))
    text: pulumi.Output[str] = pulumi.Output.secret(said)
    version = aws.secretsmanager.SecretVersion(
        f"{name}-login", secret_id=kept.id, region=here["region"], secret_string=text
    )
    return pulumi.Output.all(kept.arn, version.id).apply(lambda both: str(both[0]))
