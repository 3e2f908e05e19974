"""One package's provider: finds the type's file, checks, compares, and calls it."""

import functools
import importlib
import importlib.util
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from lab.client import LabError
from lab.providers.framework import recorded
from lab.providers.framework.box import Box
from lab.providers.framework.changes import EMPTY, Change, changes, filled, left_out, replacing
from lab.providers.framework.checks import Checker, Problem
from lab.providers.framework.facts import Facts
from lab.providers.framework.lateness import SEED_VARIABLE, Lateness, Made
from lab.providers.framework.schema import Schemas, snake
from lab.providers.framework.types import Call, Refusal, ResourceType, unique_name
from lab.providers.framework.values import UNKNOWN, Secret, guarded, holds_secret, holds_unknown, reveal

DEFAULTS = "__defaults"
"""Input under which the names of generated inputs are kept, as the bridge does."""


@dataclass(frozen=True)
class Difference:
    """The answer to a diff."""

    changed: dict[Change, bool] = field(default_factory=dict)
    """Each change with whether it replaces."""
    delete_before_replace: bool = False


class Provider:
    """All of one package. Thread-safe: the engine calls from many threads at once."""

    def __init__(
        self,
        package: str,
        schemas: Schemas,
        log: Callable[[str, str, str], None] = lambda severity, message, urn: None,
        connect: Callable[[], Box | None] = Box.connect,
    ) -> None:
        self.package = package
        self.schemas = schemas
        self.config: dict[str, Any] = {}
        self.cancelled = threading.Event()
        self._log = log
        self._connect = connect
        self._box: Box | None = None
        self._connected = False
        self._introduced = False
        self._lock = threading.Lock()
        self._types: dict[str, ResourceType] = {}
        self._facts: dict[str, Facts | None] = {}
        self._known: dict[str, set[str]] = {}
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}
        self._late = Lateness.of(package, self.cancelled)

    # Before resources

    def configure(self, values: dict[str, Any]) -> None:
        """Refusal when the package's own `configured(values, box)` finds that it cannot work."""
        self.config = reveal(values)
        module = importlib.import_module(f"lab.providers.{self.package}")
        configured: Callable[[Mapping[str, Any], Box | None], None] = getattr(module, "configured", lambda *_: None)
        configured({key: _parsed("any", value) for key, value in self.config.items()}, self.box)

    def check_config(self, values: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """The package's own `config_problems(values)` on top of the SDK's Provider class."""
        checker = Checker(self.schemas, self.package)
        schema = self.schemas.resource(f"pulumi:providers:{self.package}")
        known = {key: value for key, value in values.items() if key not in ("version", "pluginDownloadURL")}
        parsed = {key: _parsed(schema["inputs"].get(key), value) for key, value in known.items()}
        checker.inputs(schema, parsed)
        module = importlib.import_module(f"lab.providers.{self.package}")
        problems: Callable[[Mapping[str, Any]], list[Problem]] = getattr(module, "config_problems", lambda values: [])
        return values, checker.problems + problems(reveal(parsed))

    @property
    def box(self) -> Box | None:
        """The box, looked for once. LabError when one was promised that does not answer."""
        with self._lock:
            if not self._connected:
                self._box = self._connect()
                self._connected = True
            return self._box

    def type(self, token: str) -> ResourceType:
        """The type's class. Refusal when nobody wrote its file."""
        with self._lock:
            if token not in self._types:
                self._types[token] = self._load(token)
            return self._types[token]

    def _module(self, token: str, lacking: str) -> ModuleType:
        """The file that the token names. Refusal with `lacking` when nobody wrote it."""
        name = f"lab.providers.{self.package}.{file_of(token)}"
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise Refusal(lacking) from None

    def _load(self, token: str) -> ResourceType:
        if token in self._rows:
            base, row = self._rows[token]
            return self._ruled(recorded.row(base, token, **row))
        module = self._module(
            token,
            f"resource type {token} is not supported in the twinsite lab: nobody has written its stand-in. "
            f"Add lab/providers/{self.package}/{file_of(token)}.py, or a row of recorded.py there "
            "(lab/providers/__init__.py says how), or take the resource out of this stack",
        )
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, ResourceType) and getattr(value, "token", "") == token:
                return self._ruled(value())
        raise Refusal(f"{module.__name__} has no class with token {token}")

    def _ruled(self, kind: ResourceType) -> ResourceType:
        facts = self._facts[kind.token] = Facts.of(kind.token, self.schemas)
        if facts is not None:
            kind.rules = kind.told(facts)
        else:
            own = kind.declared(self.schemas.resource(kind.token))
            kind.rules = replace(own, defaults=kind.defaults, secrets=kind.secret_outputs)
        return kind

    @functools.cached_property
    def _rows(self) -> recorded.Rows:
        """The package's types that are only recorded."""
        name = f"lab.providers.{self.package}.recorded"
        if importlib.util.find_spec(name) is None:
            return {}
        rows: recorded.Rows = importlib.import_module(name).ROWS
        return rows

    # Resources

    def check(
        self, urn: str, old: dict[str, Any], new: dict[str, Any], seed: bytes
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Inputs as they will be kept, and what is wrong with them."""
        kind = self.type(token_of(urn))
        call = self._call(urn)
        self._introduce(call)
        checker = Checker(self.schemas, call.name)
        inputs = checker.inputs(self.schemas.resource(kind.token), new)
        problems = checker.problems
        facts = self._facts[kind.token]
        name = "" if kind.autoname is None else kind.autoname.property
        otherwise = facts is not None and facts.excludes(reveal(inputs), name)
        if kind.autoname is not None and _look(inputs, name) in EMPTY and not otherwise:
            was = reveal(old)
            kept = _look(was, name) if name in (was.get(DEFAULTS) or []) else None
            inputs = _with(inputs, name, kept or unique_name(kind.autoname, call.name, seed))
            if kind.autoname.unique:
                inputs[DEFAULTS] = [name]
        if facts is not None:
            told = {one.path for one in problems}
            found = facts.problems(reveal(inputs), call.name, kind.derived)
            problems = [*problems, *(one for one in found if one.path not in told)]
        if not problems:
            problems = list(kind.problems(call, reveal(inputs)))
        if not problems and not holds_unknown(inputs):
            secret = {key for key, value in inputs.items() if holds_secret(value)}
            settled = kind.settle(reveal(inputs))
            inputs = {
                key: inputs[key] if key in inputs and value == reveal(inputs[key]) else value
                for key, value in guarded(settled, secret).items()
            }
        return inputs, problems

    def diff(
        self,
        urn: str,
        identity: str,
        old: dict[str, Any],
        new: dict[str, Any],
        state: dict[str, Any],
        ignored: Collection[str] = (),
    ) -> Difference:
        """`ignored` are the paths of `ignore_changes`: the engine holds their inputs still, the provider the rest."""
        kind = self.type(token_of(urn))
        self._remember(urn, identity)
        self._see(kind, identity, reveal(state))
        before, after = reveal(old), reveal(new)
        found = changes(kind.rules, before, after, reveal(state), ignored)
        changed = replacing(kind.rules, found, kind.token, lambda change: kind.forces(change, before, after))
        return Difference(changed, any(changed.values()) and _delete_first(kind, before, after))

    def create(self, urn: str, inputs: dict[str, Any], preview: bool, timeout: float) -> tuple[str, dict[str, Any]]:
        kind = self.type(token_of(urn))
        call = self._call(urn, timeout)
        plain = self._plain(inputs)
        secret = self._secrets(kind, inputs, {})
        if preview:
            unknown = dict.fromkeys(self.schemas.resource(kind.token)["outputs"], UNKNOWN)
            rest = dict.fromkeys(kind.completed, UNKNOWN)
            return "", guarded({**unknown, **filled(plain, kind.rules.defaults), **rest}, secret)
        kind.reach(call, "create", plain)
        if not kind.adopts(plain):
            self._clear_orphans(kind, call)
        self._say_recorded(kind, call)
        identity, computed = self._when_taken(
            "create", kind, urn, "", plain, lambda: kind.create(call, plain), lambda made: {**made[1], "id": made[0]}
        )
        self._remember(urn, identity)
        outputs = {**filled(plain, kind.rules.defaults), **computed, **kind.names(identity)}
        self._see(kind, identity, outputs)
        return identity, guarded(outputs, secret)

    def read(
        self, urn: str, identity: str, state: dict[str, Any], inputs: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        """(id, outputs, inputs); None when it is gone."""
        kind = self.type(token_of(urn))
        self._introduce(self._call(urn))
        self._remember(urn, identity)
        before = reveal(state)
        kind.reach(self._call(urn), "read", before)
        found = kind.read(self._call(urn), identity, dict(before))
        if found is None:
            return None
        identity = found.pop("__id", identity)
        found |= kind.names(identity)
        self._remember(urn, identity)
        given = reveal(inputs)
        if not state:  # an import: everything the cloud says that the program could have said
            names = self.schemas.resource(kind.token)["inputs"]
            given = {
                key: found[key]
                for key in names
                if found.get(key) not in EMPTY and found[key] != kind.rules.defaults.get(key)
            }
            return identity, guarded(found, set(kind.rules.secrets)), guarded(given, set(kind.rules.secrets))
        secret = self._secrets(kind, inputs, state)
        # Drift: what the cloud says now of an input that the program gave.
        seen = {key: found[key] if key in found and found[key] != before.get(key) else given[key] for key in given}
        kept = {key: inputs[key] if seen[key] == given[key] else seen[key] for key in seen}
        return identity, guarded(found, secret), guarded(kept, secret & set(kept))

    def update(
        self, urn: str, identity: str, state: dict[str, Any], old: dict[str, Any], new: dict[str, Any], preview: bool,
        timeout: float, ignored: Collection[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        kind = self.type(token_of(urn))
        call = self._call(urn, timeout)
        self._remember(urn, identity)
        before, plain, was = reveal(state), self._plain(new), reveal(old)
        call.before = was
        # What was computed stays; an input that is no longer given goes back to the default, unless the cloud keeps it.
        kept = {
            key: value
            for key, value in before.items()
            if key != DEFAULTS and (key not in was or key in plain or key in kind.rules.keeps)
        }
        merged = filled({**kept, **plain}, kind.rules.defaults)
        for path, value in left_out(kind.rules, plain, ignored).items():
            merged = _with(merged, path, value)
        secret = self._secrets(kind, new, state)
        if preview:
            for key in kind.completed & set(before):
                merged[key] = before[key] if plain.get(key) == was.get(key) else UNKNOWN
            return guarded({**merged, **dict.fromkeys(kind.unstable, UNKNOWN)}, secret)
        self._say_recorded(kind, call)
        kind.reach(call, "update", merged)
        computed = self._when_taken(
            "update", kind, urn, identity, merged, lambda: kind.update(call, identity, before, merged)
        )
        self._see(kind, identity, {**merged, **computed})
        return guarded({**merged, **computed}, secret)

    def delete(self, urn: str, identity: str, state: dict[str, Any], timeout: float) -> None:
        kind = self.type(token_of(urn))
        self._remember(urn, identity)
        before, call = reveal(state), self._call(urn, timeout)
        kind.reach(call, "delete", before)
        self._when_taken("delete", kind, urn, identity, before, lambda: kind.delete(call, identity, before))

    def cancel(self) -> None:
        """Ctrl-C: what waits gives up; what is being made is finished, so that the state knows of it."""
        self.cancelled.set()

    def invoke(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """A function's result: `answer(arguments, box)` of the file that its token names."""
        module = self._module(
            token,
            f"function {token} is not supported in the twinsite lab: a preview that asks an account cannot work "
            "without one; give the value as configuration instead",
        )
        answer: Callable[[Mapping[str, Any], Box | None], dict[str, Any]] = module.answer
        return answer(reveal(arguments), self.box)

    # Common parts

    def _call(self, urn: str, timeout: float = 0.0) -> Call:
        return Call(
            urn=urn,
            config=self.config,
            box=self.box,
            log=lambda severity, message: self._log(severity, message, urn),
            stream=lambda severity, message: self._log(severity, message, urn),
            seen=lambda token, identity: self._seen.get((token, identity), {}),
            cancelled=self.cancelled,
            timeout=timeout,
        )

    def _introduce(self, call: Call) -> None:
        with self._lock:
            if self._introduced:
                return
            self._introduced = True
        module = importlib.import_module(f"lab.providers.{self.package}")
        recorded = ""
        if module.ACTS and call.box is None:
            recorded = "; there is no box, so everything is recorded, not run"
        late = f"; what takes time in the cloud is late, by {SEED_VARIABLE}={self._late.seed}" if self._late else ""
        self._log("info", f"this is the twinsite lab, not {module.REAL}{recorded}{late}", "")

    def _when_taken(
        self,
        operation: str,
        kind: ResourceType,
        urn: str,
        identity: str,
        inputs: Mapping[str, Any],
        perform: Callable[[], Made],
        outputs: Callable[[Made], Mapping[str, Any]] = lambda made: {},
    ) -> Made:
        if self._late is None:
            return perform()
        return self._late.during(operation, kind.token, urn, identity, inputs, perform, outputs)

    def _say_recorded(self, kind: ResourceType, call: Call) -> None:
        if call.box is not None and not kind.live:
            call.log("info", f"recorded, not run: the lab has nothing that acts as {kind.token}")

    def _clear_orphans(self, kind: ResourceType, call: Call) -> None:
        """Things of this URN that no state knows: a create that was killed before the engine heard of it."""
        if call.box is None or not kind.leaves_records:
            return
        with self._lock:
            known = set(self._known.get(call.urn, ()))
        for identity, record in call.box.records(kind.shelf(call)).items():
            if record.get("__urn") == call.urn and identity not in known:
                call.log("warning", kind.leftover(identity, record))
                kind.clear(call, identity, record)

    def _remember(self, urn: str, identity: str) -> None:
        with self._lock:
            self._known.setdefault(urn, set()).add(identity)

    def _see(self, kind: ResourceType, identity: str, outputs: dict[str, Any]) -> None:
        with self._lock:
            self._seen[kind.token, identity] = outputs

    def _secrets(self, kind: ResourceType, inputs: dict[str, Any], state: dict[str, Any]) -> set[str]:
        secret = {key for key, value in {**state, **inputs}.items() if holds_secret(value)}
        secret |= kind.rules.secrets
        return secret | {output for output, sources in kind.secret_from.items() if secret & set(sources)}

    @staticmethod
    def _plain(inputs: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = reveal(inputs)
        found.pop(DEFAULTS, None)
        return {key: value for key, value in found.items() if value is not None}


def _delete_first(kind: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Two resources cannot have one name: a name that was not generated means delete first."""
    if kind.autoname is None:
        return kind.deletes_first
    name = kind.autoname.property
    generated = name in (after.get(DEFAULTS) or [])
    return not generated and (kind.deletes_first or _look(before, name) == _look(after, name))


def token_of(urn: str) -> str:
    """The type of a URN: the last of its `$`-separated parents and itself."""
    return urn.split("::")[2].rpartition("$")[2]


def file_of(token: str) -> str:
    """aws:ec2/routeTable:RouteTable → ec2_route_table; command:remote:Command → remote_command;
    kubernetes:batch/v1:CronJob → batch_v1_cron_job."""
    _, path, name = token.split(":")
    where, _, file = path.partition("/")
    where = where.partition(".")[0]  # networking.k8s.io, whose module is networking
    words = snake(file or name)
    if file and file.lower() != name.lower():  # a version of the API
        words = f"{file}_{snake(name)}"
    return words if where == "index" else f"{snake(where)}_{words}"


def _look(values: Any, path: str) -> Any:
    """The value at a dotted path; None when something on the way is missing. What is secret or unknown is there."""
    for key in path.split("."):
        if not isinstance(values, dict):
            return values
        values = values.get(key)
    return values


def _with(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted path."""
    key, _, rest = path.partition(".")
    return {**values, key: _with(values.get(key) or {}, rest, value) if rest else value}


def _parsed(kind: Any, value: Any) -> Any:
    """Provider configuration travels as JSON text."""
    import json

    if kind == "string" or not isinstance(value, str) or not re.match(r"\s*[\[{\dtf]", value):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


__all__ = ["Difference", "LabError", "Provider", "Secret", "file_of", "token_of"]
