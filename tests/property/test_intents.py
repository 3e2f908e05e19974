"""What every component publishes of itself: its rule answers of it as it did before anything was made."""

import dataclasses
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinsite.rules import Refused
from twinsite.rules.intent import VERSION, Intent, Part
from twinsite.rules.intents import INTENTS, read

LIBRARY = Path(__file__).resolve().parents[2] / "components"
LATER = object()
"""Stands for an Output: whatever is no plain value."""

WORDS = st.sampled_from(
    ["", "ssh", "bundle", "wait", "cold", "warm", "machine", "flexible", "10.20.0.0/16", "10.20.1.0/24", "10.20.1.10",
     "10.0.0.0/8", "192.168.64.0/24", "database", "gateway", "dr.example.com", "d1.cloudfront.net", "8.4.6",
     "ap-northeast-2", "t3.small", "https://dr.example.com/", "someone@example.com", "latest", "17 18 * * *"]
) | st.text(max_size=8)  # fmt: skip
NUMBERS = st.integers(-3, 100) | st.integers(-(2**33), 2**33)
SCALARS = {
    str: WORDS,
    bool: st.booleans(),
    int: NUMBERS | NUMBERS.map(float),
    float: st.floats(-3, 100) | st.integers(0, 40),
}


def arguments(kind: type[Part]) -> st.SearchStrategy[dict[str, Any]]:
    """Of a component with this intent: plain ones, and Outputs where those may be."""
    hints = typing.get_type_hints(kind)
    return st.fixed_dictionaries(
        {}, optional={field.name: value(hints[field.name]) for field in dataclasses.fields(kind)}
    )


def value(kind: Any) -> st.SearchStrategy[Any]:
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is types.UnionType:
        (known,) = (one for one in inner if one is not type(None))
        return st.none() | st.just(LATER) | value(known)
    if typing.get_origin(kind) is tuple:
        return st.lists(value(inner[0]), max_size=3)
    if typing.get_origin(kind) is dict:
        return st.dictionaries(WORDS, value(inner[1]), max_size=2)
    return arguments(kind) if issubclass(kind, Part) else SCALARS[kind]


def as_pulumi_has_it(published: dict[str, Any]) -> dict[str, Any]:
    """Through the engine and back: each number is a float."""
    found: dict[str, Any] = json.loads(json.dumps(published), parse_int=float)
    return found


@pytest.mark.parametrize("kind", sorted(INTENTS))
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_the_rule_answers_of_what_is_published_as_it_did_before_anything_was_made(
    kind: str, data: st.DataObject
) -> None:
    known = INTENTS[kind].of(data.draw(arguments(INTENTS[kind])))
    again = read(kind, as_pulumi_has_it(known.published()))
    assert again == known
    assert again.problems() == known.problems()


@pytest.mark.parametrize("kind", sorted(INTENTS))
def test_an_output_in_the_place_of_what_decides_is_refused_and_never_taken_for_the_default(kind: str) -> None:
    hints = typing.get_type_hints(INTENTS[kind])
    decides = [
        field.name
        for field in dataclasses.fields(INTENTS[kind])
        if type(None) not in typing.get_args(hints[field.name])
    ]
    with pytest.raises(Refused) as refused:
        INTENTS[kind].of(dict.fromkeys(decides, LATER))
    assert [problem.split(" ")[0] for problem in refused.value.problems] == decides


@pytest.mark.parametrize(
    "args", [{"client_ranges": [LATER, "10.1.0.0/16"]}, {"source_settings": {"max_connections": LATER}}]
)
def test_an_output_inside_a_list_or_a_mapping_is_refused_and_does_not_vanish(args: dict[str, Any]) -> None:
    (name,) = args
    with pytest.raises(Refused, match=f"{name} is an Output, and decides what is made"):
        INTENTS["twinsite:index:MySqlReplicaPair"].of(args)


def test_every_component_of_the_library_has_an_intent_and_there_is_one_way_to_be_a_component() -> None:
    texts = {
        path.relative_to(LIBRARY).as_posix(): path.read_text()
        for path in LIBRARY.rglob("*.py")
        if "guest" not in path.parts
    }
    kinds = {kind for text in texts.values() for kind in re.findall(r'super\(\).__init__\(\s*"(\w+)", name', text)}
    assert {f"twinsite:index:{kind}" for kind in kinds} == set(INTENTS)
    assert [name for name, text in texts.items() if "(pulumi.ComponentResource)" in text] == ["component.py"]


def test_what_another_version_has_published_is_refused_with_its_fix() -> None:
    kind = "twinsite:index:EdgeCertificate"
    with pytest.raises(ValueError, match=f"version {VERSION + 1} of its intent.*use the twinsite that wrote it"):
        read(kind, {**INTENTS[kind].of({"fqdn": "dr.example.com"}).published(), "intent_version": VERSION + 1})


def test_an_enum_a_list_and_a_mapping_of_secrets_become_plain() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Example(Intent):
        tables: dict[str, str | None]
        names: tuple[str, ...]

        def problems(self) -> list[str]:
            return []

    known = Example.of({"tables": {"a": LATER, "b": "rtb-1"}, "names": {"pager": "https://secret.example.com"}})
    assert known.published() == {"intent_version": VERSION, "tables": {"a": "", "b": "rtb-1"}, "names": ["pager"]}
