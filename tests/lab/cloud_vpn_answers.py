"""What the clouds' APIs would say of the routers of a bed, in their documented words, for the rules of `status`.

Google: AUTHORIZATION_ERROR of a wrong key, ESTABLISHED while there is an association [Compute Engine API, vpnTunnels].
AWS: DOWN with IPSEC IS DOWN or IPSEC IS UP, or UP with the routes that it took [EC2 API, VgwTelemetry].
"""

from operations.subjects.cloud_vpn import AwsEnd, CloudVpnSeen, GoogleEnd, Session
from twinsite.inventory import CloudVpn

from .cloud_vpn_bed import Bed

ESTABLISHED = "Established"


def problems(bed: Bed) -> list[str]:
    """Sentences of `status` about the tunnels."""
    tunnels = tuple(end.id for end in bed.google.ends)
    at_google, at_aws = bed.box.vpns.sessions(bed.google.id), bed.box.vpns.sessions(bed.aws.id)
    vpn = CloudVpn("crm", "ap-northeast-2", (), "crm-dr", "asia-northeast3", bed.google.id, tunnels, ("",) * 4)
    google = {one: _google(bed, one, at_google[one]) for one in tunnels}
    aws = {one: _aws(bed, bed.meets(one), at_aws[bed.meets(one)]) for one in tunnels}
    return list(CloudVpnSeen(vpn, google, aws).problems())


def _routes(said: dict[str, object]) -> int:
    family = said.get("addressFamilyInfo")
    known = family.get("ipv4Unicast", {}) if isinstance(family, dict) else {}
    return int(known.get("acceptedPrefixCounter", 0))


def _google(bed: Bed, tunnel: str, said: dict[str, object]) -> GoogleEnd:
    state = str(said.get("bgpState", "Idle"))
    session = Session(state == ESTABLISHED, state, _routes(said))
    if bed.box.vpns.associations(tunnel):
        return GoogleEnd("ESTABLISHED", "", session)
    refused = "AUTH_FAILED" in bed.box.vpns.said(tunnel)
    return GoogleEnd("AUTHORIZATION_ERROR" if refused else "NO_INCOMING_PACKETS", "", session)


def _aws(bed: Bed, end: str, said: dict[str, object]) -> AwsEnd:
    ipsec = "IPSEC IS UP" if bed.box.vpns.associations(end) else "IPSEC IS DOWN"
    up = said.get("bgpState") == ESTABLISHED
    return AwsEnd(up, f"{_routes(said)} BGP ROUTES" if up else ipsec, _routes(said))
