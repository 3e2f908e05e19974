"""Packets of many flows from one namespace to another, and for how long each flow lost them."""

import socket
import threading
import time
from collections.abc import Callable

from lab.services.netns import inside

EVERY_SECONDS = 0.1
PORT = 5000


class Flows:
    """UDP from `count` ports, so that routers with equal paths spread them; sent from entering to leaving `with`."""

    def __init__(self, source: tuple[str, str], target: tuple[str, str], count: int) -> None:
        """Namespace and address, of both."""
        self._senders = [inside(source[0], _bound(source[1], PORT + 1 + at)) for at in range(count)]
        self._receiver = inside(target[0], _bound(target[1], PORT))
        self._target = target[1]
        self._sent: list[list[float]] = [[] for _ in range(count)]
        self._came: list[set[int]] = [set() for _ in range(count)]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._send, self._receive)]

    def __enter__(self) -> "Flows":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        for one in (*self._senders, self._receiver):
            one.close()

    @property
    def whole(self) -> bool:
        """Whether of each flow something of the last second came."""
        return all(
            bool(came) and sent[max(came)] > time.monotonic() - 1
            for sent, came in zip(self._sent, list(map(set, self._came)), strict=True)
        )

    def lost_seconds(self) -> list[float]:
        """Of each flow the longest time within which all that was sent was lost. By when it was sent, so that a busy
        machine, which sends late, adds nothing. After leaving."""
        found = []
        for sent, came in zip(self._sent, self._came, strict=True):
            longest, began = 0.0, 0.0
            for at, when in enumerate(sent):
                if at in came:
                    began = 0.0
                else:
                    began = began or when
                    longest = max(longest, when - began + EVERY_SECONDS)
            found.append(longest)
        return found

    def _send(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            for sent, one in zip(self._sent, self._senders, strict=True):
                sent.append(time.monotonic())
                try:
                    one.sendto(str(len(sent) - 1).encode(), (self._target, PORT))
                except OSError:
                    continue  # no route, for a moment: it is lost

    def _receive(self) -> None:
        """Until nothing came for a while after the last was sent."""
        self._receiver.settimeout(1.0)
        while True:
            try:
                said, (_, port) = self._receiver.recvfrom(64)
            except TimeoutError:
                if self._over.is_set():
                    return
            else:
                self._came[port - PORT - 1].add(int(said))


def _bound(address: str, port: int) -> Callable[[], socket.socket]:
    def make() -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((address, port))
        return one

    return make
