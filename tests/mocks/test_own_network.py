"""Topology onprem-aws in a network that exists, with a source of its own or one that exists, too."""

from typing import Any

import pulumi
import pytest

from stacks.onprem_aws import args as onprem_aws_args
from stacks.onprem_aws import build as onprem_aws
from stacks.onprem_aws.estimate import estimate
from stacks.settings import Reader
from tests.unit.test_own_network_rules import DATABASE, FOUND, GATEWAY, PRIVATE, VPC
from twinsite import inventory
from twinsite.network.existing import Unasked
from twinsite.rules import Refused

from . import test_topology_onprem_aws as topology
from .harness import Run, is_secret, plain
from .test_settings_onprem_aws import admitted, told
from .test_topology_onprem_aws import build

project = topology.project
"""The fixture, for this module, too."""

OWN = {
    "availability_zone": "ap-northeast-2a",
    "vpc_id": VPC,
    "gateway_subnet_id": GATEWAY,
    "database_subnet_id": DATABASE,
    "route_table_ids": f'{{"private": "{PRIVATE}"}}',
}
CA = "-----BEGIN CERTIFICATE-----\nTHEIRS\n-----END CERTIFICATE-----\n"
MADE = ("Vpc", "Subnet", "RouteTable", "RouteTableAssociation", "InternetGateway", "VpcEndpoint")


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onprem_aws_args, "look", lambda *_, **__: FOUND)


def costs_of(project: dict[str, str]) -> set[str]:
    """What the estimate of these settings has a price of."""
    (mode,) = estimate(onprem_aws.read(Reader(project.get))).modes.values()
    return {item.name for item in mode.costs}


def of_the_network(found: Run) -> list[str]:
    return [one.name for one in found.resources if one.type.startswith("aws:ec2/") and one.type.endswith(MADE)]


def routes(found: Run) -> list[tuple[str, str]]:
    kind = "aws:ec2/route:Route"
    return [(one.inputs["routeTableId"], one.inputs["destinationCidrBlock"]) for one in found.of(kind)]


def test_by_default_a_network_is_made_and_the_gateway_is_its_way_out(project: dict[str, str]) -> None:
    found = build(project)
    assert len(of_the_network(found)) == 9
    assert ("onprem-aws-private-id", "0.0.0.0/0") in routes(found)
    assert told(found, "aws-gateway")["nat_range"] == "10.20.2.0/24"


def test_in_a_network_that_exists_one_route_a_table_is_added_and_nothing_of_it_is_made(project: dict[str, str]) -> None:
    found = build({**project, **OWN})
    assert of_the_network(found) == []
    assert routes(found) == [(PRIVATE, "192.168.64.0/24")]
    subnets = {one.inputs["subnetId"] for one in found.of("aws:ec2/networkInterface:NetworkInterface")}
    assert subnets == {GATEWAY, DATABASE}
    assert {one.inputs["vpcId"] for one in found.of("aws:ec2/securityGroup:SecurityGroup")} == {VPC}


def test_its_other_machines_do_not_reach_on_prem_unless_named(project: dict[str, str]) -> None:
    found = build({**project, **OWN})
    assert admitted(found, None, "aws-gateway") == {"10.20.2.0/24"}
    assert told(found, "aws-gateway")["nat_range"] == ""
    found = build({**project, **OWN, "gateway_client_ranges": '["10.20.0.0/16"]'})
    assert admitted(found, None, "aws-gateway") == {"10.20.0.0/16"}


def test_what_does_not_fit_is_refused_before_the_first_resource(project: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"set public_range to 10\.20\.1\.0/24"):
        build({**project, **OWN, "public_range": "10.20.7.0/24", "gateway_address": "10.20.7.10"})


def test_an_account_that_does_not_answer_is_refused_in_up_and_a_warning_in_preview(
    project: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: Any, **__: Any) -> Any:
        raise Unasked("no valid credential sources")

    monkeypatch.setattr(onprem_aws_args, "look", nobody)
    with pytest.raises(Refused, match="no valid credential sources: give credentials"):
        build({**project, **OWN})
    assert routes(build({**project, **OWN, "network_facts": "trust"})) == [(PRIVATE, "192.168.64.0/24")]
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warned.append(text))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    assert routes(build({**project, **OWN}))
    assert any("no valid credential sources" in text for text in warned)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vpc_id": ""}, "gateway_subnet_id is set and vpc_id is not"),
        ({"route_table_ids": "{}"}, "nothing in the VPC would find the tunnel"),
        ({"network_facts": "maybe"}, "one of ask, trust"),
        ({"existing_source_ca": "path/to/ca.pem"}, "is no PEM certificate"),
        ({"existing_source_ca": CA, "source_settings": '{"max_connections": 9}'}, "never changes: remove them"),
    ],
)
def test_a_bad_value_is_refused_with_its_fix(project: dict[str, str], change: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        build({**project, **OWN, **change})


def test_a_source_that_exists_needs_a_network_that_exists(project: dict[str, str]) -> None:
    with pytest.raises(Refused, match="set vpc_id, gateway_subnet_id"):
        build({**project, "existing_source_ca": CA})


def test_a_source_that_exists_is_followed_and_none_is_made(project: dict[str, str]) -> None:
    found = build({**project, **OWN, "existing_source_ca": CA})
    instances = [one.name for one in found.of("aws:ec2/instance:Instance")]
    assert instances == ["onprem-aws-aws-gateway-instance"]
    assert is_secret(found.published("onprem-aws", "twinsite:index:MySqlReplicaPair")["source_sql"])
    assert "CREATE USER IF NOT EXISTS 'twinsite_repl'@'192.168.64.20'" in plain(found.result["source_sql"])
    read = inventory.from_dict(plain(found.result["inventory"]))
    assert (read.host("aws-source").way.user, read.flows[0].source_address) == ("", "10.20.2.20")
    costs = costs_of({**project, **OWN, "existing_source_ca": CA})
    assert "source" not in " ".join(costs) and "data volume" not in costs


def test_of_a_source_that_is_made_nothing_is_to_be_run(project: dict[str, str]) -> None:
    found = build(project)
    assert found.result["source_sql"] is None
    assert {"data volume", "source t3.medium"} <= costs_of(project)
