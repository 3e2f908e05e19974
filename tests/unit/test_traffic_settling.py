"""Waiting for the latch's checks: decided by what the witness resolves to, and never for ever."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest

from twinsite.traffic import settling

T = TypeVar("T")
URLS = ["https://one.web.core.windows.net/latch/dr", "https://two.web.core.windows.net/latch/dr"]
CLEAR, SET = {settling.CLEAR_ADDRESS}, {settling.SET_ADDRESS}


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """asyncio.run would take away the loop that other tests of this process use."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def sees(*answers: set[str]) -> Callable[[str], Awaitable[set[str]]]:
    """A resolver that gives these answers in turn, then the last for ever."""
    left = list(answers)

    async def look(name: str) -> set[str]:
        assert name == "latch-witness.example.com"
        return left.pop(0) if len(left) > 1 else left[0]

    return look


def finds(*there: str) -> Callable[[str], Awaitable[bool]]:
    async def ask(url: str) -> bool:
        return url in there

    return ask


def wait(look: settling.Look, ask: settling.Ask, deadline: float = 1.0) -> str:
    return in_a_loop(
        settling.settled(
            "latch-witness.example.com", URLS, look=look, ask=ask, deadline_seconds=deadline, pause_seconds=0.001
        )
    )


def test_a_clear_witness_lets_the_records_in_at_once() -> None:
    assert wait(sees(CLEAR), finds()) == "latch-witness.example.com is clear"


def test_fresh_checks_are_waited_for() -> None:
    assert wait(sees(set(), SET, SET, CLEAR), finds()) == "latch-witness.example.com is clear"


@pytest.mark.parametrize("url", URLS)
def test_a_latch_that_is_really_set_is_no_reason_to_wait(url: str) -> None:
    assert wait(sees(SET), finds(url)) == f"latch-witness.example.com is set, and {url} is there"


def test_checks_that_never_settle_fail_with_what_was_seen_and_the_fix() -> None:
    with pytest.raises(TimeoutError, match=r"still resolves to 192\.0\.2\.2 .* no latch object is there"):
        wait(sees(SET), finds(), deadline=0.02)


def test_a_machine_that_cannot_resolve_the_witness_says_so() -> None:
    with pytest.raises(TimeoutError, match=r"cannot resolve latch-witness\.example\.com .* gate handover"):
        wait(sees(set()), finds(), deadline=0.02)


def test_a_name_that_nobody_knows_resolves_to_nothing() -> None:
    assert in_a_loop(settling.resolve("latch-witness.invalid")) == set()


def test_an_object_that_cannot_be_asked_for_is_not_there() -> None:
    assert in_a_loop(settling.is_there("https://127.0.0.1:9/latch/dr")) is False
