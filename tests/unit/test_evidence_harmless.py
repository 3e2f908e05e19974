"""Whatever goes wrong with a record, the operation goes on and its result stands; and the person is told."""

import io
import pathlib
import sys
from typing import Any

import pytest

from operations import chain
from operations.chain.anchor import S3Store
from operations.chain.outbox import Outbox
from operations.console import Plain
from operations.store import Unavailable
from tests.evidence_chain import PASSED, STEPS, key, subject


def ended(folder: pathlib.Path, result: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """(the command's result, what was said)"""
    said = io.StringIO()

    def work(tell: chain.Planned) -> dict[str, Any]:
        tell(STEPS, {})
        return result

    attempt = chain.begun(subject(folder, f"file://{folder}/place"), "failover", {}, Plain(said), None)
    return chain.recorded(attempt, work), said.getvalue()


@pytest.fixture(autouse=True)
def ann(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who works at this desk."""
    monkeypatch.setenv("TWINSITE_EVIDENCE_KEY", str(key(tmp_path, "ann").path))
    monkeypatch.delenv("TWINSITE_EVIDENCE", raising=False)


def test_a_result_that_no_record_can_hold_stays_the_operations_result(tmp_path: pathlib.Path) -> None:
    result, said = ended(tmp_path, {**PASSED, "checks": ["in another shape"]})
    assert (result["verdict"], result["record"]) == ("passed", None)
    assert "how this attempt ended could not be recorded" in said


def test_a_record_that_cannot_be_written_keeps_no_operation_from_its_work(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(Outbox, "put", broken)
    result, said = ended(tmp_path, dict(PASSED))
    assert (result["verdict"], result["record"]) == ("passed", None)
    assert said.count("the record of this attempt could not be written: RuntimeError: no room") == 3


def test_a_bucket_without_boto3_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unavailable, match=r"needs boto3: `pip install 'twinsite\[accounts\]'`"):
        S3Store("records")
