"""Sockets inside another network namespace, without a process there.

A socket belongs to the namespace of the thread that created it, for life; so a throw-away thread enters the namespace,
makes the socket, and ends. Any thread may use it afterwards (LAB.md: 'asyncssh over a socket opened in a thread').
"""

import ctypes
import functools
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000  # <linux/sched.h>

_libc = ctypes.CDLL(None, use_errno=True)


def inside(namespace: str, make: Callable[[], T]) -> T:
    """What `make` returns when it runs inside the named namespace; empty means here. Raises what `make` raises."""
    if not namespace:
        return make()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            handle = os.open(NAMESPACES / namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(handle, CLONE_NEWNET) != 0:  # os.setns exists from Python 3.12 only
                    code = ctypes.get_errno()
                    raise OSError(code, f"setns to {namespace}: {os.strerror(code)}")
            finally:
                os.close(handle)
            results.append(make())
        except BaseException as error:  # handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name=f"netns-{namespace}")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def listen(namespace: str, address: tuple[str, int]) -> socket.socket:
    """A TCP socket that listens there. OSError names the address."""
    return inside(namespace, functools.partial(socket.create_server, address))
