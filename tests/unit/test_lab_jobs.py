"""What the lab's provider does with a job of a cluster that failed: its own words, and whether it may run again."""

import json
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.providers.framework.types import Call, Refusal
from lab.providers.kubernetes.batch_v1_job import WORDS_BYTES, Job

METADATA = {"name": "set-up", "namespace": "crm"}


class Box:
    """A cluster with one job that failed."""

    def __init__(self, policy: str, log: str) -> None:
        self.policy, self.log = policy, log
        self.forgotten: list[str] = []

    def kubectl(self, *words: str) -> dict[str, Any]:
        assert words[:3] == ("--context=there", "-n", "crm")
        if words[3] == "logs":
            return {"code": 0, "out": self.log, "err": ""}
        container = {"name": "logical", "terminationMessagePolicy": self.policy}
        found = {
            "metadata": METADATA,
            "spec": {"template": {"spec": {"containers": [container]}}},
            "status": {"conditions": [{"type": "Failed", "status": "True"}]},
        }
        return {"code": 0, "out": json.dumps(found), "err": ""}

    def forget(self, shelf: str, identity: str) -> None:
        self.forgotten.append(identity)

    def shelf(self, context: str) -> str:
        return ""


class Keeping(Box):
    """One that also keeps records, of which the job is the first."""

    def __init__(self, policy: str, log: str) -> None:
        super().__init__(policy, log)
        self.kept: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def put(self, shelf: str, identity: str, record: dict[str, Any]) -> None:
        self.kept[identity] = record

    def record(self, shelf: str, identity: str) -> dict[str, Any] | None:
        return {} if shelf.endswith("Namespace") else self.kept.get(identity)


def call(box: Box) -> Call:
    return cast(
        "Call", SimpleNamespace(box=box, urn="urn:job", config={"context": "there"}, wait=lambda look, seconds: look())
    )


@pytest.mark.parametrize(
    ("policy", "log", "said"),
    [
        ("FallbackToLogsOnError", "the source does not answer\n", "job set-up has failed: the source does not answer"),
        ("File", "the source does not answer\n", "job set-up has failed"),
    ],
)
def test_a_job_that_failed_is_told_with_its_last_words_where_it_leaves_some(policy: str, log: str, said: str) -> None:
    with pytest.raises(Refusal) as found:
        Job()._await(call(Box(policy, log)), METADATA)
    assert str(found.value) == f"the Kubernetes API server reported that {said}"


def test_last_words_are_no_more_than_kubernetes_keeps() -> None:
    with pytest.raises(Refusal) as found:
        Job()._await(call(Box("FallbackToLogsOnError", "x" * 9000)), METADATA)
    assert str(found.value).count("x") == WORDS_BYTES


def test_a_job_that_failed_is_not_taken_for_one_of_an_interrupted_run() -> None:
    box = Keeping("File", "")
    with pytest.raises(Refusal):
        Job().create(call(box), {"metadata": METADATA})
    ((identity, record),) = box.kept.items()
    said = Job().leftover(identity, record)
    assert said.startswith(f"{identity} was made by an earlier `up`, which ended before it was ready")
    assert "interrupted" not in said
    known = {key: value for key, value in record.items() if key != "__unready"}
    assert Job().leftover(identity, known).startswith(f"an interrupted run had left {identity}")
    assert not any(key.startswith("__") for key in Job().read(call(box), identity, {}) or {})


@pytest.mark.parametrize("annotations", [{}, {"pulumi.com/replaceUnready": "false"}])
def test_a_job_that_failed_runs_again_only_if_it_says_so(annotations: dict[str, str]) -> None:
    box = Box("File", "")
    with pytest.raises(Refusal, match="does not run it again: give it the annotation"):
        Job().clear(call(box), "crm/set-up", {"metadata": {**METADATA, "annotations": annotations}})
    assert box.forgotten == []
    said = {"pulumi.com/replaceUnready": "true"}
    Job().clear(call(box), "crm/set-up", {"metadata": {**METADATA, "annotations": said}})
    assert box.forgotten == ["crm/set-up"]
