"""Subjects: what a stack has, each read into a frozen fact that says its problems and shows itself.

Here: one module a kind of thing, found by what the inventory holds. Not here: what moves or mends (moves, repair).
A new kind of flow is a module here and a row of flow.KINDS, or a module that says it as FLOW in a folder
`operations/subjects` elsewhere on Python's path; another new kind, a row of KINDS. Status is one loop.
"""

import pkgutil
from collections.abc import Callable, Sequence

__path__ = pkgutil.extend_path(__path__, __name__)

from . import (
    backups,
    cloud_cluster,
    cloud_database,
    cloud_pools,
    cloud_vpn,
    cut_path,
    flow,
    hosts,
    latch,
    names,
    operation,
    registers,
    standby,
    tunnel,
    workload,
    writer,
    writer_agents,
)
from .sources import Sources
from .subject import Subject

KINDS: dict[str, Callable[[Sources], Sequence[Subject]]] = {
    "hosts": hosts.read,
    "tunnels": tunnel.read,
    "vpns": cloud_vpn.read,
    "databases": cloud_database.read,
    "flows": flow.read,
    "latch": latch.read,
    "names": names.read,
    "pools": cloud_pools.read,
    "writer": writer.read,
    "registers": registers.read,
    "agents": writer_agents.read,
    "backups": backups.read,
    "standby": standby.read,
    "operation": operation.read,
    "cut-path": cut_path.read,
    "workload": workload.read,
    "clusters": cloud_cluster.read,
}
"""Kind → its subjects in the world; none where the inventory has none. What is asked first is told first."""
