"""Preview of 1, 10 and 100 tunnel and replica pairs: what one more pair costs must not grow with their number.

The cost of one more pair is the slope between two sizes, so that start-up and imports, which are there once, do not
flatter the larger one. Runs are interleaved; the fastest of each size counts.
"""

from collections.abc import Iterator
from pathlib import Path

from .context import Context
from .engine import Engine, Measured, least, shown
from .figure import Figure, ratio_at_most

SIZES = (1, 10, 100)
ROUNDS = 3
MUST = 1.25
"""Tolerance for "does not grow": two slopes of one straight line, measured on a busy machine."""


def run(context: Context) -> Iterator[Figure]:
    """Seconds and MiB per pair."""
    engine = Engine(context)
    source = (Path(__file__).parent / "programs" / "pairs.py").read_text(encoding="utf-8")
    project = engine.another_project("pairs", source)
    engine.pulumi(project, "stack", "init", engine.stack)
    runs: dict[int, list[Measured]] = {size: [] for size in SIZES}
    for number in range(ROUNDS):
        for size in SIZES:
            words = ["preview", "--stack", engine.stack, "--config", f"pairs={size}"]
            runs[size].append(engine.measure(project, words, f"preview of {size} pairs"))
            context.say(f"round {number + 1} of {ROUNDS}, {size} pairs: {runs[size][-1].seconds:.1f} s")
    small, medium, large = SIZES
    for field, unit, what in (
        ("seconds", "s", "wall time"),
        ("cpu_seconds", "s", "CPU time"),
        ("peak_mib", "MiB", "peak memory of the program"),
    ):
        at = {size: least(runs[size], field) for size in SIZES}
        yield Figure(
            name=f"preview: {what} per further pair, {medium} to {large} pairs",
            value=(at[large] - at[medium]) / (large - medium),
            unit=unit,
            must=ratio_at_most(MUST),
            compared_to=f"per further pair, {small} to {medium} pairs",
            compared_value=(at[medium] - at[small]) / (medium - small),
            runs={str(size): shown(runs[size], field) for size in SIZES},
        )
