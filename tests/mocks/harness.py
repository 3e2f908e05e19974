"""Runs a Pulumi program against a recording monitor and hands back what it asked the engine for.

Pulumi's own mocks show inputs only. Here each raw RegisterResource request is kept, so that a test can also assert
parents, dependencies, `protect`, `ignoreChanges` and which inputs are secret. `run` waits until every request and every
apply has ended and re-raises what failed, so an assert on the result cannot pass silently.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, settings
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

from tests.mocks.providers import made_up, refused

SECRET_KEY = "4dabf18193072939515e22adb298388d"
"""Key of the envelope in which a special value travels (Pulumi SDK, runtime/rpc.py)."""

SECRET_VALUE = "1b47061264138c4ac30d75fd1eb44270"
"""Value under SECRET_KEY that says: this is a secret."""

Fill = Callable[[str, dict[str, Any]], dict[str, Any]]
"""(resource name, plain inputs) -> outputs that the cloud would have computed."""

Identify = Callable[[dict[str, Any]], str]
"""Plain inputs -> the id that the cloud would have given; `NAME-id` where none is given."""


def is_secret(value: Any) -> bool:
    """Whether this wire value is a secret envelope."""
    return isinstance(value, dict) and value.get(SECRET_KEY) == SECRET_VALUE


def plain(value: Any) -> Any:
    """A wire value without its secret envelopes."""
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it. Property names are the wire's (camelCase)."""

    urn: str
    id: str
    type: str
    name: str
    parent: str
    """URN of the parent; the stack's for a top-level resource."""
    custom: bool
    wire: dict[str, Any]
    """Inputs with their secret envelopes."""
    request: Any
    """The raw pulumirpc.RegisterResourceRequest: protect, ignoreChanges, deleteBeforeReplace, aliases, …"""

    @property
    def inputs(self) -> dict[str, Any]:
        """Inputs without secret envelopes."""
        found: dict[str, Any] = plain(self.wire)
        return found

    @property
    def depends_on(self) -> set[str]:
        """URNs of every dependency, explicit (`depends_on`) or through an input."""
        return set(self.request.dependencies)

    @property
    def drawn_from(self) -> set[str]:
        """URNs of those whose outputs are in its inputs: what the engine deletes with one that is deleted first."""
        return {urn for found in self.request.propertyDependencies.values() for urn in found.urns}

    def holds_secret(self, *path: str | int) -> bool:
        """Whether the input at `path` is a secret itself or lies inside one."""
        value: Any = self.wire
        for step in path:
            if is_secret(value):
                return True
            value = value[step]
        return is_secret(value)


@dataclass
class Run:
    """What one program registered, in order."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """URN -> outputs that a component published with register_outputs, with secret envelopes."""
    result: Any = None
    """What the program returned, resolved when it was an Output (secret or not)."""

    def of(self, type_: str) -> list[Registered]:
        """Every resource of this type token."""
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, name: str, type_: str = "") -> Registered:
        """The single resource called `name` (of this type, if given)."""
        found = [r for r in self.resources if r.name == name and type_ in ("", r.type)]
        if len(found) != 1:
            known = "\n  ".join(f"{r.type} {r.name}" for r in self.resources)
            raise AssertionError(f"{len(found)} resources are called {name!r} {type_}; registered are\n  {known}")
        return found[0]

    def names(self, type_: str) -> list[str]:
        """Names of every resource of this type, sorted."""
        return sorted(resource.name for resource in self.of(type_))

    def published(self, name: str, type_: str = "") -> dict[str, Any]:
        """Outputs that the component called `name` (of this type, if given) registered, with secret envelopes."""
        return self.outputs[self.one(name, type_).urn]


def cloud_outputs(type_: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Computed outputs that many resources share; a test adds its own through `fill`."""
    found: dict[str, Any] = {"arn": f"arn:aws:test:::{name}", **made_up(type_, name, inputs)}
    if type_ == "random:index/randomPassword:RandomPassword":
        found["result"] = "".join(chr(ord("a") + i % 26) for i in range(int(inputs["length"])))
    if type_ == "pulumi:index:Stash":
        found["output"] = inputs["input"]  # what the engine keeps of the first
    if type_ == "random:index/randomId:RandomId":
        digits = ("0123abcd" * int(inputs["byteLength"]))[: 2 * int(inputs["byteLength"])]
        found["hex"] = inputs.get("prefix", "") + digits
    if type_ == "aws:ec2/subnet:Subnet":
        found["availabilityZone"] = "us-test-1a"
    if type_ == "aws:ec2/eip:Eip":
        found["publicIp"] = "203.0.113.128"
        found["allocationId"] = f"{name}-allocation"
    if type_ == "aws:ec2/instance:Instance":
        found["primaryNetworkInterfaceId"] = f"{name}-eni"
        found["privateIp"] = inputs.get("privateIp", "10.20.1.99")
    if type_ == "aws:secretsmanager/secretVersion:SecretVersion":
        found["versionId"] = f"{name}-version"
    return found


