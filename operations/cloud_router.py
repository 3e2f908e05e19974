"""BGP sessions of a Cloud Router: which are enabled, and the change of that.

A session that is disabled is shut down, and what it brought is forgotten; the whole list of peers is given back with
each change [Google Cloud, Disable or remove BGP sessions; Compute Engine API, routers.patch].
"""

from collections.abc import Collection, Mapping
from typing import Any

from twinsite.inventory import CloudVpn

from .google import Google

DISABLED, ENABLED = "FALSE", "TRUE"


def place(vpn: CloudVpn) -> str:
    """Of the router, in the API."""
    return f"compute/v1/projects/{vpn.project}/regions/{vpn.region}/routers/{vpn.router}"


def disabled(vpn: CloudVpn, asked: Google) -> frozenset[str]:
    """Names of sessions of this VPN that are."""
    found = {str(one["name"]) for one in _peers(vpn, asked) if one.get("enable") == DISABLED}
    return frozenset(found & set(vpn.tunnels))


def enable(vpn: CloudVpn, names: Collection[str], on: bool, asked: Google) -> bool:
    """Whether anything was told. What else the peers are told stays as it is. `on` is told in any case: a change that
    was asked for a moment ago may still be on its way, and not in the list."""
    peers, wanted = _peers(vpn, asked), ENABLED if on else DISABLED
    changed = [one for one in peers if one["name"] in names and (on or (one.get("enable") or ENABLED) != wanted)]
    if changed:
        told = [{**one, "enable": wanted} if one in changed else one for one in peers]
        asked.patch("compute", place(vpn), {"bgpPeers": told})
    return bool(changed)


def by_hand(vpn: CloudVpn, name: str) -> str:
    """What a person types to have a session again."""
    where = f"--project {vpn.project} --region {vpn.region}"
    return f"`gcloud compute routers update-bgp-peer {vpn.router} {where} --peer-name {name} --enabled`"


def _peers(vpn: CloudVpn, asked: Google) -> list[Mapping[str, Any]]:
    return list(asked.get("compute", place(vpn)).get("bgpPeers") or ())
