"""Networks that a topology creates. Here: VPC, virtual network, their ways out. Not here: tunnels between sites.

Provider SDKs are heavy, so the names below load their module on first use.
"""

import importlib
from typing import TYPE_CHECKING

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


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name], __name__), name)
