"""The command line: what it runs, what it prints, how it ends."""

import json
import os
import signal

import pytest

from benchmarks import cli, context, registry
from benchmarks.context import NotMeasured
from benchmarks.figure import Figure, value_at_most
from benchmarks.registry import ALL, Benchmark, Needs, chosen


@pytest.fixture
def outcomes(monkeypatch, tmp_path):
    """Replaces every benchmark's measurement; {"preview": [value, …]} or an exception."""
    given = {}

    def measure(self):
        def run(_):
            found = given.get(self.name, [1.0])
            if isinstance(found, BaseException):
                raise found
            for value in found:
                yield Figure(self.name, value, "s", value_at_most(5), "nothing")

        return run

    monkeypatch.setattr(Benchmark, "measure", property(measure))
    monkeypatch.setattr(cli, "TREE", tmp_path)
    return given


@pytest.mark.usefixtures("outcomes")
def test_every_figure_met_is_exit_code_0(capsys):
    assert cli.main(["preview", "growth", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [figure["name"] for figure in printed["figures"]] == ["preview", "growth"]
    assert printed["not_measured"] == []


def test_one_figure_short_is_exit_code_1_and_the_others_are_still_measured(outcomes, capsys):
    outcomes["preview"] = [1.0, 6.0]
    assert cli.main(["preview", "growth", "--json"]) == 1
    assert [figure["met"] for figure in json.loads(capsys.readouterr().out)["figures"]] == [True, False, True]


def test_what_cannot_be_measured_is_named_and_is_exit_code_1(outcomes, capsys):
    outcomes["preview"] = NotMeasured("there is no engine")
    assert cli.main(["preview", "growth", "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["not_measured"] == [{"name": "preview", "why": "there is no engine"}]
    assert len(printed["figures"]) == 1


def test_an_interrupted_run_prints_what_it_has(outcomes, capsys):
    outcomes["growth"] = KeyboardInterrupt()
    assert cli.main(["preview", "growth", "--json"]) == 130
    assert len(json.loads(capsys.readouterr().out)["figures"]) == 1


def test_a_run_that_is_ended_from_outside_is_undone_like_an_interrupted_one(outcomes, capsys, monkeypatch):
    undone = []

    def ended(context):
        context.callback(undone.append, "lab down")
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([signal.SIGUSR1], 5)  # the handler runs before this returns
        yield Figure("never", 1.0, "s", value_at_most(5), "nothing")

    monkeypatch.setattr(Benchmark, "measure", property(lambda self: ended))
    assert cli.main(["preview", "--json"]) == 130
    assert undone == ["lab down"]
    assert json.loads(capsys.readouterr().out)["figures"] == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.usefixtures("outcomes")
def test_an_unknown_name_is_refused_with_the_names_there_are(capsys):
    assert cli.main(["previw"]) == 2
    assert "previw" in (told := capsys.readouterr().err)
    assert all(one.name in told for one in ALL)


@pytest.mark.usefixtures("outcomes")
def test_the_table_shows_every_figure(capsys):
    cli.main(["preview"])
    assert "preview" in capsys.readouterr().out


def test_every_benchmark_has_a_module_with_run():
    for one in ALL:
        assert callable(one.measure), one.name


def test_the_list_says_what_a_long_run_needs_beside_a_usual_one(capsys):
    assert cli.main(["--list"]) == 0
    rows = {row.split()[0]: row for row in capsys.readouterr().out.splitlines()}
    assert set(rows) == {one.name for one in ALL}
    assert rows["two-writers"].endswith("needs Python alone; --long: the PostgreSQL servers of the tests)")
    assert rows["switch"].endswith("needs the PostgreSQL servers of the tests)")


def test_what_needs_the_lab_down_runs_first_and_the_lab_comes_up_once():
    needs = [one.needs for one in chosen([])]
    assert needs == sorted(needs, key=list(Needs).index)
    assert needs[0] == Needs.LAB_DOWN
    assert {one.name for one in chosen(["growth", "tour"])} == {"growth", "tour"}


def test_only_what_uses_the_lab_owns_it():
    owned = {one.name: one.needs.owned for one in ALL}
    assert {owned[name] for name in ("two-writers", "switch", "preview-gcp")} == {None}
    assert {owned[name] for name in ("tunnels", "all-cut")} == {"bench"}, "one of them at a time, beside any lab"
    assert {owned[name] for name in ("tour", "link-down", "cold-warm")} == {""}


def test_a_command_that_fails_says_its_last_words(tmp_path):
    with (
        context.Context(False, tmp_path, []) as run,
        pytest.raises(NotMeasured, match=r"(?s)with 3.*last words"),
    ):
        run.command("failing", ["sh", "-c", "echo last words >&2; exit 3"])


def test_registry_is_what_the_command_line_lists(capsys):
    assert cli.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(registry.ALL)
