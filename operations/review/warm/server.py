"""Runs programs as copies of itself: `server.py LISTENER KNOWN`, until its standard input ends.

KNOWN names modules of Pulumi's SDKs, one a line. It imports them, and what each program has imported besides, for the
next one. A program whose folder has a module of the name of one that is here gets a Python of its own.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

PATIENCE_SECONDS = 10.0
"""For a request to come whole."""


class Server:
    def __init__(self, listener: socket.socket, known: Path) -> None:
        self.listener, self.known = listener, known
        self.waiting = selectors.DefaultSelector()
        self.callers: dict[int, socket.socket] = {}
        """By process id of a copy: who waits for its end."""
        self.had: dict[str, None] = {}
        self.folder = Path.cwd()

    def serve(self) -> list[str] | None:
        """In each copy the words of its program; in the server, at its end, None."""
        if self.known.exists():
            self.learn(self.known.read_text().split())
        self.waiting.register(0, selectors.EVENT_READ)
        self.waiting.register(self.listener, selectors.EVENT_READ)
        while True:
            for key, _ in self.waiting.select():
                if key.fd == 0:
                    for child in self.callers:
                        os.killpg(child, signal.SIGKILL)
                    return None
                if key.data is None:
                    caller, _ = self.listener.accept()
                    with contextlib.suppress(OSError, ValueError):  # of who has hung up
                        if words := self.copied(caller):
                            return words
                elif key.data in self.callers:
                    self.ended(key.data, hung_up=key.fileobj is self.callers[key.data])

    def copied(self, caller: socket.socket) -> list[str]:
        """In the copy its words; in the server none."""
        caller.settimeout(PATIENCE_SECONDS)
        head, files, _, _ = socket.recv_fds(caller, 4, 3)
        try:
            with caller.makefile("rb") as stream:
                asked = json.loads(stream.read(int.from_bytes(head, "big")))
            words: list[str] = asked["words"]
            if len(files) != 3 or hides(program(words)):
                caller.close()
                return []
            ready, told = os.pipe()
            child = os.fork()
            if not child:
                os.setsid()
                os.close(told)
                self.become(asked, files)
                return words
            os.close(told)
            os.read(ready, 1)  # ends when it leads a group, which can be ended as a whole
            os.close(ready)
        finally:
            for file in files:
                os.close(file)
        self.callers[child] = caller
        self.waiting.register(caller, selectors.EVENT_READ, child)
        self.waiting.register(os.pidfd_open(child), selectors.EVENT_READ, child)
        caller.sendall(b"b")
        return []

    def become(self, asked: dict[str, Any], files: list[int]) -> None:
        """As a process that was started anew: the caller's files, folder and environment, nothing of the server's."""
        self.waiting.close()
        for mine in (self.listener, *self.callers.values()):
            mine.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.environ.clear()
        os.environ.update(asked["env"])
        os.chdir(asked["cwd"])
        if "pulumi.log" in sys.modules:
            vars(sys.modules["pulumi.log"])["debug"] = unheard
        learnt = self.folder / f"learnt-{os.getpid()}"
        atexit.register(lambda: learnt.write_text("\n".join(imported())))

    def ended(self, child: int, hung_up: bool) -> None:
        caller = self.callers.pop(child)
        if hung_up:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        for key in list(self.waiting.get_map().values()):
            if key.data == child:
                self.waiting.unregister(key.fileobj)
                if key.fileobj is not caller:
                    os.close(key.fd)
        with contextlib.suppress(OSError):
            caller.sendall(str(os.waitstatus_to_exitcode(status)).encode())
        caller.close()
        learnt = self.folder / f"learnt-{child}"
        if learnt.exists():
            self.learn(learnt.read_text().split())
            learnt.unlink()

    def learn(self, names: Iterable[str]) -> None:
        """Import what is new, and write down that it was wanted."""
        new = [name for name in names if name not in self.had]
        if not new:
            return
        self.had.update(dict.fromkeys(new))
        gc.disable()
        for name in new:
            with contextlib.suppress(Exception):  # the program that wants it will say why
                found = importlib.import_module(name.partition(".")[0])
                for part in name.split(".")[1:]:
                    found = getattr(found, part)
                hasattr(found, "asked")  # the SDKs import what is in a package at its first name that no module has
        gc.enable()
        gc.freeze()
        draft = self.known.with_name(f"{self.known.name}.{os.getpid()}")
        draft.write_text("\n".join(self.had))
        draft.replace(self.known)


def unheard(*_: object, **__: object) -> None:
    """In the place of `pulumi.log.debug`: of each resource the SDK has four messages for it, each a call that waits for
    the engine, which shows them with `--debug` only: a tenth of an `up`'s CPU time (ADR 56)."""


def imported() -> list[str]:
    """Packages of Pulumi's SDKs that are in use. They show what is in them whether somebody has imported it or not, so
    no program finds anything there that it would have had to import; what they need themselves comes with them."""
    found = []
    for name, module in list(sys.modules.items()):
        # Of another type is what is imported when it is first used, and has not been.
        if type(module) is not ModuleType or not (name.startswith("pulumi_") or name.partition(".")[0] == "pulumi"):
            continue
        known = vars(module)
        if "__path__" in known and "site-packages" in Path(known.get("__file__") or "").parts:
            found.append(name)
    return found


def program(words: list[str]) -> Path:
    """Its folder; the words are the executor, its options, the program and what that is given."""
    place = Path(next(word for word in words[1:] if not word.startswith("--")))
    return place if place.is_dir() else place.parent


def hides(folder: Path) -> bool:
    """Whether a module in there would have been found before one that is here."""
    here = {name.partition(".")[0] for name in sys.modules} - {"__main__"}
    return any(path.name.partition(".")[0] in here for path in folder.iterdir())


if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[1]), False)
    words = Server(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])).serve()
    if words:
        sys.argv = words
        sys.path[0] = str(Path(words[0]).parent)
        runpy.run_path(words[0], run_name="__main__")
