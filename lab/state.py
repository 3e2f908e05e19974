"""What the daemon remembers: the world, cloud records, roles. Written whole and atomically at each change."""

import contextlib
import dataclasses
import json
import os
import threading
import types
import typing
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.client import LabError
from lab.model import Interface, Machine, SecurityGroup, Subnet, Volume, Vpc, VpnRouter, World

KINDS: dict[str, type[Any]] = {
    "vpcs": Vpc,
    "subnets": Subnet,
    "groups": SecurityGroup,
    "interfaces": Interface,
    "volumes": Volume,
    "machines": Machine,
    "vpns": VpnRouter,
}
"""World fields that hold records with an id. `names` is the one that does not."""


def read_record(kind: Any, value: Any, where: str) -> Any:
    """`value` (JSON) as the model's dataclass `kind`. LabError names the field that is unknown, missing or wrong."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise LabError(f"{where} must be an object, found {value!r}")
        hints = typing.get_type_hints(kind)
        unknown = sorted(set(value) - set(hints))
        if unknown:
            raise LabError(f"{where} has unknown field {unknown[0]!r}; {kind.__name__} has {', '.join(hints)}")
        given = {}
        for field in dataclasses.fields(kind):
            if field.name in value:
                given[field.name] = read_record(hints[field.name], value[field.name], f"{where}.{field.name}")
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise LabError(f"{where}.{field.name} is missing")
        return kind(**given)
    origin = typing.get_origin(kind)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise LabError(f"{where} must be a list, found {value!r}")
        inner = typing.get_args(kind)
        if inner[-1] is Ellipsis:
            return tuple(read_record(inner[0], item, f"{where}[{at}]") for at, item in enumerate(value))
        if len(inner) != len(value):
            raise LabError(f"{where} must have {len(inner)} items, found {len(value)}")
        return tuple(
            read_record(one, item, f"{where}[{at}]") for at, (one, item) in enumerate(zip(inner, value, strict=True))
        )
    if origin in (typing.Union, types.UnionType):
        raise LabError(f"{where}: the model has a union, which nobody taught read_record")
    if origin is dict:
        if not isinstance(value, Mapping):
            raise LabError(f"{where} must be an object, found {value!r}")
        return {str(key): read_record(typing.get_args(kind)[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)  # Pulumi's wire has doubles only
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise LabError(f"{where} must be {kind.__name__}, found {value!r}")
    return value


class State:
    """Thread-safe. `generation` grows with each change of the world, so that an `apply` knows what it made real."""

    def __init__(self, path: Path, box: str = "") -> None:
        self._path = path
        self._lock = threading.RLock()
        self.box = box
        """Id of this box; stack files of the desk carry it as their mark."""
        self.generation = 0
        self._world: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        self._names: dict[str, str] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._roles: dict[str, list[Any]] = {}

    @classmethod
    def load(cls, path: Path) -> "State":
        """What a daemon wrote; LabError when the file is not one."""
        try:
            data = json.loads(path.read_text())
            state = cls(path, data["box"])
            for kind, model in KINDS.items():
                state._world[kind] = {
                    identity: read_record(model, record, f"{kind}.{identity}")
                    for identity, record in data["world"][kind].items()
                }
            state._names = dict(data["names"])
            state._records = data["records"]
            state._roles = data["roles"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LabError(f"{path} cannot be read ({error}); `./scripts/lab down` clears it") from error
        return state

    def save(self) -> None:
        """Write all of it: a reader sees the old or the new, never half."""
        with self._lock:
            data = {
                "version": 1,
                "box": self.box,
                "world": {
                    kind: {identity: dataclasses.asdict(record) for identity, record in records.items()}
                    for kind, records in self._world.items()
                },
                "names": self._names,
                "records": self._records,
                "roles": self._roles,
            }
            partial = self._path.with_suffix(".partial")
            try:
                # Records hold generated passwords, as a cloud account does: for root's eyes only.
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                    json.dump(data, out)
                    out.flush()
                    os.fsync(out.fileno())
                partial.replace(self._path)
            except OSError as error:
                partial.unlink(missing_ok=True)
                raise LabError(f"{self._path} cannot be written ({error.strerror}): nothing was recorded") from error

    def world(self) -> tuple[World, int]:
        """The world and its generation, consistent with each other."""
        with self._lock:
            fields: dict[str, Any] = {kind: tuple(records.values()) for kind, records in self._world.items()}
            return World(names=dict(self._names), **fields), self.generation

    def world_put(self, kind: str, record: Any) -> None:
        """Add or replace one record. `names` take {"id": name, "address": IPv4}."""
        if kind == "names":
            if not isinstance(record, Mapping) or not {"id", "address"} <= set(record):
                raise LabError(f'names take {{"id": name, "address": IPv4 address}}, found {record!r}')
            with self._change(world=True):
                self._names[str(record["id"]).rstrip(".").lower()] = str(record["address"])
            return
        made = read_record(_kind(kind), record, kind)
        with self._change(world=True):
            self._world[kind][made.id] = made

    def world_delete(self, kind: str, identity: str) -> bool:
        """Forget one record; False when there was none (deleting twice is fine, as after a killed command)."""
        with self._change(world=True):
            if kind == "names":
                return self._names.pop(identity.rstrip(".").lower(), None) is not None
            _kind(kind)
            return self._world[kind].pop(identity, None) is not None

    def world_get(self, kind: str, identity: str) -> Any:
        """One record as a plain object; None when there is none."""
        with self._lock:
            if kind == "names":
                return self._names.get(identity.rstrip(".").lower())
            _kind(kind)
            record = self._world[kind].get(identity)
            return dataclasses.asdict(record) if record is not None else None

    def records_get(self, token: str, identity: str) -> Any:
        with self._lock:
            return self._records.get(token, {}).get(identity)

    def records_put(self, token: str, identity: str, record: Any) -> None:
        with self._change():
            self._records.setdefault(token, {})[identity] = record

    def records_delete(self, token: str, identity: str) -> bool:
        with self._change():
            return self._records.get(token, {}).pop(identity, None) is not None

    def records_change(self, token: str, gone: Collection[str], made: Mapping[str, Any]) -> None:
        """Several in one change: nobody sees the one half without the other."""
        with self._change():
            records = self._records.setdefault(token, {})
            for identity in gone:
                records.pop(identity, None)
            records.update(made)

    def records_list(self, token: str) -> dict[str, Any]:
        with self._lock:
            return dict(self._records.get(token, {}))

    def role(self, name: str) -> list[Any] | None:
        """The role's policy documents; None when there is no such role."""
        with self._lock:
            return self._roles.get(name)

    def role_put(self, name: str, policies: list[Any]) -> None:
        with self._change():
            self._roles[name] = policies

    def role_delete(self, name: str) -> bool:
        with self._change():
            return self._roles.pop(name, None) is not None

    @contextlib.contextmanager
    def _change(self, world: bool = False) -> Iterator[None]:
        """One change, remembered and written, or neither."""
        with self._lock:
            before = (
                {kind: dict(records) for kind, records in self._world.items()},
                dict(self._names),
                {token: dict(records) for token, records in self._records.items()},
                dict(self._roles),
                self.generation,
            )
            try:
                yield
                self.generation += world
                self.save()
            except BaseException:
                self._world, self._names, self._records, self._roles, self.generation = before
                raise


def _kind(kind: str) -> type[Any]:
    if kind not in KINDS:
        raise LabError(f"the world has no {kind!r}; it has {', '.join(KINDS)}, names")
    return KINDS[kind]
