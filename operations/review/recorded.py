"""The first ground: the real engine over provider plugins that record, in a room with nothing of the caller's.

Base comes up once for each tree, stack and mode and is kept; head's `up` goes on from a copy of that state.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from . import events
from .settings import StackFile
from .trees import CannotReview, Tree
from .words import Snapshot, Told

SECONDS = 300.0
"""For one command of the engine: it ends a hang."""
PASSPHRASE = "of a state that holds nobody's secrets"
PACK = Path(__file__).resolve().parents[2] / "policy"
"""Beside this package, in the tree and in the wheel."""
UNPLAYED = ("no resource plugin", "is not supported in the", "has no stand-in", "nobody has written its stand-in")
"""What says that the plugins lack something, and nothing about the change."""


@dataclass(frozen=True)
class Ran:
    """One `up`, and what it left."""

    told: Told
    snapshot: Snapshot | None
    """None when it failed."""
    room: Path
    not_reviewed: str = ""


class Recorder:
    """Rooms for the engine. Safe to be used by several threads."""

    def __init__(self, stand_ins: Path, pulumi: str, virtualenv: Path | None, kept: Path, work: Path) -> None:
        """`stand_ins` is a PULUMI_HOME with `plugins/`; a file VERSION in it says which they are."""
        if not (stand_ins / "plugins").is_dir():
            raise CannotReview(
                f"{stand_ins} has no `plugins` with provider plugins that record, as a PULUMI_HOME has them"
            )
        self._stand_ins, self._pulumi, self._virtualenv = stand_ins.absolute(), pulumi, virtualenv
        self._kept, self._work = kept, work
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        version = stand_ins / "VERSION"
        self._ground = [
            version.read_text() if version.exists() else "",
            *sorted(path.name for path in (stand_ins / "plugins").iterdir() if path.is_dir()),
            _version(pulumi),
            *_packages(virtualenv or Path(sys.prefix)),
        ]

    def anew(self, tree: Tree, stack: StackFile, mode: str) -> Ran:
        """Its `up` from nothing, or what is kept of it. Of a tree that has no hash nothing is kept."""
        if not tree.hash:
            return self._up(self._room(tree, stack, mode, None), stack.name)
        what = json.dumps([self._ground, tree.hash, stack.name, stack.at(mode), stack.secrets], sort_keys=True)
        key = hashlib.sha256(what.encode()).hexdigest()[:24]
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # two combinations may begin with the same state
            place = self._kept / "states" / key
            if not (place / "told.jsonl").exists():
                room = self._room(tree, stack, mode, None)
                ran = self._up(room, stack.name)
                if ran.snapshot is None:
                    return ran
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(place, ignore_errors=True)
                draft = Path(tempfile.mkdtemp(dir=place.parent, prefix="draft-"))
                shutil.copytree(room / "backend", draft / "backend")
                for name in ("state.json", "told.jsonl"):
                    shutil.copy(room / name, draft)
                shutil.copy(room / "project" / f"Pulumi.{stack.name}.yaml", draft)
                draft.rename(place)
            os.utime(place)
            return self._read(place)

    def onto(self, base: Ran, tree: Tree, stack: StackFile, mode: str) -> Ran:
        """Its `up` on a copy of the state that base left."""
        return self._up(self._room(tree, stack, mode, base.room), stack.name)

    def judge(self, ran: Ran, config: str) -> Told:
        """The policy pack on the state that an `up` left. CannotReview when the pack does not run."""
        words = ["policy", "analyze", "--json", "--file", str(ran.room / "state.json"), "--policy-pack", str(PACK)]
        done = self._run(self._work, [*words, *(["--policy-pack-config", config] if config else [])])
        told = events.read(done.stdout.splitlines())
        if not told.finished or told.problems:
            said = (done.stderr.strip() or "; ".join(told.problems) or "no answer").splitlines()[-1]
            raise CannotReview(f"the policy pack did not run: {said}: `pip install 'twinsite[policy]'`")
        return told

    def _room(self, tree: Tree, stack: StackFile, mode: str, base: Path | None) -> Path:
        room = Path(tempfile.mkdtemp(dir=self._work, prefix=f"{stack.name}-{mode}-"))
        project = room / "project"
        project.mkdir()
        (room / "home").mkdir()
        (room / "home" / "plugins").symlink_to(self._stand_ins / "plugins")
        for entry in tree.folder.iterdir():
            if entry.name != ".git" and not (entry.name.startswith("Pulumi.") and entry.name.endswith(".yaml")):
                (project / entry.name).symlink_to(entry)
        about = yaml.safe_load((tree.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        about.pop("backend", None)
        (project / "Pulumi.yaml").write_text(yaml.safe_dump(_runtime(about, self._virtualenv), sort_keys=False))
        file = project / f"Pulumi.{stack.name}.yaml"
        salt = {}
        if base:
            shutil.copytree(base / "backend", room / "backend")
            salt = {"encryptionsalt": yaml.safe_load((base / file.name).read_text())["encryptionsalt"]}
        else:
            (room / "backend").mkdir()
        file.write_text(yaml.safe_dump({**salt, "config": stack.at(mode)}, sort_keys=False))
        if not base:
            self._must(room, "stack", "init", stack.name)
        if stack.secrets:
            given = [word for key, text in stack.secrets.items() for word in ("--secret", f"{key}={text}")]
            self._must(room, "config", "set-all", "--stack", stack.name, *given)
        return room

    def _up(self, room: Path, stack: str) -> Ran:
        done = self._run(room, ["up", "--stack", stack, "--yes", "--skip-preview", "--json"])
        (room / "told.jsonl").write_text(done.stdout)
        told = events.read(done.stdout.splitlines())
        if done.returncode == 0:
            self._must(room, "stack", "export", "--stack", stack, "--file", str(room / "state.json"))
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
        return Ran(told, events.snapshot(json.loads((room / "state.json").read_text())), room)

    def _must(self, room: Path, *words: str) -> None:
        done = self._run(room, words)
        if done.returncode:
            raise CannotReview(f"`pulumi {' '.join(words[:2])}`: {done.stderr.strip() or done.stdout.strip()}")

    def _run(self, room: Path, words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        project = room / "project"
        try:
            return subprocess.run(
                [self._pulumi, "--non-interactive", *words],
                cwd=project if project.exists() else room,
                env=self._environment(room),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CannotReview(f"`pulumi {words[0]}` did not end within {SECONDS:g} s") from None

    def _environment(self, room: Path) -> Mapping[str, str]:
        """All of it: no credentials, no settings of the caller's."""
        return {
            "HOME": str(room),
            "LANG": "C.UTF-8",
            "PATH": os.pathsep.join([str(Path(self._pulumi).parent), "/usr/local/bin:/usr/bin:/bin"]),
            "PULUMI_HOME": str(room / "home"),
            "PULUMI_BACKEND_URL": f"file://{room / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_PYTHON_CMD": sys.executable,  # of the policy pack
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _runtime(about: dict[str, Any], virtualenv: Path | None) -> dict[str, Any]:
    """The project file with the virtual environment where it really is."""
    if virtualenv:
        runtime = about.get("runtime")
        found = dict(runtime) if isinstance(runtime, dict) else {"name": runtime}
        found["options"] = {**(found.get("options") or {}), "virtualenv": str(virtualenv)}
        about["runtime"] = found
    return about


def _version(pulumi: str) -> str:
    return subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False).stdout.strip()


def _packages(virtualenv: Path) -> list[str]:
    """Names and versions of what the programs can import."""
    return sorted(path.name for path in virtualenv.glob("lib/python3*/site-packages/*.dist-info"))
