"""What aws-azure estimates, beside the graph that its program registers and the settings that it is read from."""

from collections import Counter
from collections.abc import Iterator

import pulumi
import pytest

from stacks import recorded
from stacks.aws_azure import build
from stacks.aws_azure.args import arguments
from stacks.aws_azure.estimate import estimate
from twinsite.estimate import azure
from twinsite.estimate.figures import at_least, total
from twinsite.estimate.path import critical
from twinsite.estimate.prices import Prices
from twinsite.estimate.route53 import Checked, latch_checks, pair_checks
from twinsite.rules.traffic import Route53FailoverPairIntent

from . import aws_azure_topology as topology
from .harness import Registered

ONE = {"names": "one", "primary_has_ipv6": False}


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


def test_the_checks_that_the_estimate_counts_are_those_that_exist() -> None:
    for settings in ({}, ONE):
        plain = arguments(topology.read(**settings), {})
        pairs = [Route53FailoverPairIntent.of(pair) for pair in (plain.notice, plain.application) if pair is not None]
        counted = Counter([*latch_checks(), *(check for pair in pairs for check in pair_checks(pair))])
        assert counted == Counter(map(checked, topology.build(**settings).of("aws:route53/healthCheck:HealthCheck")))


def checked(check: Registered) -> Checked:
    """As the graph has it."""
    inputs = check.inputs
    if inputs["type"] == "CALCULATED":
        return Checked(False, 0, 0)
    interval = int(inputs["requestInterval"])
    foreign = "web.core.windows.net" in str(inputs.get("fqdn")) or "ipAddress" in inputs
    return Checked(foreign, 1 + (interval == 10) + ("searchString" in inputs), interval)


def test_the_observers_tests_that_the_estimate_counts_are_those_that_exist() -> None:
    found = topology.build()
    assert len(found.of("azure-native:monitor:ScheduledQueryRule")) == azure.LOG_ALERTS
    (test,) = found.of("azure-native:applicationinsights:WebTest")
    per_month = len(test.inputs["locations"]) * 730 * 3600 / test.inputs["frequency"]
    price = Prices([{"sku": "azure/web-test", "region": "x", "unit": "run", "usd": 1, "date": "", "source": "y"}])
    assert azure.web_test(price, "x").value == per_month


def test_warm_costs_what_cold_costs_and_what_it_adds_and_is_never_slower() -> None:
    modes = estimate(topology.read()).modes
    names = {mode: {item.name for item in found.costs} for mode, found in modes.items()}
    assert names["cold"] < names["warm"]
    for total_of in (lambda mode: critical(mode.path), lambda mode: mode.lost):
        cold, warm = (total(total_of(modes[mode])) for mode in ("cold", "warm"))
        assert cold is not None and warm is not None and warm <= cold
    steps = {mode: [step.name for step in critical(found.path)] for mode, found in modes.items()}
    assert [step for step in steps["cold"] if step in steps["warm"]] == steps["warm"]
    assert "restore and proof" in steps["warm"], "`twinsite failover` restores the newest backup in warm, too"
    faster = {mode: found.path for mode, found in estimate(topology.read(database_gib=1)).modes.items()}
    for mode, found in modes.items():
        assert at_least(critical(faster[mode])) < at_least(critical(found.path)) - 900


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"machine_size": "Standard_Z9"}, "machine Standard_Z9"),
        ({"database_size": "Standard_Z9"}, "database Standard_Z9"),
    ],
)
def test_a_size_without_a_price_is_named(change: dict[str, str], name: str) -> None:
    modes = estimate(topology.read(**change)).shown()["modes"]
    assert (modes["warm"]["unknown_prices"], modes["warm"]["cost_usd_month"]) == ([name], None)
    assert modes["cold"]["unknown_prices"] == []


def test_prices_are_of_the_standbys_region() -> None:
    korea, america = (
        estimate(topology.read(providers={"azure-native:location": region})).shown()["modes"]["warm"]
        for region in ("koreacentral", "eastus")
    )
    assert korea["cost_usd_month"] > america["cost_usd_month"] + 20


def test_the_second_account_costs_what_goes_there() -> None:
    way = "their way to the second account's region"
    with_it, without = (
        {item.name: item.value for item in estimate(topology.read(**change)).modes["warm"].costs}
        for change in ({"standby_backup_account": "examplesecond"}, {})
    )
    assert set(with_it) - set(without) == {way}
    assert with_it[way] == pytest.approx(10 * 0.16 * 730 / 24 * 0.08)


@pytest.mark.parametrize("mode", ["cold", "warm"])
def test_what_is_counted_without_an_engine_is_what_the_program_registers_and_what_holds_data_is_told(mode: str) -> None:
    registered = topology.build(dr_mode=mode).resources
    made = [(one.type, one.name) for one in registered if one.custom and not one.type.startswith("pulumi:providers:")]
    counted = recorded.resources("twinsite", "test", lambda: build.build(topology.read(dr_mode=mode)))
    assert [(one["type"], one["name"]) for one in counted] == sorted(made)
    kept = {one["name"] for one in counted if one["holds_data"]}
    assert ("aws-azure-server" in kept) == (mode == "warm")
    assert "aws-azure-mysql-backup" in kept, "backups hold data in every mode"
