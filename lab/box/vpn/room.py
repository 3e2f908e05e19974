"""Programs of the machine image without a machine: each in a namespace of the box, with one folder of its own."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from string import Template

from lab.box.host import BoxError, run

HERE = Path(__file__).parent
SECONDS = 20.0
"""For a daemon's start, on a busy machine; one that takes longer hangs."""


def filled(name: str, **words: object) -> str:
    """A file of this folder with its words put in. KeyError when one is lacking."""
    return Template((HERE / name).read_text()).substitute(words)


class Room:
    """What it starts ends when the namespace's processes are killed; nothing of its mounts is seen outside."""

    def __init__(self, namespace: str, image: Path, folder: Path) -> None:
        self.namespace = namespace
        self.folder = folder
        self._image = image
        self._started: subprocess.Popen[bytes] | None = None

    def write(self, name: str, text: str) -> None:
        """Into the folder, for the room's own eyes: there are keys among it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)

    def start(self, *words: str, **environment: str) -> None:
        """The room's program; what it says is in FOLDER/said."""
        enter = ("ip", "netns", "exec", self.namespace, "unshare", "--mount", "sh", str(HERE / "room.sh"))
        with (self.folder / "said").open("ab") as said:
            self._started = subprocess.Popen(
                [*enter, str(self._image), str(self.folder), *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        return self._started is not None and self._started.poll() is None

    def ask(self, *words: str, check: bool = True) -> str:
        """A command beside the room's program. BoxError when it fails, unless `check` says that it may."""
        return run(*self.words(*words), check=check)

    def words(self, *words: str) -> list[str]:
        """The same, for whoever starts it."""
        assert self._started, "nothing was started in this room"
        return ["nsenter", f"--target={self._started.pid}", "--mount", "--net", "--root", "--wd", *words]

    def wait(self, seen: Callable[[], bool]) -> None:
        """Until its program shows that it started. BoxError with what it said when it does not."""
        deadline = time.monotonic() + SECONDS
        while not seen():
            if not self.runs or time.monotonic() > deadline:
                raise BoxError(f"{self.folder.name} did not start; it said: {self.last_words()}")
            time.sleep(0.05)

    def last_words(self) -> str:
        lines = (self.folder / "said").read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "nothing"

    def reap(self) -> None:
        """After its processes were killed."""
        if self._started is not None:
            self._started.kill()
            self._started.wait()
            self._started = None
