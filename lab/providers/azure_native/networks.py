"""What the types of a virtual network share: any change computes the networks anew."""

from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import AzureType
from lab.providers.framework.box import Box
from lab.providers.framework.types import Busy, Call


class NetworkType(AzureType):
    """A part of virtual networks."""

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put_networks(box)
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        topology.put_networks(box)
        box.apply()

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self.remove(box)

    @staticmethod
    def remove(box: Box, *gone: tuple[str, str]) -> None:
        """Take these (kind, id) out of the world and compute the rest anew, as one: another resource's change that read
        the records before would bring them back."""
        with box.lock:
            topology.put_networks(box)
            for kind, identity in gone:
                box.unworld(kind, identity)
        box.apply()


def not_used(box: Box, token: str, key: str, identity: str, what: str) -> None:
    """Busy while a record of another type names this one in its block `key`."""
    for other, one in box.records(token).items():
        blocks = one.get(key)
        for block in blocks if isinstance(blocks, list) else [blocks]:
            if isinstance(block, dict) and topology.same(block.get("id"), identity):
                raise Busy(f'Status=400 Code="{what}" Message="{identity} is in use by {other}"')
