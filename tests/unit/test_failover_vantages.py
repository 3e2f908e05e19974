"""What counts as a sign that the primary is dead: silence and 5xx, from the desk and from the standby machine. Not a
certificate, not an alert, not a name that nobody here can resolve; each as Python's TLS and as curl itself meet it."""

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.services.authority import Authority
from operations import web
from operations.moves.from_backup import facts_reader
from operations.subjects.eyes import Eyes
from operations.transport import Done
from tests.failover_world import INVENTORY
from twinsite.inventory import AzureRunCommand, Host

ALERT = bytes.fromhex("15030300020228")
"""A TLS record: fatal, handshake_failure."""


def https(context: ssl.SSLContext, answer: bytes) -> Callable[[socket.socket], None]:
    def serve(channel: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(channel, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(answer)

    return serve


def alerting(channel: socket.socket) -> None:
    channel.recv(4096)
    channel.sendall(ALERT)


def cutting(channel: socket.socket) -> None:
    channel.recv(4096)


@contextlib.contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    channel, _ = listening.accept()
                except OSError:
                    return
                with channel:
                    serve(channel)

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


class Here:
    """Run Command of a machine that is this one, trusting `authority`."""

    def __init__(self, authority: Path) -> None:
        self._authority = str(authority)

    def run(self, machine: str, command: list[str], timeout_seconds: float) -> Done:
        words = [command[0], "--cacert", self._authority, *command[1:]]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout_seconds)
        return Done(done.returncode, done.stdout, done.stderr)


PLACES = {
    "the page": True,
    "5xx": False,
    "4xx": None,
    "nobody listens": False,
    "cut in the handshake": False,
    "another's certificate": None,
    "an alert": None,
    "no name": None,
}


@pytest.mark.parametrize(("what", "alive"), PLACES.items())
def test_only_silence_and_5xx_are_signs_of_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, alive: bool | None
) -> None:
    monkeypatch.setattr(facts_reader, "LOOK_PAUSE_SECONDS", 0.0)
    known = Authority(tmp_path / "ca")
    real = ssl.create_default_context
    monkeypatch.setattr(web.ssl, "create_default_context", lambda: real(cafile=str(known.certificate_path)))
    stateful = INVENTORY.names[1]
    own = known.context(stateful.fqdn)
    pages: dict[str, Any] = {
        "the page": https(own, b"HTTP/1.0 200 OK\r\n\r\nserved by site aws"),
        "5xx": https(own, b"HTTP/1.0 503 Service Unavailable\r\n\r\n"),
        "4xx": https(own, b"HTTP/1.0 404 Not Found\r\n\r\n"),
        "another's certificate": https(known.context("alb.aws.example"), b""),
        "an alert": alerting,
        "cut in the handshake": cutting,
    }
    with contextlib.ExitStack() as stack:
        if what in pages:
            place = stack.enter_context(server(pages[what]))
        elif what == "nobody listens":
            free = stack.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            place = f"127.0.0.1:{free.getsockname()[1]}"
        else:
            place = "primary.invalid"
        name = replace(stateful, primary_url=f"https://{place}/petclinic/")
        reader = facts_reader.FactsReader.__new__(facts_reader.FactsReader)
        reader.inventory = replace(
            INVENTORY,
            names=(INVENTORY.names[0], name),
            hosts=(Host("azure-standby", "azure", "", ("standby",), AzureRunCommand("sub", "dr-rg", "vm")),),
        )
        reader.machines = Here(known.certificate_path)  # type: ignore[assignment]
        reader.eyes = Eyes("aws", "azure", "")
        seen = [reader.desk(), reader.from_standby()]
    assert [one and one.alive for one in seen] == [alive, alive], seen
    assert all(one and one.words for one in seen)


@pytest.mark.parametrize(("code", "dead"), [(28, True), (52, True), (60, False), (51, False), (6, False), (3, False)])
def test_curls_exit_codes_that_say_that_nobody_answered(code: int, dead: bool) -> None:
    assert facts_reader.silent(code, "curl: words") is dead
