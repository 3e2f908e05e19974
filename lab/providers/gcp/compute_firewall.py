"""A firewall rule: what of a network's machines others may reach."""

from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


class Firewall(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/firewall:Firewall"
    path = "projects/{project}/global/firewalls/{name}"
    live = True
    autoname = AutoName("name", 63, lower=True)
    outputs: ClassVar[dict[str, Any]] = {"creationTimestamp": "{now}", "destinationRanges": [], "direction": "INGRESS"}
