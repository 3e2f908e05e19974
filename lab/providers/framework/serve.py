"""Pulumi's provider protocol over gRPC, on Pulumi's own stubs.

Not on `pulumi.provider.experimental`, which cannot do what a provider for previews needs: docs/adr/0007.
"""

import importlib.util
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import grpc
from google.protobuf import empty_pb2


def _bare(name: str, folder: Path) -> None:
    """Let `name.proto` be imported without running `name/__init__.py`."""
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


_sdk = importlib.util.find_spec("pulumi")
if _sdk is None or _sdk.origin is None:
    sys.exit("the twinsite lab's provider found no Pulumi SDK beside it; run ./scripts/setup again")
_bare("pulumi", Path(_sdk.origin).parent)
_bare("pulumi.runtime", Path(_sdk.origin).parent / "runtime")

from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.client import LabError
from lab.providers.framework.changes import Kind, Undeclared
from lab.providers.framework.provider import Provider
from lab.providers.framework.schema import Schemas
from lab.providers.framework.types import Refusal
from lab.providers.framework.values import decode, encode

LIMITS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
"""What every Pulumi plugin allows."""

_DETAILS = {
    (Kind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Kind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Kind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Kind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Kind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Kind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    """A refusal becomes the error's text; anything else is a defect of the stand-in and says where."""

    def call(self: "Servicer", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except (Refusal, Undeclared, LabError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            traceback.print_exc()
            last = traceback.extract_tb(error.__traceback__)[-1]
            context.abort(
                grpc.StatusCode.INTERNAL,
                f"defect in the twinsite lab's stand-in: {type(error).__name__}: {error} "
                f"({last.filename}:{last.lineno})",
            )

    return call


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Translates; decides nothing."""

    def __init__(self, provider: Provider, version: str) -> None:
        self.provider = provider
        self.version = version

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)

    @_told
    def CheckConfig(self, request: Any, context: Any) -> Any:
        inputs, problems = self.provider.check_config(decode(request.news))
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=_failures(problems))

    @_told
    def DiffConfig(self, request: Any, context: Any) -> Any:
        old, new = decode(request.olds), decode(request.news)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        # A provider of another region is another provider, as the bridge of pulumi-aws decides.
        return provider_pb2.DiffResponse(
            changes=kind, diffs=changed, replaces=[key for key in changed if key == "region"]
        )

    @_told
    def Configure(self, request: Any, context: Any) -> Any:
        self.provider.configure(decode(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_told
    def Invoke(self, request: Any, context: Any) -> Any:
        found = encode(self.provider.invoke(request.tok, decode(request.args)))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(found)  # a word of Python
        return response

    @_told
    def Check(self, request: Any, context: Any) -> Any:
        inputs, problems = self.provider.check(
            request.urn, decode(request.olds), decode(request.news), request.randomSeed
        )
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=_failures(problems))

    @_told
    def Diff(self, request: Any, context: Any) -> Any:
        old = decode(request.old_inputs) or decode(request.olds)
        found = self.provider.diff(
            request.urn, request.id, old, decode(request.news), decode(request.olds), request.ignoreChanges
        )
        kind = provider_pb2.DiffResponse.DIFF_SOME if found.changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=kind,
            replaces=[change.path for change, replaces in found.changed.items() if replaces],
            diffs=sorted({change.rule.partition(".")[0] for change in found.changed}),
            detailedDiff={
                change.path: provider_pb2.PropertyDiff(kind=_DETAILS[change.kind, replaces], inputDiff=True)
                for change, replaces in found.changed.items()
            },
            hasDetailedDiff=True,
            deleteBeforeReplace=found.delete_before_replace,
        )

    @_told
    def Create(self, request: Any, context: Any) -> Any:
        identity, outputs = self.provider.create(
            request.urn, decode(request.properties), request.preview, request.timeout
        )
        return provider_pb2.CreateResponse(id=identity, properties=encode(outputs))

    @_told
    def Read(self, request: Any, context: Any) -> Any:
        found = self.provider.read(request.urn, request.id, decode(request.properties), decode(request.inputs))
        if found is None:
            return provider_pb2.ReadResponse(id="")
        identity, outputs, inputs = found
        return provider_pb2.ReadResponse(id=identity, properties=encode(outputs), inputs=encode(inputs))

    @_told
    def Update(self, request: Any, context: Any) -> Any:
        outputs = self.provider.update(
            request.urn,
            request.id,
            decode(request.olds),
            decode(request.old_inputs),
            decode(request.news),
            request.preview,
            request.timeout,
            request.ignoreChanges,
        )
        return provider_pb2.UpdateResponse(properties=encode(outputs))

    @_told
    def Delete(self, request: Any, context: Any) -> Any:
        self.provider.delete(request.urn, request.id, decode(request.properties), request.timeout)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        self.provider.cancel()
        return empty_pb2.Empty()


def _failures(problems: Any) -> list[Any]:
    return [provider_pb2.CheckFailure(property=problem.path, reason=problem.reason) for problem in problems]


def engine_log(address: str) -> Callable[[str, str, str], None]:
    """Messages to the engine, which shows them at the resource of the URN (the stack's for none)."""
    stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=LIMITS))
    severities = {
        "debug": engine_pb2.DEBUG,
        "info": engine_pb2.INFO,
        "warning": engine_pb2.WARNING,
        "error": engine_pb2.ERROR,
    }

    def log(severity: str, message: str, urn: str) -> None:
        try:
            stub.Log(engine_pb2.LogRequest(severity=severities[severity], message=message, urn=urn), timeout=30)
        except grpc.RpcError:
            print(message, file=sys.stderr)  # the engine is going; what it is told last must not stop a create

    return log


def main(package: str, version: str, schemas: Path, engine: str) -> int:
    """Serve until the engine says so or is gone."""
    provider = Provider(package, Schemas(package, version, schemas), engine_log(engine))
    # One thread a call in flight; a gate may hold one for minutes and must not keep others waiting.
    server = grpc.server(ThreadPoolExecutor(max_workers=256), options=LIMITS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider, version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    parent = os.getppid()
    server.start()
    print(port, flush=True)
    # An engine that was killed sends no signal; this process then has another parent.
    while not stop.wait(0.5) and os.getppid() == parent:
        pass
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # calls in flight belong to an engine that no longer listens
