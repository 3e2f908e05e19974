"""What a program would register, by type and name, without Pulumi's engine, a provider or an account."""

import threading
from collections.abc import Callable
from typing import Any

from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

from twinsite.protection import KEPT


class _Nobody(mocks.Mocks):
    """No provider is there to answer."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise LookupError(f"the program asks {args.token}, and nobody is there to answer")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise AssertionError("unreachable: _Monitor registers by itself")


class _Monitor(mocks.MockMonitor):
    """Answers as in a preview of a new stack with no provider there: whatever a resource would say is not known."""

    def __init__(self) -> None:
        super().__init__(_Nobody())
        self.seen: list[dict[str, Any]] = []
        self._lock = threading.Lock()  # requests arrive from the SDK's thread pool

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.custom and not request.type.startswith("pulumi:providers:"):
            holds_data = any(hook.endswith(KEPT) for hook in request.hooks.before_delete)
            with self._lock:
                self.seen.append({"type": request.type, "name": request.name, "holds_data": holds_data})
        return resource_pb2.RegisterResourceResponse(urn=urn)


def resources(project: str, stack: str, program: Callable[[], object]) -> list[dict[str, Any]]:
    """Type, name, and whether it holds data that are kept while its site is active. Raises what the program raises."""
    monitor = _Monitor()
    mocks.set_mocks(monitor.mocks, project=project, stack=stack, preview=True, monitor=monitor)

    async def body() -> None:
        program()

    _sync_await(run_pulumi_func(lambda: _sync_await(body())))
    return sorted(monitor.seen, key=lambda one: (one["type"], one["name"]))
