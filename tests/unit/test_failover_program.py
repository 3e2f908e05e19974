"""How a failover runs the Pulumi program: what it is told, what it leaves out, whom it waits for."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from operations.moves import program
from tests.failover_world import INVENTORY
from twinsite.inventory import to_dict

ROOT = pathlib.Path(__file__).parents[2]


PULUMI = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$*" in
*whoami*) echo '{{"url": "{backend}"}}';;
*cancel*) touch {folder}/cancelled;;
*" preview "*) cat {folder}/preview.json;;
*" up "*) if [ -e {folder}/taken ]; then rm {folder}/taken
  echo "error: [409] Conflict: Another update is currently in progress."; exit 255; fi
  if [ -e {folder}/locked ] && [ ! -e {folder}/cancelled ]; then
  echo "error: the stack is currently locked by 1 lock(s)."
  echo "  file:///x: created by ann@$(hostname) (pid 999999999) at 2026-11-21"; exit 1; fi;;
*output*) cat {folder}/inventory.json;;
esac
"""


def project(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, backend: str = "file://~", more: str = "") -> Any:
    (tmp_path / "Pulumi.yaml").write_text("name: x\n")
    (tmp_path / "Pulumi.dr.yaml").write_text(more + "config:\n  twinsite:dr_mode: cold\n")
    (tmp_path / "inventory.json").write_text(json.dumps(to_dict(replace(INVENTORY, dr_mode="warm"))))
    (tmp_path / "preview.json").write_text(json.dumps({"steps": []}))
    (tmp_path / "pulumi").write_text(PULUMI.format(folder=tmp_path, backend=backend))
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program.Program("dr", tmp_path, INVENTORY.site("aws"))


def calls(tmp_path: pathlib.Path) -> list[str]:
    return [line.split("--non-interactive ")[1] for line in (tmp_path / "calls").read_text().splitlines()]


URN = "urn:pulumi:dr::twinsite::"
OLD = {"id": "1"}
MAP = {"urn": f"{URN}twinsite:index:BackupJob$kubernetes:core/v1:ConfigMap::told", "op": "same", "oldState": OLD}
EDGE = {"urn": f"{URN}twinsite:index:FrontDoor$aws:cloudfront/distribution:Distribution::edge", "op": "same"}
BLOB = {"urn": f"{URN}azure-native:storage:Blob::inventory", "op": "update", "oldState": OLD}
LEFT_OUT = "--exclude **aws:*/** --exclude **kubernetes:*/**"
NEEDS: list[dict[str, Any]] = [
    {"dependencies": [EDGE["urn"]]},
    {"propertyDependencies": {"source": [EDGE["urn"]], "name": None}},
    {"parent": EDGE["urn"]},
]


@pytest.mark.parametrize("edge", [EDGE, {**EDGE, "oldState": OLD, "needed": True}], ids=["new", "needed"])
def test_raising_the_mode_leaves_the_primary_out(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, edge: dict[str, Any]
) -> None:
    desk = project(tmp_path, monkeypatch)
    steps = [MAP, edge, {**BLOB, "newState": {"dependencies": [MAP["urn"]] + [edge["urn"]] * ("needed" in edge)}}]
    (tmp_path / "preview.json").write_text("warning: something\n" + json.dumps({"steps": steps}) + "\n")
    said: list[str] = []
    assert desk.to_mode("warm", said.append).dr_mode == "warm"
    assert calls(tmp_path) == [
        "config set dr_mode warm --stack dr",
        f"preview --json --show-sames {LEFT_OUT} --stack dr",
        f"up --yes --skip-preview {LEFT_OUT} --stack dr",
        "stack output inventory --json --stack dr",
    ]
    assert said == ["aws is left as it is: what the program wants changed there comes with the next `pulumi up`"]


@pytest.mark.parametrize("state", NEEDS)
def test_what_is_new_at_the_primary_and_needed_elsewhere_is_refused_before_anything_is_changed(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]
) -> None:
    desk = project(tmp_path, monkeypatch)
    (tmp_path / "preview.json").write_text(json.dumps({"steps": [MAP, EDGE, {**BLOB, "newState": state}]}))
    with pytest.raises(
        program.ProgramFailed, match=r"\(inventory needs edge\): run the same command from the checkout"
    ):
        desk.to_mode("warm", lambda words: None)
    assert not any(call.startswith("up ") for call in calls(tmp_path))


