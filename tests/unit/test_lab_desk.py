"""The operator's desk without a box: stack files, environment, the guard in front of `pulumi`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lab import keys
from lab.client import LabError
from lab.cloud_config import cloud_config
from lab.operator import stack
from lab.operator.desk import Desk
from lab.paths import TREE, Paths
from lab.scenes import named
from lab.scenes.onprem_aws import MACHINES
from lab.services.credentials import operator_credentials

WRAPPER = TREE / "lab" / "operator" / "pulumi.sh"


def test_the_overlay_sets_the_labs_values_and_keeps_the_users() -> None:
    before = "config:\n  twinsite:dr_mode: pilot-light\n  twinsite:ami: ami-real\nencryptionsalt: v1:x\n"
    after = yaml.safe_load(stack.overlay(before, "box-1", {"ami": "ami-lab", "operator_ranges": ["203.0.113.10/32"]}))
    assert after == {
        "config": {
            "twinsite:dr_mode": "pilot-light",
            "twinsite:ami": "ami-lab",
            "lab:marker": "box-1",
            "twinsite:operator_ranges": ["203.0.113.10/32"],
        },
        "encryptionsalt": "v1:x",
    }


def test_an_empty_stack_file_gets_the_mark() -> None:
    assert yaml.safe_load(stack.overlay("", "box-1", {})) == {"config": {"lab:marker": "box-1"}}


def test_the_machine_image_has_the_form_of_an_ami_id() -> None:
    assert stack.machine_image("0123456789abcdef") == "ami-00123456789abcdef"
    assert len(stack.machine_image("0")) == len("ami-") + 17


def test_the_labs_values_name_both_hosts_with_port_and_host_key(tmp_path: Path) -> None:
    desk = Desk(Paths(tmp_path), live=False)
    desk.prepare_identity(named(), operator_credentials())
    given = desk.given(named(), "ami-1")
    values, host_keys = named().settings(given), given.hosts
    assert values["onprem_gateway_ssh"] == "ubuntu@203.0.113.64:2210"
    assert values["onprem_database_ssh"] == "ubuntu@203.0.113.64:2220"
    assert values["onprem_database_host_key"] == " ".join(host_keys["onprem-database"].public.split()[:2])
    assert values["onprem_public_range"] == "203.0.113.64/32"


def test_a_key_pair_is_one_that_openssh_reads(tmp_path: Path) -> None:
    pair = keys.generate("operator@twinsite-lab")
    keys.write(pair, tmp_path / "ssh" / "id_ed25519")
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", tmp_path / "ssh" / "id_ed25519"], capture_output=True, text=True, check=False
    )
    assert derived.stdout.split()[:2] == pair.public.split()[:2]
    assert keys.read(tmp_path / "ssh" / "id_ed25519") == pair


def test_an_onprem_host_has_one_sudoer_with_the_operators_key_and_its_known_host_key() -> None:
    host_key = keys.generate("onprem-gateway")
    text = cloud_config(MACHINES[0].name, "ssh-ed25519 AAAA operator", host_key)
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert config["hostname"] == "onprem-gateway"
    assert [(user["name"], user["ssh_authorized_keys"]) for user in config["users"]] == [
        ("ubuntu", ["ssh-ed25519 AAAA operator"])
    ]
    assert config["ssh_keys"] == {"ed25519_private": host_key.private, "ed25519_public": host_key.public}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "stacks").mkdir(parents=True)
    (made / ".git").mkdir()
    (made / "Pulumi.yaml").write_text("name: twinsite\n")
    (made / "Pulumi.dev.yaml").write_text("config: {}\n")
    return made


def test_the_project_is_links_but_for_pulumis_own_files(tree: Path, tmp_path: Path) -> None:
    desk = Desk(Paths(tmp_path / "run"), live=False, tree=tree)
    desk.home.mkdir(parents=True)
    desk.refresh_project()
    (tree / "policy").mkdir()
    (tree / "stacks").rmdir()
    (desk.project / "Pulumi.dev.yaml").write_text("config: {changed: at-the-desk}\n")
    desk.refresh_project()
    assert sorted(entry.name for entry in desk.project.iterdir() if entry.is_symlink()) == [".twinsite", "policy"]
    assert not (desk.project / "Pulumi.yaml").is_symlink()
    assert (desk.project / "Pulumi.dev.yaml").read_text() == "config: {changed: at-the-desk}\n"
    assert (tree / "Pulumi.dev.yaml").read_text() == "config: {}\n", "nothing is written into the tree"


def test_a_tree_without_a_project_is_refused(tmp_path: Path) -> None:
    desk = Desk(Paths(tmp_path / "run"), live=False, tree=tmp_path)
    with pytest.raises(LabError, match=r"has no Pulumi\.yaml"):
        desk.refresh_project()


@pytest.mark.parametrize("live", [True, False])
def test_the_environment_holds_nothing_of_the_callers(
    live: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pulumi").touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("AWS_PROFILE", "SSH_AUTH_SOCK", "PULUMI_ACCESS_TOKEN", "AWS_ACCESS_KEY_ID", "PYTHONPATH"):
        monkeypatch.setenv(name, "the caller's")
    desk = Desk(Paths(tmp_path / "run"), live=live)
    desk.prepare_identity(named(), operator_credentials())
    environment = desk.environment("box-1")
    assert "the caller's" not in environment.values()
    assert environment["HOME"] == str(tmp_path / "run" / "operator")
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/run/operator/backend"
    given = ("TWINSITE_LAB_SOCKET", "SSL_CERT_FILE", "AZURE_CLIENT_SECRET", "ARM_SUBSCRIPTION_ID")
    assert [name in environment for name in given] == [live] * 4


def test_commands_run_in_the_operators_namespace_only_with_a_box(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert Desk(paths, live=True).command(["pulumi"]) == ["ip", "netns", "exec", "twoperator", "pulumi"]
    assert Desk(paths, live=False).command(["pulumi"]) == ["pulumi"]


def test_the_operators_access_keys_are_read_back(tmp_path: Path) -> None:
    desk = Desk(Paths(tmp_path), live=False)
    made = operator_credentials()
    desk.prepare_identity(named(), made)
    assert desk.operator_credentials() == made
    assert desk.ssh_key.stat().st_mode & 0o777 == 0o600
    known = (desk.home / ".ssh" / "known_hosts").read_text().splitlines()
    assert [line.split()[0] for line in known] == ["[203.0.113.64]:2210", "[203.0.113.64]:2220"]


class Guard:
    """The wrapper in front of a `pulumi` that only says what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        real = folder / "real-pulumi"
        real.write_text(
            '#!/bin/sh\necho "asked: $*"\n[ "${2:-}" != init ] || echo "encryptionsalt: v1:x" >Pulumi.new.yaml\n'
        )
        real.chmod(0o755)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(TREE),
            "TWINSITE_LAB_PULUMI": str(real),
            "TWINSITE_LAB_BACKEND": "file:///lab",
            "TWINSITE_LAB_BOX": "box-1",
            "PULUMI_BACKEND_URL": "file:///lab",
        }

    def stack(self, name: str, marker: str) -> None:
        text = stack.overlay("", marker, {}) if marker else "config: {}\n"
        (self.folder / f"Pulumi.{name}.yaml").write_text(text)

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [WRAPPER, *words],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard(tmp_path)


