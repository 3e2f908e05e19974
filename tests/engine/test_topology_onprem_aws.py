"""Topology onprem-aws on the real engine: what a second `up`, a replacement and a rebuild would do.

The stand-ins record only: no machine, no command. What the resources do is shown in tests/lab.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.providers.framework.lateness import SEED_VARIABLE
from tests.real_pulumi import Desk

from .conftest import Stack, late

TREE = Path(__file__).resolve().parents[2]
CONFIG = {
    "aws:region": "ap-northeast-2",
    "topology": "onprem-aws",
    "ami": "ami-0123456789abcdef0",
    "onprem_gateway_ssh": "ubuntu@203.0.113.64:2210",
    "onprem_database_ssh": "ubuntu@203.0.113.64:2220",
    "onprem_gateway_host_key": "ssh-ed25519 GATEWAY",
    "onprem_database_host_key": "ssh-ed25519 DATABASE",
}

OPERATORS = ("198.51.100.7/32", "203.0.113.0/28")


def project(desk: Desk, provider_home: Path) -> Stack:
    """The tree's own program as a project of the test's own, with nothing made."""
    (desk.folder / "home" / "plugins").symlink_to(provider_home / "plugins")
    (desk.folder / "state").mkdir()
    folder = desk.folder / "twinsite"
    folder.mkdir()
    for name in ("__main__.py", "stacks"):
        (folder / name).symlink_to(TREE / name)
    # Not a link: a test makes a later version of it.
    shutil.copytree(TREE / "components", folder / "components", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "twinsite").symlink_to("components")
    text = (TREE / "Pulumi.yaml").read_text()
    (folder / "Pulumi.yaml").write_text(text.replace("virtualenv: .venv", f"virtualenv: {desk.python}"))
    desk.must(folder, "stack", "init", "test")
    made = Stack(desk, folder)
    for key, value in CONFIG.items():
        made.config(key, value)
    for at, operators in enumerate(OPERATORS):
        desk.must(folder, "config", "set", "--path", f"operator_ranges[{at}]", operators)
    desk.must(folder, "config", "set", "--secret", "onprem_ssh_private_key", "KEY")
    return made


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, pulumi_tools: Path, provider_home: Path, warm: Path
) -> Iterator[Stack]:
    """A project of this module's own, up; each test leaves it as it was found."""
    desk = Desk(tmp_path_factory.mktemp("onprem-aws"), pulumi_tools, late(), checkpoints=False, python=warm)
    made = project(desk, provider_home)
    assert f"is late, by {SEED_VARIABLE}={made.desk.extra[SEED_VARIABLE]}" in made.up()
    yield made
    made.config("active_site", "onprem")
    made.must("destroy", "--run-program", "--yes", "--skip-preview")
    assert not [name for name in made.state() if "onprem-aws-" in name]


def test_without_the_wait_for_its_machine_the_address_is_refused(desk: Desk, provider_home: Path) -> None:
    # Without this, everything above and below would pass with a cloud in which nothing is late.
    desk.extra.update(late())
    stack = project(desk, provider_home)
    stack.without("components/tunnel/strongswan_tunnel.py", ("depends_on=[gateway])", "depends_on=[])"))
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "IncorrectInstanceState: The pending-instance-creation instance to which" in said


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    gateway = stack.state()["onprem-aws-aws-gateway-instance"]
    assert gateway["outputs"]["sourceDestCheck"] is False, "so that the provider's default, true, would be a difference"
    stack.up("--expect-no-changes")


def test_the_policy_pack_has_nothing_against_the_state_nor_against_a_preview_and_refuses_a_key_in_user_data(
    stack: Stack,
) -> None:
    stack.desk.extra["PULUMI_PYTHON_CMD"] = sys.executable
    pack = ("--policy-pack", str(TREE / "policy"))
    for words in (("preview",), ("policy", "analyze", "--stack", "test")):
        told = stack.must(*words, *pack)
        assert "✅ twinsite@v" in told and "[mandatory]" not in told
    state = stack.must("stack", "export")
    assert state.count("#cloud-config") > 0
    bad = stack.folder / "bad.json"
    bad.write_text(state.replace("#cloud-config", "#cloud-config password=horse1"))
    code, told = stack.run("policy", "analyze", "--file", str(bad), *pack)
    assert code != 0
    assert "onprem-aws-aws-database-instance: userData holds a password" in told


def test_rules_and_routes_of_a_version_that_counted_them_stay_where_they_are(stack: Stack) -> None:
    state = stack.must("stack", "export")
    former = {f"gateway-ssh-{one.replace('/', '-')}": f"gateway-ssh-{at}" for at, one in enumerate(OPERATORS)}
    former |= {"to-onprem-public": "to-onprem-0", "to-onprem-private": "to-onprem-1"}
    for name, before in former.items():
        assert f'{name}"' in state
        state = state.replace(f'{name}"', f'{before}"')
    (stack.folder / "former.json").write_text(state)
    stack.must("stack", "import", "--file", "former.json")
    assert stack.steps() == {}, "not even an update, and nothing made anew beside the old one"


