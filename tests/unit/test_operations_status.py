"""Status: what is wrong is a sentence with its fix, and only what is wrong."""

import pathlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations import evidence, facts, render, status
from operations.guest import Seen
from tests.operations_world import INVENTORY, reports

NONE = evidence.standing(None, "digest-1", 0.0)


def judged(change: Callable[[dict[tuple[str, str], dict[str, Any]]], object], **seen: Any) -> dict[str, Any]:
    world = reports()
    change(world)
    return status.status(facts.read(INVENTORY, Seen(world, **seen)), NONE)


def test_a_healthy_stack_has_no_problems() -> None:
    found = judged(lambda world: None)
    assert found["healthy"] is True
    assert found["problems"] == []
    assert found["tunnels"][0]["up"] is True
    assert found["tunnels"][0]["child_sas"] == 1
    assert found["replicas"][0]["receiver"] == "ON"
    assert found["replicas"][0]["heartbeat_age_seconds"] == 0.4


def test_the_promised_fields_are_there() -> None:
    promised = {
        "topology",
        "dr_mode",
        "active_site",
        "tunnels",
        "replicas",
        "names",
        "latch",
        "evidence",
        "healthy",
        "problems",
    }
    assert promised <= judged(lambda world: None).keys()


SICK: dict[str, tuple[Callable[[Any], object], str]] = {
    "no IKE SA": (lambda w: w["onprem-gateway", "gateway"].update(ike=[], children=[]), "no established IKE SA"),
    "connecting": (
        lambda w: w["onprem-gateway", "gateway"].update(ike=[{"state": "CONNECTING"}], children=[]),
        "IKE SAs: CONNECTING",
    ),
    "no CHILD SA": (lambda w: w["aws-gateway", "gateway"].update(children=[]), "no installed CHILD SA"),
    "two CHILD SAs": (
        lambda w: w["aws-gateway", "gateway"].update(children=[{"state": "INSTALLED"}] * 2),
        "1 IKE and 2 CHILD SAs instead of one each",
    ),
    "nothing crosses": (
        lambda w: w["onprem-gateway", "gateway"].update(crossing={"ok": False, "rtt_ms": None}),
        "no packet crosses",
    ),
    "charon is gone": (
        lambda w: w["aws-gateway", "gateway"].update(problem="usage…\nerror: connection refused", ike=[], children=[]),
        "charon does not answer (error: connection refused)",
    ),
    "clear text is possible": (
        lambda w: w["aws-gateway", "gateway"].update(guard={"rules": False, "blackholes": ["x"]}),
        "keep clear text in",
    ),
    "the blackhole is missing": (
        lambda w: w["aws-gateway", "gateway"].update(guard={"rules": True, "blackholes": []}),
        "keep clear text in",
    ),
    "receiver connecting": (
        lambda w: w["onprem-database", "database"]["receiver"].update(state="CONNECTING", error="error connecting"),
        "(CONNECTING: error connecting)",
    ),
    "receiver off": (
        lambda w: w["onprem-database", "database"]["receiver"].update(state="OFF"),
        "OFF: stopped by hand",
    ),
    "applier stopped": (
        lambda w: w["onprem-database", "database"].update(applier={"state": "OFF", "error": "Duplicate entry"}),
        "the applier does not run (Duplicate entry)",
    ),
    "old heartbeat": (
        lambda w: w["onprem-database", "database"].update(heartbeat_age_seconds=11.0),
        "11.0 s old (alarm at 10 s)",
    ),
    "no heartbeat": (
        lambda w: w["onprem-database", "database"].update(heartbeat_age_seconds=None),
        "has no heartbeat of aws-source",
    ),
    "writable replica": (
        lambda w: w["onprem-database", "database"].update(super_read_only=False),
        "is a replica, but writable",
    ),
    "closed source": (lambda w: w["aws-source", "database"].update(super_read_only=True), "closed for writing"),
    "mysqld is gone": (
        lambda w: w["onprem-database", "database"].update(problem="Can't connect to local server"),
        "Can't connect to local server",
    ),
}


@pytest.mark.parametrize("name", SICK)
def test_each_sickness_is_one_sentence_with_a_fix(name: str) -> None:
    change, words = SICK[name]
    (problem,) = judged(change)["problems"]
    assert words in problem
    assert "`" in problem or "event scheduler" in problem, "a problem names its fix"


