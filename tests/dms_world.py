"""What DmsCdcTask publishes and what the source document has instead, for a task of the lab; a path that can be cut."""

import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any

from lab.services.dms.api import Api
from lab.services.dms.task import Fault, Task
from operations.amazon import Refused
from operations.subjects.dms_task import TaskSeen
from operations.subjects.dms_task import task as look
from tests.mocks.test_dms_cdc_task import ENDPOINT, TASK, build
from twinsite.inventory import DMS, Flow

DOCUMENT = {
    "TargetMetadata": {
        "TargetSchema": "", "SupportLobs": True, "FullLobMode": False, "LobChunkSize": 64, "LimitedSizeLobMode": True,
        "LobMaxSize": 32,
    },
    "FullLoadSettings": {"TargetTablePrepMode": "DROP_AND_CREATE"},
    "Logging": {"EnableLogging": True},
}  # fmt: skip
"""Document 004's `replication_task_settings`."""


def published(good: dict[str, Any], **change: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Inputs of the task, the source and the target, as Pulumi's engine gets them from the component."""
    run = build(good, **change)
    return (
        run.one("t-task", TASK).inputs,
        run.one("t-source", ENDPOINT).inputs,
        run.one("t-target", ENDPOINT).inputs,
    )


def documents(told: dict[str, Any]) -> dict[str, Any]:
    """The same task with the document's settings."""
    return {**told, "replicationTaskSettings": json.dumps(DOCUMENT)}


class Way:
    """A socket in front of a server's: what goes through is lost without a word while it is cut, as in a tunnel."""

    def __init__(self, at: Path, to: Path) -> None:
        self._to, self._open = str(to), threading.Event()
        self._open.set()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(at))
        at.chmod(0o777)
        self._listening.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.set()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        self._open.wait()
        far = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            far.connect(self._to)
        other = threading.Thread(target=self._pass, args=(far, near), daemon=True)
        other.start()
        self._pass(near, far)
        other.join()
        near.close()
        far.close()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                self._open.wait()
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Asked:
    """operations.amazon.Amazon over a task of the lab."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Any:
        try:
            return self.api.ask(operation, given)
        except Fault as fault:
            raise Refused(fault.code, f"{service}:{operation}: {fault.code}: {fault}") from None


def told(task: Task) -> list[str]:
    """What `twinsite status` says of it."""
    flow = Flow(name=task.identifier, engine="", kind=DMS, source="", target="", region="r", lag_alarm_seconds=60.0)
    return list(TaskSeen(flow, look(flow, Asked(Api(task)))).problems())
