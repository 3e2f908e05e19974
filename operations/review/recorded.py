"""The first ground: the real engine over provider plugins that record.

Base comes up once for each tree, stack and mode and is kept, with what the policy pack says of it; head's `up` goes on
from a copy of that state.
"""

import hashlib
import json
import os
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from . import asked, events, rooms
from .asked import Asked
from .rooms import Rooms
from .settings import StackFile
from .trees import CannotReview, Tree
from .words import Snapshot, Told

FORM = 2
"""Of what is kept. Raise it when files in there mean something else."""
PACK = Path(__file__).resolve().parents[2] / "policy"
"""Beside this package, in the tree and in the wheel."""
LIBRARY = PACK.with_name("twinsite") if PACK.with_name("twinsite").exists() else PACK.parent
"""What the pack imports; in the wheel it is around both (ADR 31)."""
UNPLAYED = ("no resource plugin", "is not supported in the", "has no stand-in", "nobody has written its stand-in")
"""What says that the plugins lack something, and nothing about the change."""
NOTHING = Asked()
_KEPT = ("state.json", "told.jsonl", "asked.json")


@dataclass(frozen=True)
class Ran:
    """One `up`, and what it left."""

    told: Told
    snapshot: Snapshot | None
    """None when it failed."""
    room: Path
    not_reviewed: str = ""
    asked: Asked = NOTHING

    def same_as(self, base: "Ran") -> bool:
        """Whether its program asked, onto what `base` left, for exactly what made it, and nothing came of it. From
        nothing it would make that again, if its hooks let it."""
        nothing = self.snapshot and not self.told.changes and not self.told.problems
        return bool(nothing and self.asked.fingerprint and self.asked == base.asked)


class Recorder:
    """Runs both sides. Safe to be used by several threads."""

    def __init__(self, made: Rooms, kept: Path, config: str) -> None:
        """`config` is the file that configures the policy pack, or ""."""
        self._rooms, self._kept = made, kept
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._config = ["--policy-pack-config", config] if config else []
        self._pack = pack(Path(config) if config else None)

    def anew(self, tree: Tree, stack: StackFile, mode: str) -> Ran:
        """Its `up` from nothing, or what is kept of it. Of a tree that has no hash nothing is kept."""
        if not tree.hash:
            return self._up(self._rooms.anew(tree, stack, mode), stack)
        place = self._place(tree, stack, mode)
        with self._only(place):  # two combinations may begin with the same state
            if not place.exists():
                room = self._rooms.anew(tree, stack, mode)
                ran = self._up(room, stack)
                if ran.snapshot is None:
                    return ran
                rooms.keep(place, room, room / "project" / f"Pulumi.{stack.name}.yaml", *(room / one for one in _KEPT))
            os.utime(place)
            return self._read(place)

    def onto(self, base: Ran, was: StackFile, tree: Tree, stack: StackFile, mode: str) -> Ran:
        """Its `up` on a copy of the state that base left."""
        room = self._rooms.onto(base.room, tree, stack, mode, same_secrets=was.secrets == stack.secrets)
        return self._up(room, stack)

    def adopt(self, base: Ran, tree: Tree, stack: StackFile, mode: str) -> None:
        """Keep what base left as what this tree makes from nothing, which is the same."""
        if tree.hash and base.room.is_relative_to(self._kept):
            place = self._place(tree, stack, mode)
            with self._only(place):
                if not place.exists():
                    rooms.keep(place, base.room, *(one for one in base.room.iterdir() if one.is_file()))

    def judge(self, ran: Ran) -> Told:
        """The policy pack on the state that an `up` left. CannotReview when the pack does not run."""
        place = ran.room / f"judged-{self._pack}.jsonl"
        with self._only(place):
            if not place.exists():
                words = ["policy", "analyze", "--json", "--file", str(ran.room / "state.json")]
                # In the room of no program: one would be looked at for nothing.
                done = self._rooms.run(self._rooms.bare(), *words, "--policy-pack", str(PACK), *self._config)
                told = events.read(done.stdout.splitlines())
                if not told.finished or told.problems:
                    said = (done.stderr.strip() or "; ".join(told.problems) or "no answer").splitlines()[-1]
                    raise CannotReview(f"the policy pack did not run: {said}: `pip install 'twinsite[policy]'`")
                draft = place.with_suffix(f".{os.getpid()}")
                draft.write_text(done.stdout)
                draft.replace(place)
            return events.read(place.read_text().splitlines())

    def _place(self, tree: Tree, stack: StackFile, mode: str) -> Path:
        return self._kept / "states" / key(self._rooms.ground, tree, stack, mode)

    def _only(self, place: Path) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(str(place), threading.Lock())

    def _up(self, room: Path, stack: StackFile) -> Ran:
        done = self._rooms.run(room, "up", "--stack", stack.name, "--yes", "--skip-preview", "--json", traced=True)
        (room / "told.jsonl").write_text(done.stdout)
        told = events.read(done.stdout.splitlines())
        calls = room / rooms.CALLS
        if done.returncode == 0:
            (room / "state.json").write_text(json.dumps(rooms.state(room, stack)))
            found = NOTHING
            if calls.exists():
                with calls.open(encoding="utf-8") as lines:
                    found = asked.read(lines)
                calls.unlink()  # every value is in it
            (room / "asked.json").write_text(json.dumps([found.fingerprint, found.hooked]))
            return self._read(room)
        said = "; ".join(told.problems) or done.stderr.strip() or "the engine gave no reason"
        unplayed = any(mark in said for mark in UNPLAYED)
        if unplayed or not told.finished:
            return Ran(replace(told, problems=()), None, room, f"the engine could not be run: {said}")
        if not told.problems:
            told = replace(told, problems=(said,))
        return Ran(told, None, room)

    def _read(self, room: Path) -> Ran:
        told = events.read((room / "told.jsonl").read_text().splitlines())
        found = Asked(*json.loads((room / "asked.json").read_text()))
        return Ran(told, events.snapshot(json.loads((room / "state.json").read_text())), room, asked=found)


def key(ground: list[str], tree: Tree, stack: StackFile, mode: str) -> str:
    """Of what a tree makes from nothing: another one for anything else that its program could read. Pure."""
    what = json.dumps([FORM, ground, tree.hash, stack.name, stack.at(mode), stack.secrets], sort_keys=True)
    return hashlib.sha256(what.encode()).hexdigest()[:24]


def pack(config: Path | None) -> str:
    """What a judgement depends on besides the state: the pack's text and data, the library's, its configuration, and
    the packages of the Python that runs it."""
    known = hashlib.sha256("\n".join(rooms.packages(Path(sys.prefix))).encode())
    for folder in (PACK.resolve(), LIBRARY.resolve()):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                known.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    if config:
        known.update(config.read_bytes())
    return known.hexdigest()[:24]
