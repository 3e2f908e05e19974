"""A subnet with its secondary ranges."""

import ipaddress
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


def _gateway(record: Mapping[str, Any]) -> str:
    """The first address of the range."""
    return str(ipaddress.ip_network(record["ipCidrRange"])[1])


class Subnetwork(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/subnetwork:Subnetwork"
    path = "projects/{project}/regions/{region}/subnetworks/{name}"
    live = True
    autoname = AutoName("name", 63, lower=True)
    outputs: ClassVar[dict[str, Any]] = {
        "creationTimestamp": "{now}",
        "fingerprint": "",
        "gatewayAddress": _gateway,
        "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "subnetworkId": 0,
    }
