"""How Azure's records become the box's world. A virtual network is computed anew from all records, and put.

Anew, and not by patching: after a command that was killed the next one still puts what the records say.

Mapped: system routes, user-defined routes, NAT gateways, 1:1 public addresses, security groups of subnet and interface
(both have to allow), service tags as the ranges that they stand for in the lab. No default outbound access: a machine
without a public address or a NAT gateway reaches Azure's platform and its own network only, as in new networks there.
"""

import base64
import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Volume, Vpc
from lab.providers.azure_native.cloud import items, reference
from lab.providers.azure_native.security_rules import DEFAULT_RULES
from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal

VNET = "azure-native:network:VirtualNetwork"
SUBNET = "azure-native:network:Subnet"
GROUP = "azure-native:network:NetworkSecurityGroup"
RULE = "azure-native:network:SecurityRule"
INTERFACE = "azure-native:network:NetworkInterface"
ADDRESS = "azure-native:network:PublicIPAddress"
NAT = "azure-native:network:NatGateway"
TABLE = "azure-native:network:RouteTable"
ROUTE = "azure-native:network:Route"
MACHINE = "azure-native:compute:VirtualMachine"
DISK = "azure-native:compute:Disk"
SERVER = "azure-native:dbformysql:Server"

PUT_GROUPS = "lab:azure:group"
"""Records: id of a group in the world → {"vnet", "group"}, the latter empty for Azure's own."""

PLATFORM = "168.63.129.16"
"""lab/box/layout.py has the same and a test compares them."""
APIS = "198.51.100.60/32"
_API_TAGS = ("Storage", "AzureKeyVault", "AzureActiveDirectory", "AzureResourceManager", "AzureCloud", "AzureMonitor")
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
"""System routes to nowhere [Microsoft Learn, virtual network traffic routing, default routes]."""
_PROTOCOLS = {"*": "-1", "tcp": "tcp", "udp": "udp", "icmp": "icmp", "esp": "50", "ah": "51"}


def short(prefix: str, identity: str) -> str:
    """The box's name for a resource: Azure's ids are paths, and do not care for case."""
    return f"{prefix}-{hashlib.sha256(identity.lower().encode()).hexdigest()[:17]}"


def same(one: Any, other: Any) -> bool:
    """Whether two ids are the same."""
    return str(one).lower() == str(other).lower()


def vnet_of(subnet: str) -> str:
    """The virtual network of a subnet's id."""
    return subnet.rpartition("/subnets/")[0]


def cidr_of(record: Mapping[str, Any]) -> str:
    """The one range of a subnet."""
    return str(record.get("addressPrefix") or (items(record.get("addressPrefixes")) or [""])[0])


def range_of(vnet: Mapping[str, Any]) -> str:
    """The one range of a virtual network. Refusal for several: a VPC of the box has one."""
    found = (vnet.get("addressSpace") or {}).get("addressPrefixes") or []
    if len(found) != 1:
        raise Refusal(f"the lab's virtual networks have one address range each, found {found}")
    return str(found[0])


def put_networks(box: Box) -> None:
    """Everything of all virtual networks, but for machines."""
    with box.lock:
        networks = box.records(VNET)
        for identity, record in networks.items():
            _put_network(box, identity, record)
        groups = {"", *box.records(GROUP)}
        for identity, of in box.records(PUT_GROUPS).items():
            # Both may go at the same moment, so neither can be asked for the other.
            if of["vnet"] not in networks or of["group"] not in groups:
                box.unworld("groups", identity)
                box.forget(PUT_GROUPS, identity)


def _put_group(box: Box, made: SecurityGroup, vnet: str, group: str = "") -> None:
    box.world("groups", made)
    box.put(PUT_GROUPS, made.id, {"vnet": vnet, "group": group})


