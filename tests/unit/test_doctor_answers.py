"""The doctor's frame: nothing hangs, what could not be asked is never ok, exit codes, what a person reads."""

import dataclasses
import json
import pathlib
import threading
import time
from typing import Any

import pytest

from operations import cli
from operations.console import Plain
from operations.doctor import command, questions, show
from operations.doctor.answers import Answer, Finding, Line, Question, all_of, ask_all, not_ok, ok
from operations.doctor.questions import World
from operations.project import Project
from operations.unanswered import CouldNotAsk
from tests.clouds_world import FakeCloudflare, FakeGoogle
from tests.doctor_world import FakeAws, FakeAzure
from twinsite.needs import (
    Aws,
    Azure,
    Cluster,
    Database,
    DatabaseSettings,
    Home,
    Machine,
    MySqlServer,
    Needs,
    Page,
    from_json,
    to_json,
)

NEEDS = Needs(
    "x-y", "warm", Home("file:///state"),
    Aws("eu-west-1", "", "eu-west-1a", (Machine("gateway", "t3.micro", "ami-0123456789abcdef0"),), 1, 1),
    Azure("sub", "here", ("there",), "rg", (Machine("standby", "Standard_B2s", "P:O:S:latest"),),
          MySqlServer("Standard_B2s", "8.4"), ("one", "two"), "vault", 1),
    Cluster("", "petclinic", "https://issuer"), True, "example.com", "Z1", (Page("www.example.com", "lb"),),
    {"origin_certificate": ("origin.example.com",)}, {"deployer": ("own-network",)}, {"region": "eu-west-1"},
    Database("db.example", "backup", "app", DatabaseSettings("address", "user", "password", "ca")),
)  # fmt: skip


def line(answer: Answer, words: str = "w", fix: str = "f", what: str = "q") -> Line:
    return Line("family", what, Finding(answer, words, fix))


def test_needs_come_back_from_json_as_they_were() -> None:
    assert from_json(to_json(NEEDS)) == NEEDS
    with pytest.raises(ValueError, match="has no further"):
        from_json(json.dumps({**json.loads(to_json(NEEDS)), "further": 1}))


def test_a_question_that_hangs_is_one_that_could_not_be_asked_and_holds_up_nobody() -> None:
    for_ever = threading.Event()

    def hang() -> Finding:
        for_ever.wait()
        return ok("never")

    began = time.monotonic()
    lines = ask_all([Question("a", "hangs", hang), Question("a", "answers", lambda: ok("yes"))], seconds=1.0)
    assert time.monotonic() - began < 60
    assert [one.finding.answer for one in lines] == [Answer.COULD_NOT_ASK, Answer.OK]
    assert lines[0].finding.words == "no answer within 1 s"
    for_ever.set()


def test_all_questions_are_asked_at_once() -> None:
    together = threading.Barrier(5)

    def meet() -> Finding:
        together.wait(5)  # only when all five are here at one time
        return ok("met")

    lines = ask_all([Question("a", str(at), meet) for at in range(5)], seconds=10)
    assert {one.finding.answer for one in lines} == {Answer.OK}


def test_an_answer_of_an_unknown_shape_is_no_answer() -> None:
    def odd() -> Finding:
        raise KeyError("Reservations")

    (found,) = ask_all([Question("a", "odd", odd)], seconds=5)
    assert found.finding.answer == Answer.COULD_NOT_ASK
    assert "KeyError" in found.finding.words


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([Answer.OK, Answer.OK], "passed"),
        ([Answer.OK, Answer.COULD_NOT_ASK], "unknown"),
        ([Answer.COULD_NOT_ASK, Answer.NOT_OK], "failed"),
        ([], "unknown"),
    ],
)
def test_what_could_not_be_asked_is_never_counted_as_ok(answers: list[Answer], verdict: str) -> None:
    assert command.verdict([line(one) for one in answers]) == verdict


def test_of_several_the_worst_is_said_and_only_that() -> None:
    findings = [ok("fine"), not_ok("bad", "mend it"), not_ok("worse", "mend it")]
    assert all_of(findings) == Finding(Answer.NOT_OK, "bad; worse", "mend it")
    assert all_of([ok("one"), ok("two")]) == ok("one; two")


