"""What the clouds' APIs share here: a question, an answer, and who asks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lab.services.signature import Request

Answer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, body."""

Records = Callable[[str], Mapping[str, Mapping[str, Any]]]


class Api(Protocol):
    """One service behind the front."""

    def owns(self, host: str) -> bool:
        """Whether it answers under this host name."""
        ...

    def answer(self, request: Request) -> Answer: ...


@dataclass
class Problem(Exception):
    """An error answer."""

    status: int
    code: str
    text: str
    headers: tuple[tuple[str, str], ...] = ()


def told(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    """A JSON answer."""
    return status, [("Content-Type", "application/json; charset=utf-8"), *headers], json.dumps(value).encode()


def bearer(request: Request) -> str:
    """The token of a request; empty for none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
