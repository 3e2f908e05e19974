"""Topology onprem-aws: where each setting ends up, with its default and with another value."""

import json
from typing import Any

import pytest

from twinsite.rules import Refused

from . import test_topology_onprem_aws as topology
from .harness import Run
from .test_topology_onprem_aws import build

project = topology.project
"""The fixture, for this module, too."""

COMMAND = "command:remote:Command"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def told(found: Run, host: str) -> dict[str, Any]:
    """What a host of AWS's is told."""
    documents = {one.inputs["key"]: one.inputs for one in found.of("aws:s3/bucketObjectv2:BucketObjectv2")}
    config: dict[str, Any] = json.loads(documents[f"hosts/{host}/desired.json"]["content"])["config"]
    return config


def admitted(found: Run, port: int | None, group: str) -> set[str]:
    """Who may reach a port (None: any) of a group's machines."""
    return {
        rule.inputs["cidrIpv4"]
        for rule in found.of(INGRESS)
        if rule.inputs["securityGroupId"] == f"onprem-aws-{group}-id" and rule.inputs.get("fromPort") == port
    }


def test_nobody_but_the_replica_reaches_mysql_unless_named(project: dict[str, str]) -> None:
    assert admitted(build(project), 3306, "aws-database") == {"192.168.64.20/32"}
    found = build({**project, "database_client_ranges": '["10.20.5.0/24"]'})
    assert admitted(found, 3306, "aws-database") == {"192.168.64.20/32", "10.20.5.0/24"}


def test_the_gateway_forwards_for_the_vpc_or_for_the_named_ranges_only(project: dict[str, str]) -> None:
    assert admitted(build(project), None, "aws-gateway") == {"10.20.0.0/16"}
    found = build({**project, "gateway_client_ranges": '["10.20.2.0/24", "10.20.7.0/24"]'})
    assert admitted(found, None, "aws-gateway") == {"10.20.2.0/24", "10.20.7.0/24"}


def test_settings_of_mysql_reach_the_source_and_names_of_its_own_are_settings_too(project: dict[str, str]) -> None:
    config = told(build(project), "aws-source")
    assert (config["settings"], config["server_id"], config["net_timeout_seconds"]) == ({}, 1, 5)
    assert (config["binlog_retention_hours"], config["heartbeat_period_seconds"]) == (72, 1.0)
    change = {
        "source_settings": '{"innodb_buffer_pool_size": "1G", "max_connections": 500, "local_infile": true}',
        "source_server_id": "11",
        "net_timeout_seconds": "10",
        "heartbeat_period_seconds": "2.5",
        "binlog_retention_hours": "100",
    }
    found = build({**project, **change})
    config = told(found, "aws-source")
    assert config["settings"] == {"innodb_buffer_pool_size": "1G", "max_connections": "500", "local_infile": "ON"}
    assert (config["server_id"], config["net_timeout_seconds"]) == (11, 10)
    assert (config["binlog_retention_hours"], config["heartbeat_period_seconds"]) == (100, 2.5)
    assert found.result["binlog_retention_hours"] == 100


def test_the_replicas_own_settings_reach_the_replica(project: dict[str, str]) -> None:
    change = {
        "replica_settings": '{"sync_relay_log": 1}',
        "replica_server_id": "12",
        "replica_bind_address": "192.168.64.20",
    }
    default, found = build(project), build({**project, **change})
    configs = [told_replica(one) for one in (default, found)]
    assert [(one["settings"], one["server_id"], one["bind_address"]) for one in configs] == [
        ({}, 2, "127.0.0.1"),
        ({"sync_relay_log": "1"}, 12, "192.168.64.20"),
    ]


def told_replica(found: Run) -> dict[str, Any]:
    """What the replica's host is told: out of the packed archive."""
    import base64
    import io
    import tarfile

    packed = base64.b64decode(found.one("onprem-aws-onprem-apply", COMMAND).inputs["stdin"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        (member,) = [one for one in archive.getmembers() if one.name.endswith("desired.json")]
        file = archive.extractfile(member)
        assert file
        config: dict[str, Any] = json.loads(file.read())["config"]
        return config


def gates(found: Run) -> dict[str, int]:
    """Gate → seconds that it waits."""
    return {
        one.name: int(one.inputs["create"].split("--timeout ")[1].split()[0])
        for one in found.of(COMMAND)
        if one.name.endswith("-gate")
    }


def test_each_gate_has_its_own_time(project: dict[str, str]) -> None:
    own = gates(build(project))
    assert own == {"onprem-aws-tunnel-gate": 900, "onprem-aws-replica-gate": 900}
    found = build({**project, "tunnel_gate_timeout_seconds": "901"})
    assert gates(found) == {**own, "onprem-aws-tunnel-gate": 901}
    found = build({**project, "replica_gate_timeout_seconds": "1801"})
    assert gates(found) == {**own, "onprem-aws-replica-gate": 1801}


def test_a_generation_renews_both_database_passwords(project: dict[str, str]) -> None:
    def drawn(found: Run) -> set[str]:
        passwords = found.of("random:index/randomPassword:RandomPassword")
        return {one.inputs["keepers"]["generation"] for one in passwords if "psk" not in one.name}

    assert (drawn(build(project)), drawn(build({**project, "password_generation": "2"}))) == ({"1"}, {"2"})


REFUSED = [
    ({"database_client_ranges": '["0.0.0.0/0"]'}, "opens MySQL to the world: list the ranges"),
    ({"gateway_client_ranges": '["10.21.0.0/16"]'}, "is not inside vpc_range"),
    ({"gateway_client_ranges": '["10.20.7.0/24"]'}, "leaves out nat_range 10.20.2.0/24"),
    ({"gateway_client_ranges": '["10.20.2.0/24", "10.20.2.0/25"]'}, "is part of 10.20.2.0/24"),
    ({"gateway_client_ranges": '["10.20.2.0/24", "10.20.2.0/24"]'}, "list it once"),
    ({"source_settings": '{"gtid_mode": "OFF"}'}, "which twinsite owns .positions must survive"),
    ({"replica_settings": '{"super_read_only": false}'}, "source_settings|a writable replica"),
    ({"source_settings": '{"max_connections": [1]}'}, "source_settings.max_connections is"),
    ({"replica_server_id": "1"}, "K14"),
    ({"replica_bind_address": "0.0.0.0"}, "set it to 127.0.0.1"),
    ({"heartbeat_period_seconds": "3"}, "K12"),
    ({"binlog_retention_hours": "5"}, "less than twice"),
    ({"tunnel_gate_timeout_seconds": "10"}, "pulumi config set tunnel_gate_timeout_seconds NUMBER"),
    ({"replica_gate_timeout_seconds": "7201"}, "pulumi config set replica_gate_timeout_seconds NUMBER"),
    ({"password_generation": "0"}, "raise it by 1 to rotate"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[str(index) for index, _ in enumerate(REFUSED)])
def test_a_bad_value_is_refused_with_its_fix(project: dict[str, str], change: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        build({**project, **change})


def test_what_a_component_would_refuse_is_said_of_all_at_once_before_the_first_resource(
    project: dict[str, str],
) -> None:
    with pytest.raises(Refused) as refused:
        build({**project, "psk_generation": "0", "password_generation": "0", "replica_server_id": "1"})
    components = [problem.split(":")[0] for problem in refused.value.problems]
    assert components == ["StrongSwanTunnel", "MySqlReplicaPair", "MySqlReplicaPair"]
    assert str(refused.value).startswith("topology onprem-aws is refused")
