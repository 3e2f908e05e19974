"""Status: what is wrong is a sentence with its fix, and only what is wrong."""

import pathlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations import evidence, host_facts, render, status
from operations.guest import Reports
from tests.operations_world import INVENTORY, of_hosts, reports

DRILL = "twinsite drill tunnel-cut"
NONE = evidence.standing(None, "digest-1", 0.0, DRILL)


def told(change: Callable[[dict[tuple[str, str], dict[str, Any]]], object], **seen: Any) -> status.Status:
    world = reports()
    change(world)
    return status.status(of_hosts(host_facts.read(INVENTORY, Reports(world, **seen))), NONE)


def judged(change: Callable[[dict[tuple[str, str], dict[str, Any]]], object], **seen: Any) -> dict[str, Any]:
    return told(change, **seen).shown()


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
    "a heartbeat from the future": (
        lambda w: w["onprem-database", "database"].update(heartbeat_age_seconds=-2.5),
        "2.5 s in the future",
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

SICK["the role's own word"] = (
    lambda w: w["aws-source", "database"].update(
        problems=[{"what": "sync_binlog", "problem": "sync_binlog is 0", "fix": "`twinsite repair`", "mends": ""}]
    ),
    "aws-source: sync_binlog is 0: `twinsite repair`",
)


@pytest.mark.parametrize("name", SICK)
def test_each_sickness_is_one_sentence_with_a_fix(name: str) -> None:
    change, words = SICK[name]
    (problem,) = judged(change)["problems"]
    assert words in problem
    assert "`" in problem or "event scheduler" in problem, "a problem names its fix"


@pytest.mark.parametrize("number", [1045, 1130, 2026, 3118, 13120])
def test_nothing_is_promised_to_heal_that_needs_somebody(number: int) -> None:
    (problem,) = judged(
        lambda w: w["onprem-database", "database"]["receiver"].update(state="CONNECTING", error_number=number)
    )["problems"]
    assert "by itself" not in problem
    assert "run `twinsite repair`" in problem


def test_a_receiver_is_not_said_to_come_back_while_a_gateway_has_found_why_it_does_not() -> None:
    off = [{"what": "sysctl", "problem": "ip_forward is 0", "fix": "run `twinsite repair`", "mends": "apply"}]

    def broken(world: Any) -> None:
        world["onprem-database", "database"]["receiver"].update(state="CONNECTING", error_number=2003)
        world["aws-gateway", "gateway"].update(problems=off)

    sentences = judged(broken)["problems"]
    assert [words for words in sentences if "by itself" in words] == []
    assert any("mend first what the gateways say, then run `twinsite repair`" in words for words in sentences)


def test_a_receiver_without_a_way_goes_on_trying() -> None:
    (problem,) = judged(
        lambda w: w["onprem-database", "database"]["receiver"].update(state="CONNECTING", error_number=2003)
    )["problems"]
    assert "it tries again by itself" in problem


DOWN: dict[str, Any] = {"ike": [], "children": [], "last_words": ["received AUTHENTICATION_FAILED notify error"]}


@pytest.mark.parametrize(("cause", "promised"), [("keys", False), ("connection", False), ("path", True), ("", True)])
def test_only_what_waits_for_the_path_is_said_to_come_back_by_itself(cause: str, promised: bool) -> None:
    found = judged(lambda world: world["onprem-gateway", "gateway"].update(DOWN, cause=cause))
    (problem,) = found["problems"]
    assert ("by itself" in problem) is promised
    assert "`twinsite repair`" in problem


def test_a_tunnel_is_not_said_to_come_back_while_an_end_has_found_why_it_does_not() -> None:
    found_there = [{"what": "firewall", "problem": "it drops udp 4500", "fix": "let it in", "mends": ""}]

    def broken(world: Any) -> None:
        world["onprem-gateway", "gateway"].update(DOWN, cause="path")
        world["aws-gateway", "gateway"].update(problems=found_there)

    sentences = judged(broken)["problems"]
    assert [words for words in sentences if "by itself" in words] == []
    assert "aws-gateway: it drops udp 4500: let it in" in sentences


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"1": "aa", "2": "bb"}, {"2": "bb", "3": "cc"}, ""),
        ({"1": "aa", "2": "bb"}, {"1": "aa", "2": "xx"}, "different keys of generation 2"),
        ({"1": "aa"}, {"2": "bb"}, "no common generation (1 and 2)"),
        ({"1": "aa"}, {}, ""),
    ],
)
def test_the_ends_keys_are_compared_by_their_fingerprints(one: Any, other: Any, said: str) -> None:
    def told(world: Any) -> None:
        world["onprem-gateway", "gateway"].update(keys=one)
        world["aws-gateway", "gateway"].update(keys=other)

    problems = judged(told)["problems"]
    assert [said in problem and "`pulumi up`" in problem for problem in problems] == ([True] if said else [])


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
    seen = Reports(world, failed={("onprem-gateway", "gateway"): "there is no guest of this version on onprem-gateway"})
    found = status.status(of_hosts(host_facts.read(replace(INVENTORY, hosts=hosts), seen)), NONE)
    assert found.problems() == [
        "onprem-aws: onprem-gateway does not report (there is no guest of this version on onprem-gateway): "
        "its owners install it: `pulumi stack output onprem_bundle --show-secrets | base64 -d > "
        "onprem-gateway.tar.gz`, and on the host `tar -xzf onprem-gateway.tar.gz && sudo ./install.sh`"
    ]


