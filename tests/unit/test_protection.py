"""The hooks that keep a site that serves: what they refuse, in preview by the setting, in `up` by the latch, too."""

import asyncio
import http.server
import threading
import types
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from twinsite import protection

ACTIVE = "users are at this site"


@pytest.fixture
def latch() -> Iterator[dict[str, Any]]:
    """A web server whose answer to every path is `status`."""
    told: dict[str, Any] = {"status": 404}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(told["status"])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told["url"] = f"http://127.0.0.1:{server.server_port}/latch/dr"
    yield told
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def not_a_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    # A real hook registers itself with an engine.
    monkeypatch.setattr(protection, "_hook", lambda name, refuse: types.SimpleNamespace(name=name, callback=refuse))


def ask(hooks: pulumi.ResourceHookBinding, kind: str, old: Any = None, new: Any = None) -> None:
    (hook,) = getattr(hooks, kind)
    args = pulumi.ResourceHookArgs(urn="urn", id="id", name="standby-vm", type="t", old_inputs=old, new_inputs=new)
    loop = asyncio.new_event_loop()  # asyncio.run would leave this thread without one, and mocks need it
    try:
        loop.run_until_complete(hook.callback(args))
    finally:
        loop.close()


def machine(active: bool, urls: list[str]) -> pulumi.ResourceHookBinding:
    return protection.keep_serving("vm", "the machine", active, urls, [["osProfile", "customData"]])


@pytest.mark.parametrize(
    ("path", "size"),
    [
        (["size"], lambda gib: {"size": gib}),
        (["storage", "storageSizeGB"], lambda gib: {"storage": {"storageSizeGB": gib}}),
    ],
)
def test_a_store_grows_and_never_shrinks(path: list[str], size: Any) -> None:
    hooks = pulumi.ResourceHookBinding(before_update=[protection.grow_only("d", "the disk", "storage_gib", path)])
    with pytest.raises(ValueError, match=r"with 30 GiB, and storage_gib asks for 20: .* set storage_gib to 30 or more"):
        ask(hooks, "before_update", size(30), size(20))
    ask(hooks, "before_update", size(30), size(31))
    ask(hooks, "before_update", {**size(30), "tags": {}}, {**size(30), "tags": {"a": "b"}})


OLD, NEW = {"osProfile": {"customData": "a"}, "tags": {}}, {"osProfile": {"customData": "b"}, "tags": {}}
REFUSED = "serves now"


def test_nothing_of_an_active_site_is_deleted(latch: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="its site is active"):
        ask(protection.keep_while_active("disk", "the data", True), "before_delete")
    with pytest.raises(ValueError, match=REFUSED):
        ask(machine(True, []), "before_delete")


def test_a_changed_bootstrap_of_an_active_machine_is_refused_and_a_changed_tag_is_not() -> None:
    with pytest.raises(ValueError, match=r"osProfile\.customData"):
        ask(machine(True, []), "before_update", OLD, NEW)
    ask(machine(True, []), "before_update", OLD, {**OLD, "tags": {"a": "b"}})


def test_with_no_latch_set_an_inactive_site_goes_down(latch: dict[str, Any]) -> None:
    ask(machine(False, [latch["url"]]), "before_delete")
    ask(protection.keep_while_active("disk", "the data", False, [latch["url"]]), "before_delete")


def test_a_setting_that_nobody_changed_after_a_failover_takes_nothing_down(latch: dict[str, Any]) -> None:
    latch["status"] = 200
    for kind, old, new in (("before_delete", OLD, None), ("before_update", OLD, NEW)):
        with pytest.raises(ValueError, match=ACTIVE):
            ask(machine(False, [latch["url"]]), kind, old, new)
    with pytest.raises(ValueError, match=ACTIVE):
        ask(protection.keep_while_active("disk", "the data", False, [latch["url"]]), "before_delete")


def test_one_latch_store_that_does_not_answer_is_enough_to_go_on_two_are_not(latch: dict[str, Any]) -> None:
    # Nobody listens at port 9; a name under .invalid is that of an account that is gone (RFC 6761).
    unreachable, gone = "http://127.0.0.1:9/latch/dr", "http://gone.invalid/latch/dr"
    for one in (unreachable, gone):
        ask(machine(False, [one, latch["url"]]), "before_delete")
        latch["status"] = 200
        with pytest.raises(ValueError, match=ACTIVE):
            ask(machine(False, [one, latch["url"]]), "before_delete")
        latch["status"] = 404
    with pytest.raises(ValueError, match="nobody knows where the users are") as refused:
        ask(machine(False, [unreachable, gone]), "before_delete")
    assert f"{unreachable} (no answer), {gone} (no answer); make one of them reachable" in str(refused.value)


def test_a_preview_asks_nobody(latch: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    latch["status"] = 200
    ask(machine(False, [latch["url"]]), "before_delete")


def test_what_holds_gates_is_kept_until_they_are_released() -> None:
    with pytest.raises(ValueError, match="without an agent, or without two of three registers, a site stops to write"):
        ask(protection.keep_registers("registers", False), "before_delete")
    ask(protection.keep_registers("registers", True), "before_delete")
