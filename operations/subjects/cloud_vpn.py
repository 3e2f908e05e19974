"""Tunnels between the gateways of AWS and of Google: each cloud is asked for its own ends.

Google knows how a tunnel's IKE goes and each BGP session; AWS calls a tunnel up when both are up there, and says in
words which is not [EC2 API, VgwTelemetry]. One cloud alone is half of the truth: a tunnel is up when both say so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import CloudVpn, Inventory

from .. import google
from ..amazon import Refused
from .clouds import Asks, Unknown, World
from .sources import Sources
from .subject import Subject, line

ESTABLISHED = "ESTABLISHED"
MAKING = ("ALLOCATING_RESOURCES", "FIRST_HANDSHAKE", "PROVISIONING", "WAITING_FOR_FULL_CONFIG")
CAUSES = {
    "AUTHORIZATION_ERROR": "the two ends have different keys: `pulumi up --refresh` tells AWS the program's; where "
    "both were told it, raise that tunnel's generation of psk_generations by 1 and run `pulumi up`",
    "NEGOTIATION_FAILURE": "the two ends agree on no cipher: `pulumi up --refresh` gives AWS's end the program's again",
    "NO_INCOMING_PACKETS": "AWS's end does not answer: it comes back by itself when that does; if it does not, see "
    "`aws ec2 describe-vpn-connections`",
}
"""Google's status of a tunnel that is not established [Compute Engine API, vpnTunnels] → what is wrong, and the fix."""


@dataclass(frozen=True)
class Session:
    """A BGP session, as Google's router has it."""

    up: bool
    state: str
    """The protocol's own: Established, Idle, Active …"""
    learned: int
    """Routes of AWS's."""
    reason: str = ""


@dataclass(frozen=True)
class GoogleEnd:
    """Google's end of a tunnel. `status` is "" when there is no such tunnel."""

    status: str = ""
    detail: str = ""
    session: Session | None = None


@dataclass(frozen=True)
class AwsEnd:
    """AWS's end of a tunnel."""

    up: bool
    words: str
    routes: int
    """Of Google's that it was told."""
    there: bool = True


ABSENT = AwsEnd(False, "", 0, there=False)


def google_ends(vpn: CloudVpn, asked: google.Google) -> Mapping[str, GoogleEnd]:
    """By name. Two calls: all tunnels of the region, and the router."""
    region = f"compute/v1/projects/{vpn.project}/regions/{vpn.region}"
    there = {str(one["name"]): one for one in google.items(asked, "compute", f"{region}/vpnTunnels", "items")}
    try:
        router = asked.get("compute", f"{region}/routers/{vpn.router}/getRouterStatus")
    except google.GoogleError as error:
        if error.status != 404:
            raise
        router = {}
    peers = (router.get("result") or {}).get("bgpPeerStatus") or []
    sessions = {str(one.get("name")): _session(one) for one in peers}
    return {
        name: GoogleEnd(
            str(there[name].get("status") or "UNKNOWN") if name in there else "",
            str(there.get(name, {}).get("detailedStatus") or ""),
            sessions.get(name),
        )
        for name in vpn.tunnels
    }


def _session(found: Mapping[str, Any]) -> Session:
    return Session(
        up=found.get("status") == "UP",
        state=str(found.get("state") or "unknown"),
        learned=int(found.get("numLearnedRoutes") or 0),
        reason=str(found.get("statusReason") or "").replace("STATUS_REASON_UNSPECIFIED", ""),
    )


def aws_ends(vpn: CloudVpn, world: World) -> Mapping[str, AwsEnd]:
    """By the name at Google, found by the CIDR inside the tunnel. One call."""
    try:
        found = world.amazon(vpn.aws_region).ask(
            "ec2", "DescribeVpnConnections", VpnConnectionIds=list(vpn.connections)
        )
        connections = found["VpnConnections"]
    except Refused as error:
        if not error.code.startswith("InvalidVpnConnectionID"):
            raise
        connections = []
    inside: dict[str, AwsEnd] = {}
    for one in connections:
        if one.get("State") in ("deleting", "deleted"):
            continue
        told = {str(end.get("OutsideIpAddress")): end for end in one.get("VgwTelemetry") or []}
        for tunnel in (one.get("Options") or {}).get("TunnelOptions") or []:
            end = told.get(str(tunnel.get("OutsideIpAddress")), {})
            inside[str(tunnel.get("TunnelInsideCidr"))] = AwsEnd(
                end.get("Status") == "UP", str(end.get("StatusMessage") or ""), int(end.get("AcceptedRouteCount") or 0)
            )
    return {name: inside.get(cidr, ABSENT) for name, cidr in zip(vpn.tunnels, vpn.inside_ranges, strict=True)}


