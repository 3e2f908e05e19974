"""All interleavings of two sites, three registers and failovers in a small clock: never two writers (ADR 44)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.writer_interleavings import SMALL, Model
from twinsite.guest.writer import rule as rules
from twinsite.guest.writer.rule import Memory, Rule, Said, Swap

TO_B = Said(1, "B")


@pytest.mark.parametrize("kills", [False, True])
def test_one_failover_never_makes_two_writers(kills: bool) -> None:
    looked_at, way = Model(failovers=(TO_B,), kills=kills).explore()
    assert way == []
    assert looked_at > 5000, "the model has lost most of what may happen"


@pytest.mark.parametrize(
    ("second", "kills"),
    [
        pytest.param(Said(1, "A"), False, id="to the other site"),
        pytest.param(Said(1, "A"), True, id="to the other site, with kills", marks=pytest.mark.long),
        pytest.param(Said(2, "A"), False, id="back before the first is done", marks=pytest.mark.long),
    ],
)
def test_two_failovers_at_once_never_make_two_writers(second: Said, kills: bool) -> None:
    """47,261, 111,465 and 925,493 worlds: 3, 12 and 90 s."""
    assert Model(failovers=(TO_B, second), kills=kills).explore()[1] == []


def test_both_sides_come_to_write_in_the_model() -> None:
    """The control: what is said never to be at once does happen one after the other, by the word and by the wait."""
    silent: Callable[..., list[Swap]] = lambda *_: []  # noqa: E731
    for duties in (rules.duties, silent):
        model = Model(failovers=(TO_B,), kills=False)
        model.duties = duties
        seen: list[tuple[bool, bool]] = []
        next_of = model.next

        def watched(world: Any, next_of: Callable[..., Any] = next_of, seen: list[Any] = seen) -> Any:
            seen.append((bool(world[2]), bool(world[4])))
            return next_of(world)

        model.next = watched  # type: ignore[method-assign]
        model.explore()
        assert {(True, False), (False, True), (False, False)} == set(seen)


class NoClosing(Rule):
    @property
    def wait_seconds(self) -> float:
        return self.lease_seconds


def from_the_answer(memory: Memory, register: int, said: Said | None, began: float, now: float, rule: Rule) -> Memory:
    return rules.hear(memory, register, said, now, now, rule)


def said_too_soon(memory: Memory, now: float, closed: bool, rule: Rule) -> list[Swap]:
    return rules.duties(memory, now, True, rule)


def said_by_one(memory: Memory, now: float, closed: bool, rule: Rule) -> list[Swap]:
    return rules.duties(memory, now, closed, replace(rule, majority=1))


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        pytest.param(NoClosing(**vars(SMALL)), {}, id="a wait without the closing"),
        pytest.param(replace(SMALL, majority=1), {}, id="one register of three"),
        pytest.param(SMALL, {"hear": from_the_answer}, id="a lease from the answer on"),
        pytest.param(SMALL, {"duties": said_too_soon}, id="a word before nothing writes"),
        pytest.param(SMALL, {"duties": said_by_one}, id="a word after one register"),
    ],
)
def test_without_a_rule_two_sites_write(rule: Rule, changed: dict[str, Any]) -> None:
    model = Model(rule, (TO_B,))
    for name, function in changed.items():
        setattr(model, name, function)
    assert model.explore()[1] != []
