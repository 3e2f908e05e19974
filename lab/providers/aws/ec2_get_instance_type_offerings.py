"""Function getInstanceTypeOfferings, by availability zone."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.offers import offering
from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """One line for each type and zone, in three lists."""
    region = str(arguments["region"])
    kinds = [kind for one in arguments.get("filters") or [] if one["name"] == "instance-type" for kind in one["values"]]
    if arguments.get("locationType") != "availability-zone" or not kinds:
        raise Refusal("the lab answers for location_type availability-zone and a filter instance-type only")
    found = [(kind, zone) for kind in kinds for zone in offering(region, kind)]
    return {
        "id": region,
        "region": region,
        "locationType": "availability-zone",
        "instanceTypes": [kind for kind, _ in found],
        "locations": [zone for _, zone in found],
        "locationTypes": ["availability-zone"] * len(found),
    }
