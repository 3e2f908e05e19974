"""Refusals about a network that twinsite did not make: what is checked before anything is put into it. Pure.

twinsite adds to it: its own interfaces, security groups, and one route to onprem_range in each named route table.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import addresses

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Subnet:
    """One that is there."""

    id: str
    vpc_id: str
    range: str
    zone: str


@dataclass(frozen=True)
class Route:
    """`target` is an id, for instance igw-…, nat-…, eni-…; "local" for the VPC's own."""

    range: str
    target: str
    ours: bool = False
    """It leads to this stack's own gateway."""


@dataclass(frozen=True)
class Table:
    """A route table; `main` counts for the VPC's subnets that name none."""

    id: str
    routes: tuple[Route, ...]
    subnets: tuple[str, ...] = ()
    main: bool = False


@dataclass(frozen=True)
class Network:
    """What the account says. A subnet that it does not have is None."""

    vpc_id: str
    ranges: tuple[str, ...]
    """Empty: there is no such VPC."""
    gateway: Subnet | None
    database: Subnet | None
    tables: tuple[Table, ...]

    def table_of(self, subnet: Subnet) -> Table | None:
        """The route table that counts for a subnet."""
        named = [table for table in self.tables if subnet.id in table.subnets]
        return next(iter(named or [table for table in self.tables if table.main]), None)


def named_problems(wanted: Mapping[str, Any]) -> Iterator[str]:
    """Why these settings do not name a network: vpc_id, gateway_subnet_id, database_subnet_id, route_table_ids."""
    ids = {"vpc_id": "vpc", "gateway_subnet_id": "subnet", "database_subnet_id": "subnet"}
    if not wanted["vpc_id"]:
        for name in ("gateway_subnet_id", "database_subnet_id", "route_table_ids"):
            if wanted[name]:
                yield f"{name} is set and vpc_id is not: set vpc_id, too, or remove {name} to have a network made"
        return
    for name, kind in ids.items():
        if not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", wanted[name]):
            yield f"{name} is {wanted[name]!r}: set it to an id like {kind}-0123456789abcdef0"
    tables = wanted["route_table_ids"]
    if not tables:
        yield (
            "route_table_ids is empty, so nothing in the VPC would find the tunnel: name the tables of the subnets "
            "that talk to on-prem, `pulumi config set --path 'route_table_ids.private' rtb-…`"
        )
    for name, table in tables.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name) or not re.fullmatch(r"rtb-[0-9a-f]{8,17}", table):
            yield (
                f"route_table_ids.{name} is {table!r}: set a name of small letters, digits and - to an id like "
                "rtb-0123456789abcdef0"
            )
    if wanted["gateway_subnet_id"] and wanted["gateway_subnet_id"] == wanted["database_subnet_id"]:
        yield (
            "gateway_subnet_id and database_subnet_id are the same, and a database without a public address has no way "
            "out of the gateway's subnet: set database_subnet_id to a private one"
        )


def network_problems(found: Network, wanted: Mapping[str, Any]) -> Iterator[str]:
    """Why nothing may be put there. `wanted` has the settings besides those of named_problems: vpc_range, public_range,
    private_range, availability_zone, onprem_range, and created (whether a source is to be made)."""
    if not found.ranges:
        yield f"vpc_id {found.vpc_id} is not there: set it to a VPC of this account and region"
        return
    if wanted["vpc_range"] not in found.ranges:
        yield (
            f"vpc_range is {wanted['vpc_range']}, and {found.vpc_id} has {', '.join(found.ranges)}: "
            f"set vpc_range to {found.ranges[0]}"
        )
    for what, setting, subnet in (
        ("gateway", "public_range", found.gateway),
        ("database", "private_range", found.database),
    ):
        yield from _subnet_problems(found, what, setting, subnet, wanted)
    known = {table.id: table for table in found.tables}
    for name, table in wanted["route_table_ids"].items():
        if table not in known:
            yield f"route_table_ids.{name} {table} is no table of {found.vpc_id}: set it to one of {', '.join(known)}"
        else:
            yield from _route_problems(name, known[table], wanted["onprem_range"])
    yield from _way_problems(found, wanted)


def _subnet_problems(
    found: Network, what: str, setting: str, subnet: Subnet | None, wanted: Mapping[str, Any]
) -> Iterator[str]:
    if subnet is None:
        yield f"{what}_subnet_id {wanted[f'{what}_subnet_id']} is not there: set it to a subnet of {found.vpc_id}"
        return
    if subnet.vpc_id != found.vpc_id:
        yield f"{what}_subnet_id {subnet.id} is in {subnet.vpc_id}: set it to a subnet of {found.vpc_id}"
        return
    if subnet.range != wanted[setting]:
        yield f"{setting} is {wanted[setting]}, and {subnet.id} has {subnet.range}: set {setting} to {subnet.range}"
    # The data volume is made where the database is, and a volume does not leave its zone.
    if what == "database" and wanted["created"] and subnet.zone != wanted["availability_zone"]:
        yield (
            f"availability_zone is {wanted['availability_zone'] or 'not set'}, and {subnet.id} is in {subnet.zone}: "
            f"set availability_zone to {subnet.zone}"
        )


def _route_problems(name: str, table: Table, onprem_range: str) -> Iterator[str]:
    peer = addresses.Range(onprem_range)
    for route in table.routes:
        if route.ours or route.target == "local" or not addresses.Range(route.range).subnet_of(peer):
            continue
        yield (
            f"route_table_ids.{name} {table.id} has a route to {route.range} already, by {route.target}, which "
            f"twinsite did not make and never changes: remove that route, or leave {name} out of route_table_ids"
        )


def _way_problems(found: Network, wanted: Mapping[str, Any]) -> Iterator[str]:
    if found.gateway is not None and found.gateway.vpc_id == found.vpc_id:
        out = _way_out(found.table_of(found.gateway))
        if not out.startswith("igw-"):
            yield (
                f"gateway_subnet_id {found.gateway.id} has {_said(out)} to {EVERYWHERE}, and an elastic address works "
                "through an internet gateway only: set it to a public subnet"
            )
    if found.database is None or found.database.vpc_id != found.vpc_id:
        return
    table = found.table_of(found.database)
    if table is not None and table.id not in wanted["route_table_ids"].values():
        yield (
            f"{table.id}, which counts for database_subnet_id {found.database.id}, is not in route_table_ids, so the "
            f"source's answers would not find the tunnel: set route_table_ids.private to {table.id}"
        )
    out = _way_out(table)
    if wanted["created"] and (not out or out.startswith("igw-")):
        yield (
            f"database_subnet_id {found.database.id} has {_said(out)} to {EVERYWHERE}, and the source has no public "
            "address, so it would reach neither its packages nor AWS's APIs: set it to a subnet behind a NAT gateway"
        )


def _way_out(table: Table | None) -> str:
    return next((route.target for route in (table.routes if table else ()) if route.range == EVERYWHERE), "")


def _said(target: str) -> str:
    return f"a route by {target}" if target else "no route"
