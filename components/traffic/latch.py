"""The latch: two objects in the standby's cloud whose presence moves every name, and keeps it moved."""

from typing import NotRequired, TypedDict

import pulumi

from ..machine import GateMode
from .static_site import StaticSite


class LatchStore(TypedDict):
    """One of the two places where the latch object may be."""

    site: StaticSite
    """The website that shows the object."""


class LatchArgs(TypedDict):
    """Arguments of Latch."""

    object_name: NotRequired[str]
    """Blob in `$web` whose presence is the latch. Defaults to latch/dr."""

    stores: list[LatchStore]
    """Exactly two, in two storage accounts and two regions."""

    zone_id: pulumi.Input[str]
    """Public hosted zone of the names."""

    zone_name: str
    """Its name, for instance example.com. Plain, because the witness's name is made of it."""

    gate: NotRequired[GateMode]
    """Whether a record waits until the new checks have settled. Defaults to WAIT."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class Latch(pulumi.ComponentResource):
    """Checks of both latch objects, both polarities, and the witness: a name that shows what Route 53 believes.

    The same in every mode. The objects themselves are no resources: `twinsite failover` writes them, so that no step
    of it needs AWS or Pulumi.
    """

    urls: pulumi.Output[list[str]]
    """Where the checks look, one per store."""
    objects: list[str]
    """`azblob://ACCOUNT/$web/NAME`, one per store; for the inventory."""
    absent_check_ids: list[pulumi.Output[str]]
    """Inverted checks, one per store: healthy while the object is not there, or its store not reachable."""
    present_check_ids: list[pulumi.Output[str]]
    """Plain checks, one per store: healthy while the object is there."""
    store_check_ids: list[pulumi.Output[str]]
    """One per store: healthy while the store answers at all. For alarms only; no record uses them."""
    clear_check_id: pulumi.Output[str]
    """Calculated: healthy while both are absent."""
    witness_name: str
    """A name that resolves to 192.0.2.1 while Route 53 holds the latch for not set, to 192.0.2.2 otherwise."""

    def __init__(self, name: str, args: LatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise NotImplementedError("arguments first; the body follows")
