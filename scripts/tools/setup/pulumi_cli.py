"""Step 3: the Pulumi CLI with a Python language host, under `<cache>/tools/current/bin`.

First choice is what the user has, second Pulumi's own download, third its Go modules, built here. The choice is a pure
function of what was found; what was taken, and why, is said and kept in `<cache>/tools/current/origin.json`.
"""

import json
import os
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from setup import go_toolchain, language_host
from setup.console import Failed, Problem, note, require_space, run
from setup.places import GO_MODULE, LANGUAGE_HOST, VENV, cache, digest, pinned_version, tools
from setup.program import Program, ask_version, parse_version

DOWNLOAD_SITE = "https://get.pulumi.com"
PROBE_SECONDS = 5.0
DOWNLOAD_SECONDS = 180.0
BUILD_MIB = 6000
"""Modules 1.7 GB and build cache 2.6 GB; both are deleted after the build."""


class Way(str, Enum):
    PATH = "path"
    DOWNLOAD = "download"
    BUILD = "build"


@dataclass(frozen=True)
class Attempt:
    """A way to get the CLI, and why it is this one's turn."""

    way: Way
    why: str


def choose(on_path: Program | None, reachable: bool, go: Program | None, pinned: str) -> list[Attempt]:
    """Ways to try, best first. Problem when none is open, with what would open one.

    The oldest CLI accepted is the pinned one: this repository's tests are run with it and with none older.
    """
    if on_path and on_path.version >= parse_version(pinned):
        return [Attempt(Way.PATH, f"Pulumi {on_path} is on PATH and at least {pinned}")]
    lacking = f"Pulumi {on_path} on PATH is older than {pinned}" if on_path else "no pulumi is on PATH"
    attempts = []
    if reachable:
        attempts.append(Attempt(Way.DOWNLOAD, f"{lacking}; {DOWNLOAD_SITE} answers"))
    else:
        lacking = f"{lacking}; {DOWNLOAD_SITE} does not answer"
    if go and go.version >= go_toolchain.MINIMUM:
        attempts.append(Attempt(Way.BUILD, f"{lacking}; Go {go} can build it"))
    if attempts:
        return attempts
    oldest = ".".join(map(str, go_toolchain.MINIMUM))
    found = f"Go {go} is older than {oldest}" if go else "there is no Go"
    raise Problem(
        f"{lacking}, and {found} to build it with. Any one of these helps: install Pulumi {pinned} or newer; "
        f"let this machine reach {DOWNLOAD_SITE}; install Go {oldest} or newer with a way to the Go modules"
    )


def find_on_path() -> Path | None:
    """The user's own `pulumi`: not one that set-up has put there."""
    for folder in os.get_exec_path():
        candidate = Path(folder) / "pulumi"
        ours = candidate.resolve().is_relative_to(tools().resolve()) or candidate.is_relative_to(tools())
        if candidate.is_file() and os.access(candidate, os.X_OK) and not ours:
            return candidate
    return None