def _put_network(box: Box, identity: str, record: dict[str, Any]) -> None:
    vpc, cidr = short("vnet", identity), range_of(record)
    box.world("vpcs", Vpc(vpc, cidr, internet=True, resolver=PLATFORM))
    subnets = {key: one for key, one in box.records(SUBNET).items() if same(vnet_of(key), identity)}
    faces = {key: one for key, one in box.records(INTERFACE).items() if find(subnets, subnet_of(one)) is not None}
    _put_group(box, open_group(identity, cidr), vnet=identity)
    _put_group(box, sql_group(identity, cidr), vnet=identity)
    for group, one in box.records(GROUP).items():
        _put_group(box, group_of(box, group, one, identity, cidr), vnet=identity, group=group)
    for key, one in subnets.items():
        routes = {**{private: Route(private, "blackhole") for private in _PRIVATE}}
        routes |= {"0.0.0.0/0": Route("0.0.0.0/0", "igw"), cidr: Route(cidr, "local")}
        routes |= {route.cidr: route for route in routes_of(box, reference(one.get("routeTable")), faces)}
        ordered = tuple(sorted(routes.values(), key=lambda route: route.cidr))
        box.world("subnets", Subnet(short("subnet", key), vpc, cidr_of(one), ordered, nat_address(box, one)))
    for key, one in faces.items():
        subnet = find(subnets, subnet_of(one)) or {}
        box.world("interfaces", _interface(box, key, one, subnet, identity))
    for key, one in box.records(SERVER).items():
        subnet = find(subnets, server_subnet(one)) or {}
        if subnet:
            box.world("interfaces", _server_interface(box, key, one, subnet, identity))


def _interface(box: Box, identity: str, record: dict[str, Any], subnet: dict[str, Any], vnet: str) -> Interface:
    groups = [reference(one.get("networkSecurityGroup")) for one in (subnet, record)]
    known = [one for one in dict.fromkeys(groups) if one and find(box.records(GROUP), one) is not None]
    configuration = record["ipConfigurations"][0]
    return Interface(
        id=short("nic", identity),
        subnet=short("subnet", subnet_of(record)),
        address=str(configuration["privateIPAddress"]),
        groups=tuple(group_id(one, vnet) for one in known) or (open_group(vnet, "").id,),
        source_dest_check=not record.get("enableIPForwarding"),
        public_address=address_of(box, reference(configuration.get("publicIPAddress"))),
    )


def _server_interface(box: Box, identity: str, record: dict[str, Any], subnet: dict[str, Any], vnet: str) -> Interface:
    group = reference(subnet.get("networkSecurityGroup"))
    known = bool(group) and find(box.records(GROUP), group) is not None
    outer = group_id(group, vnet) if known else open_group(vnet, "").id
    place = short("subnet", server_subnet(record))
    return Interface(short("nic", identity), place, record["__address"], (outer, sql_group(vnet, "").id))


def server_subnet(server: Mapping[str, Any]) -> str:
    """Id of the subnet that a flexible server is in; empty for one that is nowhere yet."""
    network = server.get("network") or {}
    return str(network.get("delegatedSubnetResourceId") or "") if server.get("__address") else ""


def sql_group(vnet: str, cidr: str) -> SecurityGroup:
    """What a flexible server itself lets in: SQL."""
    ingress = (Rule("tcp", 3306, 3306, cidr),) if cidr else ()
    return SecurityGroup(short("nsg-sql", vnet), short("vnet", vnet), ingress, (Rule("-1", -1, -1, "0.0.0.0/0"),), True)


def find(records: Mapping[str, dict[str, Any]], identity: str) -> dict[str, Any] | None:
    """A record by its id, whatever its case."""
    return next((one for key, one in records.items() if same(key, identity)), None)


def subnet_of(interface: Mapping[str, Any]) -> str:
    """Id of an interface's subnet."""
    configurations = items(interface.get("ipConfigurations"))
    return reference(configurations[0].get("subnet")) if configurations else ""


def address_of(box: Box, identity: str) -> str:
    """The address of a public address resource; empty for none."""
    found = find(box.records(ADDRESS), identity) if identity else None
    return str(found["ipAddress"]) if found else ""


def nat_address(box: Box, subnet: Mapping[str, Any]) -> str:
    """The address that a subnet's NAT gateway gives to what its machines begin; empty for none."""
    gateway = find(box.records(NAT), reference(subnet.get("natGateway")))
    addresses = items((gateway or {}).get("publicIpAddresses"))
    return address_of(box, reference(addresses[0])) if addresses else ""


