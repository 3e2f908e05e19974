"""`pulumi new` of each template: four files, a package, and a preview; by the real engine with the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import aws_gcp_config
from tests.aws_azure_config import PROVIDERS, SECRETS, SETTINGS
from tests.real_pulumi import PYTHON, Desk

from .conftest import REGION, Stack, make_stack

TREE = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(path.name for path in (TREE / "templates").iterdir())
ONPREM: dict[str, dict[str, Any]] = yaml.safe_load((TREE / "stacks" / "onprem_aws" / "example.yaml").read_text())
GIVEN: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "aws-azure": ({**PROVIDERS, **SETTINGS}, SECRETS),
    "aws-gcp": ({**aws_gcp_config.PROVIDERS, **aws_gcp_config.SETTINGS}, aws_gcp_config.SECRETS),
    "onprem-aws": (ONPREM["settings"], ONPREM["secrets"]),
}
"""What a user of a template answers, and what in secret."""
TUNNEL = """
import pulumi
from twinsite import AwsNetwork, Delivery, GateMode, GuestStore, StrongSwanTunnel

REGION, ZONE, VPC, SUBNET = "ap-northeast-2", "ap-northeast-2a", "10.20.0.0/16", "10.20.1.0/24"
network = AwsNetwork("own", {
    "region": REGION, "availability_zone": ZONE,
    "vpc_range": VPC, "public_range": SUBNET, "private_range": "10.20.2.0/24",
})
tunnel = StrongSwanTunnel("own", {
    "region": REGION, "availability_zone": ZONE,
    "vpc_id": network.vpc_id, "vpc_range": VPC, "subnet_id": network.public_subnet_id, "subnet_range": SUBNET,
    "route_table_ids": {"private": network.private_route_table_id},
    "gateway_address": "10.20.1.10", "ami": "ami-0123456789abcdef0", "store": GuestStore("own", {"region": REGION}),
    "onprem_range": "192.168.64.0/24", "onprem_gateway_address": "192.168.64.10",
    "onprem_connection": None, "delivery": Delivery.BUNDLE, "gate": GateMode.HANDOVER,
    "operator_ranges": [], "operator_keys": [],
})
pulumi.export("gateway", tunnel.public_address)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=TREE, capture_output=True, text=True, check=True)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def own(desk: Desk, provider_home: Path, wheel: Path) -> Stack:
    """An own program, which finds the wheel and not the tree."""
    desk.extra["PYTHONPATH"] = str(wheel)
    return make_stack(desk, provider_home, "own", "")


def made(own: Stack, template: str) -> Stack:
    """What a user has after `pulumi new` and answering with the defaults."""
    folder = own.desk.folder / "mine"
    words = [
        "new",
        str(TREE / "templates" / template),
        "--generate-only",
        "--yes",
        "--name",
        "mine",
        "--dir",
        str(folder),
    ]
    own.desk.must(own.desk.folder, *words, "--description", "of mine")
    assert {path.name for path in folder.iterdir()} == {"Pulumi.yaml", "README.md", "__main__.py", "requirements.txt"}
    project = folder / "Pulumi.yaml"
    text = project.read_text()
    assert text.startswith("name: mine\ndescription: of mine\n") and "\ntemplate:" not in text
    project.write_text(text.replace("virtualenv: .venv", f"virtualenv: {PYTHON}"))
    own.desk.must(folder, "stack", "init", "test")
    return Stack(own.desk, folder)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_refuses_what_is_missing_with_sentences_and_then_previews(own: Stack, template: str) -> None:
    stack = made(own, template)
    stack.config("aws:region", REGION)
    stack.config("topology", template)
    code, said = stack.run("preview")
    assert code != 0
    assert "is refused:" in said and "is not set" in said
    assert "Traceback" not in said and "unhandled" not in said
    settings, secret = GIVEN[template]
    file = stack.folder / "Pulumi.test.yaml"
    written = yaml.safe_load(file.read_text())
    written["config"] |= {key if ":" in key else f"mine:{key}": value for key, value in settings.items()}
    file.write_text(yaml.safe_dump(written))
    for key, value in secret.items():
        stack.must("config", "set", "--secret", key, value)
    steps = stack.steps()
    assert len(steps) > 40 and set(steps.values()) <= {"create", "read"}


def test_twenty_lines_with_the_tunnel_alone_preview_where_the_wheel_is(own: Stack) -> None:
    assert len(TUNNEL.strip().splitlines()) <= 20
    (own.folder / "__main__.py").write_text(TUNNEL)
    steps = own.steps()
    assert steps["own"] == "create" and "own-aws-gateway" in steps
