"""Order of the steps, their seconds, and what a person reads when one does not work."""

import argparse
import fcntl
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from setup import azurite, console, environment, image, packages, petclinic, pulumi_cli
from setup.console import Problem, say
from setup.places import TREE, cache


def clinic() -> str:
    """The Java application for tests on machines; who asks for it by name gets it without machines, too."""
    if reason := packages.why_no_lab():
        return f"left out: {reason}"
    return petclinic.ensure()


STEPS: dict[str, tuple[str, Callable[[], str]]] = {
    "packages": ("distribution packages", packages.ensure),
    "python": (".venv", environment.ensure),
    "pulumi": ("Pulumi CLI", pulumi_cli.ensure),
    "image": ("lab image", image.ensure),
    "azurite": ("blob storage of the lab's Azure", azurite.ensure),
    "clinic": ("Java application", clinic),
    "petclinic": ("Java application", petclinic.ensure),
}
BESIDE = ("image", "azurite", "clinic")
"""Mostly network and one core: one after the other beside the build of the CLI, which takes longest."""

TRY = ("packages", "python", "pulumi", "image", "azurite")
LAYERS = {
    "unit": ("python",),
    "engine": ("python", "pulumi"),
    "lab": (*TRY, "clinic"),
    "all": (*TRY, "clinic"),
    "try": TRY,
    "petclinic": ("petclinic",),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./scripts/setup",
        description="Bring the tools into .venv and one cache folder (TWINSITE_CACHE, default ~/.cache/twinsite). "
        "Nothing else changes, except distribution packages that the lab needs, which are named first.",
    )
    parser.add_argument(
        "--for", dest="layer", choices=LAYERS, default="try", help="what these tests need; try: no test"
    )
    parser.add_argument("--only", nargs="+", default=[], choices=STEPS, help=argparse.SUPPRESS)  # see `beside`
    parser.add_argument("--check", action="store_true", help="say what is present and change nothing")
    options = parser.parse_args(arguments)
    # Ctrl-C is among them: whoever starts set-up in the background may have switched that off.
    for number in console.STOPS:
        signal.signal(number, signal.default_int_handler)
    try:
        if options.check:
            return check()
        if options.only:
            bring(options.layer, options.only)
            return 0
        with alone():
            bring_all(options.layer)
            return 0
    except Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
    except OSError as error:
        print(f"setup: {console.disk_full('set-up') if console.is_disk_full(error) else error}", file=sys.stderr)
    except KeyboardInterrupt:
        if not options.only:
            print("setup: stopped. ./scripts/setup continues from here", file=sys.stderr)
        return 130
    return 1


def bring_all(layer: str) -> None:
    began = time.monotonic()
    steps = LAYERS[layer]
    meanwhile = [name for name in steps if name in BESIDE]
    bring(layer, [name for name in steps if name not in ("pulumi", *BESIDE)])
    with beside(layer, meanwhile):
        bring(layer, [name for name in steps if name == "pulumi"])
    say(f"set-up done in {time.monotonic() - began:.1f} s; {TREE} and {cache()}")


def bring(layer: str, names: Sequence[str]) -> None:
    for name in names:
        title, ensure = STEPS[name]
        started = time.monotonic()
        say(f"[{LAYERS[layer].index(name) + 1}/{len(LAYERS[layer])}] {title}")
        outcome = ensure()
        say(f"    {title}: {outcome} ({time.monotonic() - started:.1f} s)")


@contextmanager
def beside(layer: str, names: Sequence[str]) -> Iterator[None]:
    """These steps meanwhile, in a process of their own, which ends as every command of set-up does."""
    if not names:
        yield
        return
    command = [sys.executable, "-m", "setup", "--for", layer, "--only", *names]
    # Longer than it takes to end its own command.
    with console.started(command, what="the steps beside the Pulumi CLI", patience_seconds=15.0) as process:
        yield
        if console.ended(process):
            raise Problem("a step beside the Pulumi CLI did not work: see above, then run ./scripts/setup again")


def check() -> int:
    """Exit code 1 when ./scripts/setup would have something to do."""
    have = pulumi_cli.origin()
    current = have.get("digest") == pulumi_cli.wanted()
    why_no_lab = packages.why_no_lab()
    facts = {
        "distribution packages": " ".join(f"missing: {need.package}" for need in packages.missing()) or "present",
        ".venv": "present" if environment.fresh() else "missing or not of this lock",
        "Pulumi CLI": f"{have['version']} by way of {have['way']}: {have['why']}" if current else "missing or outdated",
        "blob storage": "present" if azurite.fresh() else azurite.why_not() or "missing",
        "lab image": why_no_lab or (f"present: {' '.join(sorted(image.built()))}" if image.built() else "missing"),
    }
    for name, fact in facts.items():
        say(f"{name:<22}{fact}")
    lab = bool(why_no_lab) or (bool(image.built()) and (azurite.fresh() or bool(azurite.why_not())))
    ready = environment.fresh() and current and lab
    return 0 if ready else 1


@contextmanager
def alone() -> Iterator[None]:
    """Two set-ups at once would build everything twice: the second waits for the first."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is running; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
