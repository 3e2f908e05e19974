"""The command line's promises: one JSON object on standard output, exit codes 0, 1 and 2, refusals with a sentence."""

import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from operations import cli, evidence
from operations.transport import Done, Unreachable
from tests.operations_hosts import FakeTransport, HostWorld
from tests.operations_world import INVENTORY
from twinsite.inventory import to_dict

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def desk(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> HostWorld:
    """A project folder with an inventory file, and hosts in memory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev.json").write_text(json.dumps(to_dict(INVENTORY)))
    monkeypatch.setenv("TWINSITE_INVENTORY", "dev.json")
    world = HostWorld()
    monkeypatch.setattr(cli, "connect", lambda _: FakeTransport(world))
    return world


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_healthy_stack_is_exit_0(desk: HostWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 0
    assert answer(capsys)["healthy"] is True


def test_a_sick_stack_is_exit_1(desk: HostWorld, capsys: pytest.CaptureFixture[str]) -> None:
    desk.reports["onprem-database", "database"]["receiver"]["state"] = "OFF"
    assert cli.main(["status", "--json"]) == 1
    assert answer(capsys)["problems"]


def test_nobody_there_is_exit_2_with_the_same_shape(desk: HostWorld, capsys: pytest.CaptureFixture[str]) -> None:
    desk.unreachable = {host.name: "No route to host" for host in INVENTORY.hosts}
    assert cli.main(["status", "--json"]) == 2
    assert "do not exist" in answer(capsys)["problems"][0]


def test_a_reader_that_goes_early_gets_no_traceback(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dev.json").write_text(json.dumps(to_dict(INVENTORY)))
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "operations", "--inventory", "dev.json", "report", "--json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    finally:
        os.close(writer)
    assert "Traceback" not in done.stderr
    assert done.returncode == 128 + signal.SIGPIPE


def test_a_recorded_only_stack_refuses_a_drill_with_exit_2(desk: HostWorld, capsys: pytest.CaptureFixture[str]) -> None:
    desk.unreachable = {host.name: "No route to host" for host in INVENTORY.hosts}
    assert cli.main(["drill", "tunnel-cut", "--json"]) == 2
    found = answer(capsys)
    assert (found["command"], found["verdict"], found["evidence"]) == ("drill tunnel-cut", "refused", None)
    assert {"topology", "dr_mode", "figures", "steps", "report"} <= found.keys()


def test_a_drill_before_the_guests_are_there_is_refused_with_what_brings_them(
    desk: HostWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Bare(FakeTransport):
        def run(self, host: str, command: Sequence[str], *_: Any, **__: Any) -> Done:
            if host != "onprem-database":
                return super().run(host, command, *_, **__)
            if command[2] == "python3":
                return Done(2, "", f"python3: can't open file '{command[3]}': [Errno 2] No such file or directory")
            return Done(1, "", f"sudo: {command[2]}: command not found")

    monkeypatch.setattr(cli, "connect", lambda _: Bare(desk))
    assert cli.main(["drill", "tunnel-cut", "--json"]) == 2
    found = answer(capsys)
    assert found["problems"] == [
        "there is no guest of this version on onprem-database: run `pulumi up`, which delivers it"
    ]
    assert desk.left() == []


def test_a_refused_drill_for_a_person_is_a_sentence(desk: HostWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["drill", "tunnel-cut", "--at", "moon"]) == 2
    assert "--at moon: this tunnel's gateways are" in capsys.readouterr().out


def test_no_inventory_is_exit_2_in_words_and_in_json(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWINSITE_INVENTORY", "absent.json")
    assert cli.main(["status", "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["problems"] == [captured.err.strip()]


def test_an_interrupted_command_says_so_in_json(
    desk: HostWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_repair", interrupted)
    assert cli.main(["repair", "--json"]) == 1
    assert answer(capsys)["verdict"] == "failed"


def test_every_transport_is_closed_whatever_happens(desk: HostWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    class Breaking(FakeTransport):
        def run(self, *_: Any, **__: Any) -> Any:
            raise Unreachable("aws-gateway", "gone")

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr(cli, "connect", lambda _: Breaking(desk))
    cli.main(["status", "--json"])
    assert closed == [True]


def test_the_last_report_is_found(desk: HostWorld, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report"]) == 2
    capsys.readouterr()
    page = tmp_path / "page.html"
    page.touch()
    evidence.write(pathlib.Path(".twinsite/dev"), "20261121T090000Z-x", {"report": str(page)})
    assert cli.main(["report"]) == 0
    assert capsys.readouterr().out.strip() == str(page)


def test_help_comes_without_loading_what_draws_or_talks() -> None:
    program = (
        "import sys\nfrom operations import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'matplotlib', 'pulumi', 'boto3', 'rich', 'numpy'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")


@pytest.mark.parametrize("words", [["status"], ["drill", "tunnel-cut"], ["repair"], ["report"]])
def test_every_command_offers_json(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["drill", "tunnel-cut", "--how", "magic"], ["nonsense"], []])
def test_bad_words_are_exit_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
