"""Function getAvailabilityZones."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.offers import zones
from lab.providers.framework.box import Box


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """All of them are available, and none is a Local Zone."""
    found = zones(str(arguments["region"]))
    return {"id": arguments["region"], "region": arguments["region"], "names": found, "zoneIds": [], "groupNames": []}
