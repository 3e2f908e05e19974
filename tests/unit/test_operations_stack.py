"""Where the inventory comes from, and what is said when it comes from nowhere."""

import json
import os
import pathlib

import pytest

from operations.stack import NoInventory, age_words, locate
from tests.operations_world import INVENTORY
from twinsite.inventory import to_dict

TEXT = json.dumps(to_dict(INVENTORY))


@pytest.fixture(autouse=True)
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TWINSITE_INVENTORY", raising=False)


def pulumi(arguments: list[str]) -> str:
    return "dev\n" if "--show-name" in arguments else TEXT


def silent(arguments: list[str]) -> str:
    raise NoInventory("`pulumi` is not on PATH")


def test_the_current_project_is_asked_and_its_answer_remembered() -> None:
    found = locate(ask=pulumi)
    assert (found.name, found.inventory, found.note) == ("dev", INVENTORY, "")
    assert json.loads(pathlib.Path(".twinsite/dev/inventory.json").read_text()) == to_dict(INVENTORY)


def test_without_pulumi_the_remembered_one_serves_and_its_age_is_said() -> None:
    locate(ask=pulumi)
    then = pathlib.Path(".twinsite/dev/inventory.json").stat().st_mtime
    found = locate(ask=silent, now=then + 3 * 3600)
    assert (found.name, found.inventory) == ("dev", INVENTORY)
    assert "`pulumi` is not on PATH" in found.note
    assert "3 h old" in found.note


def test_after_an_up_that_left_resources_out_what_was_published_before_is_used() -> None:
    """Pulumi then has a text of its own in the inventory's place, which stands for what is not known."""
    locate(ask=pulumi)

    def unknown(arguments: list[str]) -> str:
        return '"04da6b54-80e4-46f7-96ec-b56ff0331ba9"\n' if "output" in arguments else pulumi(arguments)

    found = locate(ask=unknown)
    assert found.inventory == INVENTORY and "the last `pulumi up` left resources out" in found.note


def test_of_several_remembered_stacks_none_is_guessed() -> None:
    for name in ("dev", "dr"):
        locate(stack=name, ask=pulumi)
    with pytest.raises(NoInventory):
        locate(ask=silent)
    assert locate(stack="dr", ask=silent).name == "dr"


def test_a_file_and_the_environment_come_before_pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    pathlib.Path("here.json").write_text(TEXT)
    assert locate("here.json", ask=silent).name == "here"
    monkeypatch.setenv("TWINSITE_INVENTORY", "here.json")
    assert locate(ask=silent).inventory == INVENTORY


def test_nothing_at_all_names_every_way_to_give_one() -> None:
    with pytest.raises(NoInventory) as problem:
        locate(ask=silent)
    for words in ("`pulumi up`", "--inventory FILE", "ssh://user@host/path", "TWINSITE_INVENTORY"):
        assert words in str(problem.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "cannot be read"), ("{}", "inventory version None"), ('{"version": 99}', "this twinsite reads 1 and 2")],
)
def test_an_inventory_that_cannot_be_read_says_why(text: str, words: str) -> None:
    pathlib.Path("bad.json").write_text(text)
    with pytest.raises(NoInventory, match=words):
        locate("bad.json")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(NoInventory, match=r"inventory no\.json cannot be read"):
        locate("no.json")


def test_a_host_can_hold_the_inventory(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ssh"
    fake.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\ncat <<'E'\n{TEXT}\nE\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = locate("ssh://ubuntu@192.168.64.20:2220/var/lib/twinsite/inventory.json")
    assert found.inventory == INVENTORY
    assert (
        "-p 2220 ubuntu@192.168.64.20 sudo cat '/var/lib/twinsite/inventory.json'" in (tmp_path / "asked").read_text()
    )


@pytest.mark.parametrize("address", ["ssh://", "ssh://host", "ssh://host/"])
def test_an_address_without_host_or_path_is_refused(address: str) -> None:
    with pytest.raises(NoInventory, match="ssh://user@host"):
        locate(address)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (600, "10 min"), (7200, "2 h"), (10 * 86400, "10 days")]
)
def test_ages_read_well(seconds: float, words: str) -> None:
    assert age_words(seconds) == words
