"""A private line that ends in the region that may fail."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, together

_LINE = "aws:directconnect/gateway:Gateway"
_END = "aws:directconnect/gatewayAssociation:GatewayAssociation"
_VPN = "aws:ec2/vpnConnection:VpnConnection"


def problems(found: Sequence[Resource]) -> Iterator[str]:
    if any(one.type == _VPN for one in found):
        return  # a second way; whether the offices know of it, no graph shows
    for line in (one for one in found if one.type == _LINE):
        ends = [one for one in found if one.type == _END and one.get("dxGatewayId") == line.get("id")]
        regions = {one.get("region") for one in ends}
        if ends and (len(ends) == 1 or (len(regions) == 1 and None not in regions)):
            yield (
                f"{line.name}: it leads to {ends[0].name} in {ends[0].get('region', 'one region')} only, so whoever "
                "comes by this line is cut off with that region: associate the standby's gateway in advance, or add a "
                "VpnConnection"
            )


POLICY = together(
    "direct-connect-to-one-region",
    Severity.MEDIUM,
    "A line from an office leads to the standby as well, before it is needed (K48; Direct Connect user guide, Direct "
    "Connect gateways).",
    {_LINE: ("id",), _END: ("dxGatewayId", "region"), _VPN: ()},
    problems,
)
