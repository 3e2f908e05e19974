"""Function getVpc: a VPC by its id."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.lookup import record
from lab.providers.framework.box import Box


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """The VPC; refused as the provider refuses when there is none."""
    identity = str(arguments["id"])
    found = record(box, topology.VPC, identity, "EC2 VPC")
    association = {"associationId": f"vpc-cidr-assoc-{identity[4:]}", "cidrBlock": found["cidrBlock"]}
    return {
        "id": identity,
        "cidrBlock": found["cidrBlock"],
        "cidrBlockAssociations": [{**association, "state": "associated"}],
        "mainRouteTableId": found["mainRouteTableId"],
        "tags": found.get("tagsAll") or {},
    }
