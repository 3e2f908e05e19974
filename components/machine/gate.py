"""What `pulumi up` does where success of an API call does not mean that it works."""

from enum import Enum


class GateMode(str, Enum):
    """What `pulumi up` does where success of an API call does not mean that it works."""

    WAIT = "wait"
    """Waits for the real thing and fails with its own error text."""
    HANDOVER = "handover"
    """Reports what is missing and goes on; `twinsite status` shows when it is done."""
