"""What a cluster at the standby costs by mode, and what a failover waits for."""

from typing import Any

import pytest

from tests.mocks.gke_world import GKE, STANDBY
from twinsite import DrMode
from twinsite.estimate import gke
from twinsite.estimate.figures import Basis, at_least, total
from twinsite.estimate.prices import table
from twinsite.rules.gke import GkeStandbyIntent
from twinsite.rules.workload import WorkloadIntent


def cost(mode: DrMode, **change: Any) -> list[Any]:
    return gke.cluster(table(), GkeStandbyIntent.of({**GKE, "dr_mode": mode, **change}))


@pytest.mark.parametrize(
    ("mode", "usd"),
    [(DrMode.COLD, 0.0), (DrMode.PILOT_LIGHT, 73.0), (DrMode.WARM, 73.0 + 2 * 0.172 * 730 + 2 * 50 * 0.13)],
)
def test_a_cluster_costs_nothing_in_cold_and_its_nodes_in_warm_only(mode: DrMode, usd: float) -> None:
    assert total(cost(mode)) == pytest.approx(usd)


def test_a_node_for_the_system_is_paid_as_soon_as_there_is_a_cluster() -> None:
    small = {"system_machine_type": "e2-standard-2"}
    node = 0.086 * 730 + 50 * 0.13
    for mode, more in ((DrMode.COLD, 0.0), (DrMode.PILOT_LIGHT, node), (DrMode.WARM, node)):
        with_it, without = total(cost(mode, **small)), total(cost(mode))
        assert with_it is not None and without is not None
        assert with_it - without == pytest.approx(more)


def test_a_machine_without_a_price_is_unknown_and_never_free() -> None:
    found = cost(DrMode.WARM, machine_type="n2-standard-8")
    assert total(found) is None
    assert at_least(found) == pytest.approx(73.0 + 13.0)


def test_no_step_claims_to_be_measured() -> None:
    steps = [gke.made(), gke.nodes(), gke.pods(WorkloadIntent.of({**STANDBY, "site": "gcp", "role": "reader"}))]
    assert {one.basis for one in steps} == {Basis.ASSUMPTION}
    assert [one.value for one in steps] == [600.0, 120.0, 55.0]
