"""What a person sees while a command works: always on standard error, so that standard output is the answer alone."""

import sys
import time
from typing import Protocol, TextIO


class Console(Protocol):
    """Progress of steps."""

    def begin(self, name: str) -> None: ...

    def detail(self, words: str) -> None: ...

    def end(self, name: str, seconds: float, outcome: str, detail: str) -> None: ...

    def drop(self) -> None:
        """The step that began is not worth a line."""

    def say(self, words: str) -> None: ...


class Plain:
    """One line a fact, for logs and pipes."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._said = 0.0

    def _line(self, words: str) -> None:
        print(words, file=self._out, flush=True)

    def begin(self, name: str) -> None:
        self._line(f"… {name}")

    def detail(self, words: str) -> None:
        # A log needs a sign of life, not each of them.
        if time.monotonic() - self._said >= 5:
            self._said = time.monotonic()
            self._line(f"    {words}")

    def end(self, name: str, seconds: float, outcome: str, detail: str) -> None:
        mark = {"done": "✓", "failed": "✗"}.get(outcome, "-")
        self._line(f"{mark} {name} ({seconds:.1f} s)" + (f": {detail}" if detail else ""))

    def drop(self) -> None:
        return

    def say(self, words: str) -> None:
        self._line(words)


class Rich:
    """A spinner with the present step, a line for each that ended."""

    def __init__(self) -> None:
        from rich.console import Console as RichConsole
        from rich.markup import escape

        self._console = RichConsole(stderr=True, highlight=False)
        self._escape = escape
        self._status = self._console.status("")
        self._name = ""

    def begin(self, name: str) -> None:
        self._name = name
        self._status.update(self._escape(name))
        self._status.start()

    def detail(self, words: str) -> None:
        self._status.update(f"{self._escape(self._name)} [dim]{self._escape(words)}[/dim]")

    def end(self, name: str, seconds: float, outcome: str, detail: str) -> None:
        self._status.stop()
        mark = {"done": "[green]✓[/green]", "failed": "[red]✗[/red]"}.get(outcome, "[yellow]–[/yellow]")
        words = f"[dim]{self._escape(detail)}[/dim]" if outcome != "failed" else self._escape(detail)
        self._console.print(f"{mark} {self._escape(name)} [dim]{seconds:5.1f} s[/dim]  {words}")

    def drop(self) -> None:
        self._status.stop()

    def say(self, words: str) -> None:
        self._console.print(self._escape(words))


def console() -> Console:
    """The one that fits where standard error goes."""
    return Rich() if sys.stderr.isatty() else Plain()
