"""compute.googleapis.com: tunnels and router's sessions as they live, and the groups of GKE's nodes.

[Compute Engine API v1: vpnTunnels.list, routers.get, routers.patch (which sessions are enabled),
routers.getRouterStatus, instanceGroupManagers.get]. Quotas: quotas.py.
What the VPN does is told by the box (lab/box/vpn); while nothing runs it, no tunnel is established.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from lab.box.host import BoxError
from lab.services.cloud_vpn import at_google
from lab.services.google.calls import Call, Door, Played, Service
from lab.services.google.errors import Refusal
from lab.services.google.pools import Pools, Put
from lab.services.google.quotas import Quotas
from lab.services.google.rights import Records
from lab.services.google.series import Name

TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
ROUTER = "gcp:compute/router:Router"
PEER = "gcp:compute/routerPeer:RouterPeer"
_PROJECT = r"/compute/v1/projects/(?P<project>[^/]+)"
_REGION = _PROJECT + r"/regions/(?P<region>[^/]+)"


class Vpn(Protocol):
    """What runs of the clouds' VPN; lab.box.vpn.CloudVpns fulfils it. One of GONE where nothing runs of that name."""

    def sessions(self, router: str) -> Mapping[str, Mapping[str, Any]]:
        """FRR's words about the BGP session of each of a router's ends."""
        ...

    def associations(self, end: str) -> int:
        """Child SAs of an end."""
        ...

    def said(self, identity: str) -> str:
        """All that its daemons said."""
        ...


def _name(path: Any) -> str:
    """Google takes a name, a path or a link."""
    return str(path).rpartition("/")[2]


GONE = (KeyError, BoxError)
Running = Callable[[], Vpn | None]


