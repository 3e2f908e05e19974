"""Networks that a topology creates. Here: VPC and virtual network with their ways out. Not here: tunnels between sites."""

from .aws import AwsNetwork, AwsNetworkArgs
from .azure import AzureNetwork, AzureNetworkArgs

__all__ = ["AwsNetwork", "AwsNetworkArgs", "AzureNetwork", "AzureNetworkArgs"]
