"""Azure's networks as the box's: security groups by priority, service tags, system and user-defined routes, NAT."""

import threading
from typing import Any

import pytest

from lab.box.check import problems
from lab.box.layout import ELASTIC, METADATA, WIRE_SERVER
from lab.box.vpc import Tables, plan
from lab.model import Machine, World
from lab.providers.azure_native import network_public_ip_address, topology
from lab.providers.framework.types import Refusal
from lab.services import azure_management, azure_metadata

RG = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network"
VNET, NSG, NIC = f"{RG}/virtualNetworks/v", f"{RG}/networkSecurityGroups/g", f"{RG}/networkInterfaces/n"


class FakeBox:
    """Records, and the world that is put."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tokens: dict[str, dict[str, dict[str, Any]]] = {}
        self.put_world: dict[str, dict[str, Any]] = {}

    def records(self, token: str) -> dict[str, dict[str, Any]]:
        return self.tokens.get(token, {})

    def put(self, token: str, identity: str, record: dict[str, Any]) -> None:
        self.tokens.setdefault(token, {})[identity] = record

    def world(self, kind: str, record: Any) -> None:
        self.put_world.setdefault(kind, {})[record.id] = record


def rule(priority: int, **changed: Any) -> dict[str, Any]:
    return {
        "name": f"r{priority}",
        "priority": priority,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "443",
    } | changed


def site(rules: list[dict[str, Any]], **subnet: Any) -> World:
    box = FakeBox()
    box.tokens = {
        topology.VNET: {VNET: {"addressSpace": {"addressPrefixes": ["10.40.0.0/16"]}}},
        topology.GROUP: {NSG: {"securityRules": rules}},
        topology.SUBNET: {
            f"{VNET}/subnets/a": {"addressPrefix": "10.40.1.0/24", "networkSecurityGroup": {"id": NSG}} | subnet
        },
        topology.INTERFACE: {
            NIC: {
                "ipConfigurations": [
                    {"name": "one", "privateIPAddress": "10.40.1.4", "subnet": {"id": f"{VNET}/Subnets/A".lower()}}
                ]
            }
        },
        topology.ADDRESS: {f"{RG}/publicIPAddresses/p": {"ipAddress": "203.0.113.200"}},
        topology.NAT: {
            f"{RG}/natGateways/n": {"publicIpAddresses": [{"id": f"{RG}/publicIPAddresses/p"}]},
        },
        topology.TABLE: {
            f"{RG}/routeTables/t": {
                "routes": [
                    {"addressPrefix": "0.0.0.0/0", "nextHopType": "None"},
                    {
                        "addressPrefix": "192.168.64.0/24",
                        "nextHopType": "VirtualAppliance",
                        "nextHopIpAddress": "10.40.1.4",
                    },
                ]
            }
        },
    }
    topology.put_networks(box)  # type: ignore[arg-type]
    put: dict[str, Any] = {kind: tuple(found.values()) for kind, found in box.put_world.items()}
    (face,) = put["interfaces"]
    return World(**put, machines=(Machine("vm-1", face.id),))


def chain(world: World, side: str) -> list[str]:
    """Lines of the interface's first group."""
    made = plan(world, world.vpcs[0], Tables(), frozenset())
    lines = made.nft.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"    chain {side}_") and "_0 {" in line)
    return [line.strip() for line in lines[start + 1 : lines.index("    }", start)]]


def test_rules_decide_by_priority_and_azures_default_rules_come_last() -> None:
    world = site([rule(200, sourceAddressPrefix="203.0.113.0/24"), rule(100, access="Deny", destinationPortRange="*")])
    assert problems(world) == []
    assert chain(world, "ingress") == [
        "tcp dport 0-65535 counter drop",
        "ip saddr 203.0.113.0/24 tcp dport 443-443 return",
        "ip saddr 10.40.0.0/16 ip daddr 10.40.0.0/16 return",
        "ip saddr 168.63.129.16/32 return",
        "counter drop",
        "counter drop",
    ]


def test_the_internet_is_everything_but_the_network_itself() -> None:
    (group,) = [one for one in site([rule(100, sourceAddressPrefix="Internet")]).groups if len(one.ingress) > 5]
    ranges = [one.cidr for one in group.ingress if one.protocol == "tcp"]
    assert len(ranges) == 16
    assert "10.40.0.0/16" not in ranges
    assert "203.0.113.0/24" not in ranges
    assert "128.0.0.0/1" in ranges


def test_a_service_tag_that_stands_for_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match=r"knows no service tag .AzureFrontDoor\.Backend."):
        site([rule(100, sourceAddressPrefix="AzureFrontDoor.Backend")])


def test_private_ranges_lead_nowhere_and_a_users_route_beats_the_systems() -> None:
    world = site([])
    assert {route.cidr: route.target for route in world.subnets[0].routes} == {
        "0.0.0.0/0": "igw",
        "10.0.0.0/8": "blackhole",
        "10.40.0.0/16": "local",
        "100.64.0.0/10": "blackhole",
        "172.16.0.0/12": "blackhole",
        "192.168.0.0/16": "blackhole",
    }
    changed = site([], routeTable={"id": f"{RG}/routeTables/t"})
    routes = {route.cidr: route.target for route in changed.subnets[0].routes}
    assert routes["0.0.0.0/0"] == "blackhole"
    assert routes["192.168.64.0/24"] == f"nic:{topology.short('nic', NIC)}"


def test_without_a_public_address_or_a_nat_gateway_nothing_leaves() -> None:
    plain = plan(site([]), site([]).vpcs[0], Tables(), frozenset())
    assert 'oifname "uplink" counter drop' in plain.nft
    world = site([], natGateway={"id": f"{RG}/natGateways/n"})
    made = plan(world, world.vpcs[0], Tables(), frozenset())
    assert made.elastic == ("203.0.113.200",)
    assert 'oifname "uplink" ip saddr 10.40.1.0/24 snat to 203.0.113.200' in made.nft
    assert 'oifname "uplink" ip saddr != { 10.40.1.0/24 } counter drop' in made.nft


def test_a_machine_without_any_group_is_open_inside_and_closed_to_the_internet() -> None:
    world = site([], networkSecurityGroup=None)
    assert chain(world, "ingress") == ["ip saddr 10.40.0.0/16 return", "counter drop"]
    assert chain(world, "egress") == ["return", "counter drop"]


def test_machines_reach_metadata_and_platform_on_port_80() -> None:
    world = site([])
    nft = plan(world, world.vpcs[0], Tables(), frozenset()).nft
    assert f"ip daddr {{ {METADATA}, {WIRE_SERVER} }} tcp dport 80 accept" in nft
    assert f"ip daddr {WIRE_SERVER} meta l4proto" in nft, "it is the resolver, too"


def test_what_is_written_down_twice_is_the_same() -> None:
    assert (METADATA, WIRE_SERVER) == azure_metadata.ADDRESSES
    assert topology.PLATFORM == WIRE_SERVER
    first, size = network_public_ip_address.FIRST, network_public_ip_address.SIZE
    assert ELASTIC[0] < first < first + size < ELASTIC[1]
    record = {"vmId": "0f8fad5b-d9cb-469f-a165-70867728950e"}
    assert topology.machine_id(record) == azure_management.machine_of(record)
