"""Function getRouteTables: ids of a VPC's route tables."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.lookup import the
from lab.providers.framework.box import Box


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """All of them, the main one too."""
    tables = the(box).records(topology.TABLE)
    return {"ids": sorted(one for one, found in tables.items() if found.get("vpcId") == arguments["vpcId"])}
