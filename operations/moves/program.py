"""The Pulumi program of the present folder, for raising and lowering the mode: the one activation that uses Pulumi."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from twinsite.inventory import Inventory, Site, from_dict
from twinsite.rules.home import Home, home_problems

from . import activation
from .exclusion import Exclusion

UP_SECONDS = 3600.0
PREVIEW_SECONDS = 600.0
QUESTION_SECONDS = 60.0
LOCK_WAIT_SECONDS = 900.0
LOOK_SECONDS = 0.2
# A self-managed backend's words, and Pulumi Cloud's (pulumi/pulumi#2073, #3207: 409 Conflict).
_BUSY = re.compile("stack is currently locked|Another update is currently in progress")
_LOCKED = re.compile(r"created by \S+@(\S+) \(pid (\d+)\)")
_OTHER_PROVIDER = "has not been registered yet, this is due to a change of providers"
_WAY_OUT = "run the same command from the checkout and .venv, and with the settings, of the last `pulumi up`"


class ProgramFailed(Exception):
    """`pulumi` said no; its own words, and what to do."""


class _Lines:
    """What a process writes to a file, as it comes."""

    def __init__(self, file: int) -> None:
        self._file, self._all, self._told = file, b"", 0

    def read(self, line: Callable[[str], None] | None) -> None:
        """Tell of the whole lines that have come since."""
        while more := os.pread(self._file, 1 << 16, len(self._all)):
            self._all += more
        end = self._all.rfind(b"\n") + 1
        fresh, self._told = self._all[self._told : end], max(end, self._told)
        for text in fresh.decode("utf-8", "replace").splitlines() if line else ():
            if line and text.strip():
                line(text.strip())

    def text(self) -> str:
        """All of it, without what only fills a line."""
        return "\n".join(text.rstrip() for text in self._all.decode("utf-8", "replace").splitlines())


def _ended(child: "subprocess.Popen[bytes]") -> bool:
    try:
        child.wait(timeout=LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


class Program:
    """One stack of the project in `folder`, whose home site is `home`; `others` are its other sites."""

    def __init__(self, stack: str, folder: pathlib.Path, home: Site, others: tuple[Site, ...] = ()) -> None:
        self._stack, self._folder, self._home, self._others = stack, folder, home, others
        self._primary = home.name

    def _run(
        self,
        arguments: list[str],
        seconds: float,
        line: Callable[[str], None] | None = None,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, str]:
        """(exit code, all that it said); `more` is in its environment beside ours."""
        command = ["pulumi", "--non-interactive", *arguments, "--stack", self._stack]
        environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1", **more}
        # A session of its own and a file, not a pipe: when this command is killed, or its terminal closes, an `up` ends
        # in good order by itself, and the same command waits for it. Ended in the middle it would leave resources that
        # no state knows, and azure-native refuses to make those again ("cannot create already existing resource").
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            ) as child,
        ):
            deadline, lines = time.monotonic() + seconds, _Lines(said.fileno())
            try:
                while not _ended(child):
                    lines.read(line)
                    if time.monotonic() > deadline:
                        child.terminate()
                        raise ProgramFailed(f"`{' '.join(command)}` did not end within {seconds:g} s")
            except KeyboardInterrupt:
                child.send_signal(signal.SIGINT)
                child.wait()
                raise
            lines.read(line)
            return child.returncode, lines.text()

    def problems(self) -> tuple[str, ...]:
        """Why it cannot raise the mode while the primary is dead; each with its fix."""
        if shutil.which("pulumi") is None:
            return (
                f"raising the mode needs `pulumi` on PATH: install it here, before {self._primary} is needed no more",
            )
        if not (self._folder / "Pulumi.yaml").exists():
            return (
                f"raising the mode needs the Pulumi program, and {self._folder} has no Pulumi.yaml: run this in the "
                "project's folder",
            )
        settings = self._folder / f"Pulumi.{self._stack}.yaml"
        try:
            text = settings.read_text(encoding="utf-8")
        except OSError as error:
            return (f"the stack's settings cannot be read ({error}): give --stack NAME",)
        provider = re.search(r"^secretsprovider:\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
        place = Home(
            backend=self._backend(),
            secrets_provider=provider[1] if provider else "",
            # The program itself sees these, and says so before its first resource.
            skips_sts=True,
            skips_cluster=True,
        )
        accepted = re.search(r"^\s+\S*home_in_aws:\s*[\"']?accept\b", text, re.MULTILINE) is not None
        return tuple(home_problems(place, accepted))

    def _backend(self) -> str:
        command = ["pulumi", "whoami", "--verbose", "--json"]
        try:
            done = subprocess.run(
                command, cwd=self._folder, capture_output=True, text=True, timeout=QUESTION_SECONDS, check=False
            )
            return str(json.loads(done.stdout).get("url") or "") if done.returncode == 0 else ""
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return ""

    def to_mode(self, mode: str, say: Callable[[str], None]) -> Inventory:
        """Set dr_mode, run `pulumi up`; the inventory afterwards. ProgramFailed with Pulumi's words.

        Up, the primary is dead, or that is rehearsed: what the program wants of it is left for a later `up` (ADR 10).
        """
        code, text = self._run(["config", "set", "dr_mode", mode], QUESTION_SECONDS)
        if code:
            raise ProgramFailed(f"`pulumi config set dr_mode {mode}`: {text[-500:]}")
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            code, text = self._run(
                ["up", "--yes", "--skip-preview", *(self._left_out(say) if activation.serves(mode) else [])],
                UP_SECONDS,
                lambda words: None if _BUSY.search(words) else say(words),
            )
            if code == 0:
                return self.inventory()
            if not _BUSY.search(text):
                raise ProgramFailed(f"`pulumi up` failed: {last_words(text)}")
            if _owner_is_gone(text):
                # Of a command that was killed here, with its `pulumi`.
                self._run(["cancel", "--yes"], QUESTION_SECONDS)
            elif time.monotonic() >= deadline:
                raise ProgramFailed(f"the stack is locked: {last_words(text)}; if nobody works on it, `pulumi cancel`")
            say("another `pulumi`, perhaps of a command that was killed, still works on the stack: waiting for it")
            time.sleep(2.0)

    def _left_out(self, say: Callable[[str], None]) -> list[str]:
        """What tells `up` to leave the primary out. ProgramFailed where that would break something."""
        out = Exclusion(self._home, self._others)
        words = out.words()
        steps = self._previewed(words, say)
        if steps is None:
            return []
        if problems := out.problems(steps):
            raise ProgramFailed(f"{self._primary} cannot be left out: {'; '.join(problems)}")
        if more := out.words(steps)[len(words) :]:
            words += more
            steps = self._previewed(words, say) or []
        if needs := out.new_and_needed(steps):
            pairs = "; ".join(f"{needing} needs {needed}" for needing, needed in needs)
            raise ProgramFailed(
                f"the program has something new at {self._primary}, which cannot be made now, and needs it elsewhere "
                f"({pairs}): {_WAY_OUT}"
            )
        say(f"{self._primary} is left as it is: what the program wants changed there comes with the next `pulumi up`")
        return words

    def _previewed(self, words: list[str], say: Callable[[str], None]) -> list[dict[str, Any]] | None:
        """Steps of a preview without the home site; None where Pulumi cannot leave it out, which is said."""
        code, text = self._run(["preview", "--json", "--show-sames", *words], PREVIEW_SECONDS)
        if _OTHER_PROVIDER in text:
            say(
                f"{self._primary} cannot be left out: Pulumi's packages for it have other versions than at the last "
                f"`pulumi up`; if this one fails there, {_WAY_OUT}"
            )
            return None
        try:
            found, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        except ValueError:
            found = {}
        if code or "steps" not in found:
            said = [one["message"] for one in found.get("diagnostics", []) if one.get("severity") == "error"]
            raise ProgramFailed(
                f"`pulumi preview` without {self._primary} failed: {last_words(chr(10).join(said) or text)}; if "
                f"twinsite or a setting has changed since the last `pulumi up`: {_WAY_OUT}"
            )
        steps: list[dict[str, Any]] = found["steps"]
        return steps

    def inventory(self) -> Inventory:
        """As the stack publishes it now."""
        code, text = self._run(["stack", "output", "inventory", "--json"], QUESTION_SECONDS)
        try:
            if code == 0:
                return from_dict(json.loads(text[text.index("{") :]))
        except ValueError as error:
            text = str(error)
        raise ProgramFailed(f"the stack's inventory cannot be read: {text[-300:]}")


def _owner_is_gone(text: str) -> bool:
    """Whether every lock named in Pulumi's refusal is of a process of this machine that has ended. Locks of another
    machine are never touched."""
    owners = _LOCKED.findall(text)
    return bool(owners) and all(
        host == socket.gethostname() and not pathlib.Path(f"/proc/{pid}").exists() for host, pid in owners
    )


def last_words(text: str) -> str:
    """What Pulumi says in the end: its diagnostics hold a machine's own words, which are not marked as errors."""
    told = text.partition("Diagnostics:")[2].partition("Outputs:")[0].partition("Resources:")[0] or text
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return " / ".join(lines)[-1500:]
