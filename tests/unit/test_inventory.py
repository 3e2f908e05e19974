"""The inventory: one definition for its writer and its reader."""

import dataclasses

import pytest

from components import inventory

SSH = inventory.Ssh("203.0.113.1", "twinsite", "ssh-ed25519 AAAA", port=2210, jump="gateway")
INVENTORY = inventory.Inventory(
    topology="onprem-aws",
    dr_mode="pilot-light",
    active_site="aws",
    standby_site="onprem",
    hosts=(inventory.Host("gateway", "aws", "10.20.1.10", ("gateway",), SSH),),
    tunnels=(inventory.Tunnel("t", "a", "b", "10.0.0.0/24", "10.0.1.0/24", "203.0.113.9", 13.5),),
    replicas=(inventory.Replica("r", "s", "d", "10.0.0.2", 3306, "twinsite.heartbeat", 6.0, 36.0),),
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
    data["hosts"][0]["transport"]["port"] = "22"
    with pytest.raises(ValueError, match=r"hosts\[0\]\.transport\.port"):
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


def test_a_latch_is_read_back_and_may_be_absent() -> None:
    latch = inventory.Latch(
        ("azblob://one/$web/latch/dr", "azblob://two/$web/latch/dr"), ("https://one/", "https://two/")
    )
    latched = dataclasses.replace(INVENTORY, latch=latch)
    assert inventory.from_dict(inventory.to_dict(latched)).latch == latch
    assert inventory.from_dict(inventory.to_dict(INVENTORY)).latch is None
