"""What AWS and Google were told of a VPN between them, as routers for the box: each cloud by its own records alone.

Nothing here compares the two. A key, number or address that differs is what keeps their tunnel down, as in the clouds.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from lab.model import TunnelEnd, VpnRouter

NETWORK_PREFIX = "gnet-"
"""The box's networks of Google."""

Records = Callable[[str], Mapping[str, Mapping[str, Any]]]
"""A type's token -> its records by id: outputs in the provider's spelling."""

GROUPS = {
    2: "modp1024", 5: "modp1536", 14: "modp2048", 15: "modp3072", 16: "modp4096", 17: "modp6144", 18: "modp8192",
    19: "ecp256", 20: "ecp384", 21: "ecp521", 22: "modp1024s160", 23: "modp2048s224", 24: "modp2048s256",
}  # fmt: skip
"""Diffie-Hellman groups by IANA's numbers, in strongSwan's words."""
CIPHERS = {"AES128": "aes128", "AES256": "aes256", "AES128-GCM-16": "aes128gcm16", "AES256-GCM-16": "aes256gcm16"}
DIGESTS = {"SHA1": "sha1", "SHA2-256": "sha256", "SHA2-384": "sha384", "SHA2-512": "sha512"}

AWS_HOLD_SECONDS = 30
"""Of BGP in a VPN connection; nobody can choose it (FACTS 2.4)."""
GOOGLE = "aes256-aes128-sha256-sha512-sha384-sha1-modp2048-modp3072-modp4096-modp8192-ecp256-ecp384-ecp521"
"""What Cloud VPN offers where the program chose nothing, without GCM (Google Cloud, Supported IKE ciphers)."""


def at_aws(records: Records) -> list[VpnRouter]:
    """Of each VPN gateway that has a connection with BGP. It never uses two tunnels at once: only a TGW does."""
    ranges = {identity: str(one["cidrBlock"]) for identity, one in records("aws:ec2/vpc:Vpc").items()}
    customers = records("aws:ec2/customerGateway:CustomerGateway")
    connections = sorted(records("aws:ec2/vpnConnection:VpnConnection").items())
    routers = []
    for gateway, found in records("aws:ec2/vpnGateway:VpnGateway").items():
        ends = [
            _aws_end(identity, one, customers[one["customerGatewayId"]], number)
            for identity, one in connections
            if one.get("vpnGatewayId") == gateway and not one.get("staticRoutesOnly")
            for number in (1, 2)
        ]
        if ends:
            routers.append(
                VpnRouter(
                    id=gateway,
                    asn=int(found["amazonSideAsn"]),
                    advertised=(ranges[found["vpcId"]],),
                    ends=tuple(ends),
                    paths=1,
                    keepalive_seconds=AWS_HOLD_SECONDS // 3,
                    hold_seconds=AWS_HOLD_SECONDS,
                    vpc=str(found["vpcId"]),
                )
            )
    return routers


def at_google(records: Records) -> list[VpnRouter]:
    """Of each Cloud Router that has a tunnel with an interface and a peer. It uses equal paths at once."""
    peers = {_last(one["interface"]): one for one in records("gcp:compute/routerPeer:RouterPeer").values()}
    interfaces = records("gcp:compute/routerInterface:RouterInterface").values()
    tunnels = {one["name"]: one for one in records("gcp:compute/vPNTunnel:VPNTunnel").values()}
    routers = []
    for found in records("gcp:compute/router:Router").values():
        shown = {
            _last(one["vpnTunnel"]): one["name"]
            for one in interfaces
            if one["router"] == found["name"] and one["name"] in peers
        }
        faces = {one["name"]: one for one in interfaces}
        ends = [_google_end(records, tunnels[name], faces[face], peers[face]) for name, face in shown.items()]
        if ends:
            told = found["bgp"]
            keepalive = int(told.get("keepaliveInterval") or 20)
            routers.append(
                VpnRouter(
                    id=str(found["name"]),
                    asn=int(told["asn"]),
                    advertised=_advertised(records, found["network"], told),
                    ends=tuple(sorted(ends, key=lambda end: end.id)),
                    paths=4,
                    keepalive_seconds=keepalive,
                    hold_seconds=3 * keepalive,
                    vpc=network_id(found["network"]),
                    shut=tuple(sorted(end.id for end in ends if peers[shown[end.id]].get("enable") is False)),
                )
            )
    return routers


