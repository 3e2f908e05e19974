"""Topology onprem-aws on the real engine: what a second `up`, a replacement and a rebuild would do.

The stand-ins record only: no machine, no command. What the resources do is shown in tests/lab.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real_pulumi import PYTHON, Desk

from .conftest import Stack

TREE = Path(__file__).resolve().parents[2]
CONFIG = {
    "aws:region": "ap-northeast-2",
    "ami": "ami-0123456789abcdef0",
    "onprem_gateway_ssh": "ubuntu@203.0.113.64:2210",
    "onprem_database_ssh": "ubuntu@203.0.113.64:2220",
    "onprem_gateway_host_key": "ssh-ed25519 GATEWAY",
    "onprem_database_host_key": "ssh-ed25519 DATABASE",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, pulumi_tools: Path, provider_home: Path) -> Iterator[Stack]:
    """The tree's own program as a project of the test's own, up; each test leaves it as it was found."""
    desk = Desk(tmp_path_factory.mktemp("onprem-aws"), pulumi_tools)
    (desk.folder / "home").mkdir()
    (desk.folder / "home" / "plugins").symlink_to(provider_home / "plugins")
    (desk.folder / "state").mkdir()
    project = desk.folder / "twinsite"
    project.mkdir()
    for name in ("__main__.py", "components", "stacks"):
        (project / name).symlink_to(TREE / name)
    text = (TREE / "Pulumi.yaml").read_text()
    (project / "Pulumi.yaml").write_text(text.replace("virtualenv: .venv", f"virtualenv: {PYTHON}"))
    desk.must(project, "stack", "init", "test")
    for key, value in CONFIG.items():
        desk.must(project, "config", "set", key, value)
    desk.must(project, "config", "set", "--secret", "onprem_ssh_private_key", "KEY")
    made = Stack(desk, project)
    made.up()
    yield made
    made.config("active_site", "onprem")
    made.must("destroy", "--run-program", "--yes", "--skip-preview")
    assert not [name for name in made.state() if "onprem-aws-" in name]


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    gateway = stack.state()["onprem-aws-aws-gateway-instance"]
    assert gateway["outputs"]["sourceDestCheck"] is False, "so that the provider's default, true, would be a difference"
    stack.up("--expect-no-changes")


GATEWAY, SOURCE = "onprem-aws-aws-gateway-instance", "onprem-aws-aws-database-instance"
IMAGES = ("ami-0aaaaaaaaaaaaaaaa", "ami-0bbbbbbbbbbbbbbbb")


def volume(stack: Stack) -> dict[str, Any]:
    """The one data volume in the state; its attachment has its name."""
    found = json.loads(stack.must("stack", "export"))["deployment"]["resources"]
    (one,) = [each for each in found if each["type"] == "aws:ebs/volume:Volume"]
    return dict(one)


def test_another_image_replaces_the_gateway_at_once_and_the_source_only_with_another_generation(stack: Stack) -> None:
    first, data = stack.state(), volume(stack)["id"]
    stack.config("ami", IMAGES[0])
    stack.config("gateway_ami", CONFIG["ami"])
    assert stack.steps() == {"onprem-aws-aws-database": "update"}, "what the component is meant to be, and no machine"
    stack.config("source_generation", "2")
    stack.up()
    second = stack.state()
    assert second[SOURCE]["id"] != first[SOURCE]["id"]
    assert second[SOURCE]["inputs"]["ami"] == IMAGES[0]
    assert second[SOURCE]["inputs"]["userData"].endswith("# generation 2\n")
    assert (volume(stack)["id"], second[GATEWAY]["id"]) == (data, first[GATEWAY]["id"])
    stack.up("--expect-no-changes")

    stack.config("source_ami", IMAGES[1])
    stack.config("gateway_ami", IMAGES[1])
    stack.up()
    third = stack.state()
    assert (third[SOURCE]["id"], third[SOURCE]["inputs"]["ami"]) == (second[SOURCE]["id"], IMAGES[0])
    assert (third[GATEWAY]["id"] != second[GATEWAY]["id"], third[GATEWAY]["inputs"]["ami"]) == (True, IMAGES[1])

    stack.config("source_generation", "3")
    stack.up()
    assert stack.state()[SOURCE]["inputs"]["ami"] == IMAGES[1]
    assert volume(stack)["id"] == data


def test_a_generation_rebuilds_also_where_nothing_else_is_new(stack: Stack) -> None:
    before = stack.state()[SOURCE]
    stack.config("source_generation", "4")
    stack.up()
    after = stack.state()[SOURCE]
    assert after["id"] != before["id"]
    assert after["inputs"]["ami"] == before["inputs"]["ami"]


def test_a_larger_volume_grows_in_place_and_the_source_is_told(stack: Stack) -> None:
    data = volume(stack)["id"]
    stack.config("data_volume_gib", "30")
    stack.up()
    assert (volume(stack)["id"], volume(stack)["outputs"]["size"]) == (data, 30)
    assert '"data_gib":30' in stack.state()["onprem-aws-aws-database-desired"]["inputs"]["content"]


def test_a_smaller_volume_is_refused_in_preview_and_in_up(stack: Stack) -> None:
    size = volume(stack)["outputs"]["size"]
    stack.config("data_volume_gib", str(size - 5))
    for words in (("preview",), ("up", "--yes", "--skip-preview")):
        code, said = stack.run(*words)
        assert code != 0
        assert f"data_volume_gib asks for {size - 5}: it grows in place and never shrinks" in said
    assert volume(stack)["outputs"]["size"] == size
    stack.config("data_volume_gib", str(size))
    stack.up()


def test_the_only_copy_leaves_a_snapshot_when_it_goes(stack: Stack) -> None:
    assert volume(stack)["outputs"]["finalSnapshot"] is True, "the provider acts from the state"
