"""Function getNetworkInterface: an interface by its id."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.lookup import record
from lab.providers.framework.box import Box


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """The interface; refused as the provider refuses when there is none."""
    identity = str(arguments["id"])
    found = record(box, topology.INTERFACE, identity, "EC2 Network Interface")
    return {"id": identity, "subnetId": found["subnetId"], "tags": found.get("tagsAll") or {}}
