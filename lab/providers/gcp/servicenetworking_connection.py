"""The connection of a network with those of Google's managed services."""

from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.gcp.cloud import Part


class Connection(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:servicenetworking/connection:Connection"
    path = "{network}:{service}"
    live = True
    linked = False
    outputs: ClassVar[dict[str, Any]] = {"peering": "servicenetworking-googleapis-com"}