@pytest.mark.parametrize(("verdict", "code"), [("passed", 0), ("failed", 1), ("refused", 2), ("unknown", 3)])
def test_exit_codes(
    verdict: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"verdict": verdict, "problems": ["no stack"], "lines": [], "topology": "t", "dr_mode": "m", "stack": "s",
            "who": "deployer", "note": ""}  # fmt: skip
    monkeypatch.setattr(command, "run", lambda *_: said)
    assert cli.main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == said


def world() -> World:
    return World(FakeAws({}), FakeAzure({}), FakeGoogle({}), FakeCloudflare({}))


def asked(needs: Needs = NEEDS, problems: tuple[str, ...] = ()) -> list[Question]:
    return questions.questions(Project("dev", problems, needs), needs, world(), "deployer")


def test_every_kind_of_need_has_its_question() -> None:
    families = [one.family for one in asked()]
    assert list(dict.fromkeys(families)) == [
        "settings", "desk", "identity", "rights", "quotas", "offers", "names", "dns", "certificates", "database",
        "state",
    ]  # fmt: skip
    bare = Needs("x-y", "cold", Home(""), Aws("eu-west-1"))
    assert [one.what for one in asked(bare)] == ["all", "pulumi", "clock, AWS", "AWS", "deployer, AWS", "backend"]


@pytest.mark.parametrize(("whose", "other"), [("deployer", "operator"), ("operator", "deployer")])
def test_a_further_list_of_rights_is_asked_of_whoever_it_is_for(whose: str, other: str) -> None:
    needs = dataclasses.replace(NEEDS, topology="onprem-aws", further_rights={whose: ("own-network",)})

    def asked_of(who: str) -> list[str]:
        return [one.what for one in questions.questions(Project("dev", (), needs), needs, world(), who)]

    assert "own-network, AWS" in asked_of(whose)
    assert "own-network, AWS" not in asked_of(other)


def test_a_refusal_of_the_program_is_a_line_with_its_fix() -> None:
    lines = ask_all(asked(problems=("ami is wrong: `pulumi config set ami …`", "x: y is bad: `do it`, or not"))[:2])
    assert [one.finding for one in lines] == [
        not_ok("ami is wrong", "`pulumi config set ami …`"),
        not_ok("x: y is bad", "`do it`, or not"),
    ]


def test_one_object_with_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [Question("a", "one", lambda: ok("fine")), Question("b", "two", _unknown)]
    monkeypatch.setattr(command, "questions", lambda *_: few)
    found = command.answer(Project("dev", (), NEEDS), NEEDS, world(), "operator", Plain())
    assert (found["command"], found["verdict"], found["who"], found["stack"]) == (
        "doctor",
        "unknown",
        "operator",
        "dev",
    )
    assert found["lines"] == [
        {"family": "a", "question": "one", "answer": "ok", "words": "fine", "fix": ""},
        {"family": "b", "question": "two", "answer": "could not ask", "words": "no login", "fix": "log in"},
    ]


def _unknown() -> Finding:
    raise CouldNotAsk("no login", "log in")


def shown(*lines: dict[str, Any]) -> list[str]:
    empty = {"topology": "t", "dr_mode": "m", "stack": "s", "who": "deployer", "note": "", "verdict": "failed"}
    return show.text({**empty, "lines": list(lines), "problems": []}).splitlines()


def test_a_fix_is_said_once_and_no_line_is_wider_than_a_terminal() -> None:
    same = {"family": "a", "question": "x", "answer": "could not ask", "words": "no login " * 20, "fix": "`log in`"}
    text = shown(same, same)
    assert sum("→ `log in`" in row for row in text) == 1
    assert max(map(len, text)) <= show.WIDTH
    assert text[-2:] == [
        "0 ok, 0 not ok, 2 could not ask",
        "what could not be asked is not known, and not counted as ok",
    ]


def test_without_a_project_it_is_refused_with_where_to_go(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["doctor", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "refused"
    assert "run this in the project's folder" in found["problems"][0]
