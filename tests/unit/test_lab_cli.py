"""The lab's command line where there is no box: what it refuses, and how it says so."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import cli, lifecycle
from lab.box.machine import logins
from lab.client import LabError
from lab.daemon import start_time
from lab.methods import wait_until
from lab.paths import TREE, Paths


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    made = Paths(tmp_path / "run")
    monkeypatch.setattr(cli, "Paths", lambda: made)
    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        lifecycle, "why_not", lambda: ["There is no systemd-nspawn: `apt-get install systemd-container`."]
    )
    return made


@pytest.mark.parametrize("words", [["shell"], ["shell", "onprem-gateway"], ["exec", "--", "true"], ["crash", "x"]])
def test_without_a_lab_each_command_names_the_one_that_makes_it(
    paths: Paths, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert cli.main(words) == 2
    assert capsys.readouterr().err == "refused: the lab is down: `./scripts/lab up`\n"


def test_status_says_down_and_what_is_missing(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["up"], answer["mode"], answer["machines"]) == (False, "down", [])
    assert answer["problems"] == ["There is no systemd-nspawn: `apt-get install systemd-container`."]


def test_a_reader_that_goes_early_gets_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lab.cli", "status"],
            cwd=TREE,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    finally:
        os.close(writer)
    assert (done.stderr, done.returncode) == ("", 128 + signal.SIGPIPE)


def test_faults_are_refused_when_nothing_runs_behind_the_desk(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = lifecycle.recorded_paths()
    recorded.run.mkdir(parents=True)
    (recorded.run / "up.json").write_text('{"box": "recorded-1"}')
    for words in (
        ["cut", "onprem-wan", "on"],
        ["loss", "5"],
        ["capture", "start", "--json"],
        ["shell", "onprem-gateway"],
    ):
        assert cli.main(words) == 2
        assert "records only" in capsys.readouterr().err
    assert cli.main(["status"]) == 0
    assert "up, recorded only (recorded-1)" in capsys.readouterr().out


ASKED = {"id": "i-1", "running": True, "booted": True, "address": "10.20.1.10", "namespace": "vpc-1", "console": "/c"}


@pytest.mark.parametrize(
    ("name", "logins", "login"),
    [
        ("aws-gateway", ["twinsite"], "twinsite@10.20.1.10"),
        ("aws-application", ["ubuntu", "tomcat"], "ubuntu@10.20.1.10"),
        ("anna@aws-gateway", [], "anna@10.20.1.10"),
    ],
)
def test_a_shell_logs_in_as_somebody_who_can(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, name: str, logins: list[str], login: str
) -> None:
    monkeypatch.setattr(cli.Client, "call", lambda self, method, **words: ASKED | {"logins": logins})
    command, namespace = cli._login(lifecycle.Found("live", paths, "box"), name)
    assert (command[-1], namespace) == (login, "vpc-1")


@pytest.mark.parametrize(
    ("booted", "words"), [(True, "nobody has a key to log in to azure-standby"), (False, "is still booting")]
)
def test_a_shell_where_nobody_can_log_in_is_refused_with_what_to_use(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, booted: bool, words: str
) -> None:
    monkeypatch.setattr(cli.Client, "call", lambda self, method, **_: ASKED | {"logins": [], "booted": booted})
    with pytest.raises(LabError, match=words):
        cli._login(lifecycle.Found("live", paths, "box"), "azure-standby")


def test_people_of_a_machine_are_those_with_a_key(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/bash\nubuntu:x:1000:1000::/people/ubuntu:/bin/bash\n"
        "twinsite:x:1001:1001::/people/twinsite:/bin/bash\n"
    )
    for home, keys in (("root", "ssh-ed25519 A\n"), ("people/ubuntu", ""), ("people/twinsite", "ssh-ed25519 A\n")):
        (tmp_path / home / ".ssh").mkdir(parents=True)
        (tmp_path / home / ".ssh/authorized_keys").write_text(keys)
    assert logins(tmp_path) == ["twinsite"]
    assert logins(tmp_path / "off") == []


def test_a_process_is_known_by_its_start_and_not_by_its_number_alone(paths: Paths) -> None:
    paths.run.mkdir()
    paths.pid.write_text(f"{os.getpid()} {start_time(os.getpid())}\n")
    assert lifecycle.daemon_pid(paths) == os.getpid()
    paths.pid.write_text(f"{os.getpid()} 1\n")
    assert lifecycle.daemon_pid(paths) == 0, "another process has the number now"
    paths.pid.write_text("999999999 \n")
    assert lifecycle.daemon_pid(paths) == 0


def test_what_a_crash_left_is_named_by_status(paths: Paths) -> None:
    paths.run.mkdir()
    assert any("did not end well" in problem for problem in lifecycle.status(paths)["problems"])


@pytest.fixture
def holder(paths: Paths) -> Iterator[subprocess.Popen[str]]:
    """Another process that is in the middle of an `up`."""
    code = "import pathlib, sys\nfrom lab.lifecycle import Paths, alone\nwith alone(Paths(pathlib.Path(sys.argv[1]))):"
    code += "\n  print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(paths.run)],
        cwd=TREE,
        env=os.environ | {"PYTHONPATH": str(TREE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_two_at_once_are_refused_with_the_others_number_until_that_one_dies(
    paths: Paths, holder: "subprocess.Popen[str]", capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"refused: another `lab up` or `lab down` is at work (process {holder.pid}): wait for it to end\n"
    for word in ("up", "down"):
        assert cli.main([word]) == 2
        assert capsys.readouterr().err == text
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    def free() -> bool:
        try:
            with lifecycle.alone(paths):
                return True
        except LabError:
            return False

    wait_until(free, 60, "the lock's end")


def test_down_is_refused_at_the_desk_itself(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWINSITE_LAB_BOX", "box-1")
    assert cli.main(["down"]) == 2
    assert "leave it (exit)" in capsys.readouterr().err


def test_the_launcher_without_tools_names_setup(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    launcher = tmp_path / "scripts" / "lab"
    launcher.write_bytes((TREE / "scripts" / "lab").read_bytes())
    launcher.chmod(0o755)
    done = subprocess.run([launcher, "status"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "lab: the tools are not set up: run ./scripts/setup\n")
