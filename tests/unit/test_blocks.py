"""Blocks of tests/lab: their order, what they took, and what is said when that was too long."""

from pathlib import Path

from tests.lab import blocks

LAB = Path(blocks.__file__).parent


def test_modules_of_a_block_follow_each_other_and_those_of_none_come_last() -> None:
    mixed = ["test_new", "test_topology_onprem_aws", "test_topology_interrupted", "test_lab_up_and_down"]
    assert sorted(mixed, key=blocks.place) == [
        "test_lab_up_and_down",
        "test_topology_interrupted",
        "test_topology_onprem_aws",
        "test_new",
    ]
    assert blocks.block_of("test_new") is blocks.OTHERS


def test_every_module_of_a_block_exists() -> None:
    named = [module for block in blocks.BLOCKS for module in block.modules]
    assert [module for module in named if not (LAB / f"{module}.py").exists()] == []
    assert len(named) == len(set(named))


def test_a_block_that_takes_longer_than_it_may_is_named_with_both_figures() -> None:
    block = blocks.block_of("test_gateway_guest")
    within = {"test_gateway_guest": block.budget_seconds - 1.0, "test_backup_guest": 5.0}
    assert blocks.over(within) == []
    (sentence,) = blocks.over(within | {"test_gateway_guest": block.budget_seconds + 1.0})
    assert f"block 'gateways' took {block.budget_seconds + 1} s of {block.budget_seconds} s" in sentence


def test_modules_of_one_block_are_added_up() -> None:
    found = blocks.spent({"test_backup_aside": 2.0, "test_backup_guest": 3.0, "test_new": 1.0, "test_newer": 1.5})
    assert [(block.name, seconds) for block, seconds in found] == [("backups", 5.0), ("others", 2.5)]