def test_a_stack_of_this_lab_passes(guard: Guard) -> None:
    guard.stack("dev", "box-1")
    assert guard.run("up", "--yes") == (0, "asked: up --yes\n", "")


@pytest.mark.parametrize("marker", ["", "box-12", "box-0"])
def test_a_stack_without_this_labs_mark_is_refused(guard: Guard, marker: str) -> None:
    guard.stack("dev", "box-1")
    guard.stack("prod", marker)
    code, out, err = guard.run("up", "--yes")
    assert (code, out) == (2, "")
    assert "refused: Pulumi.prod.yaml has no mark of this lab (box-1)" in err


@pytest.mark.parametrize("backend", ["https://example.org", ""])
def test_another_backend_is_refused(guard: Guard, backend: str) -> None:
    guard.stack("dev", "box-1")
    code, out, err = guard.run("up", PULUMI_BACKEND_URL=backend)
    assert (code, out) == (2, "")
    assert "not this lab's backend" in err


def test_a_stack_made_at_the_desk_gets_the_mark(guard: Guard) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    code, _, err = guard.run("stack", "init", "new", PATH=path)
    assert (code, err) == (0, "")
    content = yaml.safe_load((guard.folder / "Pulumi.new.yaml").read_text())
    assert content == {"encryptionsalt": "v1:x", "config": {"lab:marker": "box-1"}}
    assert guard.run("preview")[0] == 0
