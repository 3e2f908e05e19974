"""What the lab's Azure keeps of what was deleted."""

import threading
from typing import Any

import pytest

from lab.providers.azure_native.cloud import RESOURCE_GROUP
from lab.providers.azure_native.dbformysql_server import Server
from lab.providers.framework.types import Call, Refusal

GROUP = "/subscriptions/s/resourceGroups/rg"
SERVER = f"{GROUP}/providers/Microsoft.DBforMySQL/flexibleServers/dr-mysql"


class Memory:
    """Records, and a world that nobody looks at."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tokens: dict[str, dict[str, dict[str, Any]]] = {RESOURCE_GROUP: {GROUP: {}}}

    def records(self, token: str) -> dict[str, dict[str, Any]]:
        return self.tokens.get(token, {})

    def record(self, token: str, identity: str) -> dict[str, Any] | None:
        return self.records(token).get(identity)

    def put(self, token: str, identity: str, record: dict[str, Any]) -> None:
        self.tokens.setdefault(token, {})[identity] = record

    def forget(self, token: str, identity: str) -> None:
        self.tokens[token].pop(identity)

    def unworld(self, kind: str, identity: str) -> None:
        assert kind in ("machines", "interfaces")

    def apply(self) -> None:
        """There is nothing to make real."""


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_deleted_servers_name_is_kept_but_not_that_of_what_an_interrupted_run_left(interrupted: bool) -> None:
    box = Memory()
    call = Call("urn", {}, box, lambda *said: None, lambda *said: None)  # type: ignore[arg-type]
    record = {"serverName": "dr-mysql", "__machine": "db-1", "createMode": "Replica"}
    box.put(Server.token, SERVER, record)
    (Server().clear if interrupted else Server().delete)(call, SERVER, record)
    assert box.record(Server.token, SERVER) is None
    # createMode is the next thing that the lab refuses.
    wanted = "makes new flexible servers only" if interrupted else "Specified server name 'dr-mysql' is already used"
    with pytest.raises(Refusal, match=wanted):
        Server().verify(call, box, SERVER, dict(record))  # type: ignore[arg-type]
