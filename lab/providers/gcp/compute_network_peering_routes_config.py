"""Which routes go over a peering: without the customer's, a managed service answers nobody beyond his subnets."""

from lab.providers.gcp.cloud import Part


class NetworkPeeringRoutesConfig(Part):
    """Computed anew with the rest of its network."""

    token = "gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig"
    path = "projects/{project}/global/networks/{network}/networkPeerings/{peering}"
    linked = False
