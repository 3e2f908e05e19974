"""What a step of an operation is, how steps are run one after the other, and what a runbook may not need (ADR 36).

Not here: the steps themselves, which stand with what they belong to (moves/, repair/, drill/).
"""

from .moment import iso
from .series import Ended, Steps
from .step import Outcome, Plane, Say, Step, StepFailed, control_plane, data_plane
from .waiting import Interrupted, stoppable, unstoppable, wait

__all__ = [
    "Ended",
    "Interrupted",
    "Outcome",
    "Plane",
    "Say",
    "Step",
    "StepFailed",
    "Steps",
    "control_plane",
    "data_plane",
    "iso",
    "stoppable",
    "unstoppable",
    "wait",
]
