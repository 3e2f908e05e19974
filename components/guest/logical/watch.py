"""What goes through the tunnels while somebody cuts them: new connections to the far end, heartbeats to who follows.

Here: counted, and timed by this machine's clock alone. Not here: the cut, which is operations' (`drill tunnel`).
"""

import contextlib
import socket
import threading
import time
from typing import Any

from ..errors import Failed
from .config import Config, End
from .facts import Say
from .look import has_beat, write_beat
from .psql import Patience, PgError
from .set_up import facing, servers

EACH_SECONDS = 0.2
"""A new connection each, so that each takes a way of its own where a cloud spreads them over tunnels."""
ANSWER_SECONDS = 0.9
"""Below TCP's first repetition (1 s): what is lost stays lost."""
BEAT_SECONDS = 0.5
BEGIN_SECONDS = 30.0
BRISK = Patience(connect=2, lock=2, statement=5, call=8)
"""libpq's shortest wait is 2 s."""


class Watched:
    """What came, while `with`."""

    def __init__(self, config: Config) -> None:
        self._far = config.source  # the document's: the one at the other end of the tunnels, whoever writes
        self._config = facing(config)
        self._over = threading.Event()
        self.looks: list[tuple[float, bool]] = []
        """When a connection was begun, and whether it was answered."""
        self.beats: list[tuple[float, float]] = []
        """When a heartbeat was written, and when it was there."""
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._connect, self._beat)]

    def __enter__(self) -> "Watched":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join(BRISK.call + 1)

    def _connect(self) -> None:
        while not self._over.wait(EACH_SECONDS):
            threading.Thread(target=self._one, args=(time.monotonic(),), daemon=True).start()

    def _one(self, began: float) -> None:
        self.looks.append((began, answers(self._far)))

    def _beat(self) -> None:
        source, target = servers(self._config, BRISK)
        while not self._over.wait(BEAT_SECONDS):
            with contextlib.suppress(PgError):
                beat, _ = write_beat(self._config, source)
                wrote = time.monotonic()
                while not self._over.wait(0.05):
                    with contextlib.suppress(PgError):
                        if has_beat(self._config, target, beat):
                            self.beats.append((wrote, time.monotonic()))
                            break


def watch(config: Config, seconds: float, say: Say) -> "dict[str, Any]":
    """{"connections", "lost", "lost_seconds", "back_seconds", "current_seconds", "late_seconds"}. Failed when nothing
    comes from the beginning: what is broken already shows nothing."""
    began = time.monotonic()
    with Watched(config) as seen:
        while not (seen.beats and any(well for _, well in seen.looks)):
            if time.monotonic() - began > BEGIN_SECONDS:
                raise Failed(f"nothing came within {BEGIN_SECONDS:g} s: `look` says what is amiss")
            time.sleep(EACH_SECONDS)
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            lost = sum(not well for _, well in seen.looks)
            say(f"watching: {len(seen.looks)} connections, {lost} lost, {len(seen.beats)} heartbeats")
            time.sleep(min(left, 1.0))
    found = judged(sorted(seen.looks), sorted(seen.beats), began)
    return {"outcome": "done", "flow": config.name, **found}


def judged(looks: "list[tuple[float, bool]]", beats: "list[tuple[float, float]]", began: float) -> "dict[str, Any]":
    """Figures in seconds, times from `began` on. `lost_seconds`: from the first connection that was lost to the first
    after which none was. `back_seconds`: when that was. `current_seconds`: from then until a heartbeat that was written
    no earlier was there. `late_seconds`: the slowest heartbeat's way. Pure."""
    lost = [at for at, well in looks if not well]
    back = next((at for at, _ in looks if at > lost[-1]), None) if lost else None
    current = next((came - back for wrote, came in beats if wrote >= back), None) if back is not None else None
    problems = []
    if lost and back is None:
        problems.append("nothing came through any more when the watch ended")
    elif lost and current is None:
        problems.append("no heartbeat came after the path was back, until the watch ended")
    return {
        "connections": len(looks),
        "lost": len(lost),
        "lost_seconds": 0.0 if not lost else None if back is None else round(back - lost[0], 1),
        "back_seconds": None if back is None else round(back - began, 1),
        "current_seconds": None if current is None else round(current, 1),
        "late_seconds": round(max((came - wrote for wrote, came in beats), default=0.0), 1),
        "problems": problems,
    }


def answers(end: End) -> bool:
    """Whether a new connection is taken."""
    local = f"{end.address}/.s.PGSQL.{end.port}" if end.local else ""
    with socket.socket(socket.AF_UNIX if local else socket.AF_INET) as one:
        one.settimeout(ANSWER_SECONDS)
        try:
            one.connect(local or (end.address, end.port))
        except OSError:
            return False
    return True
