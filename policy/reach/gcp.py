"""What the policies about HA VPN read of Google Cloud."""

from ..judging import Resource

TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
CALLED = ("id", "selfLink", "name")
"""Properties by which one resource names another."""


def is_named(one: Resource, reference: object) -> bool:
    return reference is not None and reference in [one.get(key) for key in CALLED]
