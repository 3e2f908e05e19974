"""A Cloud Router's address inside a tunnel."""

from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


class RouterInterface(Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/routerInterface:RouterInterface"
    path = "{region}/{router}/{name}"
    linked = False
    autoname = AutoName("name", 63, lower=True)
