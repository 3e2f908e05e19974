"""What status says of a PostgreSQL that follows another one, from the report that its job leaves in the store: each
fault as the job says it, silence and nonsense never as well."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations import parts
from operations.google import NETWORK, GoogleError
from operations.subjects import postgres_replica
from tests.clouds_world import REPORT, Clouds, looked
from twinsite.guest.logical import report

from .test_status_clouds import seen

KUBECTL = "kubectl --context gke_example-dr_asia-northeast3_twinsite -n crm"


def problems(found: Any) -> list[str]:
    """Of a report."""
    clouds = Clouds()
    clouds.google[REPORT] = found
    status = seen(clouds)
    assert status.shown()["healthy"] is (status.problems() == [])
    return status.problems()


def test_a_flow_that_is_well_is_shown_with_its_lag_and_its_slot() -> None:
    found = seen(Clouds())
    assert found.problems() == []
    (flow,) = found.shown()["flows"]
    assert (flow["name"], flow["kind"], flow["source"], flow["target"]) == (
        "twinsite", "postgres-logical", "crm", "twinsite",
    )  # fmt: skip
    assert (flow["lag_seconds"], flow["heartbeat_age_seconds"], flow["applies"], flow["copied"]) == (
        0.4, 0.4, True, True,
    )  # fmt: skip
    assert flow["slot"] == {
        "active": True, "wal_status": "reserved", "held_bytes": 12 << 20, "safe_bytes": 4 << 30,
    }  # fmt: skip
    assert 29 <= flow["looked_seconds_ago"] <= 40 and flow["current"] is True
    words = r"^  replica  twinsite         rows 0\.4 s late, slot reserved, 12 MiB held, seen 3\d s ago$"
    assert re.search(words, found.text(), re.MULTILINE)


def test_a_flow_whose_writer_was_moved_is_shown_the_other_way_round() -> None:
    clouds = Clouds()
    gates = {"source": {"epoch": 3, "writes": False}, "target": {"epoch": 3, "writes": True}}
    turned = {"from": "target", "to": "source", "gate": gates}
    clouds.google[REPORT] = looked(**turned)
    found = seen(clouds)
    assert found.problems() == []
    (flow,) = found.shown()["flows"]
    assert flow["turned"] is True
    assert flow["gates"] == {"crm": {"epoch": 3, "writes": False}, "twinsite": {"epoch": 3, "writes": True}}
    words = (
        r"^  replica  crm +rows 0\.4 s late, slot reserved, 12 MiB held, twinsite writes \(epoch 3\), seen 3\d s ago$"
    )
    assert re.search(words, found.text(), re.MULTILINE)
    (said,) = problems(looked(**turned, lag={"seconds": 31.0, "newest_seconds": 0.0}))
    assert said.startswith("twinsite: a heartbeat took 31.0 s to crm (alarm at 30 s): a long transaction at twinsite")


def test_a_flow_without_gates_says_nothing_of_who_writes() -> None:
    (flow,) = seen(Clouds()).shown()["flows"]
    assert (flow["turned"], flow["gates"]) == (False, {"crm": None, "twinsite": None})


def test_the_report_is_asked_for_as_an_object_and_its_version_is_the_guests() -> None:
    clouds = Clouds()
    world = clouds.world()
    flow, host = clouds.inventory.flows[0], clouds.inventory.hosts[0]
    assert postgres_replica.look(flow, host.status, world.google) is not None
    assert world.google.asked == [(REPORT, {"alt": "media"})]  # type: ignore[attr-defined]
    assert postgres_replica.VERSION == report.VERSION


def test_what_the_job_says_is_said_with_the_flows_name() -> None:
    words = "slot twinsite is lost: the source has removed WAL that the target has not read: `take-away`, and so on"
    slot = {"active": False, "wal_status": "lost", "held_bytes": None, "safe_wal_size": None}
    assert problems(looked(slot=slot, healthy=False, problems=[words])) == [f"twinsite: {words}"]


def test_a_job_that_failed_has_left_its_words_and_nothing_else_is_known() -> None:
    clouds = Clouds()
    whole = looked()
    failed = {"flow": "twinsite", "healthy": False, "problems": ["the target said: no pg_hba.conf entry"]}
    clouds.google[REPORT] = {**failed, "version": whole["version"], "at": whole["at"]}
    found = seen(clouds)
    assert found.problems() == ["twinsite: the target said: no pg_hba.conf entry"]
    (flow,) = found.shown()["flows"]
    assert (flow["lag_seconds"], flow["slot"], flow["applies"]) == (None, None, None)
    assert "rows of unknown age, slot unknown" in found.text()


def test_rows_that_are_late_are_told_by_the_heartbeats_way_and_by_its_age() -> None:
    (said,) = problems(looked(lag={"seconds": 31.0, "newest_seconds": 0.0}))
    assert said.startswith("twinsite: a heartbeat took 31.0 s to twinsite (alarm at 30 s): a long transaction at crm")
    assert f"`{KUBECTL} create job logical-twinsite-manual-$(date +%H%M%S) --from=cronjob/logical-twinsite`" in said
    assert problems(looked(lag={"seconds": 30.0, "newest_seconds": 0.0})) == []
    clouds = Clouds()
    clouds.google[REPORT] = looked(
        lag={"seconds": None, "newest_seconds": 75.0}, healthy=False, problems=["a heartbeat did not arrive"]
    )
    found = seen(clouds)
    assert found.shown()["flows"][0]["heartbeat_age_seconds"] == 75.0 and "rows 75.0 s late" in found.text()


def test_nobody_who_looks_any_more_is_told_whatever_the_last_one_said() -> None:
    assert problems(looked(seconds_ago=2 * 120 + 80)) == []
    (said,) = problems(looked(seconds_ago=3600))
    assert "nobody has looked for 60 min, and a look goes every 120 s, so nothing is known of the rows since" in said
    assert f"`{KUBECTL} get cronjob,jobs,pods -l app.kubernetes.io/name=logical-twinsite` says whether it runs" in said
    both = problems(looked(seconds_ago=3600, healthy=False, problems=["nobody reads slot twinsite"]))
    assert both[1:] == ["twinsite: at the last look: nobody reads slot twinsite"]
    clouds = Clouds()
    clouds.google[REPORT] = looked(seconds_ago=3600)
    assert seen(clouds).shown()["flows"][0]["current"] is False


def test_a_look_of_the_future_has_no_age() -> None:
    (said,) = problems(looked(seconds_ago=-600))
    assert re.search(r"the last look is (599|600) s in the future", said) and "timedatectl" in said
    assert problems(looked(seconds_ago=-20)) == []


@pytest.mark.parametrize(
    ("found", "lacking"),
    [
        ({"slot": None}, "a slot that is read and kept"),
        ({"slot": {"active": False, "wal_status": "reserved"}}, "a slot that is read and kept"),
        ({"slot": {"active": True, "wal_status": "unreserved"}}, "a slot that is read and kept"),
        ({"subscription": None}, "a running subscription"),
        ({"subscription": {"enabled": True, "running": False, "errors": {"apply_error": 7}}}, "a running subscription"),
        ({"lag": None}, "a heartbeat that arrived"),
        ({"copied": False}, "the first copy"),
        ({"copied": "yes"}, "the first copy"),
    ],
)
def test_a_job_that_calls_well_what_it_has_not_seen_is_not_believed(found: dict[str, Any], lacking: str) -> None:
    (said,) = problems(looked(**found))
    assert f"the job says that it is well, and has not seen {lacking}: `{KUBECTL}" in said


def test_a_job_that_complains_without_words_is_told() -> None:
    (said,) = problems(looked(healthy=False))
    assert "the job says that something is wrong, and not what" in said


def changed(**change: Any) -> Callable[[], Any]:
    return lambda: looked() | change


@pytest.mark.parametrize(
    "found",
    [
        lambda: {},
        lambda: {"version": 1},
        changed(version=2),
        changed(flow="another"),
        changed(at="yesterday"),
        changed(at=7),
        changed(healthy="true"),
        changed(problems="all is well"),
        changed(problems=None),
        changed(slot=[]),
        changed(slot={"active": True}),
        changed(subscription={"enabled": True}),
        changed(lag={"seconds": "soon"}),
        changed(lag={"seconds": float("nan")}),
        changed(lag={"seconds": float("inf")}),
        changed(lag=[3]),
    ],
)  # fmt: skip
def test_what_is_no_report_is_unknown_and_never_well(found: Callable[[], Any]) -> None:
    (said,) = problems(found())
    assert said.startswith("twinsite: how far twinsite follows crm is not known (gs://aws-gcp-operations-name/replicas")
    assert "is no report that this twinsite reads" in said and "run `pulumi up` with this twinsite" in said


def test_words_from_elsewhere_stay_on_their_line_and_tell_a_terminal_nothing() -> None:
    (said,) = problems(looked(healthy=False, problems=["a\n  healthy\x1b[2K b"]))
    assert said == "twinsite: a healthy[2K b"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (GoogleError("storage.googleapis.com says 404 notFound: No such object: b/o", "", 404, "notFound"),
         "no look at crm and twinsite has left a word in gs://aws-gcp-operations-name/replicas/twinsite.json"),
        (GoogleError("says 404 notFound: The specified bucket does not exist.", "", 404, "notFound"),
         "is gone, not only empty; `pulumi up` makes it again"),
        (GoogleError("says 403 forbidden: no storage.objects.get", "", 403, "forbidden"),
         "gcloud storage buckets add-iam-policy-binding gs://aws-gcp-operations-name"),
        (GoogleError("storage.googleapis.com does not answer", NETWORK), NETWORK),
    ],
)  # fmt: skip
def test_no_report_no_bucket_no_right_and_no_network_are_four_things(answer: GoogleError, words: str) -> None:
    (said,) = problems(answer)
    assert words in said


def test_a_flow_whose_job_leaves_no_report_is_unknown_with_what_makes_it_known() -> None:
    clouds = Clouds()
    host, flow = clouds.inventory.hosts[0], clouds.inventory.flows[0]
    for change in ({"hosts": (replace(host, status=""),)}, {"hosts": ()}, {"flows": (replace(flow, through=""),)}):
        clouds.inventory = replace(Clouds().inventory, **change)
        (said,) = seen(clouds).problems()
        assert "is not known (its job leaves no report: give LogicalReplica `report`, and run `pulumi up`)" in said
    clouds.inventory = replace(Clouds().inventory, hosts=(replace(host, status="azblob://a/c/n"),))
    (said,) = seen(clouds).problems()
    assert "is not known" in said and "is not gs://BUCKET[/FOLDER]" in said


def test_what_is_refused_denies_nothing_that_the_stack_has() -> None:
    """It has tunnels of two clouds and a replica of PostgreSQL, and a drill of hosts needs others."""
    missing = parts.lacking(((parts.TUNNEL,), (parts.REPLICA,)), Clouds().inventory)
    assert missing == ["tunnel between hosts", "MySQL replica"]
