"""Each topology refuses before its first resource, or not at all: over settings that are wrong in one or two places."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinsite.rules import Refused
from twinsite.rules.intents import INTENTS, read

from . import aws_azure_topology, aws_gcp_topology, onprem_aws_topology
from .harness import Run, plain

RANGES = st.sampled_from(["", "10.20.0.0/33", "10.20.9.0/24", "10.21.0.0/16", "8.8.8.0/24", "192.168.64.0/24", "x"])
NUMBERS = st.integers(-2, 40)
WORDS = st.sampled_from(["", "x", "UPPER", "a b", "dr.example.com", "10.20.1.1", "203.0.113.7", "-", "root"])

ONPREM_AWS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("vpc_range", "public_range", "private_range", "onprem_range", "onprem_public_range"), RANGES),
    **dict.fromkeys(("gateway_address", "source_address", "onprem_gateway_address", "onprem_database_address"), WORDS),
    **dict.fromkeys(("data_volume_gib", "psk_generation", "source_generation", "password_generation"), NUMBERS),
    **dict.fromkeys(("tolerated_outage_hours", "binlog_retention_hours", "net_timeout_seconds"), NUMBERS),
    **dict.fromkeys(("source_server_id", "replica_server_id"), NUMBERS),
    **dict.fromkeys(("connection_name", "ami", "availability_zone", "replica_bind_address"), WORDS),
    **dict.fromkeys(("gateway_instance_type", "source_instance_type"), WORDS),
    **dict.fromkeys(
        ("operator_ranges", "database_client_ranges", "gateway_client_ranges"), st.lists(RANGES, max_size=2)
    ),
    "delivery": st.sampled_from(["ssh", "bundle"]),
    "gate": st.sampled_from(["wait", "handover"]),
}
AWS_AZURE: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("vnet_range", "application_range", "database_range"), RANGES),
    **dict.fromkeys(("keep_days", "password_generation", "database_storage_gib", "database_gib"), NUMBERS),
    **dict.fromkeys(("location", "public_location", "resource_group", "vault", "database_server", "schema"), WORDS),
    **dict.fromkeys(("backup_account", "public_account", "latch_account", "standby_backup_account"), WORDS),
    **dict.fromkeys(("origin_host", "primary_host", "primary_alb_name", "primary_alb_zone_id", "domain"), WORDS),
    **dict.fromkeys(("database_user", "primary_database_user", "primary_namespace", "primary_oidc_issuer"), WORDS),
    **dict.fromkeys(("machine_image", "backup_image", "application_sha256", "application_context", "backup"), WORDS),
    **dict.fromkeys(("application_path", "standby_marker", "primary_marker", "application_artefact"), WORDS),
    **dict.fromkeys(("standby_client_ranges", "database_client_ranges"), st.lists(RANGES, max_size=2)),
    "alarm_emails": st.lists(WORDS, max_size=2),
    "dr_mode": st.sampled_from(["cold", "warm"]),
    "names": st.sampled_from(["one", "two"]),
    "database_kind": st.sampled_from(["flexible", "machine"]),
}

AWS_GCP: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("vpc_range", "nodes_range", "pods_range", "service_range", "cluster_services_range"), RANGES),
    **dict.fromkeys(("aws_asn", "gcp_asn", "database_generation", "database_disk_gib"), NUMBERS),
    **dict.fromkeys(("prefix", "database", "database_charset", "database_collation", "database_tier"), WORDS),
    **dict.fromkeys(("database_version", "database_availability", "primary_database_version"), WORDS),
    **dict.fromkeys(("fqdn", "primary_alb_name", "primary_host", "standby_host", "notice_address"), WORDS),
    **dict.fromkeys(("notice_host", "notice_text", "writer_path", "writer_text", "cloudflare_zone_id"), WORDS),
    **dict.fromkeys(("cloudflare_account_id", "vpc_id", "application_path"), WORDS),
    **dict.fromkeys(("application", "application_namespace", "application_repository", "application_digest"), WORDS),
    **dict.fromkeys(("application_user", "machine_type"), WORDS),
    **dict.fromkeys(("warm_nodes", "serving_nodes", "serving_replicas", "warm_replicas", "application_port"), NUMBERS),
    **dict.fromkeys(("primary_cluster", "cache_image", "replication_image", "replication_user"), WORDS),
    **dict.fromkeys(("replication_back_user", "replication_back_authority"), WORDS),
    **dict.fromkeys(("primary_database_ca", "primary_database_user", "system_machine_type"), WORDS),
    **dict.fromkeys(("wal_mib_per_hour", "first_copy_seconds", "lag_alarm_seconds"), NUMBERS),
    "database_schemas": st.lists(WORDS, max_size=2),
    "replication": st.sampled_from(["follows", "taken-away", "abandoned", "by-hand", "x"]),
    **dict.fromkeys(("alarm_emails", "cache_holds"), st.lists(WORDS, max_size=2)),
    "cache_memory_mib": NUMBERS,
    "alarm_urls": st.dictionaries(WORDS, WORDS, max_size=2),
    **dict.fromkeys(("zones", "operator_ranges"), st.lists(RANGES, max_size=2)),
    **dict.fromkeys(("inside_ranges", "check_regions"), st.lists(RANGES, max_size=2)),
    "psk_generations": st.dictionaries(WORDS, NUMBERS, max_size=2),
    "primary_database_settings": st.dictionaries(WORDS, WORDS, max_size=2),
    "route_table_ids": st.dictionaries(WORDS, WORDS, max_size=2),
    "dr_mode": st.sampled_from(["cold", "pilot-light", "warm", "hot"]),
    "active_site": st.sampled_from(["aws", "gcp"]),
    "gate": st.sampled_from(["wait", "handover"]),
}


def wrong(values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One or two settings changed."""
    keys = st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=2, unique=True)
    return keys.flatmap(lambda found: st.fixed_dictionaries({key: values[key] for key in found}))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


