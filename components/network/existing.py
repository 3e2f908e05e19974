"""Asks the account about a network that twinsite did not make. Reads only; rules/own_network.py judges."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import pulumi_aws as aws

from ..rules.own_network import Network, Route, Subnet, Table

T = TypeVar("T")
_TARGETS = (
    *("gateway_id", "nat_gateway_id", "network_interface_id", "transit_gateway_id", "vpc_peering_connection_id"),
    *("vpc_endpoint_id", "instance_id", "local_gateway_id", "carrier_gateway_id", "core_network_arn"),
)
# terraform-provider-aws: SingularDataSourceFindError, and EC2's own codes.
_ABSENT = re.compile(r"no matching|returned no results|couldn't find resource|\.NotFound|did not match")


class Unasked(Exception):
    """The account did not answer; the provider's own words."""


def look(region: str, vpc_id: str, gateway_subnet_id: str, database_subnet_id: str, ours: dict[str, str]) -> Network:
    """What is there now. `ours` are tags of this stack's own gateway. Raises Unasked."""
    vpc = _found(lambda: aws.ec2.get_vpc(id=vpc_id, region=region))
    if vpc is None:
        return Network(vpc_id, (), None, None, ())
    ranges = tuple(one.cidr_block for one in vpc.cidr_block_associations if one.state in ("", "associated"))
    listed = _found(lambda: aws.ec2.get_route_tables(vpc_id=vpc_id, region=region))
    return Network(
        vpc_id,
        ranges or (vpc.cidr_block,),
        _subnet(region, gateway_subnet_id),
        _subnet(region, database_subnet_id),
        tuple(_table(region, table, ours) for table in (listed.ids if listed else [])),
    )


def _subnet(region: str, subnet_id: str) -> Subnet | None:
    found = _found(lambda: aws.ec2.get_subnet(id=subnet_id, region=region))
    return Subnet(found.id, found.vpc_id, found.cidr_block, found.availability_zone) if found else None


def _table(region: str, table_id: str, ours: dict[str, str]) -> Table:
    found = _found(lambda: aws.ec2.get_route_table(route_table_id=table_id, region=region))
    if found is None:  # it has gone since it was listed
        return Table(table_id, ())
    return Table(
        table_id,
        tuple(_route(region, route, ours) for route in found.routes if route.cidr_block),
        tuple(one.subnet_id for one in found.associations if one.subnet_id),
        any(one.main for one in found.associations),
    )


def _route(region: str, route: Any, ours: dict[str, str]) -> Route:
    target = next((str(getattr(route, name)) for name in _TARGETS if getattr(route, name, None)), "")
    if not target.startswith("eni-"):
        return Route(route.cidr_block, target)
    interface = _found(lambda: aws.ec2.get_network_interface(id=target, region=region))
    tags = (interface.tags or {}) if interface else {}
    return Route(route.cidr_block, target, all(tags.get(name) == value for name, value in ours.items()))


def _found(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except Exception as error:  # the SDK raises a plain Exception with the provider's words
        if _ABSENT.search(str(error)):
            return None
        raise Unasked(str(error).strip()) from None
