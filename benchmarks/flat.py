"""The flat program: what a stack would be without components and rules, written from the stack's exported state.

Same leaf resources, names, inputs, dependencies and options; a value that a resource computes is a reference again, as
a person would write it. Not in it: components, hooks, providers (the default ones serve, as they do for the stack).
"""

import importlib
import json
import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SECRET_KEY = "4dabf18193072939515e22adb298388d"
"""Key of the envelope in which a special value travels and is stored (Pulumi SDK, runtime/rpc.py)."""
SECRET_VALUE = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
SHORTEST_REFERENCE = 8
"""Characters; a shorter computed value inside a text is taken for a coincidence."""


class Untold(Exception):
    """The state holds something that this generator cannot write down."""


@dataclass
class Leaf:
    """One resource of a cloud, as the exported state (with secrets shown) has it."""

    variable: str
    state: Mapping[str, Any]
    references: dict[str, str] = field(default_factory=dict)
    """Computed value -> expression that yields it."""

    @property
    def name(self) -> str:
        return str(self.state["urn"]).rsplit("::", 1)[1]

    @property
    def inputs(self) -> dict[str, Any]:
        """Without the engine's own bookkeeping."""
        found = self.state.get("inputs") or {}
        return {key: value for key, value in found.items() if not key.startswith("__")}


def leaves(deployment: Mapping[str, Any]) -> list[Leaf]:
    """Every custom resource that is not a provider; state order, in which dependencies come first."""
    found = [
        state
        for state in deployment["deployment"].get("resources", [])
        if state.get("custom") and not state.get("delete") and not state["type"].startswith("pulumi:")
    ]
    return [Leaf(f"r{number}", state) for number, state in enumerate(found)]


def program(deployment: Mapping[str, Any]) -> str:
    """Python source of the flat program. Untold names what it cannot write."""
    known: dict[str, Leaf] = {}
    body = []
    packages = set()
    for leaf in leaves(deployment):
        path, kind = python_class(leaf.state["type"])
        packages.add(path.split(".")[0])
        names = _python_names(kind)
        body.append(_resource(leaf, path, names, known))
        leaf.references = _references(leaf, names)
        known[leaf.state["urn"]] = leaf
    imports = "\n".join(f"import {package}" for package in sorted(packages | {"pulumi"}))
    return f'"""Written by benchmarks/flat.py."""\n\nimport json\n\n{imports}\n\n' + "\n".join(body)


def python_class(token: str) -> tuple[str, type]:
    """`aws:ec2/vpc:Vpc` -> ("pulumi_aws.ec2.Vpc", the class)."""
    package, module, name = token.split(":")
    folder, _, file = module.replace("-", "").partition("/")
    folder = folder.partition(".")[0]  # of a group of Kubernetes': networking.k8s.io
    parts = [f"pulumi_{package.replace('-', '_')}"]
    if folder not in ("index", ""):
        parts.append(f"{folder}_" if keyword.iskeyword(folder) else folder)
    # The second part is a version for Kubernetes (`core/v1`), for others the name again (`ec2/vpc`).
    if re.fullmatch(r"v\d\w*", file):
        parts.append(file)
    found: Any = importlib.import_module(parts[0])
    for part in [*parts[1:], name]:
        found = getattr(found, part, None)
        if found is None:
            raise Untold(f"the Python SDK has no {part} on the way to {token}")
    return ".".join([*parts, name]), found


def _python_names(kind: type) -> dict[str, str]:
    """Wire name -> Python name of a resource class's properties."""
    names = {}
    for name, member in vars(kind).items():
        if isinstance(member, property):
            names[str(getattr(member.fget, "_pulumi_name", name))] = name
    return names


def _resource(leaf: Leaf, path: str, names: Mapping[str, str], known: Mapping[str, Leaf]) -> str:
    state = leaf.state
    met = state.get("propertyDependencies") or {}
    referred: set[str] = set()
    lines = [f"{leaf.variable} = {path}(", f"    {leaf.name!r},"]
    for wire, value in leaf.inputs.items():
        near = [known[urn] for urn in met.get(wire) or [] if urn in known]
        keyword_ = names.get(wire) or snake(wire)
        # The SDKs' way out where a property has the name of a constructor's own parameter.
        keyword_ += "_" if keyword_ in ("resource_name", "opts") else ""
        lines.append(f"    {keyword_}={expression(value, near, referred)},")
    options = []
    rest = [urn for urn in state.get("dependencies") or [] if urn in known and known[urn].variable not in referred]
    if rest:
        options.append(f"depends_on=[{', '.join(known[urn].variable for urn in rest)}]")
    if state.get("protect"):
        options.append("protect=True")
    if state.get("ignoreChanges"):
        options.append(f"ignore_changes={state['ignoreChanges']!r}")
    if options:
        lines.append(f"    opts=pulumi.ResourceOptions({', '.join(options)}),")
    return "\n".join([*lines, ")", ""])


