"""Cloud NAT: the way out of machines that have no public address."""

from lab.providers.framework.types import AutoName
from lab.providers.gcp.cloud import Part


class RouterNat(Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/routerNat:RouterNat"
    path = "{project}/{region}/{router}/{name}"
    linked = False
    autoname = AutoName("name", 63, lower=True)