def test_a_preview_that_fails_is_told_in_its_own_words(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = project(tmp_path, monkeypatch)
    said = {"steps": [], "diagnostics": [{"severity": "error", "message": "warm is not offered"}]}
    text = (tmp_path / "pulumi").read_text().replace("preview.json;;", "preview.json; exit 255;;")
    (tmp_path / "pulumi").write_text(text)
    (tmp_path / "preview.json").write_text(json.dumps(said))
    with pytest.raises(
        program.ProgramFailed, match="`pulumi preview` without aws failed: warm is not offered; if twinsite"
    ):
        desk.to_mode("warm", lambda words: None)
    (tmp_path / "preview.json").write_text("error: incorrect passphrase")
    with pytest.raises(program.ProgramFailed, match="incorrect passphrase"):
        desk.to_mode("warm", lambda words: None)


def test_lowering_the_mode_is_an_ordinary_up(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch).to_mode("cold", lambda words: None)
    assert calls(tmp_path)[1] == "up --yes --skip-preview --stack dr"


def test_with_other_versions_of_the_primarys_packages_it_is_an_ordinary_up_and_the_way_out_is_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = project(tmp_path, monkeypatch)
    (tmp_path / "preview.json").write_text(
        "… has not been registered yet, this is due to a change of providers mixed …"
    )
    said: list[str] = []
    assert desk.to_mode("warm", said.append).dr_mode == "warm"
    assert calls(tmp_path)[2] == "up --yes --skip-preview --stack dr"
    assert "if this one fails there, run the same command from the checkout" in said[0]


def test_a_lock_that_a_killed_command_of_this_machine_left_is_cancelled(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").touch()
    assert project(tmp_path, monkeypatch).to_mode("warm", lambda words: None).dr_mode == "warm"
    assert (tmp_path / "cancelled").exists()


def test_an_update_that_pulumi_cloud_still_has_in_progress_is_waited_for_and_not_cancelled(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    said: list[str] = []
    assert project(tmp_path, monkeypatch).to_mode("warm", said.append).dr_mode == "warm"
    assert any("still works on the stack: waiting for it" in words for words in said)
    assert not any("Conflict" in words for words in said)
    assert not (tmp_path / "cancelled").exists()


SLOW = """#!/bin/sh
trap 'echo interrupted; touch {folder}/interrupted; exit 1' INT
echo updating; touch {folder}/begun
while [ ! -e {folder}/go ] && [ ! -e {folder}/interrupted ]; do sleep 0.05; done
echo made the machine; touch {folder}/made
"""
COMMAND = "import pathlib, sys; from operations.moves.program import Program; import signal; "
COMMAND += "from twinsite.inventory import Site; "
COMMAND += "signal.signal(signal.SIGINT, signal.default_int_handler); "
COMMAND += "Program('dr', pathlib.Path(sys.argv[1]), Site('aws', ()))._run(['up'], 60.0, print)"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_up_whose_command_is_killed_ends_in_good_order_and_ctrl_c_reaches_it(
    tmp_path: pathlib.Path, how: signal.Signals
) -> None:
    (tmp_path / "pulumi").write_text(SLOW.format(folder=tmp_path))
    (tmp_path / "pulumi").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    comes(tmp_path / "begun")
    running.send_signal(how)
    if how is signal.SIGINT:
        running.wait(timeout=20)
        assert (tmp_path / "interrupted").exists()
        return
    running.wait(timeout=20)
    (tmp_path / "go").touch()
    comes(tmp_path / "made")


def comes(path: pathlib.Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


def test_a_lock_of_another_machine_is_never_cancelled() -> None:
    words = "created by ann@elsewhere (pid 999999999) at"
    assert program._owner_is_gone(words) is False
    assert program._owner_is_gone(words.replace("elsewhere", socket.gethostname())) is True


@pytest.mark.parametrize(
    ("backend", "more", "words"),
    [
        ("s3://state?region=ap-northeast-2", "", "`pulumi login azblob://"),
        ("azblob://state", "secretsprovider: awskms://alias/key\n", "`pulumi stack change-secrets-provider"),
    ],
)
def test_state_or_secrets_in_aws_are_refused_with_the_fix(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, backend: str, more: str, words: str
) -> None:
    problems = project(tmp_path, monkeypatch, backend, more).problems()
    assert len(problems) == 1 and words in problems[0]
    assert project(tmp_path, monkeypatch, "azblob://state").problems() == ()


def test_without_a_project_the_folder_is_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    (tmp_path / "Pulumi.yaml").unlink()
    assert "has no Pulumi.yaml" in program.Program("dr", tmp_path, INVENTORY.site("aws")).problems()[0]
