"""What a VPC's router is told, computed from the World: no kernel needed."""

import dataclasses
from types import SimpleNamespace

import pytest

from lab.box import BoxError
from lab.box.box import Box
from lab.box.check import problems
from lab.box.layout import VPN_ATTACHMENT, Names, mac, port
from lab.box.vpc import Tables, plan
from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Vpc, VpnRouter, World

EVERYWHERE = "0.0.0.0/0"
VPC = Vpc("vpc-1", "10.20.0.0/16", internet=True)


def world() -> World:
    return World(
        vpcs=(VPC,),
        subnets=(
            Subnet("subnet-a", "vpc-1", "10.20.1.0/24", (Route("10.20.0.0/16", "local"), Route(EVERYWHERE, "igw"))),
            Subnet("subnet-b", "vpc-1", "10.20.2.0/24", (Route("192.168.64.0/24", "nic:eni-a"),)),
        ),
        groups=(
            SecurityGroup("sg-a", "vpc-1", (Rule("tcp", 80, 90, EVERYWHERE),), (Rule("-1", 0, 0, EVERYWHERE),)),
            SecurityGroup("sg-b", "vpc-1", (Rule("tcp", 3306, 3306, group="sg-a"),)),
        ),
        interfaces=(
            Interface("eni-a", "subnet-a", "10.20.1.10", ("sg-a",), public_address="203.0.113.128"),
            Interface("eni-b", "subnet-b", "10.20.2.20", ("sg-b",)),
        ),
        machines=(Machine("i-a", "eni-a"), Machine("i-b", "eni-b")),
    )


def routes(changed: World, subnet: str) -> dict[str, str]:
    tables = Tables()
    made = plan(changed, changed.vpcs[0], tables, frozenset())
    number = str(tables.number(subnet))
    return {destination: line for (table, destination), line in made.routes.items() if table == number}


def chain(changed: World, name: str) -> list[str]:
    lines = plan(changed, changed.vpcs[0], Tables(), frozenset()).nft.splitlines()
    start = lines.index(f"    chain {name} {{")
    return [line.strip() for line in lines[start + 1 : lines.index("    }", start)]]


def test_what_no_route_takes_is_dropped() -> None:
    assert routes(world(), "subnet-b") == {
        "default": "blackhole",
        "10.20.0.0/16": "throw",
        "192.168.64.0/24": f"via 10.20.1.10 dev {port('eni-a')} onlink",
    }


def test_a_machines_prefix_is_its_own_to_send_from_to_be_reached_at_and_in_groups() -> None:
    face = dataclasses.replace(world().interfaces[0], prefixes=("10.64.1.0/24",))
    changed = dataclasses.replace(world(), interfaces=(face, world().interfaces[1]))
    made = plan(changed, VPC, Tables(), frozenset())
    assert made.routes["main", "10.64.1.0/24"] == f"via 10.20.1.10 dev {port('eni-a')} onlink"
    assert routes(changed, "subnet-b")["10.64.1.0/24"] == "throw", "also where it is outside the VPC's range"
    own = "{ 10.20.1.10, 10.64.1.0/24 }"
    assert f'iifname "{port("eni-a")}" ip saddr != {own} counter drop' in chain(changed, "early")
    assert f'oifname "{port("eni-a")}" ip daddr != {own} counter drop' in chain(changed, "forward")
    asked = f"ip saddr {own} tcp dport 3306-3306 return"
    assert asked in chain(changed, f"ingress_{port('eni-b')}"), "a group's rule means a machine's pods, too"


def test_an_internet_route_without_a_gateway_attached_leads_nowhere() -> None:
    assert routes(world(), "subnet-a")["default"] == "throw"
    detached = dataclasses.replace(world(), vpcs=(dataclasses.replace(VPC, internet=False),))
    assert routes(detached, "subnet-a")["default"] == "blackhole"


def test_a_route_to_an_interface_without_a_machine_is_a_black_hole() -> None:
    without = dataclasses.replace(world(), machines=(Machine("i-b", "eni-b"),))
    assert routes(without, "subnet-b")["192.168.64.0/24"] == "blackhole"


def test_an_unknown_route_target_is_refused() -> None:
    odd = dataclasses.replace(
        world(), subnets=(Subnet("subnet-a", "vpc-1", "10.20.1.0/24", (Route("1.0.0.0/8", "tgw"),)),)
    )
    with pytest.raises(BoxError, match="local, igw, nic:<interface id> or blackhole, found 'tgw'"):
        plan(odd, VPC, Tables(), frozenset())


def test_a_group_reference_is_its_members_addresses() -> None:
    assert chain(world(), f"ingress_{port('eni-b')}") == [
        "ip saddr { 10.20.1.10 } tcp dport 3306-3306 return",
        "counter drop",
    ]


def test_a_reference_to_a_group_without_members_admits_nobody() -> None:
    lonely = dataclasses.replace(
        world(), interfaces=(dataclasses.replace(world().interfaces[0], groups=()), world().interfaces[1])
    )
    assert chain(lonely, f"ingress_{port('eni-b')}") == ["counter drop"]


