"""The estimate of aws-azure: what it adds up, and that each figure has its basis."""

from typing import Any

from components.estimate import aws_azure_estimate


def estimate(**change: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "machine_size": "Standard_B2s",
        "database_size": "Standard_B2s",
        "managed_database": True,
        "database_storage_gib": 32,
        "database_gib": 10,
        "keep_days": 35,
        "backup_interval_seconds": 86400.0,
        "detect_seconds": 30.0,
        "latch_seconds": 76.0,
        "failover_checks": 8,
        "checks_of_azure": 6,
    }
    found: dict[str, Any] = aws_azure_estimate(**{**given, **change})["modes"]
    return found


def test_warm_costs_what_cold_costs_and_the_standby() -> None:
    modes = estimate()
    names = {mode: [item["name"] for item in modes[mode]["items"]] for mode in modes}
    assert set(names["cold"]) < set(names["warm"])
    assert modes["cold"]["cost_usd_month"] > 20, "checks every 10 s are not free, whatever the source document says"
    assert modes["warm"]["cost_usd_month"] > modes["cold"]["cost_usd_month"] + 90


def test_the_critical_path_of_cold_is_that_of_warm_and_the_provisioning() -> None:
    modes = estimate()
    warm = [step["name"] for step in modes["warm"]["critical_path"]]
    cold = [step["name"] for step in modes["cold"]["critical_path"]]
    assert warm == ["notice that the primary is dead", "decide", "latch, health checks, resolvers"]
    assert [step for step in cold if step in warm] == warm
    assert "restore and proof" in cold
    assert modes["cold"]["rto_seconds"] == sum(step["value"] for step in modes["cold"]["critical_path"])


def test_the_rpo_is_the_longest_gap_and_the_backups_own_time() -> None:
    assert estimate(backup_interval_seconds=3600.0)["cold"]["rpo_seconds"] == 3600 + 10 * 8
    assert estimate()["warm"]["rpo_seconds"] == estimate()["cold"]["rpo_seconds"]


def test_a_larger_database_takes_longer_to_restore() -> None:
    assert estimate(database_gib=100)["cold"]["rto_seconds"] > estimate()["cold"]["rto_seconds"] + 1900
    assert estimate(database_gib=100)["warm"]["rto_seconds"] == estimate()["warm"]["rto_seconds"]


def test_a_price_that_is_not_known_is_named_and_not_guessed() -> None:
    modes = estimate(machine_size="Standard_Z9")
    assert modes["warm"]["unknown_prices"] == ["machine Standard_Z9"]
    assert modes["cold"]["unknown_prices"] == []


def test_every_figure_has_a_basis() -> None:
    for mode in estimate().values():
        for item in [*mode["items"], *mode["critical_path"]]:
            assert item["basis"].startswith(("assumption", "computed", "measured")), item
