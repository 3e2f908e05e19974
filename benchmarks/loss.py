"""5 % packet loss: the counter-bound against timers that are too short. The tunnel must not be made anew.

A minute of it, ten with --long. The counter is shown working in the same run: one SA is closed on purpose.
"""

import json
from collections.abc import Iterator
from typing import Any

from .context import Context, NotMeasured
from .figure import Figure, value_is
from .live import Live

PERCENT = 5
SHORT_SECONDS, LONG_SECONDS = 60, 600
CONTROL_SECONDS = 6


def run(context: Context) -> Iterator[Figure]:
    """New IKE SAs while packets are lost."""
    live = context.once(Live)
    seconds = LONG_SECONDS if context.long else SHORT_SECONDS
    context.say(f"{seconds} s of {PERCENT} % loss")
    live.lab("loss", str(PERCENT))
    try:
        seen: dict[str, Any] = json.loads(live.on("initiator", "crossing", str(seconds)))
    finally:
        live.lab("loss", "0")
    control: dict[str, Any] = json.loads(live.on("initiator", "crossing", str(CONTROL_SECONDS), "terminate"))
    live.wait_until_healthy()
    lost, made = seen["sent"] - seen["answered"], control["ike_after"] - control["ike_before"]
    if not lost:
        raise NotMeasured(f"no echo of {seen['sent']} was lost, so there was no loss to bear")
    if not made:
        raise NotMeasured("closing the IKE SA on purpose was not noticed, so a zero would mean nothing")
    yield Figure(
        name=f"re-establishments in {seconds} s of {PERCENT} % loss",
        value=seen["ike_after"] - seen["ike_before"] if seen["up"] else None,
        unit="IKE SAs",
        must=value_is(0),
        compared_to="after the SA was closed once on purpose (positive control)",
        compared_value=made,
        runs={"echoes sent": [seen["sent"]], "echoes lost": [lost]},
        note="" if context.long else f"{SHORT_SECONDS} s; the promise is ten minutes: --long",
    )
