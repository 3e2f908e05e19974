"""Go, if it is here: it builds the CLI, and fetches one file of the SDK."""

import shutil
from pathlib import Path

from setup.places import cache
from setup.program import Program, ask_version

MINIMUM = (1, 21)
"""From this version on, go fetches the toolchain that go.mod asks for as a module."""


def find() -> Program | None:
    """On PATH, or where Go's own installer puts it."""
    program = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    return ask_version(Path(program)) if program else None


def settings() -> dict[str, str]:
    """Go's module and build caches go into ours: they are large, needed once, and deleted afterwards."""
    return {
        "GOMODCACHE": str(cache() / "go" / "mod"),
        "GOCACHE": str(cache() / "go" / "build"),
        "GOTOOLCHAIN": "auto",
        "GOFLAGS": "-buildvcs=false -trimpath",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
