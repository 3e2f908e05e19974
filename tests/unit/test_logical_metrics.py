"""What a look tells Cloud Monitoring and leaves in a bucket: only what is known, as the pod's own account; a refusal is
a problem of the look."""

import datetime
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from twinsite.guest.errors import Failed
from twinsite.guest.logical import command, google, metrics, report
from twinsite.guest.logical.config import Config, End

Asked = list[tuple[str, dict[str, str], dict[str, Any]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """A metadata service and APIs that note what they are asked; project or bucket `full` is refused."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self, code: int, said: object) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def do_GET(self) -> None:
            ours = self.headers["Metadata-Flavor"] == "Google"
            self.answer(200 if ours else 403, {"access_token": "a-token", "expires_in": 3599})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, dict(self.headers), body))
            refused = "/full/" in self.path
            self.answer(403 if refused else 200, {"error": {"message": "permission denied"}} if refused else {})

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(google, "TOKEN", f"{here}/token")
    monkeypatch.setattr(report, "UPLOAD", here + "/upload/{bucket}/o?{query}")
    monkeypatch.setattr(metrics, "SERIES", here + "/v3/projects/{project}/timeSeries")
    yield asked
    server.shutdown()
    server.server_close()


FOUND: dict[str, Any] = {"lag": {"seconds": 0.4, "newest_seconds": 0.0}, "slot": {"held_bytes": 4096}}


def test_lag_and_slot_are_written_under_the_names_that_alarms_watch(asked: Asked) -> None:
    assert metrics.write("crm-dr", "crm", FOUND) == []
    ((path, headers, body),) = asked
    assert (path, headers["Authorization"]) == ("/v3/projects/crm-dr/timeSeries", "Bearer a-token")
    found = {one["metric"]["type"]: one["points"][0]["value"]["doubleValue"] for one in body["timeSeries"]}
    assert found == {
        "custom.googleapis.com/twinsite/crm/replication_lag_seconds": 0.4,
        "custom.googleapis.com/twinsite/crm/slot_retained_bytes": 4096.0,
    }
    assert {one["resource"]["type"] for one in body["timeSeries"]} == {"global"}


@pytest.mark.parametrize(
    ("found", "known"),
    [
        ({"lag": {"seconds": None, "newest_seconds": 75.0}, "slot": None}, {"replication_lag_seconds": 75.0}),
        ({"lag": {"seconds": None, "newest_seconds": None}, "slot": {"held_bytes": 0}}, {"slot_retained_bytes": 0.0}),
        ({"lag": None, "slot": None}, {}),
    ],
)
def test_what_is_not_known_is_not_written_and_never_nothing(
    asked: Asked, found: dict[str, Any], known: dict[str, float]
) -> None:
    assert metrics.values(found) == known
    assert metrics.write("crm-dr", "crm", found) == []
    assert len(asked) == (1 if known else 0)


def test_a_refusal_and_a_cluster_without_identity_are_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    (refused,) = metrics.write("full", "crm", FOUND)
    assert "HTTP 403" in refused and "permission denied" in refused and "roles/monitoring.metricWriter" in refused
    monkeypatch.setattr(google, "TOKEN", "http://127.0.0.1:1/token")
    (nobody,) = metrics.write("crm-dr", "crm", FOUND)
    assert "refused" in nobody


PLACE = "gs://operations/replicas/crm.json"


def configured(place: str = PLACE, project: str = "") -> Config:
    end = End("/run/postgresql", "crm", "owner")
    return Config("crm", end, end, "r", "", ("public",), 1, "", metrics_project=project, report=place)


def looking(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any] | Exception, config: Config) -> dict[str, Any]:
    """What the verb `look` prints, when the look itself finds this."""

    def look(_: Config) -> dict[str, Any]:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(command, "look", look)
    return command._look(config)


def test_a_look_is_left_in_the_bucket_with_its_time_and_over_the_one_before(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"flow": "crm", **FOUND, "healthy": True, "problems": []}
    assert looking(monkeypatch, found, configured()) == found
    ((path, headers, body),) = asked
    # Without a condition, so that it is written whatever was there.
    assert path == "/upload/operations/o?uploadType=media&name=replicas%2Fcrm.json"
    assert headers["Authorization"] == "Bearer a-token"
    at = body.pop("at")
    assert body == {**found, "version": report.VERSION}
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%S%z")
    assert -1 <= age.total_seconds() < 60


def test_what_monitoring_refused_is_in_the_report_and_a_report_that_is_refused_is_a_problem(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"flow": "crm", **FOUND, "healthy": True, "problems": []}
    said = looking(monkeypatch, found, configured(project="full"))
    left = asked[-1][2]
    assert said["healthy"] is left["healthy"] is False
    assert said["problems"] == left["problems"] and "Cloud Monitoring of project full" in left["problems"][0]
    unsaid = looking(monkeypatch, found, configured("gs://full/replicas/crm.json"))
    assert unsaid["healthy"] is False and "roles/storage.objectUser" in unsaid["problems"][0]
    assert "HTTP 403" in unsaid["problems"][0]


def test_a_look_that_failed_is_left_as_well_and_still_fails(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failed, match="the target said: no"):
        looking(monkeypatch, Failed("the target said: no"), configured())
    body = asked[-1][2]
    assert (body["flow"], body["healthy"], body["problems"]) == ("crm", False, ["the target said: no"])


def test_without_a_place_nobody_is_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    looking(monkeypatch, {"flow": "crm", "healthy": True, "problems": []}, configured(""))
    assert asked == []
