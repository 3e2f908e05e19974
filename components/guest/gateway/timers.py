"""The tunnel's timers and their arithmetic: the one set that every end, rule and document uses."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Timers:
    """Dead-peer detection and retransmission. The defaults came back 0-2 s after link cuts of 12-30 s (12 runs)."""

    dpd_delay_seconds: int = 3
    """Silence after which the peer is asked whether it lives; swanctl takes whole seconds."""
    retransmit_timeout_seconds: float = 1.5
    """Wait after the first try of an IKE exchange."""
    retransmit_base: float = 1.0
    """Each further wait is this many times the one before; 1 = a flat ladder."""
    retransmit_tries: int = 6
    """Retransmissions after the first try."""

    @property
    def ladder_seconds(self) -> float:
        """Until an unanswered exchange is given up: timeout x base^n, n = 0..tries."""
        waits = (self.retransmit_timeout_seconds * self.retransmit_base**n for n in range(self.retransmit_tries + 1))
        return sum(waits)

    @property
    def detect_seconds(self) -> float:
        """From the peer's last packet until it is taken for dead."""
        return self.dpd_delay_seconds + self.ladder_seconds

    @property
    def responder_delay_seconds(self) -> int:
        """The responder's own dpd_delay: it asks only when the initiator must have noticed already.

        A one-way cut towards the responder is why: an earlier question would arrive and keep the initiator content
        until the responder had thrown the SA away. With equal timers traffic came back after up to 10.6 s (18 cuts of
        13-30 s), so after at most 0.7 s.
        """
        return math.ceil(self.detect_seconds)

    @property
    def longest_wait_seconds(self) -> float:
        """The last rung of the ladder: what a recovered path can wait for at worst before the next packet tries it."""
        return self.retransmit_timeout_seconds * max(1.0, self.retransmit_base**self.retransmit_tries)

    @property
    def acquire_seconds(self) -> int:
        """How long the kernel holds back the next acquire: just over one ladder."""
        return math.floor(self.ladder_seconds) + 2
