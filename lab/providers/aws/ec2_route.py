"""One route of a route table."""

import ipaddress
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import NetworkPart, exists
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal

_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
_TARGETS = (
    "carrierGatewayId", "coreNetworkArn", "egressOnlyGatewayId", "gatewayId", "localGatewayId", "natGatewayId",
    "networkInterfaceId", "odbNetworkArn", "transitGatewayId", "vpcEndpointId", "vpcPeeringConnectionId",
)  # fmt: skip


class Route(NetworkPart):
    """The destination replaces; the target changes in place."""

    token = "aws:ec2/route:Route"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        cidr = inputs.get("destinationCidrBlock")
        if isinstance(cidr, str):
            try:
                ipaddress.IPv4Network(cidr)
            except ValueError as error:
                yield Problem("destinationCidrBlock", f"{cidr!r} is not a valid IPv4 CIDR block: {error}")

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        destination = next(str(inputs[name]) for name in _DESTINATIONS if inputs.get(name))
        return f"r-{inputs['routeTableId']}{zlib.crc32(destination.encode())}"

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"origin": "CreateRoute", "state": "active"}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        table = exists(box, topology.TABLE, record["routeTableId"], "InvalidRouteTableID.NotFound", "routeTable")
        destination = str(record.get("destinationCidrBlock") or "")
        route = topology.route_of(box, record, destination)
        if route.target == "blackhole":
            raise Refusal(f"creating Route: the target of the route to {destination} does not exist: {_target(record)}")
        taken = [one.cidr for one in topology.routes_of(box, record["routeTableId"])]
        vpc = box.record(topology.VPC, table["vpcId"]) or {}
        if destination in [*taken, vpc.get("cidrBlock")]:
            raise Refusal(
                f"creating Route: RouteAlreadyExists: The route identified by {destination} already exists in "
                f"{record['routeTableId']}"
            )

    def observe(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        route = topology.route_of(box, record, str(record.get("destinationCidrBlock") or ""))
        return {"state": "blackhole" if route.target == "blackhole" else "active"}

    def find(self, call: Call, box: Box, identity: str) -> str:
        """Imported as TABLE_DESTINATION."""
        table, _, destination = identity.partition("_")
        return f"r-{table}{zlib.crc32(destination.encode())}"

    def redraw(self, box: Box, record: dict[str, Any]) -> None:
        topology.put_table(box, record["routeTableId"])


def _target(record: Mapping[str, Any]) -> str:
    return next((str(record[name]) for name in _TARGETS if record.get(name)), "none")
