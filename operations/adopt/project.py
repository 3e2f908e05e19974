"""The Pulumi project of the present folder, as adopting a name needs it: what it wants, what it has, and importing."""

import json
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Site

from ..moves.program import PREVIEW_SECONDS, QUESTION_SECONDS, Program, ProgramFailed

RECORD = "aws:route53/record:Record"
CHECK = "aws:route53/healthCheck:HealthCheck"
PAIR = "twinsite:index:Route53FailoverPair"
LATCH = "twinsite:index:Latch"
PREVIOUS = "previous_records"
"""The setting that keeps what a name was before; the program puts it back when the pair goes."""

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is not known yet (pulumi/sdk, plugin.UnknownStringValue)."""


@dataclass(frozen=True)
class Wanted:
    """A record of a pair as the program wants it."""

    urn: str
    parent: str
    change: str
    """What a preview says: create, same, update …"""
    inputs: Mapping[str, Any]

    @property
    def fqdn(self) -> str:
        return str(self.inputs["name"]).rstrip(".").lower()

    @property
    def unknown(self) -> bool:
        return _UNKNOWN in json.dumps(self.inputs)

    @property
    def identity(self) -> str:
        """Import id: zone, name, type and set identifier [pulumi-aws, route53.Record, Import]."""
        parts = (self.inputs["zoneId"], self.fqdn, self.inputs["type"], self.inputs["setIdentifier"])
        return "_".join(str(part) for part in parts)


NOWHERE = Site("", ())
"""A site at which nothing stands: nothing is left out of a preview."""


class Project(Program):
    """One stack of the project in `folder`."""

    def __init__(self, stack: str, folder: pathlib.Path) -> None:
        super().__init__(stack, folder, NOWHERE)

    def preview(self) -> list[dict[str, Any]]:
        """Steps of a preview, unchanged ones too. ProgramFailed with the program's words."""
        code, text = self._run(["preview", "--json", "--show-sames"], PREVIEW_SECONDS)
        found = _json(text)
        if code or "steps" not in found:
            said = [one["message"] for one in found.get("diagnostics", []) if one.get("severity") == "error"]
            raise ProgramFailed(f"`pulumi preview` failed: {' / '.join(said)[-1000:] or text[-1000:]}")
        return list(found["steps"])

    def state(self) -> list[dict[str, Any]]:
        """Resources of the stack's state."""
        code, text = self._run(["stack", "export"], QUESTION_SECONDS)
        if code:
            raise ProgramFailed(f"`pulumi stack export` failed: {text[-500:]}")
        return list((_json(text).get("deployment") or {}).get("resources") or ())

    def settings(self) -> dict[str, str]:
        """Settings in clear text, without the project's namespace."""
        code, text = self._run(["config", "--json"], QUESTION_SECONDS)
        if code:
            raise ProgramFailed(f"`pulumi config` failed: {text[-500:]}")
        return {key.rpartition(":")[2] if not key.startswith("aws:") else key: str(one["value"])
                for key, one in _json(text).items() if "value" in one}  # fmt: skip

    def keep(self, previous: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Write the setting of what names were before."""
        words = ["config", "set", PREVIOUS, json.dumps(previous, sort_keys=True)]
        code, text = self._run(words if previous else ["config", "rm", PREVIOUS], QUESTION_SECONDS)
        if code:
            raise ProgramFailed(f"`pulumi config` could not write {PREVIOUS}: {text[-500:]}")

    def take(self, records: Sequence[Wanted], provider: str) -> None:
        """Import records that are in the zone, with the provider that the stack's other records have."""
        table = {"pair": records[0].parent}
        own: dict[str, str] = {}
        name = provider.rpartition("::")[0].rpartition("::")[2]
        if name.startswith("default_"):
            own["version"] = name.removeprefix("default_").replace("_", ".")
        elif name and name != "default":
            table["provider"], own["provider"] = provider.rpartition("::")[0], "provider"
        listed = [
            {"type": RECORD, "name": one.urn.rpartition("::")[2], "id": one.identity, "parent": "pair", **own}
            for one in records
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump({"nameTable": table, "resources": listed}, file)
            file.flush()
            words = ["import", "--file", file.name, "--yes", "--skip-preview", "--protect=false"]
            code, text = self._run([*words, "--generate-code=false"], PREVIEW_SECONDS)
        if code:
            raise ProgramFailed(f"`pulumi import` failed: {text[-1000:]}")

    def forget(self, urn: str) -> None:
        """Take a resource out of the state, and leave the thing itself alone."""
        code, text = self._run(["state", "delete", urn, "--yes"], QUESTION_SECONDS)
        if code:
            raise ProgramFailed(f"`pulumi state delete {urn}` failed: {text[-500:]}")


def records(steps: Sequence[Mapping[str, Any]]) -> list[Wanted]:
    """Records of failover pairs that users know; not the latch's witness."""
    pairs = {str(step["urn"]) for step in steps if (step.get("newState") or {}).get("type") == PAIR}
    found = []
    for step in steps:
        state = step.get("newState") or {}
        if state.get("type") == RECORD and state.get("parent") in pairs:
            found.append(Wanted(str(step["urn"]), str(state["parent"]), str(step["op"]), state["inputs"]))
    return found


def page_path(steps: Sequence[Mapping[str, Any]]) -> str:
    """The application's path, as the check of the primary's own page has it."""
    for step in steps:
        state = step.get("newState") or {}
        if state.get("type") == CHECK and str(step["urn"]).endswith("-primary-page"):
            return str(state["inputs"].get("resourcePath") or "/")
    return "/"


def _json(text: str) -> dict[str, Any]:
    try:
        found, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
    except ValueError:
        return {}
    return dict(found)
