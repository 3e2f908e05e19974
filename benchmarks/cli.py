"""`./scripts/bench [NAME…] [--json] [--long]`: measure, show each figure beside its bound; 1 if one falls short."""

import argparse
import contextlib
import datetime
import json
import os
import platform
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import Any

from lab import owner
from lab.client import Refused
from lab.paths import Paths

from .context import TREE, Context, NotMeasured
from .figure import Figure
from .registry import ALL, Benchmark, chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 every figure met, 1 one falls short or could not be measured, 2 a wrong argument."""
    options = _parser().parse_args(arguments)
    try:
        benchmarks = chosen(options.name)
    except KeyError as error:
        there = ", ".join(one.name for one in ALL)
        print(f"refused: there is no benchmark {error}; there are {there}", file=sys.stderr)
        return 2
    if options.list:
        for one in benchmarks:
            print(one.words)
        return 0
    words = shlex.join(["./scripts/bench", *(sys.argv[1:] if arguments is None else arguments)])
    with contextlib.ExitStack() as held:
        try:
            for name in sorted({one.needs.owned for one in benchmarks if one.needs.owned is not None}):
                held.enter_context(owner.own(owner.place(Paths(), name), words))
        except Refused as error:
            print(f"refused: {error}", file=sys.stderr)
            return 2
        return _measure(options, benchmarks)


def _measure(options: argparse.Namespace, benchmarks: Sequence[Benchmark]) -> int:
    began = datetime.datetime.now(datetime.UTC)
    folder = TREE / ".twinsite" / "bench" / began.strftime("%Y%m%dT%H%M%SZ")
    folder.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    unmeasured: list[dict[str, str]] = []
    interrupted = False
    # A run that is ended from outside still leaves the lab as it found it.
    ends = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) != signal.SIG_IGN]  # nohup
    before = {number: signal.signal(number, signal.default_int_handler) for number in ends}
    try:
        with Context(options.long, folder, [one.name for one in benchmarks]) as context:
            for one in benchmarks:
                context.say(f"{one.name}: {one.about}, about {one.minutes} min")
                try:
                    for figure in one.measure(context):
                        figures.append(figure)
                        context.say(_line(figure))
                except NotMeasured as problem:
                    unmeasured.append({"name": one.name, "why": str(problem)})
                    context.say(f"{one.name}: not measured: {problem}")
    except KeyboardInterrupt:
        interrupted = True
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    result = {
        "figures": [figure.to_dict() for figure in figures],
        "not_measured": unmeasured,
        "started": began.isoformat(timespec="seconds"),
        "machine": machine(),
        "long": options.long,
    }
    (folder / "bench.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        _show(figures, unmeasured)
    if interrupted:
        return 130
    return 0 if figures and not unmeasured and all(figure.met for figure in figures) else 1


def machine() -> dict[str, Any]:
    """What the figures were measured on. `load` is the one-minute load average when the run ended."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {one.words}" for one in ALL)
    parser = argparse.ArgumentParser(
        prog="./scripts/bench",
        description=f"The figures of twinsite, each beside what it is compared to.\n\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help="which benchmarks; none: all")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--long", action="store_true", help="the real lengths: 10 minutes of loss, a 15-minute cut")
    parser.add_argument("--list", action="store_true", help="say what there is, measure nothing")
    return parser


def _number(found: float | None) -> str:
    return "–" if found is None else f"{found:.3g}" if abs(found) < 100 else f"{found:.0f}"


def _line(figure: Figure) -> str:
    mark = "✓" if figure.met else "✗"
    beside = f"; {figure.compared_to}: {_number(figure.compared_value)}"
    return f"{mark} {figure.name}: {_number(figure.value)} {figure.unit} (must: {figure.must}{beside})"


def _show(figures: list[Figure], unmeasured: list[dict[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title="twinsite bench")
    for heading, side in (
        ("figure", "left"),
        ("value", "right"),
        ("unit", "left"),
        ("compared to", "left"),
        ("that", "right"),
        ("ratio", "right"),
        ("must", "left"),
        ("met", "left"),
    ):
        table.add_column(heading, justify="right" if side == "right" else "left")
    for one in figures:
        table.add_row(
            one.name,
            _number(one.value),
            one.unit,
            one.compared_to,
            _number(one.compared_value),
            _number(one.ratio),
            str(one.must),
            "[green]yes[/green]" if one.met else "[red]NO[/red]",
        )
    console.print(table)
    for one in figures:
        if one.note:
            console.print(f"{one.name}: {one.note}", markup=False)
    for missing in unmeasured:
        console.print(f"not measured: {missing['name']}: {missing['why']}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