def test_a_host_that_cannot_be_reached_says_what_is_unknown() -> None:
    def without(world: dict[tuple[str, str], Any]) -> None:
        del world["onprem-gateway", "gateway"]

    found = judged(without, unreachable={"onprem-gateway": "timed out"})
    (problem,) = found["problems"]
    assert "ubuntu@203.0.113.64:2210 (timed out)" in problem
    assert "its end of the tunnel is unknown" in problem
    assert found["tunnels"][0]["unknown_ends"] == ["onprem-gateway"]
    assert found["hosts"][2] == {"name": "onprem-gateway", "site": "onprem", "reachable": False}


def test_a_host_behind_an_unreachable_one_is_told_as_such() -> None:
    found = judged(
        lambda world: [world.pop(("aws-gateway", "gateway")), world.pop(("aws-source", "database"))],
        unreachable={"aws-gateway": "timed out", "aws-source": "aws-gateway: timed out"},
    )
    assert [problem for problem in found["problems"] if problem.startswith("aws-source is reached through aws-gateway")]


def test_nobody_there_is_one_sentence_with_what_to_do() -> None:
    silent = {host.name: "No route to host" for host in INVENTORY.hosts}
    found = judged(lambda world: world.clear(), unreachable=silent)
    (problem,) = found["problems"]
    assert "none of the 4 hosts can be reached" in problem
    assert "do not exist: bring them up" in problem
    assert found["tunnels"][0]["up"] is None


def test_a_role_that_does_not_report_is_not_called_healthy() -> None:
    found = judged(
        lambda world: world.pop(("aws-gateway", "gateway")),
        failed={("aws-gateway", "gateway"): "usage: twinsite-guest"},
    )
    assert "aws-gateway does not report (usage: twinsite-guest)" in found["problems"][0]


def test_a_host_that_was_handed_over_is_named_with_what_its_owners_do() -> None:
    world = reports()
    world.pop(("onprem-gateway", "gateway"))
    hosts = tuple(
        replace(host, bundle="onprem_bundle") if host.name == "onprem-gateway" else host for host in INVENTORY.hosts
    )
    seen = Seen(world, failed={("onprem-gateway", "gateway"): "there is no guest of this version on onprem-gateway"})
    found = status.status(facts.read(replace(INVENTORY, hosts=hosts), seen), NONE)
    assert found["problems"] == [
        "onprem-aws: onprem-gateway does not report (there is no guest of this version on onprem-gateway): "
        "its owners install it: `pulumi stack output onprem_bundle --show-secrets | base64 -d > "
        "onprem-gateway.tar.gz`, and on the host `tar -xzf onprem-gateway.tar.gz && sudo ./install.sh`"
    ]


@pytest.mark.parametrize("name", SICK)
def test_a_person_reads_every_problem(name: str) -> None:
    found = judged(SICK[name][0])
    assert found["problems"][0] in render.status_text(found)


def standing(content: dict[str, Any] | None, now: float) -> dict[str, Any]:
    return evidence.standing(content and (pathlib.Path("x.json"), content), "digest-1", now)


FRESH = {"finished": "2026-11-21T09:00:00.000Z", "verdict": "passed", "digest": "digest-1"}
NOW = 1795251600.0


def test_evidence_counts_while_nothing_changed() -> None:
    found = standing(FRESH, NOW + 60)
    assert (found["verdict"], found["age_seconds"], found["stale"], found["reason"]) == ("passed", 60, False, "")


def test_evidence_goes_stale_when_the_stack_changes() -> None:
    found = standing({**FRESH, "digest": "digest-0"}, NOW)
    assert found["stale"] is True
    assert "has changed since the last drill" in found["reason"]


def test_evidence_goes_stale_with_time() -> None:
    found = standing(FRESH, NOW + 31 * 86400)
    assert found["stale"] is True
    assert "31 days old, it counts for 30 days" in found["reason"]


def test_evidence_without_a_readable_time_is_stale() -> None:
    assert standing({**FRESH, "finished": "yesterday"}, NOW)["stale"] is True


def test_no_evidence_names_the_command() -> None:
    assert "twinsite drill tunnel-cut" in standing(None, NOW)["reason"]


def test_the_newest_readable_evidence_is_the_latest(tmp_path: pathlib.Path) -> None:
    evidence.write(tmp_path, "20261121T080000Z-a", {"n": 1})
    evidence.write(tmp_path, "20261121T090000Z-a", {"n": 2})
    (tmp_path / "evidence" / "20261121T100000Z-a.json").write_text("{ torn")
    found = evidence.latest(tmp_path)
    assert found is not None
    assert found[1] == {"n": 2}