@dataclass(frozen=True)
class CloudVpnSeen:
    """All tunnels of one."""

    vpn: CloudVpn
    google: Mapping[str, GoogleEnd] | Unknown
    aws: Mapping[str, AwsEnd] | Unknown

    def _google(self, tunnel: str) -> GoogleEnd | None:
        return None if isinstance(self.google, Unknown) else self.google[tunnel]

    def _aws(self, tunnel: str) -> AwsEnd | None:
        return None if isinstance(self.aws, Unknown) else self.aws[tunnel]

    def up(self, tunnel: str) -> bool | None:
        """None: neither end that is known is down, and one is not known."""
        google, aws = self._google(tunnel), self._aws(tunnel)
        said = [
            None if google is None else google.status == ESTABLISHED and bool(google.session and google.session.up),
            None if aws is None else aws.up,
        ]
        return False if False in said else None if None in said else True

    def problems(self) -> Iterator[str]:
        for cloud, ends in (("Google", self.google), ("AWS", self.aws)):
            if isinstance(ends, Unknown):
                yield f"{self.vpn.name}: what {cloud} says of its ends of the tunnels is not known ({ends})"
        for tunnel in self.vpn.tunnels:
            if words := self._problem(tunnel):
                yield f"{tunnel}: {words}"

    def _problem(self, tunnel: str) -> str:
        google, aws = self._google(tunnel), self._aws(tunnel)
        if aws is not None and not aws.there:
            return "AWS has no such tunnel in the stack's connections: run `pulumi up --refresh`, which makes it"
        if google is not None and (words := google_problem(google)):
            return words + (f" (AWS says: {aws.words})" if aws is not None and aws.words and not aws.up else "")
        if aws is not None and not aws.up:
            return (
                f"AWS says that it is down ({aws.words or 'no reason given'})"
                + ("" if google is None else ", and Google that it is up")
                + ": AWS tells it half a minute late; if it stays, compare both ends' ASN and inside addresses: "
                "`pulumi up --refresh` gives them the program's again"
            )
        if aws is not None and not aws.routes:
            return (
                "its session is up, and Google has told AWS no route: if it stays so for a minute, run `pulumi up "
                "--refresh`, which makes the router advertise the subnets and the services' range again"
            )
        return ""

    def shown(self) -> Mapping[str, Any]:
        return {"tunnels": [self._values(tunnel) for tunnel in self.vpn.tunnels]}

    def _values(self, tunnel: str) -> dict[str, Any]:
        google, aws = self._google(tunnel), self._aws(tunnel)
        session = google.session if google else None
        return {
            "name": tunnel,
            "initiator": "google",
            "responder": "aws",
            "up": self.up(tunnel),
            "bgp": None if google is None else bool(session and session.up),
            "google": None
            if google is None
            else {
                "status": google.status,
                "detail": google.detail,
                "session": session.state if session else None,
                "routes": session.learned if session else None,
            },
            "aws": None if aws is None else {"up": aws.up, "words": aws.words, "routes": aws.routes},
            "unknown_ends": [cloud for cloud, end in (("google", google), ("aws", aws)) if end is None],
        }

    def lines(self) -> Iterator[str]:
        every = [self._values(tunnel) for tunnel in self.vpn.tunnels]
        yield line("vpn", self.vpn.name, f"tunnels {_of(every, 'up')}, BGP {_of(every, 'bgp')}")
        for one in every:
            google, aws = one["google"], one["aws"]
            state = {True: "up", False: "DOWN", None: "unknown"}[one["up"]]
            at_google = f"{google['status'] or 'absent'}, BGP {google['session'] or 'none'}" if google else "unknown"
            yield line("tunnel", one["name"], f"{state} (Google: {at_google}; AWS: {_aws_words(aws)})")


def _of(every: Sequence[Mapping[str, Any]], what: str) -> str:
    """`3/4`, and how many of the rest nobody knows."""
    unknown = sum(one[what] is None for one in every)
    return f"{sum(one[what] is True for one in every)}/{len(every)}" + (f", {unknown} unknown" if unknown else "")


def _aws_words(end: Mapping[str, Any] | None) -> str:
    if end is None:
        return "unknown"
    return "up" if end["up"] else str(end["words"] or "down").lower()


def google_problem(end: GoogleEnd) -> str:
    """What is wrong at Google's end, with its fix; "" when nothing is. Pure."""
    detail = f" ({end.detail})" if end.detail else ""
    if not end.status:
        return "Google has no such tunnel: run `pulumi up --refresh`, which makes it"
    if end.status in MAKING:
        return f"Google is still making it{detail}: ask again in a minute; if it stays so, AWS's end does not answer"
    if end.status != ESTABLISHED:
        words = CAUSES.get(end.status, "run `pulumi up --refresh`; if it stays so, ask Google's support")
        return f"it is down, {end.status}{detail}: {words}"
    session = end.session
    if session is None:
        return "it is up, and Google's router has no session in it: run `pulumi up --refresh`, which makes it"
    if not session.up:
        why = ", ".join(filter(None, (session.state, session.reason)))
        return (
            f"it is up, and its BGP session is not ({why}), so that it carries nothing: the ends differ in ASN or "
            "inside addresses, or AWS's end has just gone; if it stays so for a minute, `pulumi up --refresh` gives "
            "both the program's again"
        )
    if not session.learned:
        return (
            "its session is up, and AWS has told Google no route: if it stays so for a minute, see that the VPN "
            "gateway is attached to the VPC and propagates into its route tables (`pulumi up --refresh`)"
        )
    return ""


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each that has tunnels."""
    found: dict[Any, Any] = {}
    for vpn in inventory.vpns:
        if vpn.tunnels:
            found["vpn", vpn.name, "google"] = lambda vpn=vpn: google_ends(vpn, world.google)
            found["vpn", vpn.name, "aws"] = lambda vpn=vpn: aws_ends(vpn, world)
    return found


def read(sources: Sources) -> Sequence[Subject]:
    """One each, where the mode has tunnels."""
    return [
        CloudVpnSeen(vpn, sources.clouds()(("vpn", vpn.name, "google")), sources.clouds()(("vpn", vpn.name, "aws")))
        for vpn in sources.inventory.vpns
        if vpn.tunnels
    ]