def routes_of(box: Box, table: str, faces: Mapping[str, dict[str, Any]]) -> Iterable[Route]:
    """A route table's own routes and the Route resources."""
    if not table:
        return
    blocks = items((find(box.records(TABLE), table) or {}).get("routes"))
    blocks += [one for key, one in box.records(ROUTE).items() if same(key.rpartition("/routes/")[0], table)]
    for one in blocks:
        kind, cidr = str(one["nextHopType"]).lower(), str(one["addressPrefix"])
        if kind == "virtualappliance":
            hop = one.get("nextHopIpAddress")
            face = next((key for key, nic in faces.items() if _address(nic) == hop), None)
            yield Route(cidr, f"nic:{short('nic', face)}" if face else "blackhole")
        elif kind in ("internet", "vnetlocal", "none"):
            yield Route(cidr, {"internet": "igw", "vnetlocal": "local", "none": "blackhole"}[kind])
        else:
            raise Refusal(
                f"the lab has no next hop of type {one['nextHopType']}: it has no VPN gateways of Azure's own"
            )


def _address(interface: Mapping[str, Any]) -> str:
    return str(interface["ipConfigurations"][0].get("privateIPAddress"))


def group_id(group: str, vnet: str) -> str:
    """A group means other ranges in each network: VirtualNetwork is the network's own."""
    return short("nsg", f"{group}|{vnet}")


def open_group(vnet: str, cidr: str) -> SecurityGroup:
    """Where there is no security group: everything is open, but a Standard public address lets nobody begin."""
    inside = (Rule("-1", -1, -1, cidr),) if cidr else ()
    return SecurityGroup(short("nsg-none", vnet), short("vnet", vnet), inside, (Rule("-1", -1, -1, "0.0.0.0/0"),), True)


def group_of(box: Box, identity: str, record: Mapping[str, Any], vnet: str, cidr: str) -> SecurityGroup:
    """A security group in one network: its own rules, the rule resources, and Azure's default rules, by priority."""
    rules = [*items(record.get("securityRules")), *DEFAULT_RULES]
    rules += [one for key, one in box.records(RULE).items() if same(key.rpartition("/securityRules/")[0], identity)]
    sides: dict[str, list[Rule]] = {"inbound": [], "outbound": []}
    for rule in sorted(rules, key=lambda one: int(one["priority"])):
        side = str(rule["direction"]).lower()
        sides[side] += rules_of(rule, cidr)
    return SecurityGroup(
        group_id(identity, vnet), short("vnet", vnet), tuple(sides["inbound"]), tuple(sides["outbound"]), True
    )


def rules_of(rule: Mapping[str, Any], cidr: str) -> list[Rule]:
    """One of Azure's rules as the box's: the product of its ranges and ports."""
    if _several(rule, "sourcePortRange") != ["*"]:
        raise Refusal("the lab's rules do not look at source ports: give sourcePortRange '*'")
    far, near = "source", "destination"
    if str(rule["direction"]).lower() == "outbound":
        far, near = near, far
    protocol = _PROTOCOLS[str(rule["protocol"]).lower()]
    ports = [_ports(one) for one in _several(rule, "destinationPortRange")]
    if protocol not in ("tcp", "udp"):
        if protocol == "-1" and any(one != (0, 65535) for one in ports):
            return [found for each in ("Tcp", "Udp") for found in rules_of({**rule, "protocol": each}, cidr)]
        ports = [(-1, -1)]
    deny = str(rule["access"]).lower() == "deny"
    return [
        Rule(protocol, low, high, there, near="" if here == "0.0.0.0/0" else here, deny=deny)
        for there in _ranges(rule, far, cidr)
        for here in _ranges(rule, near, cidr)
        for low, high in ports
    ]


def _several(rule: Mapping[str, Any], key: str) -> list[str]:
    return [str(one) for one in ([rule[key]] if rule.get(key) else rule.get(key + "s") or [])]


