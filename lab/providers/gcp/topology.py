"""How Google's records become the box's world: all of its networks are computed anew from all records, and put.

Anew, and not by patching: after a command that was killed the next one still puts what the records say. Mapped: subnets
with their secondary ranges, firewall rules without targets, GKE's own rules, Cloud NAT, routes that Cloud Routers
learnt, ranges of managed services with the routes that were exported to them, Cloud SQL's servers, nodes of pools.
"""

import dataclasses
import ipaddress
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lab.cloud_config import cloud_config
from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Vpc, World
from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal
from lab.services import cloud_vpn
from lab.services.cloud_vpn import network_id
from lab.services.google.pools import Pools

NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
FIREWALL = "gcp:compute/firewall:Firewall"
ROUTER = "gcp:compute/router:Router"
NAT = "gcp:compute/routerNat:RouterNat"
RANGE = "gcp:compute/globalAddress:GlobalAddress"
CONNECTION = "gcp:servicenetworking/connection:Connection"
EXPORTS = "gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig"
CLUSTER = "gcp:container/cluster:Cluster"
SERVER = "gcp:sql/databaseInstance:DatabaseInstance"

NODE = "lab:google:node"
"""Records: a node's name → {"pool": id, "cluster": id, "address", "pods", "zone"}. It keeps them for life."""
PUT = "lab:google:world"
"""Records: KIND/ID → what was put into the world, so that what goes is taken out."""
DESK = "lab:desk"
"""Records: `operator` → {"publicKey"}: who may log in to machines of the sites' own."""

WHOLE = "10.0.0.0/8"
"""A network has no range at Google; the box's have one."""
RESOLVER = "169.254.169.254"
"""Metadata server and DNS alike [Compute Engine, Internal DNS]."""
NAT_ADDRESS = "203.0.113.252"
EVERYWHERE = "0.0.0.0/0"
POSTGRES = 5432
KINDS = ("vpcs", "groups", "subnets", "interfaces", "machines", "vpns")

Records = Callable[[str], Mapping[str, Mapping[str, Any]]]


def last(path: Any) -> str:
    """Google takes a name, a path or a link."""
    return str(path).rpartition("/")[2]


def put(box: Box) -> None:
    """What the records say now. What did not change is not put again."""
    with box.lock:
        _allot(box)
        wanted = {}
        world = drawn(box.records)
        for kind in KINDS:
            for one in getattr(world, kind):
                wanted[f"{kind}/{one.id}"] = (kind, one)
        before = box.records(PUT)
        for key, (kind, one) in wanted.items():
            digest = str(zlib.crc32(repr(dataclasses.asdict(one)).encode()))
            if (before.get(key) or {}).get("digest") != digest:
                box.world(kind, one)
                box.put(PUT, key, {"digest": digest})
        # What leans on something goes before it: whoever applies meanwhile finds no contradiction.
        for key in sorted(before.keys() - wanted.keys(), key=lambda one: -KINDS.index(one.partition("/")[0])):
            kind, _, identity = key.partition("/")
            box.unworld(kind, identity)
            box.forget(PUT, key)


def drawn(records: Records) -> World:
    """All of Google's part of the world. Refusal for what the lab has nothing for."""
    networks = records(NETWORK).values()
    parts = [_network(records, str(one["name"])) for one in networks]
    names = {str(one["name"]) for one in networks}
    joined: dict[str, Any] = {kind: tuple(one for part in parts for one in getattr(part, kind)) for kind in KINDS}
    routers = records(ROUTER).values()
    there = {str(one["name"]) for one in routers if last(one["network"]) in names}
    joined["vpns"] = tuple(one for one in cloud_vpn.at_google(records) if one.id in there)
    return World(**joined)


def _network(records: Records, name: str) -> World:
    vpc = network_id(name)
    subnets = [one for one in records(SUBNETWORK).values() if last(one["network"]) == name]
    learns = tuple(sorted(str(one["name"]) for one in records(ROUTER).values() if last(one["network"]) == name))
    nat = NAT_ADDRESS if _has_nat(records, name) else ""
    inside = list(_inside(records, name))
    return World(
        vpcs=(Vpc(vpc, WHOLE, internet=True, resolver=RESOLVER),),
        groups=(_firewall(records, name, subnets), _sql_group(vpc)),
        subnets=(
            *(_subnet(vpc, one, learns, nat) for one in subnets),
            *(_services(records, name, one, learns) for one in ranges(records, name)),
        ),
        interfaces=tuple(face for face, _ in inside),
        machines=tuple(machine for _, machine in inside),
    )


