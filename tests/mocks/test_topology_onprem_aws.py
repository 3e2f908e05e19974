"""Topology onprem-aws as a whole: what one `up` registers, in which order, and what it publishes."""

import json
import re
from collections.abc import Iterator

import pulumi
import pytest

from operations import offers
from tests import operations_world
from twinsite import inventory
from twinsite.machine.onprem_host import put_command
from twinsite.rules import Refused

from . import onprem_aws_topology
from .harness import Run, plain
from .onprem_aws_topology import CONFIG


@pytest.fixture
def project() -> Iterator[dict[str, str]]:
    """The project's defaults overlaid with CONFIG, as Pulumi gives them to a program."""
    yield onprem_aws_topology.project()
    pulumi.runtime.set_all_config({})


def build(values: dict[str, str]) -> Run:
    return onprem_aws_topology.build(**values)


def test_the_published_inventory_is_one_that_operations_can_read(project: dict[str, str]) -> None:
    found = inventory.from_dict(plain(build(project).result["inventory"]))
    assert [host.name for host in found.hosts] == ["aws-gateway", "onprem-gateway", "aws-source", "onprem-database"]
    assert found.host("aws-source").way.jump == "aws-gateway"
    assert found.host("onprem-database").way.port == 2220
    assert offers.offered(found) == offers.offered(operations_world.INVENTORY)
    assert found.tunnels[0].detect_seconds == 13.5
    assert (found.home, found.away, found.active_site) == ("aws", "onprem", "aws")


def test_the_inventory_names_the_command_that_brings_everything_to_a_host_built_anew(project: dict[str, str]) -> None:
    run = build(project)
    found = inventory.from_dict(plain(run.result["inventory"]))
    for host in found.hosts:
        if host.site == "onprem":
            assert run.one(host.again).type == "command:remote:Command"
            assert f"`pulumi up --replace '**::{host.again}'`" in host.delivery
        else:
            assert host.again == "", "it fetches everything by itself"


def test_what_looked_at_a_host_or_told_it_more_does_so_again_when_it_was_built_anew(project: dict[str, str]) -> None:
    run = build({**project, "psk_generation": "2"})
    commands = "command:remote:Command"
    gateway, database = (run.one(name).id for name in ("onprem-aws-onprem-gateway-apply", "onprem-aws-onprem-apply"))
    for name in ("onprem-aws-tunnel-gate", "onprem-aws-onprem-gateway-followup"):
        assert gateway in run.one(name, commands).inputs["triggers"][-1]
    assert database in run.one("onprem-aws-replica-gate", commands).inputs["triggers"][-1]
    assert database in run.one("onprem-aws-inventory-file", commands).inputs["create"]


def test_a_host_that_is_gone_is_one_of_the_two(project: dict[str, str]) -> None:
    with pytest.raises(Refused, match="onprem_gone has aws-source"):
        build({**project, "onprem_gone": '["aws-source"]'})
    run = build({**project, "onprem_gone": '["onprem-database"]'})
    retained = {one.name for one in run.of("command:remote:Command") if one.request.retainOnDelete}
    assert retained == {"onprem-aws-onprem-undo", "onprem-aws-inventory-file-undo"}


def test_the_inventory_is_also_written_where_the_standby_is(project: dict[str, str]) -> None:
    command = build(project).one("onprem-aws-inventory-file", "command:remote:Command")
    assert command.inputs["create"].startswith(put_command("/var/lib/twinsite/inventory.json"))
    assert json.loads(command.inputs["stdin"])["topology"] == "onprem-aws"


def test_the_replica_waits_for_the_tunnel_and_the_source_does_not(project: dict[str, str]) -> None:
    found = build(project)
    tunnel_gate = found.one("onprem-aws-tunnel-gate", "command:remote:Command")
    # A child is registered only after its component is, so what the component waits for, the child waits for.
    assert tunnel_gate.urn in found.one("onprem-aws-onprem", "twinsite:index:OnPremHost").depends_on
    assert tunnel_gate.urn not in found.one("onprem-aws-aws-database-instance").depends_on


def test_the_private_subnet_has_its_way_out_through_the_gateway(project: dict[str, str]) -> None:
    route = build(project).one("onprem-aws-way-out")
    assert route.inputs["destinationCidrBlock"] == "0.0.0.0/0"
    assert route.inputs["networkInterfaceId"] == "onprem-aws-aws-gateway-interface-id"


