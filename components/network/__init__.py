"""Networks that a topology creates. Here: the VPC with its subnets and ways out. Not here: tunnels between sites."""

from .aws import AwsNetwork, AwsNetworkArgs

__all__ = ["AwsNetwork", "AwsNetworkArgs"]
