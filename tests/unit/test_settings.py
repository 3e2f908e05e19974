"""The parser of settings: typed, every problem at once, the fix in the text."""

import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import pytest
import yaml

from stacks import TOPOLOGIES, chosen, topology
from stacks.declared import PROMISED, SHARED, Declared, declared
from stacks.settings import Reader
from twinsite.modes import DrMode
from twinsite.rules import Refused

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
    mode = found.offered("dr_mode", DrMode, (DrMode.PILOT_LIGHT,), "onprem-aws")
    assert mode == DrMode.PILOT_LIGHT, "a harmless value in its place"
    assert found.problems == [
        "dr_mode warm is not offered by topology onprem-aws, which has pilot-light: "
        "`pulumi config set dr_mode pilot-light`"
    ]


def test_an_optional_text_may_be_empty() -> None:
    found = reader()
    assert found.text("name", required=False) == ""
    assert found.problems == []


def test_pulumis_own_file_declares_what_every_topology_has_and_names_none() -> None:
    project = yaml.safe_load((TREE / "Pulumi.yaml").read_text())["config"]
    assert tuple(project) == (*SHARED, *PROMISED)
    assert [key for key, said in project.items() if set(said) != {"type", "description", "default"}] == []


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_topology_reads_the_keys_that_it_declares_and_no_others(name: str) -> None:
    asked: set[str] = set()
    # Without which the rest of backups, of the way back and of registers is not asked for.
    given = {
        "backup_bucket": "a-bucket",
        "replication_back_user": "back",
        "flow": "dms",
        "writer_bucket": "another-bucket",
        "writer_third": "azblob://a/b/c",
    }

    def get(key: str) -> str | None:
        asked.add(key)
        return given.get(key)

    topology(name).read(Reader(get))
    assert asked == set(declared(name)) > set(SHARED) - {"topology"}
    assert [key for key, one in declared(name).items() if not one.description] == []


@pytest.mark.parametrize("name", ["aws-azure", "onprem-aws"])
def test_a_key_that_a_stack_file_leaves_out_has_the_value_that_pulumi_yaml_gave_it(name: str) -> None:
    # As the project declared them for all topologies together, until commit e9f8e5b.
    before = json.loads((TREE / "tests" / "cases" / "settings" / "defaults.json").read_text())
    changed = {key: one.default for key, one in declared(name).items() if before[key] != one.default}
    # aws-azure refused the default of before, and now has one of its own.
    assert changed == ({"dr_mode": "cold"} if name == "aws-azure" else {})


def test_an_empty_text_of_the_stack_file_is_the_default_and_an_empty_list_is_empty() -> None:
    found = reader(size="", ranges="[]")
    found.declared = {
        key: Declared(value, "") for key, value in (("size", 3), ("ranges", ["Internet"]), ("left_out", "x"))
    }
    assert (found.integer("size"), found.strings("ranges"), found.text("left_out")) == (3, (), "x")
    assert found.problems == []


def test_keys_of_another_project_are_refused_by_name_and_a_providers_are_not() -> None:
    config = {
        "twinsite:topology": "aws-azure",
        "twinsite:dr_mode": "warm",
        "acme:schema": "shop",
        "aws:region": "eu-west-1",
        "lab:marker": "box",
    }
    found = Reader.of("acme", config, ())
    assert chosen(found) is None
    assert found.problems == [
        "the stack file has twinsite:topology, twinsite:dr_mode, and this project is acme, which does not read them: "
        "write acme: for twinsite: before each key in the stack file (encrypted ones keep their text)"
    ]
    config |= {"acme:topology": "aws-azure"}
    del config["twinsite:topology"], config["twinsite:dr_mode"]
    config["twinsite:zone_id"] = "Z1"
    found = Reader.of("acme", config, ())
    assert chosen(found) is not None
    assert ["twinsite:zone_id" in problem for problem in found.problems] == [True], "a topology's own key, too"
    assert found.text("schema") == "shop"


def test_a_stack_file_without_a_topology_is_told_which_there_are() -> None:
    for config in ({}, {"acme:topology": "mars"}):
        found = Reader.of("acme", config, ())
        assert chosen(found) is None
        assert "`pulumi config set topology …` with one of aws-azure, aws-gcp, onprem-aws" in found.problems[0]


def test_a_boolean_is_true_or_false_and_nothing_else() -> None:
    found = reader(yes="true", no="False", wrong="maybe")
    assert (found.boolean("yes"), found.boolean("no"), found.problems) == (True, False, [])
    found.boolean("wrong")
    assert found.problems == ["wrong is 'maybe': `pulumi config set wrong true` or false"]


def test_seconds_are_within_what_can_be_waited_and_0_means_the_components_own() -> None:
    found = reader(none="0", some="90", little="5")
    assert (found.seconds("none", range(30, 7201)), found.seconds("some", range(30, 7201))) == (None, 90)
    assert found.problems == []
    assert found.seconds("little", range(30, 7201)) is None
    assert found.problems == [
        "little is 5: `pulumi config set little NUMBER` with 30 to 7200 seconds, or 0 for the component's own default"
    ]


def test_names_and_texts_are_as_mysql_writes_them_and_nothing_nested() -> None:
    found = reader(good='{"a": true, "b": 3, "c": "x"}', bad='{"a": null, "b": {"c": 1}, "d": ["e"]}')
    assert (found.texts("good"), found.problems) == ({"a": "ON", "b": "3", "c": "x"}, [])
    found.texts("bad")
    assert [problem.split(" ")[0] for problem in found.problems] == ["bad.a", "bad.b", "bad.d"]
    assert all("`pulumi config set --path 'bad." in problem for problem in found.problems)
