"""No false alarm: the whole pack has nothing against what the shipped topologies register, in any mode, nor against
five programs of raw resources that are as the providers' documentation shows good practice.

And no silence either: the same graph with one change that must not be made is refused by the policy that it is for.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from tests.mocks import aws_azure_topology, aws_gcp_topology, onprem_aws_topology
from tests.mocks.harness import Run, plain

from .pack import POLICIES, Given, said

STACKS: dict[str, Callable[[], Run]] = {
    "onprem-aws": onprem_aws_topology.build,
    "cold": lambda: aws_azure_topology.build(dr_mode="cold"),
    "warm": lambda: aws_azure_topology.build(dr_mode="warm"),
    "warm, one name, a machine": lambda: aws_azure_topology.build(
        dr_mode="warm", database_kind="machine", names="one", primary_has_ipv6=False
    ),
    "gcp": lambda: aws_gcp_topology.build(dr_mode="warm", **aws_gcp_topology.EVERYTHING),
}
Graph = list[Given]
HERE = Path(__file__).parent
EXAMPLES = HERE / "examples"
ROOM = HERE.parents[1] / "policy"
RAW: dict[str, list[dict[str, Any]]] = yaml.safe_load((HERE / "raw.yaml").read_text())
MUTANTS: list[dict[str, Any]] = yaml.safe_load((HERE / "mutants.yaml").read_text())


def given(run: Run) -> Graph:
    """What a program registered, as a state would have it."""
    published = {one.urn: plain(run.outputs.get(one.urn, {})) for one in run.resources}
    return [
        Given(one.type, one.name, {"id": one.id, **one.inputs, **published[one.urn]}, one.request.protect)
        for one in run.resources
    ]


@pytest.fixture(scope="module")
def registered() -> Iterator[dict[str, Graph]]:
    yield {name: given(build()) for name, build in STACKS.items()}
    pulumi.runtime.set_all_config({})


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_said_against_a_shipped_topology(registered: dict[str, Graph], stack: str) -> None:
    assert said(registered[stack]) == {}


def test_there_are_five_raw_programs_of_good_practice_and_every_type_that_they_have_is_judged() -> None:
    assert len(RAW) == 5
    named = {kind for file in ROOM.rglob("*.py") for kind in re.findall(r'"([\w-]+:[\w/.]+:\w+)"', file.read_text())}
    unread = {one["type"] for program in RAW.values() for one in program} - named
    assert unread == {"aws:route53/zone:Zone", "kubernetes:core/v1:Secret"}


@pytest.mark.parametrize("program", RAW)
def test_nothing_is_said_against_a_raw_program_of_good_practice(program: str) -> None:
    assert said(Given(**one) for one in RAW[program]) == {}


def edited(graph: Graph, mutant: Mapping[str, Any]) -> Graph:
    """The graph with one value of one resource changed; `name` is how the resource's name ends."""
    (at,) = (at for at, one in enumerate(graph) if one.type == mutant["type"] and one.name.endswith(mutant["name"]))
    props = json.loads(json.dumps(graph[at].props))
    *parents, last = mutant["path"]
    place = props
    for step in parents:
        place = place[step]
    place[last] = mutant["value"]
    return [*graph[:at], replace(graph[at], props=props), *graph[at + 1 :]]


def test_every_policy_has_a_mutant() -> None:
    assert {mutant["policy"] for mutant in MUTANTS} == set(POLICIES)


@pytest.mark.mutant
@pytest.mark.parametrize("mutant", [pytest.param(one, id=f"{at}-{one['policy']}") for at, one in enumerate(MUTANTS)])
def test_a_good_design_with_one_bad_change_is_refused_by_its_policy(
    registered: dict[str, Graph], mutant: dict[str, Any]
) -> None:
    config, graph = None, registered.get(mutant.get("stack", ""), [])
    if "raw" in mutant:
        example = yaml.safe_load((EXAMPLES / f"{mutant['raw']}.yaml").read_text())["good"][0]
        config, graph = example.get("config"), [Given(**one) for one in example["resources"]]
    found = said(edited(graph, mutant), config)
    assert [message for message in found.get(mutant["policy"], []) if mutant["says"] in message], found
    assert set(found) == {mutant["policy"], *mutant.get("also", [])}, "what else fires is listed in `also`"
