"""A connection to a host with several addresses: the first that takes one, or what each of them said."""

import socket
from typing import Any

import pytest

from operations import https, web


def resolving(monkeypatch: pytest.MonkeyPatch, *found: tuple[int, tuple[Any, ...]]) -> None:
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(family, socket.SOCK_STREAM, 0, "", at) for family, at in found]
    )


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_an_address_that_is_not_to_be_reached_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    resolving(
        monkeypatch,
        (socket.AF_INET, ("127.0.0.1", port)),
        (socket.AF_INET, ("127.0.0.2", port)),
        (socket.AF_INET6, ("::1", port, 0, 0)),
    )
    monkeypatch.setattr(socket, "socket", Sockets)
    page = web.page(f"https://two.example:{port}/")
    assert page.words == (
        "cannot connect: 127.0.0.1, 127.0.0.2: [Errno 111] Connection refused; ::1: [Errno 101] Network is unreachable"
    )
    assert page.silent


class Sockets(socket.socket):
    """Of a desk without IPv6."""

    def connect(self, address: Any) -> None:
        if self.family == socket.AF_INET6:
            raise OSError(101, "Network is unreachable")
        super().connect(address)


def test_a_single_address_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    assert web.page(f"http://127.0.0.1:{port}/").words == "cannot connect: [Errno 111] Connection refused"


def test_the_next_address_is_taken_where_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
        resolving(monkeypatch, (socket.AF_INET, ("127.0.0.2", port)), (socket.AF_INET, ("127.0.0.1", port)))
        with web.connected(("two.example", port), 5.0) as channel:
            assert channel.getpeername() == ("127.0.0.1", port)


def test_a_clouds_interface_is_told_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    resolving(monkeypatch, (socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port, 0, 0)))
    monkeypatch.setattr(socket, "socket", Sockets)
    with pytest.raises(https.NoAnswer) as told:
        https.call("GET", f"https://api.example:{port}/", seconds=0.1)
    assert "127.0.0.1: [Errno 111] Connection refused; ::1: [Errno 101] Network is unreachable" in str(told.value)
