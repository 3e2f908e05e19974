"""A command here, where `pulumi` runs."""

import os
import subprocess
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.command.remote_command import logging_problems
from lab.providers.command.running import CommandType, Heard, failed
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal


class Command(CommandType):
    """At the operator's desk, with the provider's environment."""

    token = "command:local:Command"
    updates = frozenset(
        {
            "create",
            "update",
            "delete",
            "environment",
            "stdin",
            "logging",
            "addPreviousOutputInEnv",
            "interpreter",
            "dir",
        }
    )

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from logging_problems(inputs)
        for key in ("assetPaths", "archivePaths"):
            if inputs.get(key):
                yield Problem(key, f"the lab's local.Command does not collect files: take {key} out")

    def run(self, call: Call, command: str, inputs: Mapping[str, Any], environment: dict[str, str]) -> Heard:
        words = [*(inputs.get("interpreter") or ["/bin/sh", "-c"]), command]
        wanted = inputs.get("logging") or "stdoutAndStderr"
        heard = Heard()
        try:
            process = subprocess.Popen(
                words,
                cwd=inputs.get("dir") or None,
                env=os.environ | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise Refusal(f"cannot run {words[0]}: {error}") from None

        def listen(name: str, stream: Any) -> None:
            for line in stream:
                heard.hear(call, name, line, wanted)

        def feed() -> None:
            assert process.stdin is not None
            try:
                process.stdin.write(inputs.get("stdin") or "")
                process.stdin.close()
            except BrokenPipeError:
                pass  # a command that does not read all of its input

        threads = [threading.Thread(target=feed, daemon=True)]
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            threads.append(threading.Thread(target=listen, args=(name, stream), daemon=True))
        for thread in threads:
            thread.start()
        while True:
            try:
                process.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                if call.cancelled.is_set():
                    os.killpg(process.pid, 15)
        for thread in threads:
            thread.join()
        if call.cancelled.is_set() and process.returncode:
            raise failed(command, "interrupted", heard)
        if process.returncode < 0:
            raise failed(command, f"signal {-process.returncode}", heard)
        if process.returncode:
            raise failed(command, f"exit status {process.returncode}", heard)
        return heard
