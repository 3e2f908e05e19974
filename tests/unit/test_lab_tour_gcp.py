"""The story of aws-gcp: what its result says of what users lost, and of the time in which none of them could write."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lab.scenes.aws_gcp import customers, story, users

MOVE: dict[str, Any] = {
    "figures": {"write_outage_seconds": 1.1, "rpo_seconds": 40.0, "rto_seconds": 90.0},
    "steps": [{"name": "a step"}],
    "predicted": {"ground": "lab", "phases": [{"name": "a phase"}]},
    "evidence": "evidence.json",
    "report": "report.html",
}
MOVES = dict.fromkeys(("over", "home", "failover", "failback"), MOVE)


@pytest.mark.parametrize(
    ("planned", "unplanned", "verdict"),
    [([], [], "passed"), ([], ["u-0-1"], "passed"), (["p-0-1"], [], "failed")],
)
def test_a_row_that_a_planned_move_lost_is_a_failure(planned: list[str], unplanned: list[str], verdict: str) -> None:
    found = story.result(MOVES, {"over": 31.04}, 27.06, 12, {"planned": planned, "unplanned": unplanned})
    assert found["verdict"] == verdict
    figures = found["figures"]
    assert (figures["acked"], figures["missing"], figures["lost"]) == (12, len(planned), len(unplanned))
    assert (figures["over_without_write_seconds"], figures["over_write_outage_seconds"]) == (31.0, 1.1)
    assert figures["killed_agent_shut_seconds"] == 27.1
    assert len(found["steps"]) == 4


def test_an_outage_is_the_longest_time_without_a_write_that_was_taken() -> None:
    answers = [
        {"key": "a", "at": 1.0, "site": "aws"},
        {"at": 2.0, "said": "503"},
        {"key": "b", "at": 9.5, "site": "gcp"},
    ]
    known = users.Customers([*answers, {"key": "c", "at": 10.0, "site": "gcp"}])
    assert known.outage(0.0) == 8.5
    assert known.outage(9.0) == 0.5
    assert known.acknowledged == {"a", "b", "c"}
    assert known.where() == "gcp"
    assert (known.last(), known.sites(9.5), known.sites(0.0)) == (10.0, {"gcp"}, {"aws", "gcp"})
    assert users.Customers([answers[1]]).where() == ""


class Page(BaseHTTPRequestHandler):
    """Takes a key and refuses another."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        taken = "key=good" in body
        text = json.dumps({"site": "aws"}).encode() if taken else b"reader: this site takes no writes\n"
        self.send_response(201 if taken else 503)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def test_a_write_is_acknowledged_only_when_the_page_says_so() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        good, bad = customers.write(url, "good"), customers.write(url, "bad")
        server.shutdown()
    assert (good["key"], good["site"]) == ("good", "aws")
    assert "key" not in bad and str(bad["said"]).startswith("503 reader")
    assert "key" not in customers.write(url, "good")
