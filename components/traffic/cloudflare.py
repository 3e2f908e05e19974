"""Cloudflare's resources without its SDK's module, which costs 330 MiB and 5 s to import whatever is used of it.

Its types' classes all share one module of inputs, so taking some of them saves no memory (measured: the component's
page). What the engine is told is the same: token, properties, and the version of the SDK that is installed, whose
plugin it starts. tests/mocks hold every property to the SDK's own classes.
"""

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any

import pulumi

SDK = "pulumi-cloudflare"


@cache
def version() -> str:
    """Of the installed SDK. ModuleNotFoundError when there is none."""
    try:
        return metadata.version(SDK)
    except metadata.PackageNotFoundError:
        name = SDK.replace("-", "_")
        raise ModuleNotFoundError(f"No module named {name!r}", name=name) from None


class LoadBalancerMonitor(pulumi.CustomResource):
    """How a pool's origins are asked. An account's."""

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__("cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor", name, dict(props), _of(opts))


class LoadBalancerPool(pulumi.CustomResource):
    """Origins that stand for one site. An account's."""

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__("cloudflare:index/loadBalancerPool:LoadBalancerPool", name, dict(props), _of(opts))


class LoadBalancer(pulumi.CustomResource):
    """Which pool a name's users are led to. A zone's."""

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__("cloudflare:index/loadBalancer:LoadBalancer", name, dict(props), _of(opts))


class NotificationPolicy(pulumi.CustomResource):
    """Whom Cloudflare tells of what happens to an account's things."""

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__("cloudflare:index/notificationPolicy:NotificationPolicy", name, dict(props), _of(opts))


def _of(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=version()), opts)


version()  # where it is missing, whoever asks for the component is told which extra brings it
