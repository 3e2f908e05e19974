"""The tree's own program as a project of a test's own, recorded."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.real_pulumi import Desk

from .conftest import Stack

TREE = Path(__file__).resolve().parents[2]


def initialised(desk: Desk, provider_home: Path, secrets: Mapping[str, str]) -> Stack:
    """Stack `test`, with its secrets and nothing else in its file; the state is written once an update."""
    shutil.copytree(provider_home / "plugins", desk.folder / "home" / "plugins")
    (desk.folder / "state").mkdir()
    desk.checkpoints = False
    project = desk.folder / "twinsite"
    project.mkdir()
    for name in ("__main__.py", "components", "stacks"):
        (project / name).symlink_to(TREE / name)
    (project / "twinsite").symlink_to("components")
    text = (TREE / "Pulumi.yaml").read_text()
    assert "    virtualenv: .venv\n" in text
    (project / "Pulumi.yaml").write_text(text.replace("virtualenv: .venv", f"virtualenv: {desk.python}"))
    desk.must(project, "stack", "init", "test")
    given = [word for key, value in secrets.items() for word in ("--secret", f"{key}={value}")]
    desk.must(project, "config", "set-all", *given)
    return Stack(desk, project)


def write(stack: Stack, text: str) -> None:
    """The stack file anew; what is encrypted in it stays."""
    file = stack.folder / "Pulumi.test.yaml"
    kept, wanted = yaml.safe_load(file.read_text()), yaml.safe_load(text)
    secrets = {
        key: value for key, value in kept.get("config", {}).items() if isinstance(value, dict) and "secure" in value
    }
    salt = {key: value for key, value in kept.items() if key != "config"}
    file.write_text(yaml.safe_dump({**salt, "config": {**wanted["config"], **secrets}}))
