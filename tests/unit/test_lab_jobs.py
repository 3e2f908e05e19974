"""What the lab's provider does with a job of a cluster that failed: its own words, and whether it may run again."""

import json
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


def call(box: Box) -> Call:
    return cast("Call", SimpleNamespace(box=box, config={"context": "there"}, wait=lambda look, seconds: look()))


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


@pytest.mark.parametrize("annotations", [{}, {"pulumi.com/replaceUnready": "false"}])
def test_a_job_that_failed_runs_again_only_if_it_says_so(annotations: dict[str, str]) -> None:
    box = Box("File", "")
    with pytest.raises(Refusal, match="does not run it again: give it the annotation"):
        Job().clear(call(box), "crm/set-up", {"metadata": {**METADATA, "annotations": annotations}})
    assert box.forgotten == []
    said = {"pulumi.com/replaceUnready": "true"}
    Job().clear(call(box), "crm/set-up", {"metadata": {**METADATA, "annotations": said}})
    assert box.forgotten == ["crm/set-up"]
