"""What topology aws-gcp costs in each mode, and how long a failover takes and loses, of its settings alone."""

from typing import Any

import pytest

from stacks.aws_gcp.build import refusals
from stacks.aws_gcp.estimate import estimate
from twinsite.estimate.figures import total
from twinsite.estimate.path import critical
from twinsite.estimate.rates import DECIDE_SECONDS

from .aws_gcp_topology import read
from .test_topology_aws_gcp import WRITERS
from .test_topology_aws_gcp_backups import BACKUPS


def test_a_mode_costs_what_the_one_below_costs_and_what_it_adds_and_nobody_promises_a_time() -> None:
    modes = estimate(read()).modes
    names = {name: [item.name for item in mode.costs] for name, mode in modes.items()}
    assert names["cold"] == [
        "tunnels' keys at AWS", "tunnels' keys at Google", "database password at Google", "reserved address",
        "load balancer with 3 origins", "alarms at AWS",
    ]  # fmt: skip
    added = [name for name in names["pilot-light"] if name not in names["cold"]]
    assert added == [
        "connections to Google", "tunnels to AWS", "database db-custom-2-7680", "database's disk", "cluster twinsite",
        "node for the system e2-standard-2", "system node's disk", "alarms at Google", "rows over the tunnels",
    ]  # fmt: skip
    assert [name for name in names["warm"] if name not in names["pilot-light"]] == [
        "nodes e2-standard-4",
        "nodes' disks",
    ]
    # Cloudflare's monitors twice (69 s), somebody decides, the job looks (35) and promotes (25), pods begin anew (50);
    # before that nodes (120) and pods (55) where no readers run.
    moved = 69 + DECIDE_SECONDS + 35 + 25 + 50 + 69
    assert {name: total(critical(mode.path)) for name, mode in modes.items()} == {
        "cold": None, "pilot-light": moved + 175, "warm": moved,
    }  # fmt: skip
    # What a failover's own steps are held against, each once: users' detection and decision come before it.
    kinds = [one.kind.value for one in critical(modes["pilot-light"].path) if one.kind]
    assert kinds == ["detection", "decision", "decision", "creation", "start", "promotion", "resume", "dns"]
    three = [f"gs://registers-{at}/writer.json" for at in "abc"]
    leased = estimate(read(writer_registers=three)).modes
    assert total(critical(leased["warm"].path)) == moved + 41, "the old site's lease"
    assert total(critical(leased["pilot-light"].path)) == moved + 175, "it ends while nodes come"
    assert total(critical(estimate(read(replication="by-hand")).modes["warm"].path)) is None
    # 30 s of lag, a heartbeat every 120 s, 10 s for it, 120 s until somebody is told.
    assert {name: total(mode.lost) for name, mode in modes.items()} == {"cold": None, "pilot-light": 280, "warm": 280}


@pytest.mark.parametrize(("plan", "seconds"), [("pro", 69), ("business", 24), ("enterprise", 19)])
def test_each_plan_of_cloudflares_has_checks_that_fit_into_it(plan: str, seconds: int) -> None:
    modes = estimate(read(cloudflare_plan=plan)).modes
    assert [critical(mode.path)[0].value for mode in modes.values()] == [seconds] * 3
    assert refusals(read(cloudflare_plan=plan)) == []


def test_a_second_machine_and_a_size_without_a_price_are_told() -> None:
    def costs(**change: Any) -> dict[str, float | None]:
        return {item.name: item.value for item in estimate(read(**change)).modes["pilot-light"].costs}

    one, two = costs(), costs(database_availability="REGIONAL")
    for name in ("database db-custom-2-7680", "database's disk"):
        known = one[name]
        assert known is not None and two[name] == pytest.approx(2 * known)
    assert costs(database_tier="db-perf-optimized-N-2")["database db-perf-optimized-N-2"] is None


def test_registers_cost_their_agents_requests_and_backups_what_is_kept_and_sent() -> None:
    modes = estimate(read(**{**BACKUPS, **WRITERS})).modes
    more = {
        name: {item.name: item.value for item in mode.costs if "register" in item.name or "backups" in item.name}
        for name, mode in modes.items()
    }
    # A read every 5 s by each agent, its state read and written every 60 s: 525,600 and 43,800 a month.
    one, states = 52.56, 4.38
    kept, sent = 35 * 0.16 * 20 * 0.023, 730 / 24 * 0.16 * 20 * 0.126
    for name, agents in (("cold", 1), ("pilot-light", 2), ("warm", 2)):
        at_google = states * (agents - 1)
        assert more[name] == {
            "register at AWS, requests": pytest.approx((agents * one + states) * 0.0035 + states * 0.045),
            "register at Google, requests": pytest.approx((agents * one + at_google) * 0.004 + at_google * 0.05),
            "backups at rest": pytest.approx(kept),
            "backups on their way": pytest.approx(sent),
        }
    plain = estimate(read()).modes["warm"].path
    assert total(critical(modes["warm"].path)) == total(critical(plain)) + 41, "a lease, also of the stack's own"


def test_rows_out_of_aws_cost_at_most_what_the_busiest_hour_would_all_the_time() -> None:
    def cost(**change: Any) -> list[float | None]:
        found = estimate(read(**change)).modes["warm"].costs
        return [item.value for item in found if item.name == "rows over the tunnels"]

    assert cost(wal_mib_per_hour=1024) == [pytest.approx(730 * 0.126)]
    assert cost(replication="by-hand") == cost(replication="taken-away") == []
