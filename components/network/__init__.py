"""Networks that a topology creates. Here: VPC, virtual network, their ways out. Not here: tunnels between sites."""

from .aws import AwsNetwork, AwsNetworkArgs
from .azure import AzureNetwork, AzureNetworkArgs

__all__ = ["AwsNetwork", "AwsNetworkArgs", "AzureNetwork", "AzureNetworkArgs"]
