"""Up and down of the one box of this machine, and what `status` knows without asking it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import owner, scenes
from lab.client import Client, LabError, Refused
from lab.daemon import start_time
from lab.methods import wait_until
from lab.operator import stack
from lab.operator.desk import INSIDE, NAMESPACE, Desk
from lab.paths import RUN, TREE, Paths, cache
from lab.scenes import Scene
from lab.services.credentials import operator_credentials

Say = Callable[[str], None]

DOWN_SECONDS = 90
"""Longest wait for the daemon to go; machines get 0.65 s each for a clean stop (LAB.md)."""
UP_SECONDS = 180


@dataclass(frozen=True)
class Found:
    """What is there. `mode` is live, recorded or down."""

    mode: str
    paths: Paths
    box: str = ""
    topology: str = scenes.DEFAULT


def recorded_paths() -> Paths:
    """Where the desk lives when there is no box: in the cache, because /run may not be ours."""
    return Paths(cache() / "lab" / "recorded")


def find(paths: Paths) -> Found:
    """The box that runs, or the desk without one, or nothing. Refused when the box is another user's."""
    if paths.run.exists() and not os.access(paths.run, os.R_OK | os.X_OK):
        raise Refused(f"the lab of this machine is another user's ({paths.run}): use sudo")
    if daemon_pid(paths):
        return Found("live", paths, **_mark(paths))
    recorded = recorded_paths()
    if mark := _mark(recorded):
        return Found("recorded", recorded, **mark)
    return Found("down", paths)


def require_down(paths: Paths) -> None:
    """For who brings up a lab of their own and takes it down again. Refused when there is one, whose it may be."""
    found = find(paths)
    if found.mode != "down":
        raise Refused(
            f"the lab is up ({found.box or 'not ready'}), and this brings its own: `./scripts/lab down` first"
        )


def why_not() -> list[str]:
    """What keeps this machine from having machines; each sentence with its fix. Empty: nothing."""
    if sys.platform != "linux":
        return ["The lab's machines need Linux: use any Linux machine or virtual machine with systemd-nspawn."]
    from lab.box import Box

    return list(Box.why_not())


@contextlib.contextmanager
def alone(paths: Paths) -> Iterator[None]:
    """One `up` or `down` at a time, of an owner's children, too. An abstract socket dies with its process."""
    name = f"\0{paths.run}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lock:
        try:
            lock.bind(name)
        except OSError as error:
            raise Refused(f"another `lab up` or `lab down` is at work{_holder(name)}: wait for it to end") from error
        lock.listen(8)
        yield


def up(paths: Paths, say: Say, scene: Scene) -> Found:
    """Bring the box up, or the desk alone where there cannot be one. Refused when another is at work, or when the box
    has another topology's sites."""
    with owner.own(owner.place(paths), "./scripts/lab up"), alone(paths), interruptible():
        found, missing = find(paths), why_not()
        if found.box and (found.mode == "live" or missing):
            if found.topology != scene.topology:
                raise Refused(f"the lab is up with the sites of {found.topology}: `./scripts/lab down` first")
            say("the lab is already up" + (" (recorded only)" if found.mode == "recorded" else ""))
            return found
        if missing:
            for sentence in missing:
                say(sentence)
            say("so this lab records only: previews and updates work, nothing runs, drills refuse")
            return _up_recorded(say, scene)
        if daemon_pid(paths) or paths.run.exists():
            say("an earlier lab did not end well: clearing what it left")
            _clear(paths, say)
        try:
            return _up_live(paths, say, scene)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                say("interrupted: taking everything down")
            else:
                say("taking everything down")
                _keep_log(paths, say)
            with _uninterruptible():
                _clear(paths, lambda _: None)
            raise


def down(paths: Paths, say: Say) -> None:
    """Take everything away, whatever state it is in. Fine when there is nothing."""
    if os.environ.get(INSIDE):
        raise Refused("this is the lab's own shell: leave it (exit), then take the lab down")
    with owner.own(owner.place(paths), "./scripts/lab down"), alone(paths), _uninterruptible():
        find(paths)
        recorded = recorded_paths()
        if recorded.run.exists():
            shutil.rmtree(recorded.run)
        # What machines and namespaces are called is of this machine's one box, not of a folder.
        if paths.run == RUN and os.getuid() == 0 and sys.platform == "linux":
            _clear(paths, say)
    say("the lab is down")


def status(paths: Paths) -> dict[str, Any]:
    """For `lab status`: {"up", "mode", "box", "machines", "problems", …}."""
    found = find(paths)
    answer: dict[str, Any] = {"up": found.mode != "down", "mode": found.mode, "box": found.box, "machines": []}
    answer["problems"] = []
    if found.mode == "live":
        try:
            answer |= Client(paths.socket, timeout_seconds=30).call("status")
        except LabError as error:
            answer["problems"].append(str(error))
        else:
            if answer.get("error"):
                answer["problems"].append(str(answer["error"]))
            answer["problems"] += [
                f"{machine.get('name') or machine['id']} does not run"
                for machine in answer["machines"]
                if not machine["running"]
            ]
            if not answer["services"]["aws"] and answer["phase"] == "ready":
                answer["problems"].append("the AWS APIs do not answer: moto ended; its words are in " + str(paths.log))
    else:
        answer["problems"] += why_not()
        if found.mode == "down" and paths.run.exists():
            answer["problems"].append("an earlier lab did not end well: `./scripts/lab down` clears what it left")
    return answer


