"""What the doctor asks AWS for a task of DMS: room as DMS counts it, and the account's two roles."""

import pathlib
from typing import Any

import pytest

from operations.amazon import Refused
from operations.doctor import dms
from operations.doctor.answers import Answer
from tests.doctor_world import FakeAws
from twinsite.needs import DmsTask

TASK = DmsTask("crm", 100, False)
NO_TASK = Refused("ResourceNotFoundFault", "no task")
NO_ROLE = Refused("NoSuchEntity", "no role")


def quota(name: str, used: int, most: int) -> dict[str, Any]:
    return {"AccountQuotaName": name, "Used": used, "Max": most}


def room(*quotas: dict[str, Any], there: Any = NO_TASK) -> Any:
    asked = {"dms:DescribeReplicationTasks": there, "dms:DescribeAccountAttributes": {"AccountQuotas": list(quotas)}}
    return dms.room(FakeAws(asked), TASK)


def test_room_is_judged_for_what_a_task_takes_and_storage_by_its_setting() -> None:
    assert room(quota("ReplicationInstances", 3, 60), quota("AllocatedStorage", 0, 30000)).answer == Answer.OK
    full = room(quota("ReplicationInstances", 60, 60), quota("Endpoints", 999, 1000), quota("AllocatedStorage", 0, 99))
    assert full.answer == Answer.NOT_OK
    for words in (
        "ReplicationInstances: 60 of 60",
        "Endpoints: 999 of 1000 in use, 2 more",
        "0 of 99 in use, 100 more",
    ):
        assert words in full.words
    assert "Service Quotas" in full.fix


def test_a_task_that_is_there_wants_nothing_more() -> None:
    found = room(quota("ReplicationTasks", 1, 1), there={"ReplicationTasks": [{"ReplicationTaskIdentifier": "crm"}]})
    assert (found.answer, "is there" in found.words) == (Answer.OK, True)


@pytest.mark.parametrize(
    ("makes", "roles", "answer", "words"),
    [
        (False, {"Role": {}}, Answer.OK, "the account has dms-vpc-role"),
        (False, NO_ROLE, Answer.NOT_OK, "no dms-vpc-role, dms-cloudwatch-logs-role"),
        (True, NO_ROLE, Answer.OK, "this stack makes"),
        (True, {"Role": {}}, Answer.OK, "dms_account_roles false"),
    ],
)
def test_the_accounts_two_roles(makes: bool, roles: Any, answer: Answer, words: str) -> None:
    found = dms.roles(FakeAws({"iam:GetRole": roles}), DmsTask("crm", 100, makes))
    assert (found.answer, words in found.words) == (answer, True)


def test_who_lacks_the_roles_is_told_that_the_tasks_list_makes_none() -> None:
    fix = dms.roles(FakeAws({"iam:GetRole": NO_ROLE}), DmsTask("crm", 100, False)).fix
    assert "what policies/aws lists for DMS has no such right" in fix
    lists = list((pathlib.Path(__file__).parents[2] / "policies" / "aws").glob("*.dms.json"))
    assert lists
    assert not any(role in one.read_text() for one in lists for role in dms.ROLES)
