"""Each policy refuses its bad examples with the sentence that they name, and nothing of the good ones."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from .pack import POLICIES, Given, said

EXAMPLES = Path(__file__).parent / "examples"


def examples(kind: str) -> list[Any]:
    """(policy, example) of this kind, `bad` or `good`."""
    return [
        pytest.param(path.stem, one, id=f"{path.stem}-{at}")
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for at, one in enumerate(yaml.safe_load(path.read_text())[kind])
    ]


def judged(example: dict[str, Any]) -> dict[str, list[str]]:
    return said([Given(**one) for one in example["resources"]], example.get("config"))


def test_every_policy_has_a_bad_and_a_good_example() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == set(POLICIES)
    for kind in ("bad", "good"):
        assert {one.values[0] for one in examples(kind)} == set(POLICIES)


@pytest.mark.parametrize(("policy", "example"), examples("bad"))
def test_a_bad_example_is_refused_with_its_sentence(policy: str, example: dict[str, Any]) -> None:
    found = judged(example)
    assert [message for message in found.get(policy, []) if example["says"] in message], found
    assert set(found) == {policy, *example.get("also", [])}, "what else fires is listed in `also`"


@pytest.mark.parametrize(("policy", "example"), examples("bad"))
def test_a_message_says_after_the_harm_how_to_mend_it(policy: str, example: dict[str, Any]) -> None:
    for message in judged(example)[policy]:
        harm, _, fix = message.rpartition(": ")
        assert harm and len(fix) > 8, message


@pytest.mark.parametrize(("policy", "example"), examples("good"))
def test_a_good_example_is_let_pass(policy: str, example: dict[str, Any]) -> None:
    found = judged(example)
    assert policy not in found, found
    assert set(found) == set(example.get("also", []))
