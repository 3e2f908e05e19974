"""Contradictions of a World, said before anything is touched. A stand-in that writes such a world has a bug."""

import ipaddress
from collections import Counter

from lab.box.layout import ELASTIC
from lab.model import World

PROTOCOLS = {"tcp", "udp", "icmp", "-1"}


def problems(world: World) -> list[str]:
    """All of them, as sentences."""
    found: list[str] = []
    vpcs = {vpc.id: vpc for vpc in world.vpcs}
    subnets = {subnet.id: subnet for subnet in world.subnets}
    groups = {group.id: group for group in world.groups}
    faces = {face.id: face for face in world.interfaces}
    volumes = {volume.id for volume in world.volumes}
    for subnet in world.subnets:
        vpc = vpcs.get(subnet.vpc)
        if vpc is None:
            found.append(f"{subnet.id} is in {subnet.vpc}, which is not there")
        elif not ipaddress.IPv4Network(subnet.cidr).subnet_of(ipaddress.IPv4Network(vpc.cidr)):
            found.append(f"{subnet.id} has {subnet.cidr}, which is not inside {vpc.id}'s {vpc.cidr}")
    found += [
        f"{vpn.id} is attached to {vpn.vpc}, which is not there" for vpn in world.vpns if vpn.vpc not in {"", *vpcs}
    ]
    for group in world.groups:
        for rule in (*group.ingress, *group.egress):
            if rule.protocol not in PROTOCOLS and not rule.protocol.isdigit():
                found.append(f"{group.id} has a rule for protocol {rule.protocol!r}: tcp, udp, icmp, a number or -1")
            if bool(rule.cidr) == bool(rule.group):
                found.append(f"{group.id} has a rule that needs exactly one of cidr and group: {rule}")
            if rule.group and rule.group not in groups:
                found.append(f"{group.id} refers to {rule.group}, which is not there")
    for face in world.interfaces:
        subnet_of_face = subnets.get(face.subnet)
        if subnet_of_face is None:
            found.append(f"{face.id} is in {face.subnet}, which is not there")
        elif ipaddress.IPv4Address(face.address) not in ipaddress.IPv4Network(subnet_of_face.cidr):
            found.append(f"{face.id} has {face.address}, which is not inside {face.subnet}'s {subnet_of_face.cidr}")
        found += [f"{face.id} has group {group}, which is not there" for group in face.groups if group not in groups]
        kinds = {group.ordered for group in world.groups if group.id in face.groups}
        if len(kinds) > 1:
            found.append(f"{face.id} has groups of AWS's kind and of Azure's: it is one or the other")
        if face.public_address and not ELASTIC[0] <= ipaddress.IPv4Address(face.public_address) <= ELASTIC[1]:
            found.append(
                f"{face.id} has {face.public_address}; the lab's elastic addresses are {ELASTIC[0]} to {ELASTIC[1]}"
            )
    for machine in world.machines:
        if machine.interface not in faces:
            found.append(f"{machine.id} has interface {machine.interface}, which is not there")
        found += [
            f"{machine.id} has volume {one}, which is not there" for _, one in machine.volumes if one not in volumes
        ]
    holders = {
        "interface {} belongs to {} machines": Counter(machine.interface for machine in world.machines),
        "volume {} is attached to {} machines": Counter(one for each in world.machines for _, one in each.volumes),
        "public address {} belongs to {} interfaces": Counter(
            face.public_address for face in world.interfaces if face.public_address
        ),
        "address {} belongs to {} interfaces of one VPC": Counter(
            f"{face.address} of {subnets[face.subnet].vpc}" for face in world.interfaces if face.subnet in subnets
        ),
    }
    for sentence, counts in holders.items():
        found += [sentence.format(what, count) for what, count in counts.items() if count > 1]
    return found
