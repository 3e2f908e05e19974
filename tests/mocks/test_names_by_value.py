"""Over all topologies: what a list's item becomes is named by the item, so that one which goes takes no other along."""

import dataclasses
import json
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pulumi
import pytest

from stacks import TOPOLOGIES
from stacks.declared import declared
from twinsite.rules.backup import BackupStoreIntent
from twinsite.rules.database import MySqlReplicaPairIntent
from twinsite.rules.intent import Intent
from twinsite.rules.pages import StaticSiteIntent
from twinsite.rules.tunnel import StrongSwanTunnelIntent
from twinsite.rules.watching import AlarmsIntent

from . import aws_azure_topology, aws_gcp_topology, onprem_aws_topology
from .harness import Registered, Run

LISTS: dict[str, list[str]] = {
    "operator_keys": [f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{key} someone" for key in ("IA", "IB", "IC")],
    "operator_ranges": ["198.51.100.7/32", "203.0.113.0/28", "192.0.2.32/27"],
    "gateway_client_ranges": ["10.20.8.0/24", "10.20.2.0/24", "10.20.9.0/24"],
    "database_client_ranges": ["10.40.9.0/24", "10.20.7.0/24", "10.20.8.0/24"],
    "standby_client_ranges": ["198.51.100.7/32", "203.0.113.0/28", "192.0.2.32/27"],
    "operators": [f"Group:{digit * 8}-8888-7777-6666-555555555555" for digit in "abc"],
    "backup_readers": [f"user:{who}@example.com" for who in ("one", "two", "three")],
    "alarm_emails": [f"{who}@example.com" for who in ("first", "second", "third")],
}
"""Three items for each setting that is a list."""

CLOSED = {
    "onprem_gone": "it names two hosts, whose resources are there in any case",
    "inside_ranges": "there are four, one a tunnel, or none",
    "zones": "of a region there are three, and none becomes a resource",
    "check_regions": "from where a pool is asked: none of them becomes a resource",
    "cache_holds": "there are three words for it, and none becomes a resource",
    "database_schemas": "of a flow, which is one",
    "left_out_extensions": "of a flow, which is one",
    "writer_registers": "there are three or none, and none becomes a resource",
    "writer_register_regions": "one beside each of those",
}
"""Lists of which no three items exist, with the reason."""

Inputs = dict[tuple[str, str], str]
"""(type, name) -> inputs as text."""


def settings_of(topology: str) -> list[str]:
    """The lists that this topology has."""
    return [key for key in LISTS if key in declared(topology)]


BUILD: dict[str, Callable[..., Run]] = {
    "onprem-aws": onprem_aws_topology.build,
    "aws-azure": aws_azure_topology.build,
    "aws-gcp": partial(aws_gcp_topology.build, **aws_gcp_topology.EVERYTHING),
}


@cache
def registered(topology: str, items: tuple[int, ...]) -> list[Registered]:
    """The program with these items of each of its lists."""
    change = {key: [LISTS[key][at] for at in items] for key in settings_of(topology)}
    try:
        return BUILD[topology](**change).resources
    finally:
        pulumi.runtime.set_all_config({})


def inputs(topology: str, items: tuple[int, ...]) -> Inputs:
    """Without digests, which are of whole lists."""
    return {
        (one.type, one.name): re.sub("[0-9a-f]{16,}", "DIGEST", json.dumps(one.inputs, sort_keys=True))
        for one in registered(topology, items)
    }


def test_every_topology_and_every_setting_that_is_a_list_is_looked_at() -> None:
    assert set(BUILD) == set(TOPOLOGIES)
    assert {key for name in BUILD for key, one in declared(name).items() if isinstance(one.default, list)} == {
        *LISTS,
        *CLOSED,
    }
    assert {key for topology in BUILD for key in settings_of(topology)} == set(LISTS)


@pytest.mark.parametrize("topology", BUILD)
def test_an_item_that_goes_takes_no_other_along(topology: str) -> None:
    three, two = inputs(topology, (0, 1, 2)), inputs(topology, (1, 2))
    assert set(two) < set(three), "what is left would be made anew under another name"
    went = [LISTS[key][0].rpartition(":")[2] for key in settings_of(topology)]
    # What changes is what held the whole list, and so the item, too; anything else became another item's.
    changed = [name for name, said in two.items() if said != three[name]]
    assert [name for name in changed if not any(item in three[name] for item in went)] == []
    assert set(inputs(topology, (2, 1, 0))) == set(three), "an order is no identity"


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        (StrongSwanTunnelIntent, {"operator_ranges": ["192.0.2.0/27"] * 2}),
        (MySqlReplicaPairIntent, {"client_ranges": ["192.0.2.0/27"] * 2}),
        (AlarmsIntent, {"emails": ["first@example.com"] * 2}),
        (StaticSiteIntent, {"operator_principal_ids": ["someone"] * 2}),
        (BackupStoreIntent, {"operators": [{"principal_type": "User", "principal_id": "someone"}] * 2}),
    ],
)
def test_an_item_that_is_there_twice_is_refused(kind: type[Intent], args: dict[str, Any]) -> None:
    ((name, _),) = args.items()
    needed = [one.name for one in dataclasses.fields(kind) if one.default is one.default_factory is dataclasses.MISSING]
    problems = kind.of({**dict.fromkeys(needed, ""), **args}).problems()
    assert [one for one in problems if re.match(f"{name} has .* 2 times: list it once", one)]


@pytest.mark.parametrize("topology", BUILD)
def test_no_name_ends_in_a_lists_index(topology: str) -> None:
    """A generation's number is for life, as is that of a tunnel or of a gateway's interface, which both count; and
    a range ends in the length of its prefix."""
    allowed = re.compile(r"-psk-(\d-)?\d+$|-(tunnel|bgp)-[1-4]$|-gcp-[01]$|-\d{1,3}(\.\d{1,3}){3}-\d{1,2}$")
    ends = {name for _, name in inputs(topology, (0, 1, 2)) if re.search(r"-\d{1,2}$", name)}
    assert {name for name in ends if not allowed.search(name)} == set()


def test_versions_that_named_by_index_find_what_they_made() -> None:
    """Made anew beside the old one, EC2 and Azure would refuse it as a duplicate; so the state's takes the new name."""
    former = {
        "onprem-aws-aws-gateway-ssh-203.0.113.0-28": "onprem-aws-aws-gateway-ssh-1",
        "onprem-aws-to-onprem-public": "onprem-aws-to-onprem-0",
        "onprem-aws-to-onprem-private": "onprem-aws-to-onprem-1",
        "aws-azure-public-operator-bbbbbbbb-8888-7777-6666-555555555555": "aws-azure-public-operator-1",
        "aws-azure-email-second@example.com": "aws-azure-email-2",
    }
    found = {one.name: one for topology in BUILD for one in registered(topology, (0, 1, 2))}
    for name, before in former.items():
        assert before in [alias.spec.name for alias in found[name].request.aliases]