def _ports(text: str) -> tuple[int, int]:
    if text == "*":
        return 0, 65535
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def _ranges(rule: Mapping[str, Any], side: str, cidr: str) -> list[str]:
    if rule.get(f"{side}ApplicationSecurityGroups"):
        raise Refusal("the lab has no application security groups: give address ranges")
    found: list[str] = []
    for one in _several(rule, f"{side}AddressPrefix"):
        found += tag_ranges(one, cidr)
    return found


def tag_ranges(text: str, cidr: str) -> list[str]:
    """An address, a range or a service tag as ranges. Refusal for a tag that stands for nothing in the lab."""
    tag = text.partition(".")[0]
    if text in ("*", "Any"):
        return ["0.0.0.0/0"]
    if text == "VirtualNetwork":
        return [cidr]
    if text == "AzureLoadBalancer":
        return [f"{PLATFORM}/32"]
    if text == "Internet":
        everything = ipaddress.IPv4Network("0.0.0.0/0")
        return [str(one) for one in everything.address_exclude(ipaddress.IPv4Network(cidr))]
    if tag in _API_TAGS and not text[0].isdigit():
        return [APIS]
    try:
        return [str(ipaddress.IPv4Network(text))]
    except ValueError:
        raise Refusal(
            f"the lab knows no service tag {text!r}; it has Internet, VirtualNetwork, AzureLoadBalancer, "
            + ", ".join(_API_TAGS)
        ) from None


def put_machine(box: Box, identity: str, running: bool | None = None) -> None:
    """A virtual machine with its disks. `running` None: as it is."""
    with box.lock:
        record = box.record(MACHINE, identity)
        if record is None:
            return
        given = record["__inputs"]
        data = ((given.get("osProfile") or {}).get("customData")) or ""
        try:
            text = base64.b64decode(data).decode()
        except UnicodeDecodeError:
            raise Refusal("the lab takes custom data that is text; this holds something else (gzip?)") from None
        profile = given.get("osProfile") or {}
        box.world(
            "machines",
            Machine(
                id=machine_id(record),
                interface=short("nic", interface_of(record)),
                user_data=text,
                volumes=tuple(disks_of(box, identity, record)),
                hostname=str(profile.get("computerName") or record["name"]),
                running=True if running is None else running,
                region=str(record["location"]),
                agent=(profile.get("linuxConfiguration") or {}).get("provisionVMAgent") is not False,
            ),
        )


def machine_id(record: Mapping[str, Any]) -> str:
    """The box's name for a machine: another one for one that replaces it, also under the same name."""
    return f"vm-{str(record['vmId']).replace('-', '')[:17]}"


def interface_of(record: Mapping[str, Any]) -> str:
    """Id of a machine's one interface."""
    faces = items((record.get("networkProfile") or {}).get("networkInterfaces"))
    if len(faces) != 1:
        raise Refusal(f"the lab's machines have one interface each, found {len(faces)}")
    return reference(faces[0])


def disks_of(box: Box, identity: str, record: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """(lunN, volume) of a machine's data disks; those that come with the machine are made here."""
    for one in items((record.get("storageProfile") or {}).get("dataDisks")):
        lun = int(one.get("lun") or 0)
        managed = reference(one.get("managedDisk"))
        volume = short("disk", managed or f"{identity}/{lun}")
        if not managed:
            box.world("volumes", Volume(volume, int(one.get("diskSizeGB") or 4)))
        yield f"lun{lun}", volume


def free_address(box: Box, subnet: str, cidr: str) -> str:
    """The first address of a subnet that is neither reserved nor taken. Refusal when there is none."""
    taken = {_address(one) for one in box.records(INTERFACE).values() if same(subnet_of(one), subnet)}
    taken |= {one["__address"] for one in box.records(SERVER).values() if same(server_subnet(one), subnet)}
    for address in list(ipaddress.IPv4Network(cidr))[4:-1]:  # Azure keeps the first four and the last
        if str(address) not in taken:
            return str(address)
    raise Refusal(f'Status=400 Code="SubnetIsFull" Message="Subnet {subnet} has no free address"')
