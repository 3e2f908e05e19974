"""A higher mode only adds, whatever else the settings say (DESIGN section 4)."""

from itertools import pairwise
from typing import Any

import pulumi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stacks import TOPOLOGIES, topology
from tests.mocks import aws_gcp_topology
from tests.mocks.aws_azure_topology import build

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "database_kind": st.sampled_from(["flexible", "machine"]),
        "primary_has_ipv6": st.booleans(),
        "gate": st.sampled_from(["wait", "handover"]),
        "database_storage_gib": st.integers(20, 64),
        "machine_size": st.sampled_from(["Standard_B2s", "Standard_D2s_v5"]),
        "keep_days": st.integers(7, 90),
        "backup_schedule": st.sampled_from(["17 18 * * *", "0 */6 * * *"]),
        "alarm_emails": st.sampled_from([["a@example.com"], ["a@example.com", "b@example.com"]]),
    },
)
PRIMARY = ("aws", "kubernetes")


def test_the_topologies_with_more_than_one_mode_are_those_of_this_file() -> None:
    assert [name for name in TOPOLOGIES if len(topology(name).MODES) > 1] == ["aws-azure", "aws-gcp"]


# A program takes a second, and tests of single cases are in tests/mocks.
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(change=CHANGES)
def test_warm_adds_to_cold_nothing_of_the_primarys_provider_and_changes_nothing_but_the_inventory(
    change: dict[str, Any],
) -> None:
    try:
        cold = {one.urn: one for one in build(dr_mode="cold", **change).resources}
        warm = {one.urn: one for one in build(dr_mode="warm", **change).resources}
    finally:
        pulumi.runtime.set_all_config({})
    assert cold.keys() < warm.keys()
    added = [one.type for urn, one in warm.items() if urn not in cold]
    assert [kind for kind in added if kind.split(":")[0] in PRIMARY] == []
    changed = [one.name for urn, one in cold.items() if one.custom and warm[urn].inputs != one.inputs]
    assert changed == ["aws-azure-inventory"]


GCP_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "prefix": st.sampled_from(["twinsite", "crm"]),
        "database_availability": st.sampled_from(["ZONAL", "REGIONAL"]),
        "database_generation": st.integers(1, 3),
        "cloudflare_plan": st.sampled_from(["pro", "business", "enterprise"]),
        "check_regions": st.sampled_from([["NEAS"], ["NEAS", "SEAS"]]),
        "psk_generations": st.sampled_from([{}, {"tunnel-2": 3}]),
    },
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(change=GCP_CHANGES)
def test_each_mode_of_a_standby_at_google_adds_to_the_one_below_and_changes_nothing_of_it(
    change: dict[str, Any],
) -> None:
    try:
        runs = [
            {
                one.urn: one
                for one in aws_gcp_topology.build(dr_mode=mode, cold_without_data="accept", **change).resources
            }
            for mode in (mode.value for mode in topology("aws-gcp").MODES)
        ]
    finally:
        pulumi.runtime.set_all_config({})
    for lower, higher in pairwise(runs):
        assert lower.keys() < higher.keys()
        changed = [one.name for urn, one in lower.items() if one.custom and higher[urn].inputs != one.inputs]
        assert changed == ["aws-gcp-inventory"], "it says which mode there is, and what"


def test_the_comparison_sees_a_change() -> None:
    try:
        one, other = build(keep_days=7), build(keep_days=8)
    finally:
        pulumi.runtime.set_all_config({})
    before = {resource.urn: resource.inputs for resource in one.resources if resource.custom}
    assert [r.name for r in other.resources if r.custom and before[r.urn] != r.inputs] != []
