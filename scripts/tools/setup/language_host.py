"""Step 3, second half: `pulumi-language-python`, by which the engine runs Python. Pulumi's own or ours."""

import json
import os
import shutil
import sys
from pathlib import Path

from setup import environment, go_toolchain
from setup.console import Problem, note, run
from setup.places import GO_MODULE, LANGUAGE_HOST, digest, tools

PROGRAMS = ("pulumi-language-python", "pulumi-language-python-exec")
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"

LAUNCHER = """#!/bin/sh
exec "{folder}/venv/bin/python" -I "{folder}/host.py" "$@"
"""


def find(pulumi: Path) -> Path | None:
    """Pulumi's own host, beside the CLI (where every proper installation has it)."""
    host = pulumi.resolve().with_name(PROGRAMS[0])
    return host if all(os.access(host.with_name(name), os.X_OK) for name in PROGRAMS) else None


def works(host: Path) -> bool:
    """Whether what `find` or `make` gave is still there, with the Python below it."""
    python = host.with_name("venv") / "bin" / "python"
    return host.exists() and (python.exists() or not host.with_name("host.py").exists())


def executor(version: str) -> Path:
    """Where set-up keeps Pulumi's own pulumi-language-python-exec of that version."""
    return tools() / f"language-python-exec-{version}"


def keep_executor(go: Path, version: str) -> None:
    """Take it from the SDK's Go module, whose content go.sum pins."""
    command = [go, "mod", "download", "-json", f"{SDK_MODULE}@v{version}"]
    folder = json.loads(run("find Pulumi's SDK module", command, cwd=GO_MODULE, env=go_toolchain.settings()))["Dir"]
    part = executor(version).with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(folder) / "python" / "cmd" / PROGRAMS[1], part)
    part.chmod(0o755)
    part.replace(executor(version))


def make(version: str, pulumi: Path) -> Path:
    """Ours, in a folder of its own with its own small environment, so that no clone of this tree breaks another's."""
    note(f"{pulumi} has no {PROGRAMS[0]} beside it: using ours")
    if not executor(version).exists():
        go = go_toolchain.find()
        if go is None:
            raise Problem(
                f"{PROGRAMS[1]} comes with Pulumi's SDK as a Go module and there is no Go to fetch it: install Go, "
                "or put the whole of an official Pulumi installation on PATH, not only its `pulumi`"
            )
        keep_executor(go.path, version)
    lock = LANGUAGE_HOST / "requirements.txt"
    folder = tools() / f"language-python-{digest(LANGUAGE_HOST / 'host.py', lock, LAUNCHER, version)}"
    host = folder / PROGRAMS[0]
    if works(host):
        return host
    host.unlink(missing_ok=True)
    uv = environment.find_uv()
    python = folder / "venv" / "bin" / "python"
    make_environment = [uv, "venv", "--clear", "--python", sys.executable, folder / "venv"]
    run("make the language host's environment", make_environment, env=environment.uv_settings())
    environment.sync(uv, python, lock)
    shutil.copyfile(LANGUAGE_HOST / "host.py", folder / "host.py")
    shutil.copy2(executor(version), folder / PROGRAMS[1])
    part = folder / "launcher.part"
    part.write_text(LAUNCHER.format(folder=folder))
    part.chmod(0o755)
    part.rename(host)  # last: a folder without it is begun again
    return host
