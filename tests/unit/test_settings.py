"""The parser of settings: typed, every problem at once, the fix in the text."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest
import yaml

from components.modes import DrMode
from components.rules import Refused
from stacks import TOPOLOGIES
from stacks.settings import Reader

TREE = Path(__file__).parents[2]


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


def reader(**values: str) -> Reader:
    get: Callable[[str], str | None] = values.get
    return Reader(get)


def test_every_problem_is_reported_at_once_with_its_fix() -> None:
    found = reader(count="many", colour="green", keys="x")
    found.text("name")
    found.integer("count")
    found.choice("colour", Colour)
    found.strings("keys")
    with pytest.raises(Refused) as refused:
        found.finish("stack dev")
    assert len(refused.value.problems) == 4
    for problem, key in zip(refused.value.problems, ("name", "count", "colour", "keys"), strict=True):
        assert "`pulumi config set" in problem and key in problem


def test_good_values_are_returned_typed() -> None:
    found = reader(count="3", share="0.5", colour="blue", keys='["a", "b"]')
    assert found.integer("count") == 3
    assert found.number("share") == 0.5
    assert found.choice("colour", Colour) is Colour.BLUE
    assert found.strings("keys") == ("a", "b")
    assert found.problems == []


def test_a_mode_that_the_topology_does_not_offer_names_those_that_it_does() -> None:
    found = reader(dr_mode="warm")
    found.mode((DrMode.PILOT_LIGHT,), "onprem-aws")
    assert found.problems == [
        "dr_mode warm is not offered by topology onprem-aws, which has pilot-light: "
        "`pulumi config set dr_mode pilot-light`"
    ]


def test_an_optional_text_may_be_empty() -> None:
    found = reader()
    assert found.text("name", required=False) == ""
    assert found.problems == []


def test_every_key_of_the_project_has_a_type_a_description_and_a_default() -> None:
    project = yaml.safe_load((TREE / "Pulumi.yaml").read_text())
    for key, declared in project["config"].items():
        assert {"type", "description", "default"} <= set(declared), key


def test_every_key_that_a_topology_reads_is_declared() -> None:
    project = yaml.safe_load((TREE / "Pulumi.yaml").read_text())
    asked: set[str] = set()

    def get(key: str) -> str | None:
        asked.add(key)
        value = project["config"].get(key, {}).get("default")
        return None if value is None else str(value)

    from stacks import topology

    for name in TOPOLOGIES:
        topology(name).read(Reader(get))
    assert asked - {"topology"} <= set(project["config"])
    assert set(project["config"]) - asked == {"topology"}


def test_a_boolean_is_true_or_false_and_nothing_else() -> None:
    found = reader(yes="true", no="False", wrong="maybe")
    assert (found.boolean("yes"), found.boolean("no"), found.problems) == (True, False, [])
    found.boolean("wrong")
    assert found.problems == ["wrong is 'maybe': `pulumi config set wrong true` or false"]
