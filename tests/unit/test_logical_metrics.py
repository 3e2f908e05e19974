"""What a look tells Cloud Monitoring: only what is known, as the pod's own account, and a refusal is a problem."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from twinsite.guest.logical import metrics

Asked = list[tuple[str, dict[str, str], dict[str, Any]]]


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """A metadata service and an API that note what they are asked; project `full` is refused."""
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
    monkeypatch.setattr(metrics, "TOKEN", f"{here}/token")
    monkeypatch.setattr(metrics, "SERIES", here + "/v3/projects/{project}/timeSeries")
    yield asked
    server.shutdown()
    server.server_close()


FOUND: dict[str, Any] = {"lag": {"seconds": 0.4, "newest_seconds": 0.0}, "slot": {"held_bytes": 4096}}


def test_lag_and_slot_are_written_under_the_names_that_alarms_watch(google: Asked) -> None:
    assert metrics.write("crm-dr", FOUND) == []
    ((path, headers, body),) = google
    assert (path, headers["Authorization"]) == ("/v3/projects/crm-dr/timeSeries", "Bearer a-token")
    found = {one["metric"]["type"]: one["points"][0]["value"]["doubleValue"] for one in body["timeSeries"]}
    assert found == {
        "custom.googleapis.com/twinsite/replication_lag_seconds": 0.4,
        "custom.googleapis.com/twinsite/slot_retained_bytes": 4096.0,
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
    google: Asked, found: dict[str, Any], known: dict[str, float]
) -> None:
    assert metrics.values(found) == known
    assert metrics.write("crm-dr", found) == []
    assert len(google) == (1 if known else 0)


def test_a_refusal_and_a_cluster_without_identity_are_told(google: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    (refused,) = metrics.write("full", FOUND)
    assert "HTTP 403" in refused and "permission denied" in refused and "roles/monitoring.metricWriter" in refused
    monkeypatch.setattr(metrics, "TOKEN", "http://127.0.0.1:1/token")
    (nobody,) = metrics.write("crm-dr", FOUND)
    assert "refused" in nobody