def expression(value: Any, near: Iterable[Leaf], referred: set[str]) -> str:
    """Python for `value`; texts that a resource of `near` computed become references, noted in `referred`."""
    near = list(near)
    if isinstance(value, dict) and value.get(SECRET_KEY) == SECRET_VALUE:
        if "plaintext" not in value:
            raise Untold("a secret without its plain text: export with --show-secrets")
        return f"pulumi.Output.secret({expression(json.loads(value['plaintext']), near, referred)})"
    if isinstance(value, dict) and value.get(SECRET_KEY) == ASSET and "text" in value:
        text = expression(value["text"], near, referred)
        return f"{text}.apply(pulumi.StringAsset)" if text.startswith("pulumi.") else f"pulumi.StringAsset({text})"
    if isinstance(value, dict) and SECRET_KEY in value:
        raise Untold(f"a special value of kind {value[SECRET_KEY]}")
    if isinstance(value, dict):
        items = (f"{key!r}: {expression(item, near, referred)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(expression(item, near, referred) for item in value) + "]"
    if isinstance(value, str):
        return _text(value, near, referred)
    return repr(value)


def _text(text: str, near: list[Leaf], referred: set[str]) -> str:
    table: dict[str, tuple[str, str]] = {}
    for leaf in near:
        for found, words in leaf.references.items():
            table.setdefault(found, (words, leaf.variable))
    if text in table:
        words, variable = table[text]
        referred.add(variable)
        return words
    longest_first = sorted((found for found in table if len(found) >= SHORTEST_REFERENCE), key=len, reverse=True)
    if not longest_first:
        return repr(text)
    pieces = re.split("(" + "|".join(re.escape(found) for found in longest_first) + ")", text)
    if len(pieces) == 1:
        return repr(text)
    parts = []
    for piece in pieces:
        if piece in table:
            referred.add(table[piece][1])
            parts.append(table[piece][0])
        elif piece:
            parts.append(repr(piece))
    return f"pulumi.Output.concat({', '.join(parts)})"


def _references(leaf: Leaf, names: Mapping[str, str]) -> dict[str, str]:
    """What others can refer to: the id and the computed texts, also secret ones."""
    found: dict[str, str] = {}
    given = {json.dumps(value, sort_keys=True) for value in leaf.inputs.values()}
    if leaf.state.get("id"):
        found[str(leaf.state["id"])] = f"{leaf.variable}.id"
    for wire, value in (leaf.state.get("outputs") or {}).items():
        if isinstance(value, dict) and value.get(SECRET_KEY) == SECRET_VALUE and "plaintext" in value:
            value = json.loads(value["plaintext"])
        if isinstance(value, str) and value and wire in names and json.dumps(value) not in given:
            found.setdefault(value, f"{leaf.variable}.{names[wire]}")
            escaped = json.dumps(value)[1:-1]
            if escaped != value:  # inside a JSON document; parsed and written again by the program
                found.setdefault(escaped, f"{leaf.variable}.{names[wire]}.apply(lambda text: json.dumps(text)[1:-1])")
    return found


def snake(wire: str) -> str:
    """`cidrBlock` -> `cidr_block`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])", r"_\1\2", wire).lower()


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """How the leaf resources of two states differ: missing ones, and inputs that only one has. Empty: not at all."""

    def shape(deployment: Mapping[str, Any]) -> dict[tuple[str, str], set[str]]:
        return {(leaf.state["type"], leaf.name): set(leaf.inputs) for leaf in leaves(deployment)}

    first, second = shape(one), shape(other)
    found = [f"{kind} {name} is in one only" for kind, name in sorted(first.keys() ^ second.keys())]
    for key in sorted(first.keys() & second.keys()):
        if odd := first[key] ^ second[key]:
            found.append(f"{' '.join(key)}: {', '.join(sorted(odd))}")
    return found
