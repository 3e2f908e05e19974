"""What the lab's Azure keeps of what was deleted, and of a server that is put over."""

import threading
from typing import Any

import pytest

from lab.providers.azure_native.cloud import RESOURCE_GROUP
from lab.providers.azure_native.dbformysql_server import Server
from lab.providers.azure_native.recorded import ROWS
from lab.providers.azure_native.resources_resource_group import ResourceGroup
from lab.providers.framework import recorded
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
        assert kind in ("machines", "interfaces", "subnets", "vpcs")

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


@pytest.mark.parametrize("name", ["PrivateZone", "VirtualNetworkLink"])
def test_a_zone_and_its_link_drop_tags_as_azures_dns_does(name: str) -> None:
    base, said = ROWS[f"azure-native:privatedns:{name}"]
    kind: Any = recorded.row(base, name, **said)
    assert kind.computed(None, "", {"tags": {"owner": "a", "cost:centre": "b", "cost centre": "c", "24x7": "d"}})[
        "tags"
    ] == {"owner": "a"}
    assert "tags" not in kind.computed(None, "", {})


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"tags": {"release": "2"}, "storage": {"storageSizeGB": 32}}, "storage has 64 GB"),
        ({"version": "8.0.21"}, "version 8.4 cannot go back to 8.0.21"),
        ({"storage": {"storageSizeGB": 128}}, ""),
        ({"tags": {"release": "2"}}, ""),
    ],
)
def test_an_update_is_a_put_over_the_server_as_it_is_now(change: dict[str, Any], refused: str) -> None:
    box = Memory()
    call = Call("urn", {}, box, lambda *said: None, lambda *said: None)  # type: ignore[arg-type]
    grown = {"serverName": "dr-mysql", "version": "8.4", "storage": {"storageSizeGB": 64, "autoGrow": "Enabled"}}
    box.put(Server.token, SERVER, {**grown, "__inputs": {}})
    if refused:
        with pytest.raises(Refusal, match=refused):
            Server().update(call, SERVER, dict(grown), {**grown, **change})
    else:
        assert Server().update(call, SERVER, dict(grown), {**grown, **change})["version"] == "8.4"


def test_a_groups_networks_go_with_it_and_no_others() -> None:
    box = Memory()
    call = Call("urn", {}, box, lambda *said: None, lambda *said: None)  # type: ignore[arg-type]
    inside, other = (f"{group}/providers/Microsoft.Network/virtualNetworks/v" for group in (GROUP, f"{GROUP}-2"))
    for token, identity in (("VirtualNetwork", inside), ("Subnet", f"{inside}/subnets/a"), ("Subnet", f"{other}/b")):
        box.put(f"azure-native:network:{token}", identity, {})
    ResourceGroup().delete(call, GROUP, {})
    assert box.records(RESOURCE_GROUP) == {}
    assert box.records("azure-native:network:VirtualNetwork") == {}
    assert list(box.records("azure-native:network:Subnet")) == [f"{other}/b"]