def test_the_zone_is_one_that_the_account_has_and_a_version_that_said_a_finds_its_own(stack: Stack) -> None:
    state = stack.must("stack", "export")
    found = json.loads(state)["deployment"]["resources"]
    zones = {
        one["outputs"]["availabilityZone"]
        for one in found
        if one["type"] in ("aws:ec2/subnet:Subnet", "aws:ebs/volume:Volume")
    }
    assert zones == {"ap-northeast-2c"}, "the lab's EC2 chooses its last"
    stack.config("availability_zone", "ap-northeast-2c")
    assert stack.steps() == {"onprem-aws": "update", INVENTORY: "update"}, "written down; no resource in the cloud"
    stack.up()
    stack.must("config", "rm", "availability_zone")
    changed = {"onprem-aws": "update", INVENTORY: "update"}
    assert stack.steps() == changed, "as it was when a version before wrote it, and nothing is replaced"


def test_a_type_that_a_zone_has_not_is_refused_before_anything_is_made(desk: Desk, provider_home: Path) -> None:
    empty = project(desk, provider_home)
    empty.config("gateway_instance_type", "t2.micro")
    for zone, says in (
        ("", "EC2 will choose a zone for the subnets, and does not offer t2.micro in ap-northeast-2c"),
        ("ap-northeast-2c", "EC2 does not offer t2.micro in ap-northeast-2c"),
        ("ap-northeast-2b", "ap-northeast-2b is not among this account's zones, ap-northeast-2a, ap-northeast-2c"),
    ):
        empty.config("availability_zone", zone)
        code, said = empty.run("preview")
        assert (code != 0, says in said, "Traceback" in said) == (True, True, False), said
        assert "`pulumi config set availability_zone` to one of ap-northeast-2a" in said


def test_another_type_is_asked_for_as_well_and_a_zone_is_for_life(stack: Stack) -> None:
    stack.config("source_instance_type", "t2.medium")
    code, said = stack.run("preview")
    assert code != 0
    assert "EC2 does not offer t2.medium in ap-northeast-2c: choose another instance type" in said
    stack.must("config", "rm", "source_instance_type")


GATEWAY, SOURCE = "onprem-aws-aws-gateway-instance", "onprem-aws-aws-database-instance"
INVENTORY = "onprem-aws-inventory-file"
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
    changed = dict.fromkeys(("onprem-aws", "onprem-aws-aws-database", INVENTORY), "update")
    assert stack.steps() == changed, "what the components are meant to be, and no machine"
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


def test_nothing_replaces_the_network_or_the_machine_of_a_source_that_serves(stack: Stack) -> None:
    before = stack.state()
    for setting, value, what in (
        ("source_address", "10.20.2.21", "the source's machine"),
        ("private_range", "10.20.2.0/25", "the network with the source in it"),
    ):
        stack.config(setting, value)
        for words in (("preview",), ("up", "--yes", "--skip-preview")):
            code, said = stack.run(*words)
            assert code != 0
            assert f"{setting} {value} instead of " in said
            assert f"would replace {what}, which serves now: take that back" in said
        stack.must("config", "rm", setting)
    after = stack.state()
    parts = ("interface", "instance", "data")
    assert {name: after[f"onprem-aws-aws-database-{name}"]["id"] for name in parts} == {
        name: before[f"onprem-aws-aws-database-{name}"]["id"] for name in parts
    }
    stack.config("active_site", "onprem")
    stack.config("source_address", "10.20.2.21")
    assert stack.steps()[SOURCE] == "replace", "without the refusal"
    stack.must("config", "rm", "source_address")
    stack.must("config", "rm", "active_site")


def test_another_name_of_the_connection_keeps_the_security_group(stack: Stack) -> None:
    stack.config("connection_name", "other")
    replaced = {name for name, op in stack.steps().items() if op == "replace"}
    assert replaced == {"onprem-aws-tunnel-gate"}
    stack.must("config", "rm", "connection_name")


def test_the_only_copy_leaves_a_snapshot_when_it_goes(stack: Stack) -> None:
    assert volume(stack)["outputs"]["finalSnapshot"] is True, "the provider acts from the state"


def test_a_later_payload_arrives_in_place_and_previews_as_what_it_is(stack: Stack) -> None:
    before = stack.state()
    for file in ("gateway/watch.py", "database/status.py", "agent/agent.py", "agent/aws.py"):
        with open(stack.folder / "components" / "guest" / file, "a") as later:
            later.write("# later\n")
    told = {
        **dict.fromkeys(("onprem-aws-payload-gateway", "onprem-aws-payload-database"), "replace"),
        **dict.fromkeys(("onprem-aws-aws-gateway-desired", "onprem-aws-aws-database-desired"), "update"),
        "onprem-aws-aws-database-followup": "update",
        **dict.fromkeys(("onprem-aws-onprem-gateway-apply", "onprem-aws-onprem-apply"), "update"),
        # They look again whether it works.
        **dict.fromkeys(("onprem-aws-tunnel-gate", "onprem-aws-replica-gate"), "replace"),
        **dict.fromkeys(("onprem-aws", "onprem-aws-inventory-file"), "update"),  # the payload's digest, as a note
    }
    assert stack.steps() == told
    stack.up()
    after = stack.state()
    for machine in (GATEWAY, SOURCE):
        assert (after[machine]["id"], after[machine]["inputs"]) == (before[machine]["id"], before[machine]["inputs"])
    stack.up("--expect-no-changes")
