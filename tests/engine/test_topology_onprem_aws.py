"""Topology onprem-aws on the real engine: what a second `up`, a replacement and a rebuild would do.

The stand-ins record only: no machine, no command. What the resources do is shown in tests/lab.
"""

from collections.abc import Iterator
from pathlib import Path

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
