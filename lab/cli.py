"""`./scripts/lab`: the box's command line.

Exit codes: 0 done (status: up), 1 failed (status: not up), 2 refused; `exec` gives the command's own.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from lab import lifecycle, scenes
from lab.client import Client, LabError, Refused
from lab.cloud_config import USER
from lab.lifecycle import Found
from lab.model import SITE_ADDRESS
from lab.operator.desk import Desk
from lab.paths import Paths


class Progress:
    """What happens, with the seconds since the start: on stderr, with a spinner on a terminal."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._status: Any = None
        self._line = ""
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()

    def __call__(self, line: str) -> None:
        shown = f"[{time.monotonic() - self._began:5.1f} s] {line}"
        if self._status is None:
            print(shown, file=sys.stderr, flush=True)
        else:
            self._status.console.print(shown, markup=False, highlight=False)
            self._status.update(line)

    def stop(self) -> None:
        if self._status is not None:
            self._status.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options, Paths())
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has gone (`| head -1`), so nobody misses the rest. The interpreter would flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Refused as error:
        print(f"refused: {error}", file=sys.stderr)
        return 2
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _up(options: argparse.Namespace, paths: Paths) -> int:
    progress = Progress()
    try:
        found = lifecycle.up(paths, progress, scenes.named(options.topology))
    finally:
        progress.stop()
    if found.mode == "live":
        print("the lab is up: `./scripts/lab shell` is the operator's desk")
    else:
        print("the lab is up, recorded only: `./scripts/lab shell` is the desk; nothing runs behind it")
    return 0


def _down(options: argparse.Namespace, paths: Paths) -> int:
    progress = Progress()
    try:
        lifecycle.down(paths, progress)
    finally:
        progress.stop()
    return 0


def _status(options: argparse.Namespace, paths: Paths) -> int:
    answer = lifecycle.status(paths)
    if options.json:
        print(json.dumps(answer, indent=2))
        return 0 if answer["up"] else 1
    modes = {"live": "up", "recorded": "up, recorded only", "down": "down"}
    print(f"the lab is {modes[answer['mode']]}" + (f" ({answer['box']})" if answer["box"] else ""))
    if answer.get("phase") not in (None, "ready"):
        print(f"  {answer['phase']}")
    for machine in answer["machines"]:
        state = "booted" if machine.get("booted") else "starting" if machine.get("running") else "off"
        names = " ".join(str(machine[key]) for key in ("id", "name") if machine.get(key))
        print(f"  {names:44} {machine.get('address', ''):16} {machine.get('public_address', ''):16} {state}")
    for problem in answer["problems"]:
        print(f"  problem: {problem}")
    return 0 if answer["up"] else 1


def _shell(options: argparse.Namespace, paths: Paths) -> int:
    found = _found(paths)
    if not options.name:
        if found.mode == "recorded":
            print(
                "recorded only: no machines, no network of the lab; `pulumi up` records what it would run",
                file=sys.stderr,
            )
        return _at_desk(found, ["bash"])
    if found.mode == "recorded":
        raise Refused("this lab records only: it has no machines to log in to (`./scripts/lab status` says why)")
    login, namespace = _login(found, options.name)
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    return _at_desk(found, [*login, *words], namespace)


def _login(found: Found, name: str) -> tuple[list[str], str]:
    """The ssh command to [USER@]machine, and the namespace to run it in (empty: the desk's)."""
    user, name = name.split("@", 1) if "@" in name else ("", name)
    machine = Client(found.paths.socket).call("machine", id=name)
    if not machine.get("running"):
        raise LabError(f"{name} is off")
    user = user or _anybody(name, machine)
    for one in scenes.named(found.topology).machines:
        if machine["id"] == one.name:
            return ["ssh", "-p", str(one.forwarded_port), f"{user}@{SITE_ADDRESS}"], ""
    # As a cloud's session manager: from the VPC's router, past security groups. Its host key is nobody's business here.
    trusting = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    key = str(Desk(found.paths, live=True).ssh_key)
    return ["ssh", *trusting, "-i", key, f"{user}@{machine['address']}"], str(machine["namespace"])


def _anybody(name: str, machine: dict[str, Any]) -> str:
    """Who logs in where a person named nobody: the image's own user, else the first who has a key."""
    people = machine.get("logins") or []
    if not people and not machine.get("booted"):
        raise LabError(f"{name} is still booting: nobody can log in yet")
    if not people:
        raise LabError(
            f"nobody has a key to log in to {name}: its cloud runs commands there (Run Command; `twinsite` uses it); "
            f"what it said while booting is in {machine.get('console') or 'its console log'}"
        )
    return USER if USER in people else str(people[0])


