"""What the lab's clouds say of the routers of a bed, for the rules of `status`."""

from lab.services.ec2 import end_state
from lab.services.google.compute import tunnel_status
from operations.subjects.cloud_vpn import AwsEnd, CloudVpnSeen, GoogleEnd, Session
from twinsite.inventory import CloudVpn

from .cloud_vpn_bed import Bed


def problems(bed: Bed) -> list[str]:
    """Sentences of `status` about the tunnels."""
    tunnels = tuple(end.id for end in bed.google.ends)
    vpn = CloudVpn("crm", "ap-northeast-2", (), "crm-dr", "asia-northeast3", bed.google.id, tunnels, ("",) * 4)
    google = {one: _google(bed, one) for one in tunnels}
    aws = {one: AwsEnd(*end_state(bed.box.vpns, bed.aws.id, bed.meets(one))) for one in tunnels}
    return list(CloudVpnSeen(vpn, google, aws).problems())


def _google(bed: Bed, tunnel: str) -> GoogleEnd:
    said = bed.box.vpns.sessions(bed.google.id)[tunnel]
    state, families = str(said.get("bgpState", "Idle")), said.get("addressFamilyInfo") or {}
    routes = int((families.get("ipv4Unicast") or {}).get("acceptedPrefixCounter") or 0)
    return GoogleEnd(*tunnel_status(bed.box.vpns, tunnel), Session(state == "Established", state, routes))