def _subnet(vpc: str, record: Mapping[str, Any], learns: tuple[str, ...], nat: str) -> Subnet:
    cidr = _private(str(record["ipCidrRange"]))
    # The internet's route is in every network of Google's; without NAT or an address nobody comes far with it.
    return Subnet(subnet_id(record["name"]), vpc, cidr, (Route(EVERYWHERE, "igw"),), nat, learns)


def _services(records: Records, name: str, record: Mapping[str, Any], learns: tuple[str, ...]) -> Subnet:
    """The producer's network is another one, which knows the customer's subnets, and his routes if he exports them."""
    exported = any(last(one["network"]) == name and one.get("exportCustomRoutes") for one in records(EXPORTS).values())
    return Subnet(subnet_id(record["name"]), network_id(name), range_of(record), (), learns=learns if exported else ())


def ranges(records: Records, network: str) -> list[Mapping[str, Any]]:
    """Ranges of a network that are given to managed services by a connection that is there."""
    given = [
        str(one)
        for connection in records(CONNECTION).values()
        if last(connection["network"]) == network
        for one in connection.get("reservedPeeringRanges") or ()
    ]
    return [one for one in records(RANGE).values() if one["name"] in given]


def range_of(record: Mapping[str, Any]) -> str:
    """CIDR of a reserved range."""
    return _private(f"{record['address']}/{int(record['prefixLength'])}")


def subnet_id(name: str) -> str:
    """The box's name for a subnet, or for a range of managed services."""
    return f"gsub-{name}"


def server_face(name: str) -> str:
    """The box's name for the interface of a Cloud SQL."""
    return f"gnic-sql-{name}"


def _private(cidr: str) -> str:
    if not ipaddress.IPv4Network(cidr).subnet_of(ipaddress.IPv4Network(WHOLE)):
        raise Refusal(f"the lab's networks at Google are inside {WHOLE}, and {cidr} is not: choose a range of it")
    return cidr


def _has_nat(records: Records, network: str) -> bool:
    routers = {one["name"]: last(one["network"]) for one in records(ROUTER).values()}
    return any(routers.get(last(one["router"])) == network for one in records(NAT).values())


def _sql_group(vpc: str) -> SecurityGroup:
    """What a Cloud SQL itself lets in: whoever has a route to it and speaks SQL. Firewall rules are not before it."""
    anywhere = Rule("-1", -1, -1, EVERYWHERE)
    return SecurityGroup(f"{vpc}-sql", vpc, (Rule("tcp", POSTGRES, POSTGRES, EVERYWHERE),), (anywhere,))


def _firewall(records: Records, name: str, subnets: Iterable[Mapping[str, Any]]) -> SecurityGroup:
    """Of every machine: nothing comes in but what a rule lets in, everything goes out [Google, VPC firewall rules,
    Implied rules]."""
    vpc = network_id(name)
    ingress = [
        rule
        for one in records(FIREWALL).values()
        if last(one["network"]) == name and not one.get("disabled")
        for rule in _rules(one)
    ]
    held = {last(one.get("subnetwork")) for one in records(CLUSTER).values() if last(one.get("network")) == name}
    for one in subnets:
        if one["name"] in held:  # GKE makes rules of its own: nodes and pods reach each other
            ingress += [Rule("-1", -1, -1, cidr) for cidr in (one["ipCidrRange"], *_secondary(one).values())]
    return SecurityGroup(f"{vpc}-firewall", vpc, tuple(ingress), (Rule("-1", -1, -1, EVERYWHERE),))


def _rules(record: Mapping[str, Any]) -> Iterator[Rule]:
    unknown = ("denies", "targetTags", "targetServiceAccounts", "sourceTags", "sourceServiceAccounts")
    if str(record.get("direction") or "INGRESS") != "INGRESS" or any(record.get(key) for key in unknown):
        raise Refusal(
            f"the lab's firewall rules at Google let ranges in to all of a network, and {record['name']} does more: "
            f"leave out {', '.join(unknown)} and direction EGRESS"
        )
    for allowed in record.get("allows") or ():
        protocol = {"all": "-1"}.get(str(allowed["protocol"]).lower(), str(allowed["protocol"]).lower())
        for cidr in record.get("sourceRanges") or [EVERYWHERE]:
            for port in allowed.get("ports") or ["0-65535" if protocol in ("tcp", "udp") else "-1"]:
                low, _, high = str(port).partition("-") if port != "-1" else ("-1", "", "-1")
                yield Rule(protocol, int(low), int(high or low), cidr)


