"""Topology aws-azure: where the settings of ranges, gates and passwords end up, by default and with another value."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest

from twinsite.rules import Refused
from twinsite.traffic import settling

from . import aws_azure_topology
from .harness import Run

Build = Callable[..., Run]
GROUP = "azure-native:network:NetworkSecurityGroup"


@pytest.fixture
def build() -> Iterator[Build]:
    yield aws_azure_topology.build
    pulumi.runtime.set_all_config({})


def sources(found: Run, group: str, rule: str) -> list[str]:
    rules = {one["name"]: one for one in found.one(f"aws-azure-{group}", GROUP).inputs["securityRules"]}
    one = rules[rule]
    return [one["sourceAddressPrefix"]] if "sourceAddressPrefix" in one else list(one["sourceAddressPrefixes"])


def test_who_reaches_the_standbys_application_and_database(build: Build) -> None:
    found = build()
    assert sources(found, "application", "https") == ["Internet"]
    assert sources(found, "database", "mysql") == ["10.40.1.0/24"]
    found = build(standby_client_ranges=["AzureFrontDoor.Backend"], database_client_ranges=["10.50.0.0/24"])
    assert sources(found, "application", "https") == ["AzureFrontDoor.Backend"]
    assert sources(found, "database", "mysql") == ["10.40.1.0/24", "10.50.0.0/24"]


def run_commands(found: Run) -> dict[str, int]:
    kind = "azure-native:compute:VirtualMachineRunCommandByVirtualMachine"
    return {one.name: one.inputs["timeoutInSeconds"] for one in found.of(kind)}


def test_each_gate_of_a_machine_has_its_own_time(build: Build) -> None:
    warm = {"dr_mode": "warm", "database_kind": "machine"}
    own = run_commands(build(**warm))
    assert sorted(own.values()) == [900, 2240]
    database, machine = sorted(own, key=lambda name: own[name])
    found = run_commands(build(**warm, database_gate_timeout_seconds=1000, machine_gate_timeout_seconds=5400))
    assert (found[database], found[machine]) == (1000, 5400)


@pytest.mark.parametrize(("change", "seconds"), [({}, 300), ({"checks_gate_timeout_seconds": 900}, 900)])
def test_new_checks_have_a_time_to_settle(
    build: Build, change: dict[str, Any], seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    real = settling.settling

    def look(name: str, witness: str, urls: Any, gate: Any, deadline_seconds: float) -> Any:
        seen.append(deadline_seconds)
        return real(name, witness, urls, gate, deadline_seconds)

    monkeypatch.setattr("twinsite.traffic.latch.settling", look)
    build(**change)
    assert seen == [seconds]


def test_a_generation_renews_the_standbys_passwords(build: Build) -> None:
    def drawn(found: Run) -> dict[str, str]:
        passwords = found.of("random:index/randomPassword:RandomPassword")
        return {one.name: one.inputs["keepers"]["generation"] for one in passwords if "password" in one.name}

    first, second = drawn(build()), drawn(build(password_generation=2))
    assert set(first.values()) == {"1"}
    assert second == dict.fromkeys(first, "2")
    assert set(first) == {"aws-azure-database-password", "aws-azure-application-password"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"standby_client_ranges": []}, "nobody could reach the standby"),
        ({"standby_client_ranges": ["Internet", "10.0.0.0/8"]}, "one tag or ranges"),
        ({"database_client_ranges": ["0.0.0.0/0"]}, "opens MySQL to the world"),
        ({"password_generation": 0}, "raise it by 1 to rotate"),
        ({"checks_gate_timeout_seconds": 10}, "pulumi config set checks_gate_timeout_seconds"),
        ({"database_gate_timeout_seconds": 10}, "pulumi config set database_gate_timeout_seconds"),
        ({"machine_gate_timeout_seconds": 5401}, "with 60 to 5400 seconds"),
        ({"database_kind": "machine", "database_settings": {"gtid_mode": "OFF"}}, "which twinsite owns"),
    ],
)
def test_a_bad_value_is_refused_with_its_fix(build: Build, change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        build(**change)
