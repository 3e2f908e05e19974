"""The desk where there can be no box: the real engine works, nothing runs, and every command says so."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.paths import TREE, cache

DRIVER = """
import pathlib, sys
from lab import cli, lifecycle
from lab.paths import Paths
lifecycle.why_not = lambda: ["The lab's machines need root: run the command with sudo or as root."]
cli.Paths = lambda: Paths(pathlib.Path(sys.argv[1]))
sys.exit(cli.main(sys.argv[2:]))
"""

Lab = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab's command line on a machine that lacks root; its own cache, which shares the tools of this one."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "cache").mkdir()
    (folder / "cache" / "tools").symlink_to(cache() / "tools")
    environment = os.environ | {"PYTHONPATH": str(TREE), "TWINSITE_CACHE": str(folder / "cache")}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", DRIVER, str(folder / "run"), *words]
        return subprocess.run(
            command, cwd=TREE, env=environment, input="", capture_output=True, text=True, check=False, timeout=600
        )

    done = run("up")
    assert done.returncode == 0, done.stderr
    assert "need root" in done.stderr
    assert "records only" in done.stderr
    yield run
    assert run("down").returncode == 0
    assert not (folder / "cache" / "lab" / "recorded").exists()
    assert not (folder / "run").exists()


def test_status_says_what_is_missing(lab: Lab) -> None:
    done = lab("status", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["up"], answer["mode"], answer["machines"]) == (0, True, "recorded", [])
    assert answer["problems"] == ["The lab's machines need root: run the command with sudo or as root."]


def test_a_second_up_says_so(lab: Lab) -> None:
    done = lab("up")
    assert (done.returncode, "already up (recorded only)" in done.stderr) == (0, True)


def test_the_desk_has_a_stack_with_the_labs_values_and_a_secret_key(lab: Lab) -> None:
    done = lab("exec", "--", "pulumi", "config", "--json", "--stack", "dev")
    assert done.returncode == 0, done.stderr
    config = json.loads(done.stdout)
    assert config["twinsite:onprem_gateway_ssh"]["value"] == "ubuntu@203.0.113.64:2210"
    assert config["twinsite:onprem_ssh_private_key"]["secret"] is True
    assert config["lab:marker"]["value"].startswith("recorded-")


def test_the_doctor_asks_from_the_desk_and_says_what_it_could_not(lab: Lab) -> None:
    nowhere = "AWS_ENDPOINT_URL=http://127.0.0.1:9"
    done = lab("exec", "--", "env", nowhere, "twinsite", "--stack", "dev", "doctor", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], answer["topology"]) == (1, "failed", "onprem-aws"), done.stderr
    said = {line["question"]: line for line in answer["lines"] if line["question"] != "clock, AWS"}
    assert {name for name, line in said.items() if line["answer"] == "not ok"} == {"backend"}
    assert {name for name, line in said.items() if line["answer"] == "ok"} == {"all", "pulumi"}
    assert all("AWS does not answer" in said[name]["words"] for name in ("AWS", "deployer, AWS", "zone and types"))


def test_the_tree_is_not_written(lab: Lab) -> None:
    before = {path.name: path.read_bytes() for path in TREE.glob("Pulumi*.yaml")}
    assert (
        lab("exec", "--", "pulumi", "config", "set", "--stack", "dev", "tolerated_outage_hours", "48").returncode == 0
    )
    assert {path.name: path.read_bytes() for path in TREE.glob("Pulumi*.yaml")} == before


def test_a_stack_that_is_brought_in_is_refused(lab: Lab) -> None:
    done = lab("exec", "--", "sh", "-c", "echo 'config: {}' >Pulumi.prod.yaml; pulumi preview; rm Pulumi.prod.yaml")
    assert "Pulumi.prod.yaml has no mark of this lab" in done.stderr


def test_a_stack_that_is_made_at_the_desk_is_the_labs(lab: Lab) -> None:
    made = lab("exec", "--", "pulumi", "stack", "init", "second", "--non-interactive")
    assert made.returncode == 0, made.stderr
    assert lab("exec", "--", "pulumi", "stack", "ls").returncode == 0
    assert lab("exec", "--", "pulumi", "stack", "rm", "second", "--yes").returncode == 0


def test_a_wrong_passphrase_is_told_by_pulumi_and_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    wrong = tmp_path / "passphrase"
    wrong.write_text("wrong")
    words = f"PULUMI_CONFIG_PASSPHRASE_FILE={wrong} pulumi config get onprem_ssh_private_key --stack dev"
    done = lab("exec", "--", "sh", "-c", words)
    assert done.returncode != 0
    assert "incorrect passphrase" in done.stderr


def test_machines_and_faults_are_refused(lab: Lab) -> None:
    for words in (["shell", "onprem-gateway"], ["crash", "onprem-gateway"], ["cut", "onprem-wan", "on"]):
        done = lab(*words)
        assert (done.returncode, "records only" in done.stderr) == (2, True)


def test_an_interactive_shell_says_that_nothing_runs(lab: Lab) -> None:
    done = lab("shell")
    assert (done.returncode, "recorded only" in done.stderr) == (0, True)


def test_a_stack_that_is_handed_over_needs_no_login(lab: Lab) -> None:
    def pulumi(*words: str) -> "subprocess.CompletedProcess[str]":
        return lab("exec", "--", "pulumi", *words, "--stack", "dev", "--non-interactive")

    keys = [f"onprem_{host}_{what}" for host in ("gateway", "database") for what in ("ssh", "host_key")]
    assert pulumi("config", "rm-all", *keys, "onprem_ssh_private_key").returncode == 0
    assert (
        pulumi("config", "set-all", "--plaintext", "onprem_delivery=bundle", "--plaintext", "gate=handover").returncode
        == 0
    )
    done = pulumi("preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "onprem-gateway is handed over" in done.stdout + done.stderr