def _secondary(subnet: Mapping[str, Any]) -> dict[str, str]:
    return {str(one["rangeName"]): str(one["ipCidrRange"]) for one in subnet.get("secondaryIpRanges") or ()}


# Machines


def _inside(records: Records, network: str) -> Iterator[tuple[Interface, Machine]]:
    vpc = network_id(network)
    for identity, server in records(SERVER).items():
        private = ((server.get("settings") or {}).get("ipConfiguration") or {}).get("privateNetwork")
        if last(private) == network and server.get("__machine"):
            face = server_face(identity)
            yield (
                Interface(face, subnet_id(server["__range"]), server["privateIpAddress"], (f"{vpc}-sql",)),
                Machine(
                    server["__machine"], face, server["__userData"], hostname=identity, region=str(server["region"])
                ),
            )
    key = str((records(DESK).get("operator") or {}).get("publicKey", ""))
    clusters = records(CLUSTER)
    for name, node in records(NODE).items():
        cluster = clusters.get(node["cluster"])
        if cluster is not None and last(cluster["network"]) == network:
            face = f"gnic-{name}"
            yield (
                Interface(
                    face,
                    subnet_id(last(cluster["subnetwork"])),
                    node["address"],
                    (f"{vpc}-firewall",),
                    prefixes=(node["pods"],),
                ),
                Machine(name, face, cloud_config(name, key), hostname=name, region=node["zone"].rpartition("-")[0]),
            )


def _allot(box: Box) -> None:
    """Nodes to pools, as many as each is told now: which are new, and which go."""
    known = box.records(NODE)
    wanted: dict[str, tuple[str, str, str]] = {}
    for pool in Pools(box.records, box.put).all():
        short = f"gke-{last(pool.cluster)}-{pool.name}"
        for at in range(pool.told):
            wanted[f"{short}-{at}"] = (pool.id, pool.cluster, pool.zones[at % len(pool.zones)])
    for name in known.keys() - wanted.keys():
        box.forget(NODE, name)
        known.pop(name)
    for name, (pool_id, cluster, zone) in wanted.items():
        if name not in known:
            known[name] = _place(box, known, cluster) | {"pool": pool_id, "cluster": cluster, "zone": zone}
            box.put(NODE, name, known[name])


def _place(box: Box, known: Mapping[str, Mapping[str, Any]], cluster: str) -> dict[str, str]:
    """Free addresses for a node and its pods, a /24 a node [GKE, Flexible Pod CIDR, default of 110 pods]."""
    record = box.record(CLUSTER, cluster) or {}
    subnets = {one["name"]: one for one in box.records(SUBNETWORK).values()}
    subnet = subnets.get(last(record.get("subnetwork")))
    if subnet is None:
        raise Refusal(f"googleapi: Error 400: subnetwork {record.get('subnetwork')} of {cluster} does not exist")
    policy = record.get("ipAllocationPolicy") or {}
    pods = _secondary(subnet).get(str(policy.get("clusterSecondaryRangeName")))
    if pods is None:
        raise Refusal(f"the lab's clusters at Google are VPC-native: give {cluster} a clusterSecondaryRangeName")
    taken = {one[key] for one in known.values() for key in ("address", "pods")}
    hosts = [str(one) for one in list(ipaddress.IPv4Network(subnet["ipCidrRange"]))[2:-2]]
    address = next((one for one in hosts if one not in taken), None)
    own = next((str(one) for one in ipaddress.IPv4Network(pods).subnets(new_prefix=24) if str(one) not in taken), None)
    if address is None or own is None:
        raise Refusal(f"googleapi: Error 400: IP_SPACE_EXHAUSTED: no free range for a node of {cluster}")
    return {"address": address, "pods": own}


def nodes(records: Records, pool: str = "") -> list[str]:
    """Names of a pool's nodes, or of all."""
    return sorted(name for name, one in records(NODE).items() if pool in ("", one["pool"]))
