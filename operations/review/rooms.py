"""Where the engine works: a folder with an environment, a home and a state backend of its own, nothing of the caller's.

What `pulumi` has to be asked for a new stack (a salt, an empty state, secrets in its own form) is asked once for each
stack and kept; each room begins with a copy.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .settings import StackFile
from .trees import CannotReview, Tree

SECONDS = 900.0
"""For one command of the engine: it ends a hang, and measures nothing."""
PASSPHRASE = "of a state that holds nobody's secrets"
CALLS = "calls.jsonl"
"""In a room: every call between the engine and the program of its last `up`."""
FAST = {
    # The state is written at the end, not at each step, which was most of the engine's own time: nobody goes on with
    # an `up` that was cut off here.
    "PULUMI_EXPERIMENTAL": "true",
    "PULUMI_SKIP_CHECKPOINTS": "true",
    "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
}


class Rooms:
    """Makes rooms in `work` and runs the engine in them. Safe to be used by several threads."""

    def __init__(
        self, stand_ins: Path, pulumi: str, virtualenv: Path | None, kept: Path, work: Path, warm: Path | None = None
    ) -> None:
        """`stand_ins` is a PULUMI_HOME with `plugins/`; a file VERSION in it says which they are. `warm` is where
        programs are run in the place of `virtualenv` (package warm)."""
        if not (stand_ins / "plugins").is_dir():
            raise CannotReview(
                f"{stand_ins} has no `plugins` with provider plugins that record, as a PULUMI_HOME has them"
            )
        self._stand_ins, self._pulumi, self._virtualenv = stand_ins.absolute(), pulumi, warm or virtualenv
        self._kept, self._work = kept, work
        self._lock = threading.Lock()
        version = stand_ins / "VERSION"
        self.engine = _version(pulumi)
        self.ground = [
            version.read_text() if version.exists() else "",
            *sorted(path.name for path in (stand_ins / "plugins").iterdir() if path.is_dir()),
            self.engine,
            *packages(virtualenv or Path(sys.prefix)),
        ]
        """All that a state depends on besides the tree and its settings."""

    def anew(self, tree: Tree, stack: StackFile, mode: str) -> Path:
        """A room with an empty state."""
        begun = self._begun(tree, stack)
        room = self._room(tree, stack, mode)
        copy(begun, room)
        self._file(room, stack, mode, yaml.safe_load((begun / _name(stack)).read_text()))
        return room

    def onto(self, base: Path, tree: Tree, stack: StackFile, mode: str, same_secrets: bool) -> Path:
        """A room with a copy of the state that is in `base`, whose secrets have its salt."""
        room = self._room(tree, stack, mode)
        copy(base, room)
        known = yaml.safe_load((base / _name(stack)).read_text())
        if not same_secrets:
            known = {**known, "config": {}}
        self._file(room, stack, mode, known)
        if stack.secrets and not same_secrets:
            self._secrets(room, stack)
        return room

    def bare(self) -> Path:
        """A room for a command that needs no program."""
        return Path(tempfile.mkdtemp(dir=self._work, prefix="bare-"))

    def run(self, room: Path, *words: str, traced: bool = False) -> "subprocess.CompletedProcess[str]":
        """`pulumi WORDS…`; `traced` leaves CALLS in the room."""
        project = room / "project"
        try:
            return subprocess.run(
                [self._pulumi, "--non-interactive", *words],
                cwd=project if project.exists() else room,
                env=self._environment(room, traced),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CannotReview(f"`pulumi {words[0]}` did not end within {SECONDS:g} s") from None

    def _begun(self, tree: Tree, stack: StackFile) -> Path:
        """backend/ and the stack's file as they are before the first `up`."""
        what = json.dumps([self.engine, stack.project, stack.name, stack.secrets], sort_keys=True)
        place = self._kept / "begun" / hashlib.sha256(what.encode()).hexdigest()[:24]
        with self._lock:
            if not place.exists():
                room = self._room(tree, stack, "")
                (room / "backend").mkdir()
                self._must(room, "stack", "init", stack.name)
                if stack.secrets:
                    self._secrets(room, stack)
                keep(place, room, room / "project" / _name(stack))
            os.utime(place)
        return place

    def _room(self, tree: Tree, stack: StackFile, mode: str) -> Path:
        """With the tree's project, and neither a backend nor a stack's file."""
        room = Path(tempfile.mkdtemp(dir=self._work, prefix=f"{stack.name}-{mode}-"))
        project = room / "project"
        project.mkdir()
        (room / "home").mkdir()
        (room / "home" / "plugins").symlink_to(self._stand_ins / "plugins")
        (room / "home" / "logs").touch()  # where the engine's folder of its own logs would be (ADR 56)
        for entry in tree.folder.iterdir():
            if entry.name != ".git" and not (entry.name.startswith("Pulumi.") and entry.name.endswith(".yaml")):
                (project / entry.name).symlink_to(entry)
        about = yaml.safe_load((tree.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        about.pop("backend", None)
        (project / "Pulumi.yaml").write_text(yaml.safe_dump(_runtime(about, self._virtualenv), sort_keys=False))
        return room

    def _file(self, room: Path, stack: StackFile, mode: str, known: Mapping[str, Any]) -> None:
        """The stack's file: salt and secrets as they are known, and the settings of that mode."""
        secret = {key: value for key, value in (known.get("config") or {}).items() if key in stack.secrets}
        text = {"encryptionsalt": known["encryptionsalt"], "config": {**stack.at(mode), **secret}}
        (room / "project" / _name(stack)).write_text(yaml.safe_dump(text, sort_keys=False))

    def _secrets(self, room: Path, stack: StackFile) -> None:
        given = [word for key, text in stack.secrets.items() for word in ("--secret", f"{key}={text}")]
        self._must(room, "config", "set-all", "--stack", stack.name, *given)

    def _must(self, room: Path, *words: str) -> None:
        done = self.run(room, *words)
        if done.returncode:
            raise CannotReview(f"`pulumi {' '.join(words[:2])}`: {done.stderr.strip() or done.stdout.strip()}")

    def _environment(self, room: Path, traced: bool) -> Mapping[str, str]:
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
            **FAST,
            **({"PULUMI_DEBUG_GRPC": str(room / CALLS)} if traced else {}),
        }


def state(room: Path, stack: StackFile) -> dict[str, Any]:
    """What `pulumi stack export` would say of it, from the file that has it whole."""
    file = room / "backend" / ".pulumi" / "stacks" / stack.project / f"{stack.name}.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        latest: dict[str, Any] = found["checkpoint"]["latest"]
    except (OSError, ValueError, KeyError) as error:
        raise CannotReview(f"Pulumi's state is not where it has been so far ({error}): another CLI?") from None
    form = {"version": found["version"], **({"features": found["features"]} if found.get("features") else {})}
    return {**form, "deployment": latest}


def copy(source: Path, target: Path) -> None:
    """The backend of one room or kept place into another, without its history."""
    old, new = source / "backend" / ".pulumi", target / "backend" / ".pulumi"
    shutil.copytree(old / "stacks", new / "stacks")
    for file in old.glob("meta.yaml*"):
        shutil.copy(file, new)


def keep(place: Path, room: Path, *files: Path) -> None:
    """The room's backend and these files as `place`, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=place.parent, prefix="draft-"))
    copy(room, draft)
    for file in files:
        shutil.copy(file, draft)
    try:
        draft.rename(place)
    except OSError:  # another review was faster, and has the same
        shutil.rmtree(draft, ignore_errors=True)


def _name(stack: StackFile) -> str:
    return f"Pulumi.{stack.name}.yaml"


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


def packages(virtualenv: Path) -> list[str]:
    """Names and versions of what the programs can import."""
    return sorted(path.name for path in virtualenv.glob("lib/python3*/site-packages/*.dist-info"))
