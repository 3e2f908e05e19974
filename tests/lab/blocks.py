"""In which order the modules of this folder run, what may share a box, and how long each block may take.

A block's modules run in this order on one box where they can: each leaves it as the next one needs it. A module that is
in no block runs last, on its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """Modules, and a bound for all of their tests together: about twice what they take on two quiet cores, and more for
    those that `scripts/test` runs behind the machines."""

    name: str
    modules: tuple[str, ...]
    budget_seconds: int


OTHERS = Block("others", (), 1200)
BLOCKS = (
    Block("a lab that comes and goes", ("test_box_requirements", "test_lab_leaves_nothing"), 240),
    # Stack dev is last: the others' machines are in nobody's way, its own would be.
    Block("a lab", ("test_lab_up_and_down", "test_traffic_latch", "test_azure_site", "test_topology_handover"), 900),
    Block("onprem-aws", ("test_topology_interrupted", "test_operations_drill", "test_topology_onprem_aws"), 1200),
    Block("aws-azure", ("test_primary_site", "test_topology_aws_azure"), 1200),
    Block("aws-gcp", ("test_topology_aws_gcp",), 540),
    Block("gateways", ("test_gateway_guest", "test_gateway_breakages"), 1000),
    Block("backups", ("test_backup_guest", "test_backup_aside"), 900),
    Block(
        "what a database may contain",
        ("test_database_cases", "test_database_values", "test_database_random", "test_backup_target"),
        1200,
    ),
    Block("SQL off the hosts", ("test_ledger_direct", "test_doctor_database"), 240),
    Block("a pair of databases", ("test_database_guest", "test_database_volume", "test_database_breakages"), 1200),
    Block("a standby", ("test_standby_guest",), 900),
    Block("VPNs of clouds", ("test_cloud_vpn",), 600),
    Block("boxes", ("test_box_machines", "test_box_networks", "test_box_leaves_nothing"), 600),
)
_PLACES = {module: (number, place) for number, block in enumerate(BLOCKS) for place, module in enumerate(block.modules)}


def place(module: str) -> tuple[int, int]:
    """Sorts modules as above."""
    return _PLACES.get(module, (len(BLOCKS), 0))


def block_of(module: str) -> Block:
    """`OTHERS` for a module of none."""
    return (*BLOCKS, OTHERS)[place(module)[0]]


def spent(seconds: Mapping[str, float]) -> list[tuple[Block, float]]:
    """Seconds of modules -> of the blocks that ran, in order."""
    totals: dict[Block, float] = {}
    for module in sorted(seconds, key=place):
        totals[block_of(module)] = totals.get(block_of(module), 0.0) + seconds[module]
    return list(totals.items())


def over(seconds: Mapping[str, float]) -> list[str]:
    """A sentence for each block that took longer than it may."""
    return [
        f"block {block.name!r} took {took:.0f} s of {block.budget_seconds} s: make it shorter, mark some of a kind "
        "`long`, or let it take longer in tests/lab/blocks.py"
        for block, took in spent(seconds)
        if took > block.budget_seconds
    ]
