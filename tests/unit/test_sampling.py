"""What CI leaves out of a kind is run by `./scripts/test long`, and nothing else is left out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sampling import sample

TREE = Path(__file__).resolve().parents[2]


def test_ci_runs_its_sample_and_the_rest_is_marked() -> None:
    one, two, three = sample(["a", "b", "c"], in_ci=["b"])
    assert (one.values, two, three.values) == (("a",), "b", ("c",))
    assert [mark.name for given in (one, three) for mark in given.marks] == ["long", "long"]


@pytest.mark.parametrize("in_ci", [[], ["d"]])
def test_a_sample_of_nothing_and_one_of_no_such_kind_are_no_samples(in_ci: list[str]) -> None:
    with pytest.raises(AssertionError):
        sample(["a", "b"], in_ci=in_ci)


def collected(*words: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)
    return [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line]


def test_pytest_leaves_out_what_is_long_unless_it_is_asked_for() -> None:
    file = "tests/lab/test_topology_onprem_aws.py"
    cuts = ["link-down", "one-way", "terminate", "gateway-reboot", "gateway-crash"]
    name = "test_each_kind_of_cut_heals_by_itself_and_loses_nothing"
    usual, all_ = collected(file), collected("--long", file)
    assert [one for one in all_ if one.startswith(name)] == [f"{name}[{cut}]" for cut in cuts]
    assert set(usual) < set(all_)
    assert sorted(set(all_) - set(usual)) == sorted(
        f"{name}[{cut}]" for cut in ("one-way", "terminate", "gateway-reboot")
    )


def test_contributing_names_every_file_of_which_ci_runs_a_sample() -> None:
    marks = ("pytest.mark." + "long", "in_" + "ci=")
    sampled = [path for path in (TREE / "tests").rglob("test_*.py") if any(mark in path.read_text() for mark in marks)]
    told = (TREE / "CONTRIBUTING.md").read_text()
    assert len(sampled) > 3
    assert [path.name for path in sampled if path.name not in told and path != Path(__file__)] == []
