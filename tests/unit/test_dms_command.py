"""`twinsite dms` against a DMS that answers from a table of states: what is asked, refused, done and taken back."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations import cli
from operations.amazon import Refused
from operations.console import console
from operations.dms import command, questions
from operations.dms.answers import Answers, Unasked, from_files
from operations.dms.plan import Request, decide
from operations.dms.program import Wanted
from operations.dms.service import Described, Service, with_fix
from operations.dms.words import Verb, Word
from operations.stack import Stack
from operations.steps import StepFailed
from operations.store import DirectoryStore
from operations.unanswered import CouldNotAsk
from tests.aws_gcp_world import INVENTORY
from tests.unit.test_status_dms import ARN, FLOW
from tests.unit.test_tunnel_rules import names_a_fix

MAPPINGS = json.dumps(
    {
        "rules": [
            {
                "rule-type": "selection", "rule-id": "1", "rule-name": "a", "rule-action": "include",
                "object-locator": {"schema-name": "shop", "table-name": "%"},
            }
        ]
    }
)  # fmt: skip
SETTINGS = {"TargetMetadata": {"LimitedSizeLobMode": True, "LobMaxSize": 64}, "FullLoadSettings": {"CommitRate": 100}}
TASK = Described(
    state="ready", arn=ARN, why="", migration_type="full-load-and-cdc", mappings=MAPPINGS, settings=SETTINGS,
    ends={"source": "arn:s", "target": "arn:t"}, instance="arn:i", instance_class="dms.t3.medium",
    instance_state="available",
)  # fmt: skip
GOOD = [
    {"Variable_name": name, "Value": value}
    for name, value in (
        ("log_bin", "ON"), ("binlog_format", "ROW"), ("binlog_row_image", "FULL"), ("binlog_checksum", "NONE"),
    )
]  # fmt: skip
GRANTS = [{"g": "GRANT SELECT, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO dms"}]
PLACE = {"schema": "shop", "table": "orders"}


def answers(alone: Mapping[str, int] | None = None, target_rows: int = 0, **source: Any) -> Answers:
    here = {questions.VARIABLES: GOOD, questions.GRANTS: GRANTS, questions.ROWS: [{**PLACE, "rows": 9}], **source}
    there = {questions.ROWS: [{**PLACE, "rows": target_rows}]}
    return Answers({"source": here, "target": there}, alone)


def asked(verb: Verb, *words: Word, tables: tuple[str, ...] = (), away: bool = False) -> Request:
    return Request(verb, FLOW, tables, frozenset(words), away)


def names(request: Request, task: Described, said: Answers | Unasked | None = None) -> list[str]:
    found = decide(request, task, said)
    assert found.problems == ()
    return [step.name for step in found.steps]


TRIED = ["connect-source", "connect-target"]


@pytest.mark.parametrize(
    ("verb", "state", "steps"),
    [
        (Verb.START, "ready", [*TRIED, "start"]),
        (Verb.STOP, "running", ["stop"]),
        (Verb.STOP, "stopped", []),
        (Verb.RESUME, "stopped", [*TRIED, "resume"]),
        (Verb.RESUME, "failed", [*TRIED, "resume"]),
        (Verb.RESUME, "running", []),
        (Verb.MODIFY, "running", ["stop", "change", *TRIED, "resume"]),
        (Verb.MODIFY, "ready", ["change"]),
        (Verb.MODIFY, "stopped", ["change"]),
        (Verb.RELOAD, "stopped", [*TRIED, "start"]),
    ],
)
def test_each_verb_does_only_what_the_state_needs(verb: Verb, state: str, steps: list[str]) -> None:
    alone: dict[str, int] | None = {} if verb == Verb.RELOAD else None
    assert names(asked(verb), replace(TASK, state=state), answers(alone)) == steps


@pytest.mark.parametrize(
    ("verb", "state", "words"),
    [
        (Verb.START, "running", "a start would load everything again: use `twinsite dms resume`"),
        (Verb.START, "stopped", "a start would load everything again: use `twinsite dms resume`"),
        (Verb.RESUME, "ready", "was never started, and there is nothing to resume: use `twinsite dms start`"),
        (Verb.RELOAD, "running", "stop it first (`twinsite dms stop`), or name tables with --table"),
        (Verb.RELOAD, "ready", "was never started: use `twinsite dms start`"),
        (Verb.STOP, "modifying", "shop is modifying: run this again when it is one of"),
    ],
)
def test_a_verb_that_does_not_fit_the_state_is_refused_with_the_one_that_does(
    verb: Verb, state: str, words: str
) -> None:
    (problem,) = decide(asked(verb), replace(TASK, state=state), answers({})).problems
    assert words in problem


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answers(target_rows=3), "the target's shop.orders hold rows already"),
        (answers(target_rows=12), "would lose rows that the target alone has: shop.orders (3)"),
        (answers(sizes=[{**PLACE, "bytes": 100_000}]), "shop.orders holds a value of 98 KiB, and the task cuts off"),
        (answers(), ""),
        (answers(variables=[{"Variable_name": "binlog_checksum", "Value": "CRC32"}]), "binlog_checksum is 'CRC32'"),
        (answers(variables=[{"Variable_name": "binlog_format", "Value": "MIXED"}]), "binlog_format is 'MIXED'"),
        (answers(grants=[{"g": "GRANT SELECT ON *.* TO dms"}]), "lacks REPLICATION CLIENT, REPLICATION SLAVE"),
        (answers(retention=[{"name": "binlog retention hours", "value": "24"}]), "binlog retention hours is 24"),
        (answers(keyless=[PLACE]), "shop.orders has no primary key"),
        (
            answers(None, 0, **{"left:secondary index": [{"name": "orders.x"}]}),
            "the target lacks secondary index orders.x",
        ),
    ],
)
def test_what_stands_against_a_start_is_told_before_anything_is_done(said: Answers, words: str) -> None:
    found = decide(asked(Verb.START), TASK, said)
    if not words:
        assert found.problems == ()
        return
    assert any(words in problem for problem in found.problems), found.problems
    assert all(names_a_fix(problem) for problem in found.problems), found.problems
    assert found.steps == ()


def test_an_instance_that_a_load_would_fill_and_one_for_trials_are_refused() -> None:
    sizes = [{"schema": "shop", "table": f"t{at}", "bytes": 1} for at in range(12)]
    settings = {
        "TargetMetadata": {"LimitedSizeLobMode": True, "LobMaxSize": 1024},
        "FullLoadSettings": {"CommitRate": 1024},
    }
    (problem,) = decide(asked(Verb.START), replace(TASK, settings=settings), answers(sizes=sizes)).problems
    assert problem.startswith("instance_class dms.t3.medium has 4 GiB, and 8 tables at once, 1024 rows each with a LOB")
    assert names(
        asked(Verb.START), replace(TASK, settings=settings, instance_class="dms.r5.large"), answers(sizes=sizes)
    )
    (problem,) = decide(asked(Verb.START), replace(TASK, instance_class="dms.t3.micro"), answers()).problems
    assert problem == "instance_class dms.t3.micro has 1 GiB, which is for trials: choose dms.t3.medium or larger"


def test_what_a_person_knows_better_is_done_on_their_word_and_told_all_the_same() -> None:
    without_key = answers(keyless=[PLACE])
    refused = decide(asked(Verb.START), TASK, without_key)
    assert refused.problems[-1].endswith("--confirm left-behind")
    found = decide(asked(Verb.START, Word.LEFT_BEHIND), TASK, without_key)
    assert found.problems == () and "shop.orders has no primary key" in found.says[0]
    # No word helps against what stops the task.
    (problem,) = decide(asked(Verb.START, *Word), TASK, answers(target_rows=3)).problems
    assert "hold rows already" in problem


def test_databases_that_nobody_asked_are_a_refusal_or_a_persons_word() -> None:
    (problem,) = decide(asked(Verb.START), TASK, Unasked("no route")).problems
    assert problem == (
        "what the databases hold is not known (no route): let them be asked, or, when you have asked them by hand, "
        "--confirm unasked"
    )
    found = decide(asked(Verb.START, Word.UNASKED), TASK, Unasked("no route"))
    assert [step.name for step in found.steps] == [*TRIED, "start"]
    assert found.says == ("the databases were not asked (no route): your word stands for it",)


@pytest.mark.parametrize(
    ("said", "words", "confirmed"),
    [
        (
            answers({"shop.orders": 2}, 2),
            "reload-target would lose rows that the target alone has: shop.orders (2)",
            (),
        ),
        (answers({"shop.orders": 0}, 2), "the target's shop.orders hold rows, with which the load does", ()),
        (answers(None, 0), "rows were counted and not compared", ()),
        (answers(None, 12), "reload-target would lose rows that the target alone has: shop.orders (3)", ()),
        (answers({"shop.orders": 2}, 0), "", (Word.LOSE_ROWS,)),
        (answers(None, 0), "", (Word.LOSE_ROWS,)),
        (answers({}, 0), "", ()),
    ],
)
def test_a_reload_is_refused_where_the_target_has_rows_that_the_source_lacks(
    said: Answers, words: str, confirmed: tuple[Word, ...]
) -> None:
    found = decide(asked(Verb.RELOAD, *confirmed), replace(TASK, state="stopped"), said)
    if not words:
        assert [step.name for step in found.steps] == [*TRIED, "start"]
        return
    (problem,) = [one for one in found.problems if one.startswith(words)]
    assert names_a_fix(problem)


def test_tables_are_loaded_again_one_by_one_while_the_task_runs() -> None:
    from operations.subjects.dms_task import TableSeen

    table = TableSeen("shop.orders", "Table error", "Not enabled", 0)
    running = replace(TASK, state="running", tables=(table,))
    assert names(asked(Verb.RELOAD, tables=("shop.orders",)), running, answers({})) == ["reload-tables"]
    # What another table has does not matter.
    other = answers({"shop.orders": 0, "shop.customers": 5})
    assert names(asked(Verb.RELOAD, tables=("shop.orders",)), running, other) == ["reload-tables"]
    for request, task, words in (
        (asked(Verb.RELOAD, tables=("shop.none",)), running, "shop.none is none of its tables: name shop.orders"),
        (
            asked(Verb.RELOAD, tables=("shop.orders",)),
            replace(running, state="stopped"),
            "tables are loaded while it runs",
        ),
        (asked(Verb.RELOAD, tables=tuple(f"shop.t{n}" for n in range(11))), running, "more than DMS takes at once"),
        (
            asked(Verb.RELOAD, tables=("shop.orders",)),
            replace(running, migration_type="cdc"),
            "carries changes only (cdc)",
        ),
    ):
        assert any(words in one for one in decide(request, task, answers({})).problems), words


@pytest.mark.parametrize("verb", [Verb.RESUME, Verb.RELOAD])
def test_old_rows_are_not_written_over_those_of_a_standby_that_serves(verb: Verb) -> None:
    task = replace(TASK, state="stopped")
    (problem,) = decide(asked(verb, away=True), task, answers({})).problems
    assert "old ones would be written over those of its users" in problem
    assert decide(asked(verb, Word.HOME_SERVES, away=True), task, answers({})).problems == ()


@pytest.mark.parametrize("verb", [Verb.START, Verb.RESUME, Verb.RELOAD])
def test_two_tasks_never_run_in_a_circle(verb: Verb) -> None:
    state = "ready" if verb == Verb.START else "stopped"
    request = replace(asked(verb, Word.UNASKED, Word.HOME_SERVES), circle=("home",))
    (problem,) = decide(request, replace(TASK, state=state), answers({})).problems
    assert problem.startswith("home brings rows from 10.31.0.3 to rds, and a row would go round for ever")
    assert "let that task be stopped first" in problem
    # One that is found running may be stopped.
    assert names(replace(asked(Verb.STOP), circle=("home",)), replace(TASK, state="running")) == ["stop"]


# With the service


class Dms:
    """DMS by its states: what is started runs at the next look, what is stopped stands."""

    def __init__(self, state: str = "ready") -> None:
        self.state, self.then, self.acted = state, state, [""][:0]
        self.fails: dict[str, Exception] = {}
        self.connection = ("successful", "")
        self.late: dict[str, float] = {}
        """Its latencies, as CloudWatch has them."""

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        if operation in self.fails:
            raise self.fails[operation]
        if operation == "DescribeReplicationTasks":
            told, self.state = self.state, self.then
            one = {
                "ReplicationTaskArn": ARN, "ReplicationInstanceArn": "arn:i", "Status": told,
                "MigrationType": "full-load-and-cdc", "TableMappings": MAPPINGS, "SourceEndpointArn": "arn:s",
                "TargetEndpointArn": "arn:t", "ReplicationTaskSettings": json.dumps(SETTINGS),
            }  # fmt: skip
            return {"ReplicationTasks": [one]}
        if operation == "DescribeReplicationInstances":
            one = {
                "ReplicationInstanceStatus": "available", "ReplicationInstanceClass": "dms.t3.medium",
                "ReplicationInstanceIdentifier": "shop-instance",
            }  # fmt: skip
            return {"ReplicationInstances": [one]}
        if operation == "DescribeTableStatistics":
            return {"TableStatistics": []}
        if operation == "DescribeConnections":
            return {"Connections": [{"Status": self.connection[0], "LastFailureMessage": self.connection[1]}]}
        if operation == "GetMetricData":
            return {"MetricDataResults": [{"Id": side, "Values": [late]} for side, late in self.late.items()]}
        self.acted.append(f"{operation} {given.get('StartReplicationTaskType', '')}".strip())
        if operation == "StartReplicationTask":
            self.state, self.then = "starting", "running"
        if operation == "StopReplicationTask":
            self.state, self.then = "stopping", "stopped"
        return {}


class Program:
    """Wants one change, until it was made."""

    def __init__(self, fails: bool = False) -> None:
        self.left: tuple[str, ...] = ("shop-task would change tableMappings",)
        self.fails = fails

    def wanted(self) -> Wanted:
        return Wanted(self.left, tuple("0123456789ab" for _ in self.left))

    def up_for(self, say: Any) -> str:
        if self.fails:
            raise StepFailed("`pulumi up` failed: no")
        said, self.left = "; ".join(self.left), ()
        return said


def run(tmp_path: Path, dms: Dms, request: Request, program: Program | None = None, **more: Any) -> dict[str, Any]:
    inventory = replace(INVENTORY, flows=(FLOW,), store="")
    stack = Stack("dev", inventory, tmp_path)
    world = command.World(
        lambda region: dms,
        program or Program(),  # type: ignore[arg-type]
        DirectoryStore(tmp_path / "store"),
        lambda service, task: lambda end: _none(end),
        0.01,
    )
    return command.run(stack, request, world, console(), **more)


def _none(end: str) -> Any:
    raise ValueError(f"the {end} is not reached from here")


def test_a_start_tries_both_ends_first_and_ends_when_the_task_runs(tmp_path: Path) -> None:
    dms = Dms()
    found = run(tmp_path, dms, asked(Verb.START, Word.UNASKED))
    assert (found["verdict"], found["problems"]) == ("passed", [])
    assert dms.acted == ["TestConnection", "TestConnection", "StartReplicationTask start-replication"]
    (journal,) = (tmp_path / "store" / "journal").glob("*.json")
    assert [one["step"] for one in json.loads(journal.read_text())["entries"] if one["kind"] == "done"] == [
        "take-lock", "connect-source", "connect-target", "start",
    ]  # fmt: skip
    assert not (tmp_path / "store" / "lock.json").exists()


def test_a_plan_does_nothing(tmp_path: Path) -> None:
    dms = Dms("running")
    found = run(tmp_path, dms, asked(Verb.MODIFY), only_plan=True)
    assert [step["name"] for step in found["plan"]] == ["stop", "change", *TRIED, "resume"]
    assert found["says"] == ["shop-task would change tableMappings"] and dms.acted == []


def test_a_running_task_is_stopped_changed_and_resumed_and_a_change_that_nobody_wants_stops_nothing(
    tmp_path: Path,
) -> None:
    dms, program = Dms("running"), Program()
    assert run(tmp_path, dms, asked(Verb.MODIFY), program)["verdict"] == "passed"
    assert dms.acted == [
        "StopReplicationTask", "TestConnection", "TestConnection", "StartReplicationTask resume-processing",
    ]  # fmt: skip
    found = run(tmp_path, dms, asked(Verb.MODIFY), program)
    assert found["says"] == ["the program wants nothing of shop changed: nothing to do"] and len(dms.acted) == 4


def test_a_change_that_fails_leaves_no_task_stopped(tmp_path: Path) -> None:
    dms = Dms("running")
    found = run(tmp_path, dms, asked(Verb.MODIFY), Program(fails=True))
    assert (found["verdict"], found["problems"]) == ("failed", ["`pulumi up` failed: no"])
    assert dms.acted == ["StopReplicationTask", "StartReplicationTask resume-processing"]
    assert [step["outcome"] for step in found["steps"]][-2:] == ["undone", "undone"], "the task, then the lock"


def test_an_end_that_the_instance_does_not_reach_is_told_in_dms_words(tmp_path: Path) -> None:
    dms = Dms("stopped")
    dms.connection = ("failed", "ERROR 1045: access denied")
    found = run(tmp_path, dms, asked(Verb.RESUME))
    (problem,) = found["problems"]
    assert problem.startswith("the instance does not get into the source (ERROR 1045: access denied): look at")
    assert dms.acted == ["TestConnection"]


def test_a_task_that_fails_instead_of_running_is_told_with_what_its_words_call_for(tmp_path: Path) -> None:
    dms = Dms("stopped")
    dms.ask_before = dms.ask  # type: ignore[attr-defined]

    def ask(service: str, operation: str, region: str = "", **given: Any) -> Any:
        found = dict(dms.ask_before(service, operation, region, **given))  # type: ignore[attr-defined]
        if operation == "StartReplicationTask":
            dms.state = dms.then = "failed"
        if operation == "DescribeReplicationTasks" and found["ReplicationTasks"][0]["Status"] == "failed":
            found["ReplicationTasks"][0]["LastFailureMessage"] = "binlog_checksum is CRC32"
        return found

    dms.ask = ask  # type: ignore[method-assign]
    (problem,) = run(tmp_path, dms, asked(Verb.RESUME))["problems"]
    assert problem == (
        "the task has failed (binlog_checksum is CRC32): set binlog_checksum to NONE at the source, then "
        "`twinsite dms resume`"
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("InvalidResourceStateFault", "dms:X: InvalidResourceStateFault: no"), "look at the log of the task"),
        (CouldNotAsk("you may not ask it: dms:X is refused"), "have policies/aws/dms.operator.json attached"),
        (CouldNotAsk("there are no credentials for AWS here", "log in"), "no credentials for AWS here: log in"),
    ],
)
def test_what_aws_refuses_is_told_with_what_to_do(tmp_path: Path, error: Exception, words: str) -> None:
    dms = Dms("stopped")
    dms.fails["StartReplicationTask"] = error
    (problem,) = run(tmp_path, dms, asked(Verb.RESUME))["problems"]
    assert words in problem


def test_two_commands_do_not_work_on_one_task_at_once(tmp_path: Path) -> None:
    from operations.journal.lock import take

    take(DirectoryStore(tmp_path / "store"), "other", "failover", 60)
    found = run(tmp_path, Dms("stopped"), asked(Verb.RESUME))
    assert found["verdict"] == "refused" and "failover" in found["problems"][0]


def test_a_task_the_other_way_is_asked_whether_it_stands_still(tmp_path: Path) -> None:
    back = replace(FLOW, name="home", source=FLOW.target, target=FLOW.source)
    for state, found in (("running", ("home",)), ("stopping", ("home",)), ("stopped", ()), ("ready", ())):
        world = command.World(lambda region, state=state: Dms(state), None, DirectoryStore(tmp_path))  # type: ignore[arg-type, misc]
        assert command.circle((FLOW, back), FLOW, world) == found
    nobody = Dms()
    nobody.fails["DescribeReplicationTasks"] = Refused("ResourceNotFoundFault", "dms:X: ResourceNotFoundFault: none")
    world = command.World(lambda region: nobody, None, DirectoryStore(tmp_path))  # type: ignore[arg-type, return-value]
    assert command.circle((FLOW, back), FLOW, world) == ()


def test_every_word_of_dms_that_is_known_has_a_fix() -> None:
    for words in ("replication slot already active", "No tables were found", "out of memory", "nobody knows"):
        assert re.search(r": \w", with_fix(words))


# PostgreSQL's answers


def test_an_answer_of_another_task_or_an_old_one_or_half_of_one_counts_for_nothing(tmp_path: Path) -> None:
    def file(end: str, task: str = "shop", age: float = 0, **more: Any) -> Path:
        names = {name for name, _, _ in questions.asked(questions.POSTGRES, end, ["x"])}
        found = {"task": task, "end": end, "at": time.time() - age, "answers": {name: [] for name in names}, **more}
        path = tmp_path / f"{end}-{task}-{age}-{'-'.join(more)}.json"
        path.write_text(json.dumps(found) + ("" if more.get("cut") else json.dumps(questions.LAST)))
        return path

    good = file("source"), file("target")
    assert isinstance(from_files("shop", good), Answers)
    for files, words in (
        (good[:1], "PostgreSQL at the target has not answered"),
        ((file("source", "other"), good[1]), "is of task other: ask the source again"),
        ((file("source", age=7300), good[1]), "is 2 h old: ask the source again"),
        ((file("source", answers={}), good[1]), "it lacks account, keyless"),
        ((file("source", cut=True), good[1]), "it lacks its end"),
        ((tmp_path / "none", good[1]), "No such file"),
    ):
        found = from_files("shop", files)
        assert isinstance(found, Unasked) and words in found.words


def test_the_command_line_has_each_verb_and_asks_for_the_task_that_is_meant(tmp_path: Path) -> None:
    given = cli._arguments().parse_args(["dms", "reload", "--table", "shop.orders", "--confirm", "lose-rows"])
    assert (given.name, given.table, given.confirm) == ("reload", ["shop.orders"], ["lose-rows"])
    two = Stack("dev", replace(INVENTORY, flows=(FLOW, replace(FLOW, name="other"))), tmp_path)
    assert command.chosen(two, "other").name == "other"
    for name, words in (("", "there are 2 tasks: give --task with one of shop, other"), ("x", "there is no task x")):
        with pytest.raises(ValueError, match=words):
            command.chosen(two, name)


def test_a_task_that_aws_does_not_have_is_told(tmp_path: Path) -> None:
    class Nothing(Dms):
        def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
            return {"ReplicationTasks": []}

    with pytest.raises(StepFailed, match="AWS has no DMS task shop in ap-northeast-2: `pulumi up` makes it"):
        Service(Nothing(), FLOW).describe()
