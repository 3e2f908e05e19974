"""What `pulumi preview` says of cost, RTO and RPO, what a budget refuses, and that resources are counted right."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from lab.operator.stack import GROUND, MARKER
from operations.project import files
from tests.real_pulumi import Desk

from .conftest import Stack, make_stack
from .test_policy_pack import PACK
from .test_topology_onprem_aws import project

PROGRAM = """
import pulumi
pulumi.export("estimate", {"dr_mode": "warm", "over_budget": BUDGET})
"""


def test_the_policy_pack_reads_what_the_program_says_of_its_budget(desk: Desk, provider_home: Path) -> None:
    desk.extra["PULUMI_PYTHON_CMD"] = sys.executable
    raw = make_stack(desk, provider_home, "raw", "")
    sentence = "RTO of warm is 22 min (restore 22 min); budget_rto_seconds allows 600: make it less"
    raw.program(PROGRAM.replace("BUDGET", repr([sentence])))
    code, told = raw.run("preview", "--policy-pack", PACK)
    assert (code != 0, "over-budget" in told, "budget_rto_seconds allows 600" in told) == (True, True, True), told
    raw.up()
    code, told = raw.run("policy", "analyze", "--stack", "test", "--policy-pack", PACK)
    assert (code != 0, "budget_rto_seconds allows 600" in told) == (True, True), told
    raw.program(PROGRAM.replace("BUDGET", "[]"))
    assert "over-budget" not in raw.must("preview", "--policy-pack", PACK), "of the program now, not of the state"


@pytest.fixture
def stack(desk: Desk, provider_home: Path) -> Stack:
    """Topology onprem-aws with nothing made."""
    return project(desk, provider_home)


def test_preview_shows_the_table_and_would_create_what_compare_modes_counts(stack: Stack) -> None:
    said = stack.must("preview")
    assert "→ pilot-light: $55.38 (remembered prices) a month, RTO more than 2 min (unknown: the replica is" in said
    steps = json.loads(stack.must("preview", "--json"))["steps"]
    made = sorted(step["urn"].split("::")[-2:] for step in steps if step["newState"].get("custom"))
    made = [[kind.split("$")[-1], name] for kind, name in made if not kind.split("$")[-1].startswith("pulumi:prov")]
    counted = files(stack.folder, "test", str, "compare-modes").ask("resources")
    assert counted["problems"] == []
    assert sorted([one["type"], one["name"]] for one in counted["resources"]) == sorted(made)
    kept = [one["name"] for one in counted["resources"] if one["holds_data"]]
    assert kept == ["onprem-aws-aws-database-data"]


def test_over_a_budget_is_refused_before_the_first_resource_with_the_way_to_service(stack: Stack) -> None:
    stack.config("budget_usd_month", "55.38")
    stack.must("preview")
    stack.config("budget_usd_month", "55")
    stack.config("budget_rto_seconds", "14400")
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    words = " ".join(said.split())
    assert "a dead peer is noticed 14 s, somebody decides 2 min, the replica is promoted ?" in words
    assert "budget_rto_seconds allows 14400" in words and "budget_usd_month allows 55:" in words
    assert "Traceback" not in said
    assert not [name for name in stack.state() if "onprem-aws-" in name]


def test_the_labs_rates_are_refused_to_a_stack_without_its_mark_and_count_with_it(stack: Stack) -> None:
    stack.config("ground", str(GROUND))
    code, said = stack.run("preview")
    assert (code != 0, "what was measured there says nothing of this stack" in " ".join(said.split())) == (True, True)
    stack.config(MARKER, "box-1")
    stack.must("preview")
    (resumed,) = files(stack.folder, "test", str, "compare-modes").ask("estimate")["estimate"]["modes"]["pilot-light"][
        "heals"
    ]
    rate = yaml.safe_load(GROUND.read_text())["rates"]["resume_seconds"]
    assert (resumed["basis"], resumed["value"]) == ("measured", rate["value"])
