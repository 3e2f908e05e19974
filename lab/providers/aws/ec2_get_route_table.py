"""Function getRouteTable: a route table by its id, with its routes and the subnets that name it."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.lookup import record, the
from lab.providers.framework.box import Box

_TARGETS = ("gatewayId", "natGatewayId", "networkInterfaceId", "transitGatewayId", "vpcPeeringConnectionId")


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """The table. As the provider does, the route to the VPC itself is left out."""
    identity = str(arguments["routeTableId"])
    found = record(box, topology.TABLE, identity, "Route Table")
    vpc = str(found["vpcId"])
    routes = [
        {"cidrBlock": str(one.get("destinationCidrBlock")), **{name: str(one.get(name) or "") for name in _TARGETS}}
        for one in the(box).records(topology.ROUTE).values()
        if one["routeTableId"] == identity
    ]
    associations = [
        {"routeTableId": identity, "routeTableAssociationId": key, "subnetId": str(one.get("subnetId")), "main": False}
        for key, one in the(box).records(topology.ASSOCIATION).items()
        if one["routeTableId"] == identity
    ]
    if topology.main_table(the(box), vpc) == identity:
        main = {"routeTableId": identity, "routeTableAssociationId": f"rtbassoc-{identity[4:]}", "subnetId": ""}
        associations.append({**main, "main": True})
    return {"routeTableId": identity, "vpcId": vpc, "routes": routes, "associations": associations}
