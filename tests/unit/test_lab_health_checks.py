"""Route 53's checkers against real endpoints on this machine: what counts as healthy, and when a mind changes."""

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.methods import wait_until
from lab.services.authority import Authority
from lab.services.health_checks import Checkers, Endpoint, probe


class Page(http.server.BaseHTTPRequestHandler):
    server: "Site"

    def do_GET(self) -> None:
        self.server.seen.append((self.headers["Host"], self.headers["User-Agent"], self.path))
        time.sleep(self.server.wait)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Site(http.server.ThreadingHTTPServer):
    """One page whose answer a test changes."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.status, self.body, self.wait = 200, b"all is well", 0.0
        self.seen: list[tuple[str, str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def endpoint(self, kind: str, **more: Any) -> Endpoint:
        values: dict[str, Any] = {"host": "app.example.net", "port": self.server_address[1]}
        return Endpoint(kind, **(values | more))


@pytest.fixture
def plain() -> Iterator[Site]:
    site = Site(None)
    yield site
    site.shutdown()
    site.server_close()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Site]:
    site = Site(Authority(tmp_path / "ca").context("another.example.org"))
    yield site
    site.shutdown()
    site.server_close()


def resolve(name: str) -> str | None:
    return "127.0.0.1" if name == "app.example.net" else None


def connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), seconds)


def asked(endpoint: Endpoint) -> str:
    return probe(endpoint, resolve, connect)


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (302, True), (404, False), (503, False)])
def test_two_and_three_hundreds_are_healthy(plain: Site, status: int, good: bool) -> None:
    plain.status, plain.body = status, b""
    assert (asked(plain.endpoint("HTTP", path="/healthz")) == "") is good
    host, agent, path = plain.seen[0]
    assert host == f"app.example.net:{plain.server_address[1]}"
    assert agent.startswith("Amazon-Route53-Health-Check-Service")
    assert path == "/healthz"


def test_a_certificate_of_another_name_is_nothing_to_a_checker(secure: Site) -> None:
    assert asked(secure.endpoint("HTTPS")) == ""


def test_an_answer_after_two_seconds_is_none(plain: Site) -> None:
    plain.wait = 2.3
    assert "2 s" in asked(plain.endpoint("HTTP"))


def test_a_string_counts_in_the_first_5120_bytes_only_and_with_its_case(plain: Site) -> None:
    plain.body = b"x" * 5114 + b"ready" + b"y" * 100
    assert asked(plain.endpoint("HTTP_STR_MATCH", text="ready")) == ""
    assert "first 5120 bytes" in asked(plain.endpoint("HTTP_STR_MATCH", text="Ready"))
    plain.body = b"x" * 5117 + b"ready"
    assert "first 5120 bytes" in asked(plain.endpoint("HTTP_STR_MATCH", text="ready"))


def test_tcp_needs_a_listener_and_nothing_else(plain: Site) -> None:
    assert asked(plain.endpoint("TCP")) == ""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "no TCP connection" in asked(Endpoint("TCP", host="app.example.net", port=port))
    assert asked(Endpoint("TCP", host="nobody.example.net", port=port)) == "nobody.example.net does not resolve"


@pytest.fixture
def checkers() -> Iterator[Callable[[dict[str, Any]], Checkers]]:
    made: list[Checkers] = []

    def make(records: dict[str, Any]) -> Checkers:
        # 10 s become 0.2 s here: the arithmetic is tested, the lab itself keeps the real cadence
        made.append(Checkers(lambda: records, resolve, connect, hurry=50))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_a_mind_changes_after_as_many_answers_in_a_row_as_the_threshold(
    plain: Site, checkers: Callable[[dict[str, Any]], Checkers]
) -> None:
    base = {"type": "HTTP", "fqdn": "app.example.net", "port": plain.server_address[1], "requestInterval": 10}
    running = checkers(
        {
            "soon": {**base, "failureThreshold": 1},
            "late": {**base, "failureThreshold": 8, "resourcePath": "/late"},
            "not": {**base, "failureThreshold": 1, "invertHealthcheck": True},
            "all": {"type": "CALCULATED", "childHealthchecks": ["soon", "late"], "childHealthThreshold": 2},
        }
    )
    assert running.healthy("soon"), "new: healthy until there are data"
    assert not running.healthy("not"), "new and inverted: unhealthy until there are data"
    wait_until(lambda: len(plain.seen) >= 9, 60, "three checkers asking for three checks")
    assert running.healthy("all")
    before = len(plain.seen)
    plain.status = 503
    began = time.monotonic()
    wait_until(lambda: not running.healthy("soon"), 60, "the change of the quick check")
    healthy, bad = running.healthy("late"), [path for *_, path in plain.seen[before:]].count("/late")
    assert healthy or bad >= 2 * 8, "two of three checkers want eight in a row each"
    assert running.healthy("not")
    assert not running.healthy("all")
    wait_until(lambda: not running.healthy("late"), 60, "the change of the slow check")
    assert time.monotonic() - began >= 7 * 0.2, "each of the eight is an interval after the one before"
    plain.status = 200
    wait_until(lambda: running.healthy("all"), 60, "both being healthy again")
    shown = {one["id"]: one for one in running.report()}
    assert shown["soon"]["healthy"] is True
    assert len(shown["soon"]["checkers"]) == 3
