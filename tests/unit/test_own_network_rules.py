"""A network that exists: what is asked of it, and what is refused before anything is put there."""

import dataclasses
import re
from types import SimpleNamespace as Answer
from typing import Any

import pulumi_aws as aws
import pytest

from twinsite.network import existing
from twinsite.rules.own_network import Network, Route, Subnet, Table, named_problems, network_problems

VPC, GATEWAY, DATABASE = "vpc-0123456789abcdef0", "subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"
PUBLIC, PRIVATE = "rtb-0aaaaaaaaaaaaaaaa", "rtb-0bbbbbbbbbbbbbbbb"
NAMED: dict[str, Any] = {
    "vpc_id": VPC,
    "gateway_subnet_id": GATEWAY,
    "database_subnet_id": DATABASE,
    "route_table_ids": {"private": PRIVATE},
}
WANTED: dict[str, Any] = {
    **NAMED,
    "vpc_range": "10.20.0.0/16",
    "public_range": "10.20.1.0/24",
    "private_range": "10.20.2.0/24",
    "availability_zone": "ap-northeast-2a",
    "onprem_range": "192.168.64.0/24",
    "created": True,
}
INTERNET, NAT = Route("0.0.0.0/0", "igw-1"), Route("0.0.0.0/0", "nat-1")
FOUND = Network(
    VPC,
    ("10.20.0.0/16", "10.21.0.0/16"),
    Subnet(GATEWAY, VPC, "10.20.1.0/24", "ap-northeast-2c"),
    Subnet(DATABASE, VPC, "10.20.2.0/24", "ap-northeast-2a"),
    (Table(PUBLIC, (INTERNET,), main=True), Table(PRIVATE, (NAT,), (DATABASE,))),
)


def tables(*private: Route, public: tuple[Route, ...] = (INTERNET,)) -> Network:
    return dataclasses.replace(FOUND, tables=(Table(PUBLIC, public, main=True), Table(PRIVATE, private, (DATABASE,))))


def test_a_network_that_fits_is_taken() -> None:
    assert list(named_problems(NAMED)) == []
    assert list(network_problems(FOUND, WANTED)) == []


def test_without_a_vpc_nothing_is_named() -> None:
    none = {**NAMED, "vpc_id": "", "gateway_subnet_id": "", "database_subnet_id": "", "route_table_ids": {}}
    assert list(named_problems(none)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vpc_id": ""}, "gateway_subnet_id is set and vpc_id is not"),
        ({"vpc_id": "my-vpc"}, "set it to an id like vpc-"),
        ({"gateway_subnet_id": ""}, "set it to an id like subnet-"),
        ({"database_subnet_id": "10.20.2.0/24"}, "set it to an id like subnet-"),
        ({"route_table_ids": {}}, "nothing in the VPC would find the tunnel"),
        ({"route_table_ids": {"private": "main"}}, "rtb-0123456789abcdef0"),
        ({"route_table_ids": {"Private!": PRIVATE}}, "a name of small letters"),
        ({"database_subnet_id": GATEWAY}, "a private one"),
    ],
)
def test_what_names_no_network_is_refused_without_asking_anybody(change: dict[str, Any], words: str) -> None:
    problems = list(named_problems({**NAMED, **change}))
    assert words in " ".join(problems), problems
    assert all(re.search("set|name", problem.rpartition(":")[2]) for problem in problems)


