"""The hosts' clocks beside the desk's: asked of each, and of none without end."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from operations.drill import observers
from operations.guest import Guests


class Silent:
    """A host that lets one in and starts nothing: its lines come when it is closed, and there are none."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def write(self, text: str) -> None:
        return

    def lines(self) -> Iterator[str]:
        assert self.closed.wait(30), "nobody has closed it"
        yield from ()

    def close(self) -> None:
        self.closed.set()


class Prompt(Silent):
    """A host that says its time at once."""

    def lines(self) -> Iterator[str]:
        while True:
            yield "1000.0"


def test_a_host_that_starts_nothing_is_left_out_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "CLOCK_SECONDS", 0.1)
    streams: dict[str, Any] = {"hangs": Silent(), "well": Prompt()}
    guests = SimpleNamespace(
        hosts=[SimpleNamespace(name=name) for name in streams], watch=lambda host, *_: streams[host]
    )
    assert list(observers.clocks_of(cast(Guests, guests))) == ["well"]
