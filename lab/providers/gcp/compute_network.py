"""A network. It has no range of its own."""

from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


class Network(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/network:Network"
    path = "projects/{project}/global/networks/{name}"
    live = True
    autoname = AutoName("name", 63, lower=True)
    outputs: ClassVar[dict[str, Any]] = {
        "gatewayIpv4": "",
        "networkId": "{hex}",
        "numericId": "{hex}",
        "routingMode": "REGIONAL",
    }