@pytest.mark.parametrize(
    ("found", "change", "words"),
    [
        (dataclasses.replace(FOUND, ranges=()), {}, "is not there: set it to a VPC of this account and region"),
        (FOUND, {"vpc_range": "10.30.0.0/16"}, "set vpc_range to 10.20.0.0/16"),
        (FOUND, {"public_range": "10.20.9.0/24"}, "set public_range to 10.20.1.0/24"),
        (FOUND, {"private_range": "10.20.9.0/24"}, "set private_range to 10.20.2.0/24"),
        (FOUND, {"availability_zone": "ap-northeast-2b"}, "set availability_zone to ap-northeast-2a"),
        (dataclasses.replace(FOUND, gateway=None), {}, f"gateway_subnet_id {GATEWAY} is not there"),
        (
            dataclasses.replace(FOUND, database=Subnet(DATABASE, "vpc-9", "10.20.2.0/24", "ap-northeast-2a")),
            {},
            "is in vpc-9: set it to a subnet of",
        ),
        (FOUND, {"route_table_ids": {"private": PRIVATE, "x": "rtb-9"}}, f"set it to one of {PUBLIC}, {PRIVATE}"),
        (FOUND, {"route_table_ids": {"public": PUBLIC}}, f"set route_table_ids.private to {PRIVATE}"),
        (tables(NAT, Route("192.168.64.0/24", "tgw-1")), {}, "by tgw-1, which twinsite did not make"),
        (tables(NAT, Route("192.168.64.0/25", "eni-1")), {}, "has a route to 192.168.64.0/25 already"),
        (tables(NAT, public=()), {}, "has no route to 0.0.0.0/0"),
        (tables(NAT, public=(NAT,)), {}, "has a route by nat-1 to 0.0.0.0/0"),
        (tables(), {}, "set it to a subnet behind a NAT gateway"),
        (tables(INTERNET), {}, "set it to a subnet behind a NAT gateway"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(found: Network, change: dict[str, Any], words: str) -> None:
    (problem,) = network_problems(found, {**WANTED, **change})
    assert words in problem


def test_its_own_route_and_broader_ones_are_in_nobodys_way() -> None:
    ours = Route("192.168.64.0/24", "eni-1", ours=True)
    assert list(network_problems(tables(NAT, ours, Route("192.168.0.0/16", "tgw-1")), WANTED)) == []


def test_an_existing_source_needs_neither_a_way_out_nor_the_zone() -> None:
    change = {"created": False, "availability_zone": "ap-northeast-2b"}
    assert list(network_problems(tables(), {**WANTED, **change})) == []


def account(monkeypatch: pytest.MonkeyPatch, absent: str = "", words: str = "no matching EC2 Subnet found") -> None:
    """An account that has FOUND with a route of ours; `absent` is an id that it refuses with `words`."""

    def give(identity: str, found: Any) -> Any:
        if identity == absent:
            raise Exception(f"invoke of aws:ec2/get failed: {words}")
        return found

    def subnet(id: str, region: str) -> Any:
        one = {GATEWAY: FOUND.gateway, DATABASE: FOUND.database}[id]
        assert one
        return give(id, Answer(id=id, vpc_id=VPC, cidr_block=one.range, availability_zone=one.zone))

    def route(target: str, cidr: str, kind: str) -> Any:
        return Answer(cidr_block=cidr, **{kind: target})

    def table(route_table_id: str, region: str) -> Any:
        public = route_table_id == PUBLIC
        routes = [route("igw-1", "0.0.0.0/0", "gateway_id")] if public else [
            route("nat-1", "0.0.0.0/0", "nat_gateway_id"),
            route("eni-1", "192.168.64.0/24", "network_interface_id"),
        ]  # fmt: skip
        return Answer(routes=routes, associations=[Answer(subnet_id="" if public else DATABASE, main=public)])

    associations = [Answer(cidr_block=one, state="associated") for one in FOUND.ranges]
    vpc = Answer(cidr_block=FOUND.ranges[0], cidr_block_associations=associations)
    monkeypatch.setattr(aws.ec2, "get_vpc", lambda id, region: give(id, vpc))
    monkeypatch.setattr(aws.ec2, "get_subnet", subnet)
    monkeypatch.setattr(aws.ec2, "get_route_tables", lambda vpc_id, region: Answer(ids=[PUBLIC, PRIVATE]))
    monkeypatch.setattr(aws.ec2, "get_route_table", table)
    tags = {"twinsite:stack": "prod", "Name": "aws-gateway", "more": "x"}
    monkeypatch.setattr(aws.ec2, "get_network_interface", lambda id, region: give(id, Answer(tags=tags)))


def look(stack: str = "prod") -> Network:
    ours = {"twinsite:stack": stack, "Name": "aws-gateway"}
    return existing.look("ap-northeast-2", VPC, GATEWAY, DATABASE, ours)


def test_the_accounts_answers_become_facts_and_its_own_gateway_is_known_by_its_tags(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account(monkeypatch)
    ours = Route("192.168.64.0/24", "eni-1", ours=True)
    assert look() == tables(NAT, ours)
    assert look("another") == tables(NAT, dataclasses.replace(ours, ours=False))


def test_what_is_not_there_is_a_fact_and_what_nobody_said_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    account(monkeypatch, GATEWAY)
    assert look().gateway is None
    account(monkeypatch, VPC, "no matching EC2 VPC found")
    assert look().ranges == ()
    account(monkeypatch, "eni-1", "no matching EC2 Network Interface found")
    assert look() == tables(NAT, Route("192.168.64.0/24", "eni-1"))
    account(monkeypatch, GATEWAY, "api error UnauthorizedOperation: You are not authorized")
    with pytest.raises(existing.Unasked, match="UnauthorizedOperation"):
        look()