def test_a_group_without_egress_rules_lets_nothing_out() -> None:
    assert chain(world(), f"egress_{port('eni-b')}") == ["counter drop"]
    assert chain(world(), f"egress_{port('eni-a')}") == ["return", "counter drop"]


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (Rule("tcp", 80, 90, EVERYWHERE), "tcp dport 80-90 return"),
        (Rule("udp", 500, 500, "198.51.100.0/24"), "ip saddr 198.51.100.0/24 udp dport 500-500 return"),
        (Rule("icmp", -1, -1, EVERYWHERE), "ip protocol icmp return"),
        (Rule("icmp", 8, -1, EVERYWHERE), "icmp type 8 return"),
        (Rule("icmp", 3, 4, EVERYWHERE), "icmp type 3 icmp code 4 return"),
        (Rule("50", 0, 0, EVERYWHERE), "ip protocol 50 return"),
        (Rule("-1", 0, 0, EVERYWHERE), "return"),
    ],
)
def test_each_kind_of_rule(rule: Rule, line: str) -> None:
    changed = dataclasses.replace(world(), groups=(SecurityGroup("sg-a", "vpc-1", (rule,)), world().groups[1]))
    assert chain(changed, f"ingress_{port('eni-a')}") == [line, "counter drop"]


def test_a_pulled_cable_is_cut_before_connections_are_tracked_both_ways() -> None:
    rules = plan(world(), VPC, Tables(), frozenset({"i-a"})).nft
    assert f'iifname "{port("eni-a")}" counter drop' in rules
    assert f'oifname "{port("eni-a")}" counter drop' in rules
    assert "priority -310" in rules


def test_the_plan_does_not_depend_on_the_order_of_records() -> None:
    turned = dataclasses.replace(
        world(), machines=world().machines[::-1], interfaces=world().interfaces[::-1], subnets=world().subnets
    )
    assert plan(turned, VPC, Tables(), frozenset()) == plan(world(), VPC, Tables(), frozenset())


def test_a_sound_world_has_no_problems() -> None:
    assert problems(world()) == []


def test_all_contradictions_are_said_at_once() -> None:
    broken = World(
        vpcs=(VPC,),
        subnets=(Subnet("subnet-x", "vpc-1", "10.99.0.0/24"), Subnet("subnet-y", "vpc-none", "10.20.0.0/24")),
        groups=(
            SecurityGroup("sg-x", "vpc-1", (Rule("tcp", 1, 1, EVERYWHERE, "sg-none"), Rule("sctp", 1, 1, EVERYWHERE))),
        ),
        interfaces=(
            Interface("eni-x", "subnet-none", "10.20.1.1", ("sg-none",), public_address="8.8.8.8"),
            Interface("eni-y", "subnet-x", "10.98.0.1"),
        ),
        machines=(Machine("i-x", "eni-none", volumes=(("/dev/sdf", "vol-none"),)),),
    )
    found = "\n".join(problems(broken))
    for words in (
        "subnet-x has 10.99.0.0/24, which is not inside vpc-1's 10.20.0.0/16",
        "subnet-y is in vpc-none",
        "exactly one of cidr and group",
        "protocol 'sctp'",
        "eni-x is in subnet-none",
        "eni-x has group sg-none",
        "eni-x has 8.8.8.8",
        "eni-y has 10.98.0.1, which is not inside subnet-x's 10.99.0.0/24",
        "i-x has interface eni-none",
        "i-x has volume vol-none",
    ):
        assert words in found


def test_names_fit_the_kernel_and_boxes_do_not_meet() -> None:
    assert len(port("eni-0123456789abcdef0")) <= 15
    assert int(mac("eni-0123456789abcdef0").split(":")[0], 16) & 0b11 == 0b10, "locally administered, unicast"
    names = Names("tw")
    own = [names.internet, names.services, names.operator, names.onprem, names.vpc("vpc-1"), names.machine("i-1")]
    assert all(names.is_namespace(name) for name in own)
    assert not any(names.is_namespace(name.replace("tw", "twx", 1)) for name in own)
    assert (names.services, names.operator) == ("twservices", "twoperator")


def test_a_table_that_learns_has_what_its_router_brought_and_what_was_written_down_wins() -> None:
    first, second = world().subnets
    learning = dataclasses.replace(second, learns=("vgw-1",))
    changed = dataclasses.replace(world(), subnets=(first, learning))
    brought = {"vgw-1": frozenset({"10.30.0.0/24", "192.168.64.0/24"}), "vgw-2": frozenset({"10.40.0.0/16"})}
    tables = Tables()
    made = plan(changed, VPC, tables, frozenset(), brought).routes
    found = {name: {to: line for (table, to), line in made.items() if table == str(tables.number(name))}
             for name in ("subnet-a", "subnet-b")}  # fmt: skip
    assert found["subnet-b"]["10.30.0.0/24"] == f"via {VPN_ATTACHMENT[0]} dev {port('vgw-1')} onlink"
    assert found["subnet-b"]["192.168.64.0/24"] == f"via 10.20.1.10 dev {port('eni-a')} onlink"
    assert "10.40.0.0/16" not in found["subnet-b"]
    assert "10.30.0.0/24" not in found["subnet-a"]
    assert plan(changed, VPC, tables, frozenset(), {}).routes.keys() == made.keys() - {
        (str(tables.number("subnet-b")), "10.30.0.0/24")
    }


def test_what_leads_through_a_vpn_that_goes_is_withdrawn_before_its_cable_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel takes a device's routes away with it, and `ip route del` of one that is gone fails."""
    done: list[str] = []
    monkeypatch.setattr(Box, "_apply_routers", lambda box, told: bool(done.append(f"routes {len(told.vpns)}")))
    box = Box.__new__(Box)
    box._routers = {}
    box.vpns = SimpleNamespace(apply=lambda told: done.append(f"cables {len(told)}"))  # type: ignore[assignment]
    one = VpnRouter("router", 64512, (), (), 1, 10, 30)
    for before, after in (((), (one,)), ((one,), (one,)), ((one,), ())):
        box._world = World(vpns=before)
        box._apply_networks(World(vpns=after))
        done.append("")
    assert done == ["cables 1", "routes 1", "", "cables 1", "routes 1", "", "routes 0", "cables 0", "routes 0", ""]
