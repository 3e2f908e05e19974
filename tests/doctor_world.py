"""Clouds that answer the doctor from a table: what is not in it has no such question."""

from collections.abc import Callable, Mapping
from typing import Any

from operations.amazon import Refused
from operations.doctor.resource_manager import Absent
from operations.unanswered import CouldNotAsk

CALLER = {"Arn": "arn:aws:sts::123456789012:assumed-role/deployer/me", "Account": "123456789012"}


class FakeAws:
    """`answers`: service:Operation → an answer, an exception to raise, or a function of what is given."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = {"sts:GetCallerIdentity": CALLER, **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        self.asked.append((f"{service}:{operation}", given))
        return _said(
            self.answers, f"{service}:{operation}", Refused("Unknown", f"{operation} is not in the table"), given
        )


class FakeAzure:
    """`answers`: end of a path → an answer, an exception, or a function of what is given."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, path: str, version: str, **query: str) -> Mapping[str, Any]:
        self.asked.append(f"GET {path}")
        return _said(self.answers, self._key(path), Absent(f"404 {path}"), query)

    def post(self, path: str, version: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(f"POST {path}")
        return _said(self.answers, self._key(path), Absent(f"404 {path}"), body)

    def _key(self, path: str) -> str:
        return max((key for key in self.answers if path.endswith(key)), key=len, default="")


def _said(answers: Mapping[str, Any], key: str, absent: CouldNotAsk, given: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = answers.get(key, absent)
    if isinstance(found, Exception):
        raise found
    if isinstance(found, Callable):  # type: ignore[arg-type]
        found = found(given)
    answer: Mapping[str, Any] = found
    return answer
