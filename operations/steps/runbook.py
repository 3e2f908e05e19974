"""What no runbook of a failover may need (DESIGN section 6). Pure.

The failed site, of course; and the control plane of us-east-1, in which the global services of AWS are changed: names,
identities, distributions. It was down on 2025-10-20 when half the web wanted to move away.
"""

from collections.abc import Iterable
from typing import Any

from .step import CONTROL, Step

FORBIDDEN_REGIONS = frozenset({"us-east-1"})
"""Whose control plane no failover may wait for."""


def runbook_problems(steps: Iterable[Step[Any]], dead: str) -> list[str]:
    """Each step that cannot be done while the site `dead` is, or that waits for a forbidden control plane. `dead` ""
    while every site lives: then nothing is forbidden."""
    if not dead:
        return []
    found = []
    for step in steps:
        for plane in step.planes:
            if plane.site == dead:
                found.append(
                    f"step {step.name} ({step.title}) needs {plane.what}, which is at {dead}, and {dead} is dead: this "
                    "plan cannot be done; give the operations what stands elsewhere: `pulumi up` with such settings"
                )
            elif plane.kind == CONTROL and plane.region in FORBIDDEN_REGIONS:
                found.append(
                    f"step {step.name} ({step.title}) needs a control plane of {plane.region} ({plane.what}), which no "
                    "failover may wait for: have that part in another region: `pulumi up` with such settings"
                )
    return found
