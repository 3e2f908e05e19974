"""A Cloud Router's BGP session."""

from typing import Any, ClassVar

from lab.providers.framework.recorded import Recorded
from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


class RouterPeer(Recorded, Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/routerPeer:RouterPeer"
    path = "projects/{project}/regions/{region}/routers/{router}/{name}"
    live = True
    linked = False
    autoname = AutoName("name", 63, lower=True)
    outputs: ClassVar[dict[str, Any]] = {"managementType": "MANAGED_BY_USER"}
