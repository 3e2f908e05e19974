"""The sniffer on the lab's internet bridge, with clear packets sent on purpose as its positive control."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .context import Context, NotMeasured
from .live import Live

CONTROL = "ip proto 253"
"""What is sent in clear on purpose (guest/clear.py)."""
CONTROLS = 3


@dataclass(frozen=True)
class Caught:
    """What crossed the bridge during a capture."""

    clear: int
    """Packets with a private address, without the controls."""
    controls: int
    """Clear packets sent on purpose and caught."""
    encrypted: int
    examples: list[str]


@contextlib.contextmanager
def watched(context: Context, live: Live) -> Iterator[Callable[[], Caught]]:
    """A capture around the block; afterwards what is yielded tells. NotMeasured when its zero would mean nothing."""
    live.lab("capture", "start", "--json")
    found: list[Caught] = []
    stopped = False

    def stop() -> Caught:
        nonlocal stopped
        stopped = True
        seen = json.loads(live.lab("capture", "stop", "--json"))
        if seen["missed"] or not seen["encrypted"]:
            raise NotMeasured(
                f"the internet bridge's sniffer missed {seen['missed']} packets and saw {seen['encrypted']} encrypted"
            )
        controls = _lines(context, seen["file"], CONTROL)
        clear = _lines(context, seen["file"], f"not ({CONTROL})")
        if not controls:
            raise NotMeasured("the sniffer on the internet bridge did not catch the clear packets sent on purpose")
        return Caught(len(clear), len(controls), int(seen["encrypted"]), clear[:5])

    try:
        live.on("initiator", "clear", str(CONTROLS))
        yield lambda: found[0]
        found.append(stop())
    finally:
        if not stopped:
            with contextlib.suppress(NotMeasured, subprocess.SubprocessError):
                live.lab("capture", "stop", "--json")


def _lines(context: Context, file: str, matching: str) -> list[str]:
    done = context.command("tcpdump", ["tcpdump", "-n", "-r", file, matching])
    return done.stdout.splitlines()
