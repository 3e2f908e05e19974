"""What the command types share: when something runs, with which environment, and what comes out of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lab.providers.framework.types import Call, Refusal, ResourceType

RECORDED = "recorded, not run: there is no box in which this command could do anything"
"""stdout of a command that did not run."""

_SHOWN = 100
"""Characters of a command that an error repeats: scripts are long, and what they said matters more."""


@dataclass
class Heard:
    """Output of one run, also in the order in which it came."""

    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    both: list[str] = field(default_factory=list)

    def hear(self, call: Call, name: str, line: str, wanted: str) -> None:
        """One line of `stdout` or `stderr`; told to the engine when `logging` wants it."""
        (self.stdout if name == "stdout" else self.stderr).append(line)
        self.both.append(line)
        if wanted in (name, "stdoutAndStderr"):
            call.stream("info", line.rstrip("\n"))

    def outputs(self) -> dict[str, str]:
        """Without the last newline, as the provider has it."""
        return {
            "stdout": "".join(self.stdout).removesuffix("\n"),
            "stderr": "".join(self.stderr).removesuffix("\n"),
        }


class CommandType(ResourceType):
    """create, update and delete each run a command, or nothing when there is none."""

    replaces = frozenset({"triggers"})
    defaults: ClassVar[Mapping[str, Any]] = {"addPreviousOutputInEnv": True}
    # provider's WireDependencies
    secret_from: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "stdout": ("create", "update"),
        "stderr": ("create", "update"),
    }
    unstable = frozenset({"stdout", "stderr"})

    def run(self, call: Call, command: str, inputs: Mapping[str, Any], environment: dict[str, str]) -> Heard:
        """Run it to its end. Refusal with what it said when it fails."""
        raise NotImplementedError(self.token)

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return f"{call.name}{secrets.token_hex(4)}", self._run(call, inputs.get("create"), inputs, {})

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return self._run(call, new.get("update") or new.get("create"), new, state)

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        if state.get("delete"):
            self._run(call, state["delete"], state, state)

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        return state or super().read(call, identity, state)

    def _run(
        self, call: Call, command: str | None, inputs: Mapping[str, Any], before: Mapping[str, Any]
    ) -> dict[str, Any]:
        old = {key: before.get(key) or "" for key in ("stdout", "stderr")}
        if not command:
            return old
        if call.box is None:
            call.log("info", "recorded, not run")
            return {"stdout": RECORDED, "stderr": ""}
        environment = {key: str(value) for key, value in (inputs.get("environment") or {}).items()}
        if inputs.get("addPreviousOutputInEnv", True):
            names = {"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"}
            environment |= {names[key]: value for key, value in old.items() if value}
        return dict(self.run(call, command, inputs, environment).outputs())


def failed(command: str, how: str, heard: Heard) -> Refusal:
    """The error of a command that ran and failed, with everything that it said."""
    first = command.strip().splitlines()[0] if command.strip() else ""
    shown = first if len(first) <= _SHOWN and first == command.strip() else f"{first[:_SHOWN]} …"
    return Refusal(f'{how}: running "{shown}":\n{"".join(heard.both)}'.rstrip("\n"))
