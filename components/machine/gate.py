"""What `pulumi up` does where success of an API call does not mean that it works."""

from enum import Enum

GATE_SECONDS = 900
"""How long a gate waits for a host unless it is told otherwise: longer than what the host may wait for, its boot
(60 s), the locks of its own upgrades (packages.LOCK_SECONDS, 300 s) and its packages (300 s on a small one)."""


class GateMode(str, Enum):
    """What `pulumi up` does where success of an API call does not mean that it works."""

    WAIT = "wait"
    """Waits for the real thing and fails with its own error text."""
    HANDOVER = "handover"
    """Reports what is missing and goes on; `twinsite status` shows when it is done."""