def refused_first(build: Callable[..., Run], change: dict[str, Any]) -> None:
    seen = Run()
    try:
        build(seen=seen, **change)
    except Refused:
        assert [f"{one.type} {one.name}" for one in seen.resources] == []


FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""A program that is not refused takes a second or two."""


@FEW
@given(change=wrong(ONPREM_AWS))
def test_onprem_aws_refuses_before_its_first_resource_or_not_at_all(change: dict[str, Any]) -> None:
    refused_first(onprem_aws_topology.build, change)


@FEW
@given(change=wrong(AWS_AZURE))
def test_aws_azure_refuses_before_its_first_resource_or_not_at_all(change: dict[str, Any]) -> None:
    refused_first(aws_azure_topology.build, change)


@FEW
@given(change=wrong(AWS_GCP))
def test_aws_gcp_refuses_before_its_first_resource_or_not_at_all(change: dict[str, Any]) -> None:
    refused_first(aws_gcp_topology.build, change)


@pytest.mark.parametrize(
    ("build", "change"),
    [
        (aws_gcp_topology.build, {"nodes_range": "10.10.1.0/24"}),
        (onprem_aws_topology.build, {"data_volume_gib": 1}),
        (onprem_aws_topology.build, {"private_range": "10.20.1.128/25"}),
        (aws_azure_topology.build, {"alarm_emails": ["oncall"]}),
    ],
)
def test_what_was_refused_late_is_refused_first(build: Callable[..., Run], change: dict[str, Any]) -> None:
    seen = Run()
    with pytest.raises(Refused):
        build(seen=seen, **change)
    assert seen.resources == []


@pytest.mark.parametrize(
    ("build", "change"),
    [
        (onprem_aws_topology.build, {}),
        (aws_gcp_topology.build, {"dr_mode": "cold", "cold_without_data": "accept"}),
        (aws_gcp_topology.build, {"dr_mode": "pilot-light"}),
        (aws_gcp_topology.build, {"dr_mode": "warm"}),
        (aws_azure_topology.build, {"dr_mode": "cold"}),
        (
            aws_azure_topology.build,
            {"dr_mode": "warm", "database_kind": "machine", "names": "one", "primary_has_ipv6": False},
        ),
    ],
)
def test_every_component_of_a_topology_publishes_an_intent_that_its_rule_has_nothing_against(
    build: Callable[..., Run], change: dict[str, Any]
) -> None:
    found = build(**change)
    components = [one for one in found.resources if one.type.startswith("twinsite:")]
    assert {one.type for one in components} <= set(INTENTS)
    for one in components:
        published = plain(found.outputs[one.urn])["intent"]
        assert one.inputs == {"intent": published}
        assert read(one.type, published).problems() == [], one.urn
