"""How cloud records become the box's world. Each function computes one thing anew from all records, and puts it.

Anew, and not by patching: after a command that was killed the next one still puts what the records say.
"""

import base64
import ipaddress
from typing import Any

from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Vpc
from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal
from lab.services import cloud_vpn

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
MAIN = "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INTERFACE = "aws:ec2/networkInterface:NetworkInterface"
INSTANCE = "aws:ec2/instance:Instance"
EIP = "aws:ec2/eip:Eip"
EIP_ASSOCIATION = "aws:ec2/eipAssociation:EipAssociation"
VOLUME = "aws:ebs/volume:Volume"
ATTACHMENT = "aws:ec2/volumeAttachment:VolumeAttachment"
VPN_GATEWAY = "aws:ec2/vpnGateway:VpnGateway"
PROPAGATION = "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"

PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "all": "-1", "esp": "50"}
"""Other spellings that AWS takes, as the world spells them."""

_TARGETS = ("gatewayId", "networkInterfaceId", "natGatewayId", "transitGatewayId", "vpcPeeringConnectionId",
            "vpcEndpointId", "egressOnlyGatewayId", "carrierGatewayId", "localGatewayId", "coreNetworkArn",
            "odbNetworkArn")  # fmt: skip


def put_vpc(box: Box, identity: str) -> None:
    """Range and whether an internet gateway is attached."""
    with box.lock:
        record = box.record(VPC, identity)
        if record is not None:
            attached = any(one.get("vpcId") == identity for one in box.records(GATEWAY).values())
            box.world("vpcs", Vpc(identity, record["cidrBlock"], attached))


def table_of(box: Box, subnet: str) -> str:
    """The route table that counts for a subnet: its own, else the VPC's main one."""
    for record in box.records(ASSOCIATION).values():
        if record.get("subnetId") == subnet:
            return str(record["routeTableId"])
    vpc = str((box.record(SUBNET, subnet) or {}).get("vpcId"))
    return main_table(box, vpc)


def main_table(box: Box, vpc: str) -> str:
    """The VPC's main route table as it is now."""
    for record in box.records(MAIN).values():
        if record["vpcId"] == vpc:
            return str(record["routeTableId"])
    return str((box.record(VPC, vpc) or {}).get("mainRouteTableId", ""))


def put_subnet(box: Box, identity: str) -> None:
    """Range and effective routes."""
    with box.lock:
        record = box.record(SUBNET, identity)
        if record is None:
            return
        vpc = box.record(VPC, record["vpcId"]) or {}
        table = table_of(box, identity)
        routes = [Route(vpc["cidrBlock"], "local"), *routes_of(box, table)]
        learns = [one["vpnGatewayId"] for one in box.records(PROPAGATION).values() if one["routeTableId"] == table]
        made = Subnet(
            identity, record["vpcId"], record["cidrBlock"], tuple(routes), learns=tuple(sorted(dict.fromkeys(learns)))
        )
        box.world("subnets", made)


def put_table(box: Box, identity: str) -> None:
    """Every subnet that a route table counts for."""
    with box.lock:
        record = box.record(TABLE, identity)
        if record is not None:
            put_subnets(box, record["vpcId"])


def put_subnets(box: Box, vpc: str) -> None:
    """Every subnet of a VPC."""
    with box.lock:
        for identity, record in box.records(SUBNET).items():
            if record["vpcId"] == vpc:
                put_subnet(box, identity)


def put_vpns(box: Box) -> None:
    """Routers of VPN gateways, with their tunnels' ends; a gateway without a connection has none."""
    with box.lock:
        routers = {one.id: one for one in cloud_vpn.at_aws(box.records)}
        for router in routers.values():
            box.world("vpns", router)
        for identity in box.records(VPN_GATEWAY):
            if identity not in routers:
                box.unworld("vpns", identity)


def routes_of(box: Box, table: str) -> list[Route]:
    """A route table's routes: its own blocks and the Route resources."""
    found = [
        route_of(box, block, str(block.get("cidrBlock") or ""))
        for block in (box.record(TABLE, table) or {}).get("routes") or []
    ]
    found += [
        route_of(box, record, str(record.get("destinationCidrBlock") or ""))
        for record in box.records(ROUTE).values()
        if record["routeTableId"] == table
    ]
    return sorted(found, key=lambda one: one.cidr)


def route_of(box: Box, record: dict[str, Any], destination: str) -> Route:
    """One route. Refusal for what the lab has no machine for."""
    if not destination:
        raise Refusal("the lab routes IPv4 ranges only (destinationCidrBlock): it has no IPv6 and no prefix lists")
    target = next((name for name in _TARGETS if record.get(name)), "")
    value = str(record.get(target) or "")
    if target == "networkInterfaceId":
        return Route(destination, f"nic:{value}" if box.record(INTERFACE, value) else "blackhole")
    if target == "gatewayId" and value == "local":
        return Route(destination, "local")
    if target == "gatewayId" and value.startswith("igw-"):
        return Route(destination, "igw" if box.record(GATEWAY, value) else "blackhole")
    raise Refusal(
        f"the lab has no target {target or 'of this kind'} {value} for a route to {destination}: it has internet "
        "gateways and network interfaces (a gateway machine's interface does what a NAT gateway does)"
    )


def rule_of(record: dict[str, Any]) -> Rule:
    """One SecurityGroupIngressRule or SecurityGroupEgressRule."""
    protocol = str(record["ipProtocol"]).lower()
    group, cidr = record.get("referencedSecurityGroupId") or "", record.get("cidrIpv4") or ""
    if not group and not cidr:
        raise Refusal("the lab's security groups know IPv4 ranges and other groups: it has no IPv6 and no prefix lists")
    # Rules of another account's group are written ACCOUNT/sg-…
    return _rule(protocol, record.get("fromPort"), record.get("toPort"), cidr, str(group).rpartition("/")[2])


