"""Asks the clouds for what an inventory names, each subject's own questions, with the operator's identities."""

import functools

from twinsite.inventory import Inventory

from .. import azure, cloudflare, google
from ..amazon import Boto
from . import (
    cloud_cluster,
    cloud_database,
    cloud_pools,
    cloud_vpn,
    dms_task,
    postgres_replica,
    registers,
    writer_agents,
)
from .clouds import Told, World

CALL_SECONDS = 8.0
"""For all tries of a call: a subject makes up to three, one after the other, and all of them end within SECONDS."""
ASKING = (
    cloud_vpn.asks,
    cloud_database.asks,
    postgres_replica.asks,
    dms_task.asks,
    cloud_cluster.asks,
    cloud_pools.asks,
    registers.asks,
    writer_agents.asks,
)


def world() -> World:
    """Of this desk."""
    return World(
        amazon=functools.cache(Boto),
        google=google.Api(google.Identity(), CALL_SECONDS),
        cloudflare=cloudflare.Api(seconds=CALL_SECONDS),
        azure=azure.Blobs(azure.Identity()),
    )


def connect(inventory: Inventory, asked: World | None = None) -> Told:
    """Everything, asked at once; nothing at all where the inventory has nothing of the kind."""
    asked = asked or world()
    return Told({key: ask for asks in ASKING for key, ask in asks(inventory, asked).items()})
