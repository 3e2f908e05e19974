"""Version 1 of the inventory, as stacks of this program published it: read without a `pulumi up`, which needs the
primary. The files in tests/cases/inventory were written by the program of then."""

import io
import json
import pathlib
from typing import Any

import pytest

from operations import offers
from operations.console import Plain
from operations.guest import store_place
from operations.journal import lock
from operations.moves import command
from operations.moves.words import Command, Intent
from operations.stack import Stack
from tests import failover_world, operations_world
from tests.failover_world import Model, ModelWorld, Site
from twinsite import inventory

CASES = pathlib.Path(__file__).parents[1] / "cases" / "inventory"


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"version-1-{name}.json").read_text())
    return found


def test_hosts_and_flow_of_onprem_aws_are_those_that_it_had() -> None:
    before = case("onprem-aws")
    found = inventory.from_dict(before)
    assert [host.name for host in found.logins] == [host["name"] for host in before["hosts"]]
    assert found.reached_by(inventory.Ssh)["aws-source"].jump == "aws-gateway"
    (flow,) = found.flows_of(inventory.MYSQL_REPLICA)
    assert (flow.engine, flow.source, flow.target) == ("mysql", "aws-source", "onprem-database")
    assert (found.home, found.away) == ("aws", "onprem")
    assert store_place(found) == ("onprem-database", "/var/lib/twinsite")
    assert offers.offered(found) == offers.offered(operations_world.INVENTORY)


@pytest.mark.parametrize("mode", ["cold", "warm"])
def test_machines_job_names_and_database_of_aws_azure_are_those_that_it_had(mode: str) -> None:
    before = case(f"aws-azure-{mode}")
    found = inventory.from_dict(before)
    machine = found.with_role("standby", "azure")
    assert machine is not None and machine.exists is (mode == "warm")
    assert machine.status == before["azure_machines"][0]["status"]
    assert found.reached_by(inventory.Pod) == {"aws-rds-backup": inventory.Pod("", "petclinic", "rds-backup")}
    assert [name.steering for name in found.names] == [found.latch, found.latch]
    assert found.latch == inventory.Route53Latch(tuple(before["latch"]["stores"]), tuple(before["latch"]["urls"]))
    assert [(one.site, one.address, one.through) for one in found.endpoints] == [
        ("azure", before["databases"][0]["address"], "azure-standby")
    ]
    assert offers.offered(found) == offers.offered(failover_world.INVENTORY)


def test_what_is_left_out_of_an_up_are_the_home_sites_packages() -> None:
    found = inventory.from_dict(case("aws-azure-cold"))
    assert found.site(found.home).providers == ("aws", "kubernetes")
    assert found.site(found.away).providers == ("azure-native",)


@pytest.mark.parametrize(("name", "home"), [("onprem-aws", "aws"), ("aws-azure-warm", "aws")])
def test_home_stays_home_when_the_other_site_serves(name: str, home: str) -> None:
    before = case(name)
    before["active_site"], before["standby_site"] = before["standby_site"], before["active_site"]
    found = inventory.from_dict(before)
    assert (found.home, found.active_site == home) == (home, False)


@pytest.mark.parametrize("name", ["onprem-aws", "aws-azure-cold", "aws-azure-warm"])
def test_what_was_converted_is_written_and_read_back_unchanged(name: str) -> None:
    found = inventory.from_dict(case(name))
    again = inventory.to_dict(found)
    assert again["version"] == 2
    assert inventory.from_dict(again) == found


@pytest.mark.parametrize("lost", ["hosts", "standby_site"])
def test_a_damaged_one_says_what_is_missing(lost: str) -> None:
    before = case("onprem-aws")
    del before[lost]
    with pytest.raises(ValueError, match=f"{lost}.* is missing or wrong: run `pulumi up`"):
        inventory.from_dict(before)


def test_a_failover_begun_with_version_1_goes_on_where_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command was killed after the standby's data were proved; inventory and journal are as it left them."""
    monkeypatch.setattr(command, "_keep", lambda *_: None)
    monkeypatch.setattr(command, "CALM_SECONDS", 0.0)
    monkeypatch.setattr(lock, "gone", lambda _: True)
    begun = case("failover-begun")
    model = Model(alive=False)
    model.store.objects = {name: json.dumps(content).encode() for name, content in begun["objects"].items()}
    journal = next(content for name, content in begun["objects"].items() if name.startswith("journal/"))
    backup = journal["choices"]["backup"]
    model.exists, model.away, model.away_from, model.verified = True, Site(model.held_by[backup], True), backup, True
    known = inventory.from_dict(begun["inventory"])
    stack = Stack("dr", known, pathlib.Path("unused"))
    found = command.run(
        stack, Intent(Command.FAILOVER, "azure"), Plain(io.StringIO()), False, lambda: ModelWorld(model, known)
    )
    assert found["verdict"] == "passed", found["problems"]
    assert model.latch == [True, True]
    kept = json.loads(model.store.objects[f"journal/{journal['id']}.json"])
    assert kept["entries"][: len(journal["entries"])] == journal["entries"], "the same operation, not a new one"
    assert (kept["verdict"], kept["ended"] != "") == ("passed", True)