def network_id(path: str) -> str:
    """The box's name for a network of Google's; "" for none."""
    name = _last(path)
    return f"{NETWORK_PREFIX}{name}" if name else ""


def _aws_end(identity: str, told: Mapping[str, Any], customer: Mapping[str, Any], number: int) -> TunnelEnd:
    def option(name: str) -> Any:
        return told.get(f"tunnel{number}{name}")

    inside = ipaddress.ip_network(option("InsideCidr"))
    return TunnelEnd(
        id=f"{identity}-{number}",
        outside=str(option("Address")),
        peer=str(customer["ipAddress"]),
        key=str(option("PresharedKey")),
        ike=_proposals(option, "Phase1"),
        esp=_proposals(option, "Phase2"),
        calls=option("StartupAction") == "start",
        inside=f"{inside[1]}/{inside.prefixlen}",
        neighbour=str(inside[2]),
        neighbour_asn=int(customer["bgpAsn"]),
    )


def _proposals(option: Callable[[str], Any], phase: str) -> str:
    """All that AWS takes where the program said nothing."""
    ciphers = [CIPHERS[one] for one in option(f"{phase}EncryptionAlgorithms") or CIPHERS]
    digests = [DIGESTS[one] for one in option(f"{phase}IntegrityAlgorithms") or DIGESTS]
    groups = [GROUPS[int(one)] for one in option(f"{phase}DhGroupNumbers") or GROUPS]
    plain, sealed = ([one for one in ciphers if ("gcm" in one) is gcm] for gcm in (False, True))
    found = ["-".join([*plain, *digests, *groups])] if plain else []
    # Such a cipher authenticates by itself; in IKE the digests are left to derive keys.
    derive = [f"prf{one}" for one in digests] if phase == "Phase1" else []
    found += ["-".join([*sealed, *derive, *groups])] if sealed else []
    return ", ".join(found)


def _google_end(
    records: Records, tunnel: Mapping[str, Any], interface: Mapping[str, Any], peer: Mapping[str, Any]
) -> TunnelEnd:
    own = records("gcp:compute/haVpnGateway:HaVpnGateway"), tunnel["vpnGateway"]
    theirs = records("gcp:compute/externalVpnGateway:ExternalVpnGateway"), tunnel["peerExternalGateway"]
    return TunnelEnd(
        id=str(tunnel["name"]),
        outside=_address(*own, "vpnInterfaces", tunnel["vpnGatewayInterface"]),
        peer=_address(*theirs, "interfaces", tunnel["peerExternalGatewayInterface"]),
        key=str(tunnel["sharedSecret"]),
        ike=GOOGLE,
        esp=GOOGLE,
        calls=True,
        inside=str(interface["ipRange"]),
        neighbour=str(peer["peerIpAddress"]),
        neighbour_asn=int(peer["peerAsn"]),
    )


def _address(gateways: Mapping[str, Mapping[str, Any]], path: str, listed: str, number: float) -> str:
    """Of one of a gateway's interfaces."""
    gateway = next(one for one in gateways.values() if one["name"] == _last(path))
    return next(str(one["ipAddress"]) for one in gateway[listed] if int(one["id"]) == int(number))


def _advertised(records: Records, network: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    """The network's subnets with their secondary ranges, unless the router says that it chooses itself, and what it
    chooses [Google, Cloud Router, Advertised routes]."""
    custom = told.get("advertiseMode") == "CUSTOM"
    found: list[str] = []
    if not custom or "ALL_SUBNETS" in told.get("advertisedGroups", ()):
        for one in records("gcp:compute/subnetwork:Subnetwork").values():
            if _last(one["network"]) == _last(network):
                second = one.get("secondaryIpRanges") or ()
                found += [str(one["ipCidrRange"]), *(str(each["ipCidrRange"]) for each in second)]
    return (*found, *(str(one["range"]) for one in told.get("advertisedIpRanges", ()) if custom))


def _last(path: str) -> str:
    """Google takes a name, a path or a link."""
    return str(path).rpartition("/")[2]