@pytest.mark.parametrize("name", SICK)
def test_a_person_reads_every_problem(name: str) -> None:
    found = told(SICK[name][0])
    assert found.problems()[0] in found.text()


def standing(content: dict[str, Any] | None, now: float) -> dict[str, Any]:
    return evidence.standing(content and (pathlib.Path("x.json"), content), "digest-1", now, DRILL)


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
    assert DRILL in standing(None, NOW)["reason"]


def test_the_newest_readable_evidence_is_the_latest(tmp_path: pathlib.Path) -> None:
    evidence.write(tmp_path, "20261121T080000Z-a", {"n": 1})
    evidence.write(tmp_path, "20261121T090000Z-a", {"n": 2})
    (tmp_path / "evidence" / "20261121T100000Z-a.json").write_text("{ torn")
    found = evidence.latest(tmp_path)
    assert found is not None
    assert found[1] == {"n": 2}


KINDS = {"drill restore": "twinsite drill restore", "drill failover": "twinsite drill failover"}


def proved(folder: pathlib.Path, now: float = 1_795_230_000.0) -> dict[str, Any]:
    found = evidence.by_kind(folder, KINDS)
    return evidence.of_drills(found, "digest-1", now, KINDS)


def kept(folder: pathlib.Path, hour: int, command: str, digest: str = "digest-1", verdict: str = "passed") -> None:
    finished = f"2026-11-20T{hour:02}:00:00.000Z"
    content = {"command": command, "digest": digest, "verdict": verdict, "finished": finished}
    evidence.write(folder, f"20261120T{hour:02}0000Z-{command.replace(' ', '-')}", content)


def test_a_drill_of_one_kind_proves_nothing_of_another(tmp_path: pathlib.Path) -> None:
    kept(tmp_path, 8, "drill restore")
    kept(tmp_path, 9, "failback")
    found = proved(tmp_path)
    assert (found["verdict"], found["stale"]) == ("passed", False)
    assert found["drills"]["drill restore"]["reason"] == ""
    assert found["drills"]["drill failover"]["reason"] == "no drill has been run: run `twinsite drill failover`"


def test_of_each_kind_the_newest_counts_and_the_youngest_of_them_is_shown_first(tmp_path: pathlib.Path) -> None:
    kept(tmp_path, 7, "drill restore", verdict="failed")
    kept(tmp_path, 8, "drill restore")
    kept(tmp_path, 9, "drill failover", verdict="failed")
    kept(tmp_path, 10, "drill failover", digest="older")
    found = proved(tmp_path)
    assert [one["verdict"] for one in found["drills"].values()] == ["passed", "passed"]
    assert found["path"] == found["drills"]["drill restore"]["path"], "the other one is of an older stack"
    lines = render.evidence_lines(found)
    assert [line.split(" ")[2:6] for line in lines] == [["evidence", *words, "passed"] for words in
                                                        (["drill", "restore"], ["drill", "failover"])]  # fmt: skip


def test_without_any_evidence_the_first_kind_is_named(tmp_path: pathlib.Path) -> None:
    found = proved(tmp_path)
    assert (found["verdict"], found["reason"]) == (None, "no drill has been run: run `twinsite drill restore`")
    assert render.evidence_lines(found) == [f"  evidence none: {found['reason']}"]


def test_a_stack_without_a_kind_of_drill_is_told_that_and_no_command_that_makes_none() -> None:
    found = evidence.of_drills({}, "digest-1", 0.0, {})
    assert (found["verdict"], found["stale"], found["drills"]) == (None, True, {})
    assert found["reason"] == "this version has no drill for what this stack has"