def daemon_pid(paths: Paths) -> int:
    """The daemon's process id; 0 when it does not run."""
    try:
        pid, started = paths.pid.read_text().split()
    except (OSError, ValueError):
        return 0
    return int(pid) if started and start_time(int(pid)) == started else 0


def _up_live(paths: Paths, say: Say, scene: Scene) -> Found:
    from lab.box.image import ensure_image

    image = ensure_image(cache(), say)
    for build in scene.downloads.values():
        build(say)
    paths.run.mkdir(mode=0o700)
    desk = Desk(paths, live=True)
    desk.prepare_identity(scene, operator_credentials())
    with paths.log.open("w") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "lab.daemon", str(paths.run), str(image), scene.topology],
            cwd=TREE,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for `up`, which then takes the daemon down in order
        )
    client = Client(paths.socket)

    def alive() -> None:
        if daemon.poll() is not None:
            raise LabError(f"the daemon ended with {daemon.returncode}: {_last_lines(paths)}")

    def answers() -> bool:
        alive()
        return client.available()

    wait_until(answers, 30, "the daemon's first answer")
    box = str(client.call("ping")["box"])
    say("preparing the desk")
    desk.prepare(scene, box, stack.machine_image(image.parent.name))
    shown = ""

    def ready() -> bool:
        nonlocal shown
        alive()
        seen = client.call("status")
        if seen["phase"] == "failed":
            raise LabError(str(seen["error"]))
        if seen["phase"] != shown:
            shown = seen["phase"]
            say(shown)
        return bool(shown == "ready")

    wait_until(ready, UP_SECONDS, "the box's start")
    _set_mark(paths, box, scene)
    return Found("live", paths, box, scene.topology)


def _up_recorded(say: Say, scene: Scene) -> Found:
    paths = recorded_paths()
    if paths.run.exists():
        shutil.rmtree(paths.run)
    paths.run.mkdir(parents=True, mode=0o700)
    desk = Desk(paths, live=False)
    desk.prepare_identity(scene, operator_credentials())
    box = f"recorded-{os.urandom(4).hex()}"
    say("preparing the desk")
    desk.prepare(scene, box, stack.machine_image("c0de"))
    _set_mark(paths, box, scene)
    return Found("recorded", paths, box, scene.topology)


def _clear(paths: Paths, say: Say) -> None:
    desk = Desk(paths, live=True)
    _end_desk_processes(say)
    pid = daemon_pid(paths)
    if pid:
        os.kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: not daemon_pid(paths), DOWN_SECONDS, "the daemon's end")
        except LabError:
            say("the daemon does not end: killing it")
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not daemon_pid(paths), 10, "the daemon's end after SIGKILL")
    from lab.box import Box

    Box(paths.run, Path(), lambda line: None).down()
    desk.leave()
    if paths.run.exists():
        shutil.rmtree(paths.run)


def _end_desk_processes(say: Say) -> None:
    """Shells and commands at the desk: they hold its namespace, and what they work on goes away."""
    if not (Path("/run/netns") / NAMESPACE).exists():
        return

    def left() -> list[int]:
        listed = subprocess.run(["ip", "netns", "pids", NAMESPACE], capture_output=True, text=True, check=False).stdout
        return [int(pid) for pid in listed.split() if int(pid) != os.getpid()]

    pids = left()
    if not pids:
        return
    say(f"ending {len(pids)} process(es) at the desk")
    for number, seconds in ((signal.SIGHUP, 5.0), (signal.SIGKILL, 5.0)):
        for pid in left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        with contextlib.suppress(LabError):
            wait_until(lambda: not left(), seconds, "their end")


def _mark(paths: Paths) -> dict[str, str]:
    """The box's id and topology once its `up` is complete; empty before."""
    try:
        found: dict[str, str] = json.loads((paths.run / "up.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def _set_mark(paths: Paths, box: str, scene: Scene) -> None:
    (paths.run / "up.json").write_text(json.dumps({"box": box, "topology": scene.topology}))


def _last_lines(paths: Paths, count: int = 8) -> str:
    try:
        return "\n".join(paths.log.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return "(no log)"


def _keep_log(paths: Paths, say: Say) -> None:
    if paths.log.exists():
        kept = cache() / "lab" / "last-up.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(paths.log, kept)
        say(f"the daemon's log is kept: {kept}")


def _holder(name: str) -> str:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(name)
            pid = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
            return f" (process {pid})"
    except OSError:
        return ""


def interruptible() -> contextlib.AbstractContextManager[None]:
    """SIGTERM and a closed terminal end the block as Ctrl-C does: with everything taken down."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # What is ignored stays so (nohup).
    numbers = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) != signal.SIG_IGN]
    return _handled(interrupt, *numbers)


def _uninterruptible() -> contextlib.AbstractContextManager[None]:
    """Half a clean-up is worse than a late Ctrl-C."""
    return _handled(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def _handled(handler: Any, *numbers: int) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