def reaches_download_site() -> bool:
    request = urllib.request.Request(f"{DOWNLOAD_SITE}/latest-version", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
            return True
    except (OSError, urllib.error.URLError):
        return False


def wanted() -> str:
    """Digest of all that the choice depends on and that costs nothing to look at."""
    on_path = find_on_path()
    user = f"{on_path} {on_path.stat().st_mtime_ns} {on_path.stat().st_size}" if on_path else ""
    ours = [GO_MODULE / "go.sum", LANGUAGE_HOST / "host.py", LANGUAGE_HOST / "requirements.txt", Path(__file__)]
    return digest(user, str(tools()), *ours)


def origin() -> dict[str, str]:
    """What `current` holds: {"way", "version", "why", "language_host", "digest"}; empty when nothing usable."""
    current = tools() / "current"
    try:
        found: dict[str, str] = json.loads((current / "origin.json").read_text())
    except (OSError, ValueError):
        return {}
    programs = [current / "bin" / name for name in ("pulumi", *language_host.PROGRAMS)]
    works = all(os.access(program, os.X_OK) for program in programs) and language_host.works(
        Path(found["language_host"])
    )
    return found if works else {}


def ensure() -> str:
    """Make `current` what it should be."""
    want = wanted()
    have = origin()
    if have.get("digest") == want:
        return f"present: {have['version']} by way of {have['way']}"
    pinned = pinned_version()
    user = find_on_path()
    on_path = ask_version(user) if user else None
    own = {way: tools() / f"pulumi-{pinned}-{way.value}" / "bin" / "pulumi" for way in (Way.DOWNLOAD, Way.BUILD)}
    enough = on_path is not None and on_path.version >= parse_version(pinned)
    built = [way for way, program in own.items() if program.exists()]
    if built and not enough:
        attempts = [Attempt(built[0], "it was got before")]
    else:
        attempts = choose(on_path, not enough and reaches_download_site(), go_toolchain.find(), pinned)
    for number, attempt in enumerate(attempts):
        note(f"Pulumi CLI by way of {attempt.way.value}: {attempt.why}")
        try:
            program = on_path.path if attempt.way is Way.PATH and on_path else own[attempt.way]
            if attempt.way is Way.DOWNLOAD and not program.exists():
                download(program, pinned)
            if attempt.way is Way.BUILD and not program.exists():
                build(program, pinned)
            break
        except Failed as error:
            if number + 1 == len(attempts):
                raise
            note(f"that failed, so the next way is taken: {error}")
    checked = ask_version(program)
    if checked is None:
        raise Problem(f"{program} does not run: `{program} version` says why; remove it and run ./scripts/setup again")
    host = language_host.find(program) or language_host.make(pinned, program)
    version = ".".join(map(str, checked.version))
    install(want, program, host, {"way": attempt.way.value, "version": version, "why": attempt.why})
    return f"{version} by way of {attempt.way.value}"


def install(want: str, program: Path, host: Path, described: dict[str, str]) -> None:
    """Point `current` at a folder of links, in one step: a command that runs meanwhile sees the old or the new."""
    folder = tools() / f"set-{want}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    sources = {"pulumi": program.resolve()} | {name: host.with_name(name) for name in language_host.PROGRAMS}
    for name, source in sources.items():
        target = folder / "bin" / name
        if host.parent == program.resolve().parent:
            target.symlink_to(source)
            continue
        # Side by side as files: the engine warns of a language host that does not really lie beside it.
        try:
            target.hardlink_to(source)
        except OSError:  # another file system
            shutil.copy2(source, target)
    (folder / "origin.json").write_text(json.dumps({**described, "language_host": str(host), "digest": want}, indent=2))
    link = tools() / "current.new"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(tools() / "current")
    for old in tools().glob("set-*"):
        if old != folder:
            shutil.rmtree(old)


def download(program: Path, version: str) -> None:
    """By the Automation API's own installer, into its folder under ours."""
    part = program.parents[1].with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    code = (
        "import sys, semver; from pulumi.automation import PulumiCommand; "
        "PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))"
    )
    python = VENV / "bin" / "python"
    run("download Pulumi", [python, "-c", code, part, version], timeout_seconds=DOWNLOAD_SECONDS)
    part.rename(program.parents[1])


def build(program: Path, version: str) -> None:
    """From the pinned modules. An interrupted build goes on where it was: Go's caches stay until it succeeds."""
    go = go_toolchain.find()
    if go is None:
        raise Failed("go has gone from PATH")
    require_space("building the Pulumi CLI", cache(), BUILD_MIB)
    note("building the Pulumi CLI from its Go modules; about 4 minutes on two cores")
    part = program.with_name("pulumi.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    flags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}"
    command = [go.path, "build", "-ldflags", flags, "-o", part, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"]
    run("build Pulumi", command, cwd=GO_MODULE, env=go_toolchain.settings())
    # Taken from the same modules while they are here.
    language_host.keep_executor(go.path, version)
    part.rename(program)
    run("clean Go's caches", [go.path, "clean", "-modcache", "-cache"], cwd=GO_MODULE, env=go_toolchain.settings())
    shutil.rmtree(cache() / "go", ignore_errors=True)
