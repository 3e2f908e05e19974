"""A command on another host."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.command.connection import dial, through
from lab.providers.command.running import CommandType, Heard, failed
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class Command(CommandType):
    """Over real SSH. A changed connection, too, runs `update` (or `create`) again, as with the real provider."""

    token = "command:remote:Command"
    updates = frozenset(
        {"connection", "create", "update", "delete", "environment", "stdin", "logging", "addPreviousOutputInEnv"}
    )
    secret_outputs = frozenset({"connection"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return logging_problems(inputs)

    def run(self, call: Call, command: str, inputs: Mapping[str, Any], environment: dict[str, str]) -> Heard:
        heard = Heard()
        status, signal = through(call, _execute(call, command, inputs, environment, heard))
        if signal:
            raise failed(command, f"Process exited with signal {signal}", heard)
        if status is None:
            raise failed(command, "wait: remote command exited without exit status or exit signal", heard)
        if status:
            raise failed(command, f"Process exited with status {status}", heard)
        return heard


async def _execute(
    call: Call, command: str, inputs: Mapping[str, Any], environment: dict[str, str], heard: Heard
) -> tuple[int | None, str]:
    wanted = inputs.get("logging") or "stdoutAndStderr"
    async with (
        dial(call, inputs["connection"]) as connection,
        connection.create_process(command, env=environment, errors="replace") as process,
    ):

        async def feed() -> None:
            try:
                process.stdin.write(inputs.get("stdin") or "")
                await process.stdin.drain()
                process.stdin.write_eof()
            except (BrokenPipeError, ConnectionResetError):
                pass  # a command that does not read all of its input

        async def listen(name: str, stream: Any) -> None:
            async for line in stream:
                heard.hear(call, name, line, wanted)

        await asyncio.gather(feed(), listen("stdout", process.stdout), listen("stderr", process.stderr))
        done = await process.wait(check=False)
        return done.exit_status if not done.exit_signal else None, done.exit_signal[0] if done.exit_signal else ""


def logging_problems(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """A `logging` that the provider does not know."""
    known = ("stdout", "stderr", "stdoutAndStderr", "none")
    if isinstance(inputs.get("logging"), str) and inputs["logging"] not in known:
        yield Problem("logging", f"logging is {inputs['logging']!r}; one of {', '.join(known)}")