class Compute(Service):
    """From records, and what runs."""

    name = "compute"
    old = True

    def __init__(self, door: Door, records: Records, put: Put, pools: Pools, vpn: Running = lambda: None) -> None:
        super().__init__(door)
        self._records, self._put, self._pools, self._vpn = records, put, pools, vpn

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        groups = _PROJECT + r"/zones/(?P<zone>[^/]+)/instanceGroupManagers/(?P<group>[^/]+)"
        router = _REGION + r"/routers/(?P<router>[^/]+)"
        return {
            ("GET", _REGION + "/vpnTunnels"): ("compute.vpnTunnels.list", self._tunnels),
            ("GET", router): ("compute.routers.get", self._router),
            ("PATCH", router): ("compute.routers.update", self._change),
            ("GET", router + "/getRouterStatus"): ("compute.routers.get", self._status),
            ("GET", groups): ("compute.instanceGroupManagers.get", self._group),
            **Quotas(self._records, self._pools).routes(),
        }

    def metrics(self) -> Iterator[tuple[Name, float]]:
        """Google's own of tunnels and sessions [Google Cloud metrics, vpn and router]."""
        vpn = self._vpn()
        for record in self._records(TUNNEL).values():
            labels = (("metric.labels.tunnel_name", str(record["name"])),)
            up = tunnel_status(vpn, str(record["name"]))[0] == "ESTABLISHED"
            yield Name("vpn.googleapis.com/tunnel_established", "vpn_gateway", labels), float(up)
        for router in self._records(ROUTER).values():
            for peer in self._peers(str(router["name"]), vpn):
                labels = (("metric.labels.bgp_peer_name", str(peer["name"])),)
                yield Name("router.googleapis.com/bgp/session_up", "gce_router", labels), float(peer["status"] == "UP")

    def _tunnels(self, call: Call) -> dict[str, Any]:
        place = f"projects/{call.words['project']}/regions/{call.words['region']}"
        vpn = self._vpn()
        items = [
            _tunnel(record, identity, vpn)
            for identity, record in sorted(self._records(TUNNEL).items())
            if identity.startswith(f"{place}/vpnTunnels/")
        ]
        found = {"kind": "compute#vpnTunnelList", "id": f"{place}/vpnTunnels"}
        return {**found, "items": items} if items else found

    def _found(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        words = call.words
        identity = f"projects/{words['project']}/regions/{words['region']}/routers/{words['router']}"
        record = self._records(ROUTER).get(identity)
        if record is None:
            raise Refusal(404, f"The resource '{identity}' was not found", "notFound")
        return identity, record

    def _listed(self, router: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Peers that a router was told of: name → (id, record)."""
        found = self._records(PEER).items()
        return {str(one["name"]): (key, one) for key, one in found if _name(one["router"]) == router["name"]}

    def _router(self, call: Call) -> dict[str, Any]:
        identity, record = self._found(call)
        peers = [_peer(one) for _, one in sorted(self._listed(record).values())]
        link = f"https://www.googleapis.com/compute/v1/{identity}"
        return {"kind": "compute#router", "name": record["name"], "selfLink": link, "bgpPeers": peers}

    def _change(self, call: Call) -> dict[str, Any]:
        """The list is given whole. What the lab's VPN has nothing for is not taken and forgotten."""
        identity, record = self._found(call)
        told = self._listed(record)
        given = {str(one.get("name")): one for one in call.body.get("bgpPeers") or ()}
        plain = {name: {**one, "enable": ""} for name, one in given.items()}
        if set(call.body) != {"bgpPeers"} or plain != {name: {**_peer(one), "enable": ""} for name, (_, one) in
                                                       told.items()}:  # fmt: skip
            raise Refusal(400, "the lab's routers change by PATCH which of their peers are enabled, and nothing else")
        for name, (key, one) in told.items():
            on = given[name]["enable"] == "TRUE"
            if on != (one.get("enable") is not False):
                self._put(PEER, key, {**one, "enable": on})
        link = f"https://www.googleapis.com/compute/v1/{identity}"
        return {"kind": "compute#operation", "operationType": "patch", "targetLink": link, "status": "RUNNING"}

    def _status(self, call: Call) -> dict[str, Any]:
        _, record = self._found(call)
        vpn = self._vpn()
        said: dict[str, Any] = {"network": record.get("network")}
        if peers := list(self._peers(str(record["name"]), vpn)):
            said["bgpPeerStatus"] = peers
        return {"kind": "compute#routerStatusResponse", "result": said}

    def _peers(self, router: str, vpn: Vpn | None) -> Iterator[dict[str, Any]]:
        for one in at_google(self._records):
            if one.id != router:
                continue
            sessions = _sessions(vpn, router)
            for end in one.ends:
                said = sessions.get(end.id, {})
                state = str(said.get("bgpState") or "Idle")
                families = said.get("addressFamilyInfo") or {}
                routes = (families.get("ipv4Unicast") or {}).get("acceptedPrefixCounter") or 0
                yield {
                    "name": end.id,
                    "ipAddress": end.inside.partition("/")[0],
                    "peerIpAddress": end.neighbour,
                    "linkedVpnTunnel": end.id,
                    "status": "UP" if state == "Established" else "DOWN",
                    "state": state,
                    "uptimeSeconds": str(int(said.get("bgpTimerUpMsec") or 0) // 1000),
                    "numLearnedRoutes": int(routes),
                    "enableIpv4": True,
                }

    def _group(self, call: Call) -> dict[str, Any]:
        for pool in self._pools.all():
            for zone in pool.zones:
                if (zone, pool.group(zone)) == (call.words["zone"], call.words["group"]):
                    here = pool.running_in(zone)
                    actions = {"none": min(here, pool.nodes), "creating": max(0, pool.nodes - here)}
                    actions["deleting"] = max(0, here - pool.nodes)
                    return {
                        "kind": "compute#instanceGroupManager",
                        "name": pool.group(zone),
                        "targetSize": pool.nodes,
                        "currentActions": actions,
                    }
        raise Refusal(404, f"The resource '{call.words['group']}' was not found", "notFound")


def _peer(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": record["name"],
        "interfaceName": _name(record["interface"]),
        "peerIpAddress": record.get("peerIpAddress"),
        "peerAsn": int(record.get("peerAsn") or 0),
        "enable": "FALSE" if record.get("enable") is False else "TRUE",
    }


def _tunnel(record: Mapping[str, Any], identity: str, vpn: Vpn | None) -> dict[str, Any]:
    name = str(record["name"])
    status, detail = tunnel_status(vpn, name)
    return {
        "kind": "compute#vpnTunnel",
        "id": record.get("tunnelId"),
        "name": name,
        "selfLink": f"https://www.googleapis.com/compute/v1/{identity}",
        "peerIp": record.get("peerIp"),
        "ikeVersion": record.get("ikeVersion"),
        "status": status,
        "detailedStatus": detail,
    }


def tunnel_status(vpn: Vpn | None, name: str) -> tuple[str, str]:
    """(status, detail) by what its end's IKE daemon has and said [Cloud VPN, Check VPN status; Troubleshooting]."""
    try:
        if vpn is None:
            raise KeyError(name)
        if vpn.associations(name):
            return "ESTABLISHED", "Tunnel is up and running."
        said = vpn.said(name)
    except GONE:
        return "PROVISIONING", "Tunnel resource is allocated. VPN tunnel will start soon."
    failures = {
        "AUTHENTICATION_FAILED": ("AUTHORIZATION_ERROR", "Handshake failed: authentication error."),
        "AUTH_FAILED": ("AUTHORIZATION_ERROR", "Handshake failed: authentication error."),
        "MAC mismatched": ("AUTHORIZATION_ERROR", "Handshake failed: authentication error."),
        "NO_PROPOSAL_CHOSEN": ("NEGOTIATION_FAILURE", "Handshake with peer was rejected: no proposal chosen."),
    }
    last = max(failures, key=said.rfind)
    if said.rfind(last) > said.rfind("established between"):
        return failures[last]
    return "NO_INCOMING_PACKETS", "No incoming packets from peer."


def _sessions(vpn: Vpn | None, router: str) -> Mapping[str, Mapping[str, Any]]:
    try:
        return vpn.sessions(router) if vpn is not None else {}
    except GONE:
        return {}
