"""Which steps are left, and which may run now. Pure: it is enumerated in tests, killed after each step.

A step is done when its mark is the key that it has now: marks are written after the step, keys are made of what the
step was done for. `restore` and `prove` are keyed by the place only: data that are there are never restored over, not
by a newer backup and not by a changed setting (verb `renew` does that, on purpose).
"""

import hashlib
from collections.abc import Collection, Mapping

from .config import Config

STEPS = (
    *("client", "packages", "artefact", "certificate", "restore", "prove"),
    *("login", "schedule", "deploy", "start", "answer"),
)
"""In the order in which they are shown."""

NEEDS = {
    "client": (),
    # The package manager works for one at a time; what the restore needs goes first.
    "packages": ("client",),
    "artefact": (),
    "certificate": (),
    "restore": ("client",),
    "prove": ("restore",),
    "login": ("restore",),
    "schedule": ("client",),
    "deploy": ("packages", "artefact", "certificate"),
    # Nobody sees data that are not proved.
    "start": ("deploy", "prove", "login"),
    "answer": ("start",),
}

ALWAYS = frozenset({"answer"})
"""Done in every run: it is the verdict."""


def keys(config: Config, files: str) -> dict[str, str]:
    """What each step is done for; `files` is the digest of what this payload would put on the machine."""
    application = config.application
    made = {
        "client": "1",
        "packages": _digest(application.kind, *config.packages),
        "artefact": application.sha256,
        "certificate": _digest(config.versions, str(config.origin.certificate)),
        "restore": config.database.place,
        "prove": config.database.place,
        "login": _digest(config.database.place, repr(config.database.login), config.versions),
        "schedule": _digest(repr(config.own), config.site, config.versions),
        "deploy": _digest(files, application.sha256, config.versions),
        "answer": "1",
    }
    return {**made, "start": made["deploy"]}


def left(marks: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Steps to run, in order: those whose mark is not their key, and those that come after such a one.

    A proof is of data, not of software: new packages do not ask for it again.
    """
    again: set[str] = set(ALWAYS)
    for step in STEPS:
        stale = marks.get(step) != wanted[step]
        follows = step in ("deploy", "start") and any(need in again for need in NEEDS[step] if need != "prove")
        if stale or follows or (step == "start" and "prove" in again):
            again.add(step)
    return [step for step in STEPS if step in again]


def ready(to_do: Collection[str], running: Collection[str], done: Collection[str]) -> list[str]:
    """Steps of `to_do` that may begin now: not begun, and nothing that they need is still to be done."""
    return [
        step
        for step in STEPS
        if step in to_do
        and step not in running
        and step not in done
        and all(need in done or need not in to_do for need in NEEDS[step])
    ]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
