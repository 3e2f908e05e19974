"""A Valkey (or Redis) as a cache: one connection a call, short waits, and a cache that is gone is no error.

Loads are bounded as docs/components/cache-stance.md asks: whoever misses takes a lock on the key (SET NX PX), others
wait for its value; at most so many loads at a time in this process, with or without a cache.
"""

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping

ASIDE_SECONDS = 2.0
"""A cache that did not answer is not asked again for so long, so that no visitor waits for it each time."""


class Gone(Exception):
    """The cache does not answer as one."""


class Cache:
    """Settings are CACHE_* of a Workload; without CACHE_HOST there is none."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._host = environment.get("CACHE_HOST", "")
        self._port = int(environment.get("CACHE_PORT") or 6379)
        self._password = environment.get("CACHE_PASSWORD", "")
        self._tls = ssl.create_default_context() if environment.get("CACHE_TLS", "true") == "true" else None
        self._timeout = int(environment.get("CACHE_TIMEOUT_MS") or 200) / 1000
        self._lock_ms = int(environment.get("CACHE_LOCK_MS") or 5000)
        self._ttl_ms = int(environment.get("CACHE_TTL_SECONDS") or 3600) * 1000
        self._loads = threading.BoundedSemaphore(int(environment.get("CACHE_LOADS_AT_ONCE") or 8))
        self._gone_until = 0.0

    @property
    def seen(self) -> str:
        """none, seen or gone."""
        if not self._host:
            return "none"
        try:
            return "seen" if self.ask("PING") == b"PONG" else "gone"
        except Gone:
            return "gone"

    def through(self, key: str, load: Callable[[], bytes]) -> bytes:
        """The value of a key; loaded by one at a time where the cache answers. Raises what `load` raises."""
        try:
            deadline = time.monotonic() + self._lock_ms / 1000
            while True:
                found = self.ask("GET", key)
                if found is not None:
                    return found
                if self.ask("SET", f"lock:{key}", "1", "NX", "PX", str(self._lock_ms)):
                    break
                if time.monotonic() > deadline:  # its loader is gone
                    break
                time.sleep(0.02)
        except Gone:
            with self._loads:
                return load()
        try:
            with self._loads:
                # Between the look and the lock somebody else may have been done.
                found = self._look(key)
                value = load() if found is None else found
            with contextlib.suppress(Gone):
                self.ask("SET", key, value, "PX", str(self._ttl_ms))
            return value
        finally:
            self.forget(f"lock:{key}")

    def _look(self, key: str) -> "bytes | None":
        with contextlib.suppress(Gone):
            return self.ask("GET", key)
        return None

    def forget(self, *keys: str) -> None:
        """After a write. Where the cache is gone, so is what it held."""
        with contextlib.suppress(Gone):
            self.ask("DEL", *keys)

    def ask(self, *words: "str | bytes") -> "bytes | None":
        """One command in RESP; its answer. Gone."""
        if not self._host or time.monotonic() < self._gone_until:
            raise Gone("no cache")
        try:
            with contextlib.closing(self._connect()) as connection, connection.makefile("rb") as answers:
                if self._password:
                    connection.sendall(_packed("AUTH", self._password))
                    _read(answers)
                connection.sendall(_packed(*words))
                return _read(answers)
        except (OSError, ValueError) as error:
            self._gone_until = time.monotonic() + ASIDE_SECONDS
            raise Gone(str(error)) from error

    def _connect(self) -> socket.socket:
        plain = socket.create_connection((self._host, self._port), self._timeout)
        return self._tls.wrap_socket(plain, server_hostname=self._host) if self._tls else plain


def _packed(*words: "str | bytes") -> bytes:
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _read(answers: "object") -> "bytes | None":
    """A simple text, number or bulk text; ValueError for an error and for anything else."""
    line = answers.readline()  # type: ignore[attr-defined]
    kind, rest = line[:1], line[1:].strip()
    if kind in (b"+", b":") and line.endswith(b"\r\n"):
        return rest
    if kind == b"$" and rest == b"-1":
        return None
    if kind == b"$":
        length = int(rest)
        text = answers.read(length + 2)  # type: ignore[attr-defined]
        if len(text) == length + 2:
            return text[:length]
    raise ValueError(f"the cache says {line[:100]!r}")
