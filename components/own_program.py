"""What a program of one's own publishes for operations, whatever components it is made of."""

from typing import Any, Protocol

import pulumi

from .inventory import Entry, Inventory, to_dict, together


class Inventoried(Protocol):
    """A component that adds to the inventory."""

    @property
    def inventory(self) -> pulumi.Input[Entry]: ...


def publish_inventory(about: Inventory, *components: Inventoried) -> pulumi.Output[dict[str, Any]]:
    """Export `about` with what each component adds as stack output `inventory`, by which `twinsite` finds all of it.

    ValueError when two of them name backups.
    """

    def whole(parts: list[Entry]) -> dict[str, Any]:
        return to_dict(together(about, parts))

    found = pulumi.Output.all(*(one.inventory for one in components)).apply(whole)
    pulumi.export("inventory", found)
    return found
