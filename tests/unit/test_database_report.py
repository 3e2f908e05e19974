"""The report of a database host whose server answers late, or not at all."""

from pathlib import Path
from typing import Any

import pytest

from twinsite.guest.database import status
from twinsite.guest.errors import SqlError

BUSY_SECONDS = 2.0
"""What an answer takes on a machine with five times the work that it has cores."""


class Server:
    """Answers after so many seconds, without anybody waiting for it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked: list[str] = []

    def sql(self, statements: str, timeout: float = 60) -> list[list[dict[str, Any]]]:
        self.asked.append(statements)
        if timeout < self.seconds:
            raise SqlError(0, f"MySQL did not answer within {timeout:g} s")
        if "heartbeat" in statements and "SHOW" not in statements:
            return [[{"at": "2026-11-29 22:00:00.000000", "age": "0.2"}]]
        row = {"version": "9.7.4", "uuid": "u", "id": "7", "fenced": "1", "executed": "u:1-9", "uptime": "60"}
        return [[row], [], [], [], []]


def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server) -> dict[str, Any]:
    monkeypatch.setattr(status.server, "sql", server.sql)
    return status.report(str(tmp_path / "none.json"), str(tmp_path / "none.secrets.json"))


def test_a_server_that_is_late_on_a_busy_machine_is_no_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = told(monkeypatch, tmp_path, Server(BUSY_SECONDS))
    assert (found["version"], found["heartbeat_age_seconds"]) == ("9.7.4", 0.2)
    assert "did not answer" not in found["problem"]


def test_a_server_that_hangs_is_asked_once_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = Server(3600)
    found = told(monkeypatch, tmp_path, server)
    assert found["problem"] == "MySQL did not answer within 5 s"
    assert found["version"] is None
    assert server.asked == ["SELECT 1"]
