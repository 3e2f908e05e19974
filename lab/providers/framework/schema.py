"""What a resource type takes, read from the Pulumi SDK's own classes and kept as JSON.

Reading the classes of pulumi_aws.ec2 takes a second, so it happens once per SDK version (in `install`, or in a process
of its own for a type that came later) and the result is kept in the cache folder; a provider that is started for a
`pulumi` command reads the JSON and imports no SDK.

    python -m lab.providers.framework.schema PACKAGE TOKEN…      prints {"resources": …, "types": …}

A schema is {"resources": {token: {"inputs": {name: kind}, "required": [names], "outputs": [names]}}, "types": {name:
{"properties": {name: kind}, "required": [names]}}}. A kind is "string", "integer", "number", "boolean", "any", "asset",
{"list": kind}, {"map": kind} or {"object": name of a type}.
"""

import contextlib
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from enum import Enum
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from lab.paths import TREE, cache

FORM = 2
"""Raise it when the JSON's form changes: files of another form are not read."""


def snake(name: str) -> str:
    """routeTable → route_table, PublicIPAddress → public_ip_address."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def sdk_version(package: str) -> str:
    """Version of the installed SDK: the stand-in is installed under exactly this one."""
    return metadata.version(f"pulumi-{package.replace('_', '-')}")


def default_folder() -> Path:
    """Where `install` keeps schemas."""
    return cache() / "lab" / "schemas"


class Schemas:
    """The schemas of one package, read when they are first asked for."""

    def __init__(self, package: str, version: str, folder: Path | None = None) -> None:
        """`folder` is where the JSON is kept; default: the cache folder of whoever asks."""
        self.package = package
        self.file = (folder or default_folder()) / f"{package}-{version}-{FORM}.json"
        self._data: dict[str, Any] = {"resources": {}, "types": {}}
        with contextlib.suppress(OSError, ValueError):
            self._data = json.loads(self.file.read_text())

    def resource(self, token: str) -> dict[str, Any]:
        """Schema of one resource type. LookupError when the SDK has no such class."""
        self.require([token])
        found: dict[str, Any] = self._data["resources"][token]
        return found

    def type(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._data["types"][name]
        return found

    def require(self, tokens: list[str]) -> None:
        """Have all of `tokens`; what is missing is read from the SDK and kept."""
        missing = [token for token in tokens if token not in self._data["resources"]]
        if not missing:
            return
        command = [sys.executable, "-m", __name__, self.package, *missing]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(TREE)}
        )
        if done.returncode != 0:
            raise LookupError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
        found = json.loads(done.stdout)
        self._data["resources"].update(found["resources"])
        self._data["types"].update(found["types"])
        # A cache that cannot be written costs a second a run and nothing else.
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(dir=self.file.parent)
            with os.fdopen(handle, "w") as out:
                json.dump(self._data, out)
            Path(partial).replace(self.file)


def read_sdk(package: str, tokens: list[str]) -> dict[str, Any]:
    """The JSON of these types, by introspection. LookupError when the SDK lacks one."""
    reader = _Reader(package)
    return {"resources": {token: reader.resource(token) for token in tokens}, "types": reader.types}


class _Reader:
    def __init__(self, package: str) -> None:
        self.sdk = f"pulumi_{package}"
        self.types: dict[str, Any] = {}
        spec = importlib.util.find_spec(self.sdk)
        if spec is None or spec.origin is None:
            raise LookupError(f"{self.sdk} is not installed; run `./scripts/setup`")
        self.folder = Path(spec.origin).parent
        self._bare(self.sdk, self.folder)

    def _bare(self, name: str, folder: Path) -> None:
        """Make `name.module` importable without running name/__init__.py, which would import all of its modules."""
        if name not in sys.modules:
            package = ModuleType(name)
            package.__path__ = [str(folder)]

            def find(attribute: str) -> Any:
                """What other modules take from this one are its input classes and enums."""
                for part in ("_inputs", "_enums"):
                    if not attribute.startswith("_") and (folder / f"{part}.py").exists():
                        module = importlib.import_module(f"{name}.{part}")
                        if hasattr(module, attribute):
                            return getattr(module, attribute)
                raise AttributeError(attribute)

            vars(package)["__getattr__"] = find
            sys.modules[name] = package

    def resource(self, token: str) -> dict[str, Any]:
        _, path, name = token.split(":")
        where, _, file = path.partition("/")
        where = where.partition(".")[0]  # networking.k8s.io, whose module is networking
        if token.startswith("pulumi:providers:"):
            where, file, name = "index", "provider", "Provider"
        parent = self.sdk if where == "index" else f"{self.sdk}.{where}"
        if where != "index":
            if not (self.folder / where).is_dir():
                raise LookupError(f"{self.sdk} has no module {where} for {token}")
            self._bare(parent, self.folder / where)
        try:
            # gcp:compute/vPNTunnel:VPNTunnel is in vpn_tunnel.py, which only its class says.
            words = name if file.lower() == name.lower() else file or name
            module = importlib.import_module(f"{parent}.{snake(words)}")
            resource = getattr(module, name)
        except (ImportError, AttributeError):
            raise LookupError(f"{self.sdk} has no class for {token}") from None
        # InitArgs where the plain name is taken by a nested block, as in s3.BucketVersioning
        arguments = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
        inputs = self._properties(arguments)
        return {
            "inputs": inputs["properties"],
            "required": inputs["required"],
            "outputs": sorted(_property_names(resource)),
        }

    def _properties(self, cls: Any) -> dict[str, Any]:
        from pulumi import _types

        names = _types.input_type_py_to_pulumi_names(cls)
        kinds = _types.input_type_types(cls)
        parameters = inspect.signature(cls.__init__).parameters
        return {
            "properties": {name: self._kind(kinds.get(name, Any)) for name in names.values()},
            "required": sorted(
                name
                for python, name in names.items()
                if python in parameters and parameters[python].default is inspect.Parameter.empty
            ),
        }

    def _kind(self, annotation: Any) -> Any:
        import typing

        import pulumi
        from pulumi import _types

        origin = typing.get_origin(annotation)
        if origin is typing.Literal:  # a constant such as Kubernetes' apiVersion
            return "string"
        if origin is typing.Union:
            kinds = [
                self._kind(one)
                for one in typing.get_args(annotation)
                if one is not type(None) and not _is_wrapper(one) and not isinstance(one, typing.ForwardRef)
            ]
            if all(kind == "asset" for kind in kinds) and kinds:
                return "asset"
            return kinds[0] if len(kinds) == 1 or len({json.dumps(kind) for kind in kinds}) == 1 else "any"
        if origin is not None:
            arguments = typing.get_args(annotation)
            if issubclass(origin, typing.cast(type, typing.get_origin(typing.Mapping[str, int]))):
                return {"map": self._kind(arguments[1])}
            return {"list": self._kind(arguments[0])}
        if not isinstance(annotation, type):
            return "any"
        if issubclass(annotation, (pulumi.Asset, pulumi.Archive)):
            return "asset"
        if _types.is_input_type(annotation):
            name = f"{annotation.__module__}.{annotation.__name__}"
            if name not in self.types:
                self.types[name] = {}  # before its properties: types may hold themselves
                self.types[name] = self._properties(annotation)
            return {"object": name}
        if issubclass(annotation, Enum):
            # Enums are suggestions: the real providers leave their values to the cloud.
            return "string" if issubclass(annotation, str) else "any"
        return {bool: "boolean", int: "integer", float: "number", str: "string"}.get(annotation, "any")


def _is_wrapper(annotation: Any) -> bool:
    import typing

    text = str(typing.get_origin(annotation) or annotation)
    return "Awaitable" in text or "pulumi.output.Output" in text


def _property_names(cls: type) -> set[str]:
    from pulumi import _types

    return {name for _, name, _ in _types._py_properties(cls)} - {"id", "urn"}


if __name__ == "__main__":
    try:
        json.dump(read_sdk(sys.argv[1], sys.argv[2:]), sys.stdout)
    except LookupError as error:
        sys.exit(str(error))
