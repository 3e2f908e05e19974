"""State that an earlier version exported, one per topology and mode, under the program of now: nothing is lost by it.

tests/cases/states says of which commit it is. The stand-ins record only; it is previewed, and nothing else.
"""

import gzip
import shutil
from pathlib import Path

import pytest

from stacks import TOPOLOGIES, topology
from tests.real_pulumi import PYTHON, Desk

from .conftest import Stack

TREE = Path(__file__).resolve().parents[2]
STATES = TREE / "tests" / "cases" / "states"
TOLD = {
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "azure-native:compute:VirtualMachineRunCommandByVirtualMachine",
    "azure-native:storage:Blob",
    "command:remote:Command",
    "kubernetes:core/v1:ConfigMap",
}
"""What carries the files of the guests, or runs once per content of theirs: another content is another one of it."""


NEW = {"aws-gcp"}
"""Topologies that no earlier version has."""


def test_there_is_a_state_of_each_topology_and_mode() -> None:
    wanted = {f"{name}-{mode.value}" for name in TOPOLOGIES if name not in NEW for mode in topology(name).MODES}
    assert {folder.name for folder in STATES.iterdir() if folder.is_dir()} == wanted


def imported(case: str, desk: Desk, plugins: Path) -> Stack:
    """The tree's own program, with the state and the stack file of before."""
    (desk.folder / "home" / "plugins").symlink_to(plugins / "plugins")
    (desk.folder / "state").mkdir()
    project = desk.folder / "twinsite"
    project.mkdir()
    for name in ("__main__.py", "components", "stacks", "twinsite"):
        (project / name).symlink_to(TREE / name)
    text = (TREE / "Pulumi.yaml").read_text()
    (project / "Pulumi.yaml").write_text(text.replace("virtualenv: .venv", f"virtualenv: {PYTHON}"))
    shutil.copy(STATES / case / "Pulumi.test.yaml", project)
    (desk.folder / "state.json").write_bytes(gzip.decompress((STATES / case / "state.json.gz").read_bytes()))
    desk.checkpoints = False
    stack = Stack(desk, project)
    stack.must("stack", "init", "test")
    stack.must("stack", "import", "--file", str(desk.folder / "state.json"))
    return stack


def lost(stack: Stack) -> dict[str, str]:
    """What a preview would make anew, make besides or take away, but for what is told to machines: name → operation."""
    before = stack.state()
    return {
        name: op
        for name, op in stack.steps().items()
        if op not in ("update", "read") and (name not in before or before[name]["type"] not in TOLD)
    }


def topology_given(stack: Stack) -> None:
    """It was the project's default; a stack that relied on that is told so, and CHANGELOG has the command."""
    if "twinsite:topology" in (stack.folder / "Pulumi.test.yaml").read_text():
        return
    code, said = stack.run("preview")
    assert code != 0
    assert "topology is '': `pulumi config set topology …` with one of aws-azure, aws-gcp, onprem-aws" in said
    assert ("Traceback" in said, "an unhandled error occurred" in said) == (False, False), said
    stack.config("topology", "onprem-aws")


@pytest.mark.parametrize("case", sorted(folder.name for folder in STATES.iterdir() if folder.is_dir()))
def test_it_previews_with_no_delete_and_no_replacement(case: str, desk: Desk, provider_home: Path) -> None:
    stack = imported(case, desk, provider_home)
    topology_given(stack)
    assert lost(stack) == {}


def test_a_replacement_and_a_new_name_would_be_seen(desk: Desk, provider_home: Path) -> None:
    stack = imported("onprem-aws-pilot-light", desk, provider_home)
    topology_given(stack)
    stack.config("gateway_ami", "ami-0aaaaaaaaaaaaaaaa")
    stack.must("config", "set", "--path", "operator_ranges[0]", "198.51.100.8/32")
    found = lost(stack)
    assert found["onprem-aws-aws-gateway-instance"] in ("replace", "create-replacement", "delete-replaced")
    assert {"create", "delete"} <= set(found.values()), "a rule of another name, and the one that was there"
