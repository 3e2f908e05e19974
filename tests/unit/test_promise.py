"""What a stack has promised is in its inventory, and an operation's records hold it against what was measured."""

import pathlib

import pulumi
import pytest

from operations.chain import Subject
from operations.stack import Stack
from stacks import promise
from stacks.settings import Reader
from tests.operations_world import INVENTORY
from twinsite.estimate.answer import Estimate, Mode
from twinsite.estimate.ground import Ground
from twinsite.estimate.path import serial
from twinsite.inventory import Promise, from_dict, to_dict
from twinsite.modes import DrMode


@pytest.mark.parametrize("wrong", ["bucket", "https://bucket", "file://relative"])
def test_a_place_that_keeps_no_records_is_refused_with_those_that_do(wrong: str) -> None:
    reader = Reader({"evidence_store": wrong}.get)
    assert promise.evidence(reader) == ""
    (problem,) = reader.problems
    assert problem.startswith(f"evidence_store is '{wrong}': `pulumi config set evidence_store PLACE` with s3://BUCKET")


class Stands:
    """As a topology's settings say their mode."""

    dr_mode = DrMode.COLD


def nothing(settings: Stands, ground: Ground) -> Estimate:
    return Estimate({"cold": Mode([], serial(), [])}, ())


def test_what_is_built_is_told_what_the_stack_file_promises() -> None:
    config = {"twinsite:budget_rto_seconds": "1800", "twinsite:evidence_store": "s3://auditors/twins"}
    pulumi.runtime.settings.configure(pulumi.runtime.settings.Settings(project="twinsite", stack="dev"))
    pulumi.runtime.set_all_config(config, [])
    try:
        assert promise.promised(nothing, Stands()) == Promise(1800.0, None, "s3://auditors/twins")
    finally:
        pulumi.runtime.set_all_config({}, [])


def test_an_operation_reads_it_from_the_inventory_and_an_older_one_promises_nothing(tmp_path: pathlib.Path) -> None:
    published = to_dict(INVENTORY) | {"promise": {"rto_seconds": 60, "rpo_seconds": None, "evidence": "s3://auditors"}}
    about = Subject.of(Stack("dev", from_dict(published), tmp_path))
    assert about.objectives == {"rto_seconds": 60.0, "rpo_seconds": None}
    assert (about.place, about.digest) == ("s3://auditors", "digest-1")
    del published["promise"]
    assert from_dict(published).promise == Promise()