def _rule(protocol: str, low: Any, high: Any, cidr: str, group: str) -> Rule:
    protocol = PROTOCOLS.get(protocol, protocol)
    if protocol in ("tcp", "udp"):
        return Rule(protocol, int(low or 0), int(high if high is not None else 65535), cidr, group)
    return Rule(protocol, int(low) if low is not None else -1, int(high) if high is not None else -1, cidr, group)


def _block_rules(identity: str, blocks: Any) -> list[Rule]:
    found: list[Rule] = []
    for block in blocks or []:
        protocol, low, high = str(block["protocol"]).lower(), block["fromPort"], block["toPort"]
        if protocol in ("-1", "all"):
            low = high = -1
        others = [*(block.get("securityGroups") or []), *([identity] if block.get("self") else [])]
        found += [_rule(protocol, low, high, cidr, "") for cidr in block.get("cidrBlocks") or []]
        found += [_rule(protocol, low, high, "", group) for group in others]
    return found


def group_of(box: Box, identity: str) -> SecurityGroup | None:
    """A group with its own blocks and the rule resources."""
    record = box.record(GROUP, identity)
    if record is None:
        return None
    rules = {
        "ingress": _block_rules(identity, record.get("ingress")),
        "egress": _block_rules(identity, record.get("egress")),
    }
    for kind, token in (("ingress", INGRESS), ("egress", EGRESS)):
        rules[kind] += [rule_of(one) for one in box.records(token).values() if one["securityGroupId"] == identity]
    known = box.records(GROUP)
    # A rule that names a group which has just gone matches nobody.
    kept = {kind: tuple(rule for rule in ones if not rule.group or rule.group in known) for kind, ones in rules.items()}
    return SecurityGroup(identity, record["vpcId"], kept["ingress"], kept["egress"])


def put_group(box: Box, identity: str) -> None:
    with box.lock:
        group = group_of(box, identity)
        if group is not None:
            box.world("groups", group)


def put_interface(box: Box, identity: str) -> None:
    """Address, groups, and the elastic address that is associated with it."""
    with box.lock:
        record = box.record(INTERFACE, identity)
        if record is None:
            return
        box.world(
            "interfaces",
            Interface(
                id=identity,
                subnet=record["subnetId"],
                address=record["privateIp"],
                groups=tuple(record.get("securityGroups") or ()),
                source_dest_check=bool(record.get("sourceDestCheck", True)),
                public_address=public_address(box, identity),
            ),
        )


def public_address(box: Box, interface: str) -> str:
    """The elastic address of an interface; empty without one."""
    association = association_of(box, interface)
    if association is None:
        return ""
    return str((box.record(EIP, association["allocationId"]) or {}).get("publicIp", ""))


def association_of(box: Box, interface: str) -> dict[str, Any] | None:
    """What associates an elastic address with an interface: an EipAssociation, or the Eip's own arguments."""
    for record in box.records(EIP_ASSOCIATION).values():
        if face_of(box, record.get("networkInterfaceId"), record.get("instanceId")) == interface:
            return record
    for record in box.records(EIP).values():
        if face_of(box, record.get("networkInterface"), record.get("instance")) == interface:
            return record
    return None


def face_of(box: Box, interface: Any, instance: Any) -> str:
    """The interface that is meant by an interface's or an instance's id; empty for none."""
    if interface:
        return str(interface)
    if instance:
        return str((box.record(INSTANCE, str(instance)) or {}).get("primaryNetworkInterfaceId", ""))
    return ""


def put_machine(box: Box, identity: str, running: bool | None = None) -> None:
    """The machine with its volumes and role. `running` None: as its record says."""
    with box.lock:
        record = box.record(INSTANCE, identity)
        if record is None:
            return
        options = record.get("metadataOptions") or {}
        profile = box.record(PROFILE, str(record.get("iamInstanceProfile"))) or {}
        volumes = sorted(
            (one["deviceName"], one["volumeId"])
            for one in box.records(ATTACHMENT).values()
            if one["instanceId"] == identity
        )
        address = str(record["privateIp"])
        box.world(
            "machines",
            Machine(
                id=identity,
                interface=record["primaryNetworkInterfaceId"],
                user_data=user_data(record),
                volumes=tuple(volumes),
                role=str(profile.get("role") or ""),
                metadata_hop_limit=int(options.get("httpPutResponseHopLimit") or 1),
                metadata_tokens_required=options.get("httpTokens", "required") == "required",
                hostname=f"ip-{address.replace('.', '-')}",
                running=record.get("instanceState") != "stopped" if running is None else running,
                region=record["region"],
            ),
        )


def user_data(record: dict[str, Any]) -> str:
    """As cloud-init will get it. Refusal for what is no text: the box keeps text."""
    packed = record.get("userDataBase64")
    if not packed:
        return str(record.get("userData") or "")
    try:
        return base64.b64decode(packed, validate=True).decode()
    except UnicodeDecodeError:
        raise Refusal("the lab takes user data that is text; userDataBase64 holds something else (gzip?)") from None


def free_address(box: Box, subnet: dict[str, Any], subnet_id: str) -> str:
    """The first address of a subnet that is neither reserved nor taken. Refusal when there is none."""
    taken = {one["privateIp"] for one in box.records(INTERFACE).values() if one["subnetId"] == subnet_id}
    for address in list(ipaddress.IPv4Network(subnet["cidrBlock"]))[4:-1]:  # AWS keeps the first four and the last
        if str(address) not in taken:
            return str(address)
    raise Refusal(f"InsufficientFreeAddressesInSubnet: there are not enough free addresses in subnet '{subnet_id}'")
