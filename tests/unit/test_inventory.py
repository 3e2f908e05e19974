"""The inventory: one definition for its writer and its reader."""

import dataclasses

import pytest

from twinsite import inventory

SSH = inventory.Ssh("203.0.113.1", "twinsite", "ssh-ed25519 AAAA", port=2210, jump="gateway")
INVENTORY = inventory.Inventory(
    topology="onprem-aws",
    dr_mode="pilot-light",
    active_site="aws",
    sites=(inventory.Site("aws", ("aws",)), inventory.Site("onprem", ("command",))),
    home="aws",
    away="onprem",
    hosts=(inventory.Host("gateway", "aws", "10.20.1.10", ("gateway",), SSH),),
    tunnels=(inventory.Tunnel("t", "a", "b", "10.0.0.0/24", "10.0.1.0/24", 13.5),),
    flows=(inventory.Flow("r", "mysql", "mysql-replica", "s", "d", "10.0.0.2", 3306, "twinsite.heartbeat", 6.0, 36.0),),
)


def test_what_was_written_is_read_back_unchanged() -> None:
    assert inventory.from_dict(inventory.to_dict(INVENTORY)) == INVENTORY


def test_a_field_from_a_newer_writer_is_ignored() -> None:
    assert inventory.from_dict({**inventory.to_dict(INVENTORY), "colour": "blue"}) == INVENTORY


def test_a_missing_field_is_named_with_what_to_do() -> None:
    data = inventory.to_dict(INVENTORY)
    del data["hosts"][0]["address"]
    with pytest.raises(ValueError, match=r"hosts\[0\]\.address is missing: run `pulumi up`"):
        inventory.from_dict(data)


def test_a_wrong_type_is_named() -> None:
    data = inventory.to_dict(INVENTORY)
    data["hosts"][0]["way"]["port"] = "22"
    with pytest.raises(ValueError, match=r"hosts\[0\]\.way\.port"):
        inventory.from_dict(data)


def test_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 99"):
        inventory.from_dict({**inventory.to_dict(INVENTORY), "version": 99})


def test_a_whole_number_is_read_where_seconds_may_have_a_fraction() -> None:
    data = inventory.to_dict(INVENTORY)
    data["tunnels"][0]["detect_seconds"] = 13
    assert inventory.from_dict(data).tunnels[0].detect_seconds == 13.0


def test_an_unknown_host_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        INVENTORY.host("nobody")


def test_no_field_is_made_for_a_secret() -> None:
    names = {
        field.name
        for kind in (inventory.Ssh, inventory.Host, inventory.Inventory)
        for field in dataclasses.fields(kind)
    }
    assert not {name for name in names if "password" in name or "private" in name or "secret" in name}


def test_what_moves_a_name_is_read_back_by_its_kind() -> None:
    latch = inventory.Route53Latch(
        ("azblob://one/$web/latch/dr", "azblob://two/$web/latch/dr"), ("https://one/", "https://two/")
    )
    ways = (latch, inventory.CloudflarePools(), inventory.RecordSwitch("route53://Z"))
    names = tuple(
        inventory.Name(f"{way.kind}.example.com", True, "https://a/", "https://b/", "/", "a", "b", 60, 76.0, way)
        for way in ways
    )
    named = dataclasses.replace(INVENTORY, names=names)
    assert inventory.from_dict(inventory.to_dict(named)) == named
    assert (named.latch, INVENTORY.latch) == (latch, None)


def test_a_way_in_is_read_back_by_its_kind() -> None:
    ways = (
        SSH,
        inventory.AzureRunCommand("sub", "group", "vm"),
        inventory.Ssm("us-east-1", "i-1"),
        inventory.Pod("", "shop", "backup"),
    )
    hosts = tuple(inventory.Host(way.kind, "aws", "", ("backup",), way) for way in ways)
    found = inventory.from_dict(inventory.to_dict(dataclasses.replace(INVENTORY, hosts=hosts)))
    assert found.hosts == hosts
    assert found.reached_by(inventory.Pod) == {"pod": ways[3]}


def test_a_kind_that_this_version_does_not_know_is_named_with_those_that_it_does() -> None:
    data = inventory.to_dict(INVENTORY)
    data["hosts"][0]["way"]["kind"] = "pigeon"
    with pytest.raises(ValueError, match=r"way: kind 'pigeon', and this twinsite has ssh, azure-run-command"):
        inventory.from_dict(data)


def test_a_host_that_this_mode_has_not_does_not_exist() -> None:
    machine = inventory.Host("m", "azure", "", ("standby",), inventory.AzureRunCommand("sub", "group", ""))
    assert not machine.exists
    assert dataclasses.replace(machine, way=inventory.AzureRunCommand("sub", "group", "vm")).exists


def test_entries_come_together_in_their_order_and_backups_once() -> None:
    backups = inventory.Backups("azblob://a/b", "shop", "0 3 * * *", 26.0)
    parts = [inventory.Entry(hosts=INVENTORY.hosts), inventory.Entry(flows=INVENTORY.flows, backups=backups)]
    empty = dataclasses.replace(INVENTORY, hosts=(), tunnels=(), flows=())
    found = inventory.together(empty, parts)
    assert (found.hosts, found.flows, found.backups) == (INVENTORY.hosts, INVENTORY.flows, backups)
    with pytest.raises(ValueError, match="2 components name one"):
        inventory.together(empty, [parts[1], parts[1]])
