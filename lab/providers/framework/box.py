"""The box as providers see it: records of what the cloud holds, and the world that the machines are made from."""

import dataclasses
import threading
from typing import Any

from lab.client import Client


class Box:
    """Methods raise lab.client.LabError with a sentence. `lock` guards what reads records and then writes."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.lock = threading.RLock()

    @classmethod
    def connect(cls) -> "Box | None":
        """The box of the environment; None when there is none or it records only.

        LabError when TWINSITE_LAB_SOCKET names one that does not answer: going on without it would tell the engine that
        things were made which nobody made.
        """
        client = Client.from_environment()
        if client is None or not client.call("ping")["live"]:
            return None
        return cls(client)

    def records(self, token: str) -> dict[str, dict[str, Any]]:
        """All records of a type, by id."""
        found: dict[str, dict[str, Any]] = self.client.call("records_list", token=token)
        return found

    def record(self, token: str, identity: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.client.call("records_get", token=token, id=identity)
        return found

    def put(self, token: str, identity: str, record: dict[str, Any]) -> None:
        self.client.call("records_put", token=token, id=identity, record=record)

    def forget(self, token: str, identity: str) -> None:
        self.client.call("records_delete", token=token, id=identity)

    def world(self, kind: str, record: Any) -> None:
        """Put one of lab.model's dataclasses."""
        self.client.call("world_put", kind=kind, record=dataclasses.asdict(record))

    def unworld(self, kind: str, identity: str) -> None:
        self.client.call("world_delete", kind=kind, id=identity)

    def dark(self, package: str, place: str = "") -> bool:
        """Whether a package's cloud is down just now, in this region or of this context."""
        return bool(self.client.call("is_dark", package=package, place=place))

    def shelf(self, context: str) -> str:
        """What is added to tokens where the records of a context's cluster are."""
        return str(self.client.call("shelf", context=context))

    def objects(self, bucket: str) -> int:
        """How many a bucket of Cloud Storage holds."""
        return int(self.client.call("objects", bucket=bucket))

    def kubectl(self, *words: str) -> dict[str, Any]:
        """{"code", "out", "err"} of one command to a cluster."""
        found: dict[str, Any] = self.client.call("kubectl", words=list(words), stdin="")
        return found

    def apply(self) -> None:
        """Make the world real; returns when it is."""
        self.client.call("apply")
