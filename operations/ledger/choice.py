"""Which end an inventory holds under a name: a host that is logged in to, or a server that is asked by SQL."""

import contextlib
from collections.abc import Callable

from twinsite.inventory import MYSQL_REPLICA, Endpoint, Inventory

from ..guest import Guests, Reports, gather
from ..sql import ENGINES, Gone, Place, Refused, secret
from .direct import DirectEnd
from .end import End
from .host import HostEnd


def asked_from_here(inventory: Inventory, name: str) -> Endpoint | None:
    """The endpoint of that name; None when it is a host's. ValueError when nothing here can ask it."""
    if name in {host.name for host in inventory.hosts}:
        return None
    found = next((one for one in inventory.endpoints if one.name == name), None)
    if found is None:
        raise ValueError(f"the inventory has neither a host nor an endpoint {name}: run `pulumi up`")
    if not found.address:
        raise ValueError(f"{name} does not exist in mode {inventory.dr_mode}: raise dr_mode first")
    if found.engine not in ENGINES:
        raise ValueError(f"{name} is {found.engine}, and this twinsite speaks SQL to {', '.join(ENGINES)}")
    if found.through:
        raise ValueError(
            f"{name} is asked from {found.through} only, which the ledger does not log in to: run it there "
            "(`python -m twinsite.operations.ledger`)"
        )
    return found


def end(guests: Guests, name: str, password: Callable[[str], str] = secret.fetch) -> End:
    """The end; nothing is asked yet but the password. ValueError when nothing here can ask it."""
    endpoint = asked_from_here(guests.inventory, name)
    if endpoint is None:
        return HostEnd(guests, name)
    place = Place(
        endpoint.engine,
        endpoint.address,
        endpoint.user,
        endpoint.port,
        password(endpoint.password),
        endpoint.authority,
    )
    return DirectEnd(name, place)


def gather_all(guests: Guests, password: Callable[[str], str] = secret.fetch) -> Reports:
    """What the hosts report, and in the same form what the servers say that are asked from here."""
    seen = gather(guests)
    for flow in guests.inventory.flows_of(MYSQL_REPLICA):
        for name, role in ((flow.source, "source"), (flow.target, "replica")):
            try:
                if asked_from_here(guests.inventory, name) is None:
                    continue
                one = end(guests, name, password)
                assert isinstance(one, DirectEnd)
                with contextlib.closing(one):
                    seen.reports[name, "database"] = one.report(role, flow.heartbeat_table)
            except (Gone, Refused, ValueError) as problem:
                seen.failed[name, "database"] = str(problem)
    return seen