def _exec(options: argparse.Namespace, paths: Paths) -> int:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise Refused("say what to run: ./scripts/lab exec -- COMMAND …")
    return _at_desk(_found(paths), words)


def _at_desk(found: Found, words: Sequence[str], namespace: str = "") -> int:
    """Become `words`, at the desk or in another namespace with the desk's environment. Does not return."""
    desk = Desk(found.paths, live=found.mode == "live")
    desk.refresh_project()
    environment = desk.environment(found.box)
    os.chdir(desk.project)
    command = ["ip", "netns", "exec", namespace, *words] if namespace else desk.command(words)
    sys.stdout.flush()
    # Python ignores it, and an exec hands that on: `yes | head` in the shell would complain.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def _fault(options: argparse.Namespace, paths: Paths) -> int:
    found = _found(paths)
    if found.mode == "recorded":
        raise Refused("this lab records only: there is nothing to break (`./scripts/lab status` says why)")
    answer = Client(found.paths.socket).call(options.method, **{key: getattr(options, key) for key in options.keys})
    if getattr(options, "json", False):
        print(json.dumps(answer))
    elif answer is not None:
        print("\n".join(f"{key}: {value}" for key, value in answer.items()))
    return 0


def _found(paths: Paths) -> Found:
    found = lifecycle.find(paths)
    if found.mode == "down":
        raise Refused("the lab is down: `./scripts/lab up`")
    if not found.box:
        raise Refused("the lab is not up yet: `./scripts/lab status`")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./scripts/lab", description="The cloud in a box.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    def fault(name: str, text: str, keys: Sequence[str], method: str = "") -> argparse.ArgumentParser:
        made = command(name, _fault, text)
        made.set_defaults(method=method or name, keys=list(keys))
        return made

    bring = command("up", _up, "Bring the box up; with no root or no systemd-nspawn, the desk alone (recorded only).")
    bring.add_argument(
        "--topology", choices=scenes.names(), default=scenes.DEFAULT, help="whose pre-existing sites the box has"
    )
    command("down", _down, "Take everything away, also what a crash left.")
    command("status", _status, "What runs. Exit code 0: up, 1: not up.").add_argument("--json", action="store_true")
    shell = command(
        "shell", _shell, "The operator's shell; with NAME, a machine's (on-prem name, instance id or Name tag)."
    )
    shell.add_argument("name", nargs="?", metavar="[USER@]NAME")
    shell.add_argument("words", nargs=argparse.REMAINDER, metavar="[-- COMMAND]")
    run = command("exec", _exec, "Run one command at the desk: ./scripts/lab exec -- pulumi up")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    for name, text in (
        ("crash", "Cut a machine's power; it stays off until `start`."),
        ("stop", "Shut a machine down in order."),
        ("start", "Boot a machine that is off."),
    ):
        fault(name, text, ["id"]).add_argument("id", metavar="NAME")
    cut = fault("cut", "Cut a cable: onprem-wan, or a machine's.", ["id", "down"])
    cut.add_argument("id", metavar="LINK")
    cut.add_argument("down", type=_switch, metavar="on|off", help="on: the cable is cut")
    dark = fault(
        "dark",
        "A site goes dark: APIs, load balancers and machines; names are answered on, wherever they are.",
        ["site", "down"],
    )
    dark.add_argument("site", nargs="?", default="", metavar="SITE", help="without it: the one that serves at first")
    dark.add_argument("down", type=_switch, metavar="on|off", help="on: it is dark")
    refuse = fault("refuse", "An Azure storage account refuses its blobs with 403 and this code.", ["account", "code"])
    refuse.add_argument("account", metavar="ACCOUNT")
    refuse.add_argument("code", metavar="CODE|off", help="KeyVaultEncryptionKeyNotFound, AuthorizationFailure, …")
    loss = fault(
        "loss", "Lose this share of the packets between the on-prem site and the internet; 0 ends it.", ["percent"]
    )
    loss.add_argument("percent", type=float, metavar="PERCENT")
    fault("expire-nat", "Let the on-prem router forget its connections and mappings.", [], method="expire_nat")
    capture = command("capture", _fault, "Count what crosses the internet bridge, in clear and encrypted.")
    steps = capture.add_subparsers(required=True, metavar="start|stop")
    for step in ("start", "stop"):
        one = steps.add_parser(step)
        one.add_argument("--json", action="store_true")
        one.set_defaults(method=f"capture_{step}", keys=[])
    return parser


def _switch(word: str) -> bool:
    if word not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"on or off, not {word!r}")
    return word == "on"


if __name__ == "__main__":
    sys.exit(main())
