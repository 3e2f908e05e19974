"""In which order the modules of this folder run, what may share a box, and how long each scene may take.

A scene's modules run in this order on one box where they can: each leaves it as the next one needs it. A module that is
in no scene runs last, on its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    """Modules, and a bound for all of their tests together: about twice what they take on two quiet cores."""

    name: str
    modules: tuple[str, ...]
    budget_seconds: int


OTHERS = Scene("others", (), 1200)
SCENES = (
    Scene("a lab that comes and goes", ("test_box_requirements", "test_lab_leaves_nothing"), 240),
    # Stack dev is last: the others' machines are in nobody's way, its own would be.
    Scene("a lab", ("test_lab_up_and_down", "test_traffic_latch", "test_azure_site", "test_topology_handover"), 900),
    Scene("onprem-aws", ("test_topology_interrupted", "test_operations_drill", "test_topology_onprem_aws"), 1200),
    Scene("aws-azure", ("test_primary_site", "test_topology_aws_azure"), 1200),
    Scene("gateways", ("test_gateway_guest",), 600),
    Scene("backups", ("test_backup_guest", "test_backup_aside"), 900),
    Scene(
        "what a database may contain",
        ("test_database_cases", "test_database_values", "test_database_random", "test_backup_target"),
        1200,
    ),
    Scene("a pair of databases", ("test_database_guest", "test_database_volume"), 900),
    Scene("a standby", ("test_standby_guest",), 900),
    Scene("boxes", ("test_box_machines", "test_box_networks", "test_box_leaves_nothing"), 600),
)
_PLACES = {module: (number, place) for number, scene in enumerate(SCENES) for place, module in enumerate(scene.modules)}


def place(module: str) -> tuple[int, int]:
    """Sorts modules as above."""
    return _PLACES.get(module, (len(SCENES), 0))


def scene_of(module: str) -> Scene:
    """`OTHERS` for a module of none."""
    return (*SCENES, OTHERS)[place(module)[0]]


def spent(seconds: Mapping[str, float]) -> list[tuple[Scene, float]]:
    """Seconds of modules -> of the scenes that ran, in order."""
    totals: dict[Scene, float] = {}
    for module in sorted(seconds, key=place):
        totals[scene_of(module)] = totals.get(scene_of(module), 0.0) + seconds[module]
    return list(totals.items())


def over(seconds: Mapping[str, float]) -> list[str]:
    """A sentence for each scene that took longer than it may."""
    return [
        f"scene {scene.name!r} took {took:.0f} s of {scene.budget_seconds} s: make it shorter, mark some of a kind "
        "`long`, or let it take longer in tests/lab/scenes.py"
        for scene, took in spent(seconds)
        if took > scene.budget_seconds
    ]