def test_no_machine_is_open_to_the_world_but_for_ike(project: dict[str, str]) -> None:
    rules = [rule.inputs for rule in build(project).of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")]
    world = [(rule["ipProtocol"], rule.get("fromPort")) for rule in rules if rule.get("cidrIpv4") == "0.0.0.0/0"]
    assert sorted(world) == [("udp", 500), ("udp", 4500)]


def test_a_preview_asks_no_account(project: dict[str, str]) -> None:
    build(project)  # the harness fails on any call of a provider function


def test_nothing_is_registered_twice_and_every_name_is_by_site(project: dict[str, str]) -> None:
    names = {resource.name for resource in build(project).resources}
    assert not [name for name in names if "primary" in name or "standby" in name or "master" in name]


def test_the_placeholder_image_is_refused_with_how_to_find_one(project: dict[str, str]) -> None:
    with pytest.raises(Refused, match="ami"):
        build({**project, "ami": "ami-00000000000000000"})


def test_everything_that_is_wrong_is_said_at_once(project: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        build({**project, "dr_mode": "warm", "data_volume_gib": "x", "onprem_gateway_ssh": "gateway", "gate": "maybe"})
    assert len(refused.value.problems) == 4


def test_a_bundle_with_a_waiting_gate_is_refused(project: dict[str, str]) -> None:
    with pytest.raises(Refused, match="gate handover"):
        build({**project, "onprem_delivery": "bundle"})


def test_handed_over_nothing_is_run_on_prem_and_both_bundles_are_published(project: dict[str, str]) -> None:
    found = build({**project, "onprem_delivery": "bundle", "gate": "handover"})
    assert found.of("command:remote:Command") == []
    assert found.result["onprem_bundle"]
    assert found.result["onprem_database_bundle"]


def test_a_followup_is_announced_to_exactly_the_machines_that_get_one(project: dict[str, str]) -> None:
    for values in (project, {**project, "onprem_delivery": "bundle", "gate": "handover"}):
        contents = {
            found.inputs["key"]: found.inputs.get("content")
            for found in build(values).of("aws:s3/bucketObjectv2:BucketObjectv2")
        }
        for host in ("aws-gateway", "aws-source"):
            announced = json.loads(contents[f"hosts/{host}/desired.json"])["followup"]
            assert announced == (f"hosts/{host}/followup.json" in contents)


def test_what_is_handed_over_is_said_in_the_inventory_even_without_a_login(project: dict[str, str]) -> None:
    nobody = {key: "" for key in CONFIG if key.startswith("onprem_")}
    handed = build({**project, **nobody, "onprem_delivery": "bundle", "gate": "handover"})
    found = inventory.from_dict(plain(handed.result["inventory"]))
    assert [host.bundle for host in found.hosts] == ["", "onprem_bundle", "", "onprem_database_bundle"]
    assert {host.bundle for host in found.hosts} - {""} <= handed.result.keys()
    delivered = inventory.from_dict(plain(build(project).result["inventory"]))
    assert {host.bundle for host in delivered.hosts} == {""}


def test_no_provider_sdk_is_imported_that_the_topology_does_not_use() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from stacks import topology; topology('onprem-aws'); "
        "print([name for name in ('pulumi_azure_native', 'pulumi_gcp', 'pulumi_cloudflare') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("region", "name", "suffix"),
    [("cn-north-1", "aws-cn", "amazonaws.com.cn"), ("us-gov-west-1", "aws-us-gov", "amazonaws.com")],
)
def test_in_another_partition_no_arn_and_no_name_of_a_service_is_of_the_first(
    project: dict[str, str], region: str, name: str, suffix: str
) -> None:
    found = onprem_aws_topology.build(region, **project)
    said = json.dumps([one.inputs for one in found.resources])
    # arn:aws:test is what the mocks compute.
    assert set(re.findall(r"arn:(aws[a-z-]*):(?!test)", said)) == {name}
    assert set(re.findall(r"(?<=\w\.)amazonaws\.com[.a-z]*", said)) == {suffix}


def test_a_region_that_is_none_is_refused(project: dict[str, str]) -> None:
    with pytest.raises(Refused, match="'seoul' is no AWS region"):
        onprem_aws_topology.build("seoul", **project)
