"""Function getSubnet: a subnet by its id."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.lookup import record
from lab.providers.framework.box import Box


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """The subnet; refused as the provider refuses when there is none."""
    identity = str(arguments["id"])
    found = record(box, topology.SUBNET, identity, "EC2 Subnet")
    names = ("vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "mapPublicIpOnLaunch")
    return {"id": identity, **{name: found.get(name) for name in names}, "tags": found.get("tagsAll") or {}}
