"""Load balancers in front of several targets: whose turn it is, who is left out and taken in, and what users get."""

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.methods import wait_until
from lab.services.alb import LoadBalancer
from lab.services.authority import Authority
from lab.services.google_balancer import GoogleBalancer
from lab.services.http_proxy import Question
from lab.services.kubernetes.endpoints import Backend, Check, Entry
from lab.services.targets import Asked, Target, Targets


class Pod:
    """A server that says its name; ill when it is told to."""

    def __init__(self, name: str) -> None:
        pod = self
        self.name, self.ill = name, False
        self.seen: list[tuple[str, str]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pod.seen.append((self.path, str(self.headers.get("User-Agent"))))
                text = f"{pod.name} {self.headers.get('X-Forwarded-For')}".encode()
                self.send_response(503 if pod.ill and self.path == "/ready" else 200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address: tuple[str, int] = ("127.0.0.1", self.server.server_port)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def target(self) -> Target:
        return Target(self.name, lambda seconds: socket.create_connection(self.address, seconds))


@pytest.fixture
def pods() -> Iterator[list[Pod]]:
    made = [Pod("one"), Pod("two")]
    yield made
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def asked(**more: Any) -> Asked:
    given: dict[str, Any] = {"path": "/ready", "interval": 0.05, "timeout": 5.0, "healthy": 2, "unhealthy": 2}
    return Asked(agent="checker", **{**given, **more})


def turns(targets: Targets, number: int = 6, fail_open: bool = False) -> set[str]:
    found = [targets.next(fail_open) for _ in range(number)]
    return {one.key for one in found if one is not None}


def test_targets_come_go_and_are_left_out_while_they_are_ill(pods: list[Pod]) -> None:
    listed = [one.target for one in pods]
    targets = Targets(lambda: listed, asked)
    assert targets.next(fail_open=True) is None
    targets.start()
    try:
        wait_until(lambda: turns(targets) == {"one", "two"}, 60, "both in turn")
        pods[0].ill = True
        wait_until(lambda: turns(targets) == {"two"}, 60, "the ill one left out")
        assert "one: HTTP 503" in targets.detail
        pods[1].ill = True
        wait_until(lambda: not targets.healthy, 60, "nobody is well")
        assert targets.next(fail_open=False) is None
        assert turns(targets, fail_open=True) == {"one", "two"}
        pods[0].ill = False
        wait_until(lambda: turns(targets) == {"one"}, 60, "taken in again")
        listed[:] = listed[1:]
        wait_until(lambda: not turns(targets), 60, "who is listed no more gets nothing")
    finally:
        targets.stop()
    assert {agent for pod in pods for path, agent in pod.seen if path == "/ready"} == {"checker"}


def test_whoever_lists_them_may_stumble_and_the_rest_goes_on(pods: list[Pod]) -> None:
    stumbles = [True]

    def listed() -> list[Target]:
        if stumbles[0]:
            raise KeyError("not yet")
        return [pods[0].target]

    targets = Targets(listed, asked)
    targets.start()
    try:
        assert targets.detail == "no targets"
        stumbles[0] = False
        wait_until(lambda: turns(targets) == {"one"}, 60, "it is taken in all the same")
    finally:
        targets.stop()


@pytest.mark.parametrize(
    ("answers", "healthy"),
    [("+", [True]), ("-++", [False, False, True]), ("+--", [True, True, False]), ("+-+-", [True, True, True, True]),
     ("+--++", [True, True, False, False, True])],
)  # fmt: skip
def test_who_is_new_needs_one_good_answer_and_who_is_known_as_many_in_a_row_as_it_says(
    answers: str, healthy: list[bool]
) -> None:
    from lab.services.targets import _Known

    known = _Known(Target("x", lambda seconds: pytest.fail("dialled")))
    found = []
    for one in answers:
        Targets._note(known, one == "+", asked())
        found.append(known.healthy)
    assert found == healthy


def question(host: str, path: str = "/", secure: bool = True) -> Question:
    return Question("GET", path, "", [("Host", host)], b"", "203.0.113.9", secure)


def test_an_alb_with_several_targets_serves_fails_open_and_says_503_without_any(
    pods: list[Pod], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.services.alb.INTERVAL_SECONDS", 0.05)
    listed: list[Target] = []
    balancer = LoadBalancer("alb", "example.com", Authority(tmp_path), lambda: listed, "/ready")
    balancer.start()
    try:
        assert balancer.handle(question("crm.example.com")).status == 503
        listed += [one.target for one in pods]
        wait_until(lambda: balancer.healthy, 60, "healthy")
        wait_until(
            lambda: {balancer.handle(question("crm.example.com")).body for _ in range(4)}
            == {b"one 203.0.113.9", b"two 203.0.113.9"}, 60, "both serve",
        )  # fmt: skip
        for one in pods:
            one.ill = True
        wait_until(lambda: not balancer.healthy, 60, "unhealthy")
        assert balancer.handle(question("crm.example.com")).status == 200, "fail open"
        assert balancer.handle(question("crm.example.com", secure=False)).status == 301
    finally:
        balancer.stop()


def test_an_alb_has_a_path_of_its_own_for_another_service_and_says_503_while_that_has_nobody(
    pods: list[Pod], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.services.alb.INTERVAL_SECONDS", 0.05)
    agents: list[Target] = []
    paths = {"/writer": (lambda: agents, "/health")}
    balancer = LoadBalancer("alb", "example.com", Authority(tmp_path), lambda: [pods[0].target], "/ready", paths)
    balancer.start()
    try:
        wait_until(lambda: balancer.healthy, 60, "healthy")
        assert balancer.handle(question("crm.example.com", "/writer")).status == 503
        agents.append(pods[1].target)
        ask = lambda path: balancer.handle(question("crm.example.com", path))  # noqa: E731
        wait_until(lambda: ask("/writer").body.startswith(b"two"), 60, "the other service answers")
        assert {ask("/").body.split()[0], ask("/writer/more").body.split()[0]} == {b"one"}
    finally:
        balancer.stop()


def entry(pods: list[Pod], **more: Any) -> Entry:
    check = Check("/ready", 0.05, 5.0, 1, 2)
    whole = Backend("ns/crm", "crm.example.com", "/", False, tuple(one.address for one in pods), check)
    writer = Backend("ns/agent", "crm.example.com", "/writer", True, tuple(one.address for one in pods[:1]), check)
    given: dict[str, Any] = {"address_name": "crm", "plain_http": False, "certificate": "", "backends": (whole, writer)}
    return Entry("ns/crm", **{**given, **more})


def test_googles_load_balancer_leads_by_host_and_path_to_healthy_pods_and_is_502_without(
    pods: list[Pod], tmp_path: Path
) -> None:
    now = [entry(pods)]
    balancer = GoogleBalancer(
        lambda: now[0], lambda address, port: lambda seconds: socket.create_connection((address, port), seconds)
    )
    balancer.start()
    try:
        ask = lambda path="/", host="crm.example.com": balancer.handle(question(host, path))  # noqa: E731
        wait_until(lambda: ask().status == 200, 60, "served")
        wait_until(lambda: {ask().body.split()[0] for _ in range(4)} == {b"one", b"two"}, 60, "by both")
        wait_until(lambda: ask("/writer").status == 200, 60, "the writer's own backend")
        assert {ask("/writer").body.split()[0] for _ in range(4)} == {b"one"}
        assert ask(host="other.example.com").status == 404
        assert ask().header("via") == "1.1 google"
        for one in pods:
            one.ill = True
        wait_until(lambda: ask().status == 502, 60, "no healthy backend: it fails closed")
        now[0] = entry([])
        pods[0].ill = pods[1].ill = False
        wait_until(lambda: ask().status == 502, 60, "nor with none")
        with pytest.raises(LookupError, match="has no certificate"):
            balancer.certificate("crm.example.com")
        key, mark, chain = Authority(tmp_path).pem("crm.example.com").partition("-----BEGIN CERTIFICATE-----")
        now[0] = entry([], certificate=mark + chain + key)
        assert balancer.certificate("whatever") is balancer.certificate("crm.example.com")
    finally:
        balancer.stop()
    assert ("/ready", "GoogleHC/1.0") in pods[0].seen