class _Outputs(mocks.Mocks):
    def __init__(self, fill: Mapping[str, Fill], ids: Mapping[str, Identify]) -> None:
        self.fill = fill
        self.ids = ids

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program asks a provider at preview: {args.token} {args.args}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = plain(args.inputs)
        state = {**cloud_outputs(args.typ, args.name, inputs), **args.inputs}
        if args.typ in self.fill:
            state.update(self.fill[args.typ](args.name, inputs))
        identify = self.ids.get(args.typ)
        found = identify(inputs) if identify else f"{args.name}-id"
        return (found if args.custom else ""), state


class _RecordingMonitor(mocks.MockMonitor):
    def __init__(self, fill: Mapping[str, Fill], ids: Mapping[str, Identify], seen: Run) -> None:
        super().__init__(_Outputs(fill, ids))
        self.run = seen
        self._lock = threading.Lock()  # requests arrive from the SDK's thread pool

    def RegisterResource(self, request: Any) -> Any:
        response: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type == "pulumi:pulumi:Stack":
            return response
        wire = json_format.MessageToDict(request.object)
        for output in request.additionalSecretOutputs:  # the engine does this in a real run
            if output in response.object and not is_secret(json_format.MessageToDict(response.object).get(output)):
                value = json_format.MessageToDict(response.object)[output]
                response.object.update({output: {SECRET_KEY: SECRET_VALUE, "value": value}})
        registered = Registered(
            urn=response.urn, id=response.id, type=request.type, name=request.name, parent=request.parent,
            custom=request.custom, wire=wire, request=request,
        )  # fmt: skip
        with self._lock:
            self.run.resources.append(registered)
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        with self._lock:
            self.run.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """asyncio logs 'Task exception was never retrieved' for the failure that `run` re-raises anyway."""
    logger = logging.getLogger("asyncio")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def run(
    program: Callable[[], Any],
    fill: Mapping[str, Fill] | None = None,
    preview: bool = False,
    ids: Mapping[str, Identify] | None = None,
    seen: Run | None = None,
) -> Run:
    """Run `program` to its end and return what it registered.

    `fill` maps a type token to a function that adds computed outputs, `ids` one to a function that makes the
    id; `seen` is filled also when the program fails. A resource that appears twice is an error, as it is in the
    engine. Raises whatever the program, an apply or a registration raised.
    """
    monitor = _RecordingMonitor(fill or {}, ids or {}, Run() if seen is None else seen)
    settings.reset_options()
    mocks.set_mocks(monitor.mocks, project="twinsite", stack="test", preview=preview, monitor=monitor)
    settings.SETTINGS.rpc_manager.clear()
    settings.SETTINGS.outputs.clear()
    held: list[Any] = []

    async def body() -> None:
        held.append(await pulumi.Output.from_input(program()).future())

    with _quiet():
        _sync_await(run_pulumi_func(lambda: _sync_await(body())))
    monitor.run.result = held[0]
    urns = [resource.urn for resource in monitor.run.resources]
    twice = sorted({urn for urn in urns if urns.count(urn) > 1})
    if twice:
        raise AssertionError(f"registered twice, the engine would refuse: {twice}")
    wrong = [one for resource in monitor.run.resources for one in refused(resource.urn, resource.request)]
    if wrong:
        raise AssertionError("the providers would refuse:\n  " + "\n  ".join(wrong))
    return monitor.run
