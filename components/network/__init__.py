"""Networks that a topology creates. Here: VPC, virtual network, their ways out. Not here: tunnels between sites.

Provider SDKs are heavy, so the names below load their module on first use.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .aws import AwsNetwork, AwsNetworkArgs
    from .azure import AzureNetwork, AzureNetworkArgs

_HOME = {
    "AwsNetwork": ".aws",
    "AwsNetworkArgs": ".aws",
    "AzureNetwork": ".azure",
    "AzureNetworkArgs": ".azure",
}

__all__ = [
    "AwsNetwork",
    "AwsNetworkArgs",
    "AzureNetwork",
    "AzureNetworkArgs",
]

__getattr__ = lazily(__name__, _HOME)
