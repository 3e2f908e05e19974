"""A tunnel of an HA VPN gateway."""

from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


class VPNTunnel(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/vPNTunnel:VPNTunnel"
    path = "projects/{project}/regions/{region}/vpnTunnels/{name}"
    live = True
    autoname = AutoName("name", 63, lower=True)
    outputs: ClassVar[dict[str, Any]] = {
        "creationTimestamp": "{now}",
        "detailedStatus": "Tunnel resource is allocated. VPN tunnel will start soon.",
        "labelFingerprint": "{hex}",
        "localTrafficSelectors": ["0.0.0.0/0"],
        "remoteTrafficSelectors": ["0.0.0.0/0"],
        "sharedSecretHash": "{hex}",
        "tunnelId": "{hex}",
    }
