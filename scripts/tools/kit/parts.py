"""What goes into a kit, and where it is on this machine. Problem when something is not there, with what brings it."""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from setup import environment
from setup.console import Problem, note, run
from setup.language_host import PROGRAMS
from setup.places import LANGUAGE_HOST, TREE, cache, digest, tools

from stacks import TOPOLOGIES, topology

HERE = Path(__file__).parent
INSTALLER = HERE / "requirements.txt"
"""The lock of pip, which installs the wheels where they are needed."""
PROGRAM = ("__main__.py", "Pulumi.yaml", "requirements.txt", "twinsite", "stacks", "operations", "scripts/twinsite")
RUNBOOKS = "docs/runbooks"
LAUNCHER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "${here%/bin}/work"/.venv/bin/python -I "$here/host.py" "$@"
"""


@dataclass(frozen=True)
class Part:
    """One file of the kit. `name` is its path inside; `content` is what a file here holds, or bytes."""

    name: str
    content: Path | bytes
    program: bool = False
    """Whether it may be run."""

    def read(self) -> bytes:
        """All of it."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


@dataclass(frozen=True)
class Wanted:
    """What a stack's topology needs to be raised."""

    topology: str
    mode: str
    """The one to raise to: the highest."""
    packages: Sequence[str]
    """Names of Pulumi's providers."""


def wanted(project: Path, stack: str) -> Wanted:
    """From the stack file and the topology's own words."""
    file = project / f"Pulumi.{stack}.yaml"
    try:
        settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["config"] or {}
        whole: dict[str, Any] = yaml.safe_load((project / "Pulumi.yaml").read_text(encoding="utf-8"))
    except (OSError, TypeError, KeyError) as error:
        raise Problem(f"{file} and Pulumi.yaml beside it cannot be read ({error}): run this in the project's folder, "
                      "with --stack NAME") from None  # fmt: skip
    found = settings.get(f"{whole['name']}:topology", whole["config"]["topology"]["default"])
    if found not in TOPOLOGIES:
        raise Problem(f"{file}: topology is {found!r}, one of {', '.join(TOPOLOGIES)} is needed")
    module = topology(found)
    if len(module.MODES) < 2:
        raise Problem(
            f"stack {stack} is of topology {found}, whose one mode is {module.MODES[0].value}: nothing is raised there "
            "in a disaster, so no kit is needed; `twinsite` works from a checkout with its .venv alone"
        )
    return Wanted(found, module.MODES[-1].value, module.PACKAGES)


def pinned(lock: Path) -> dict[str, str]:
    """Distribution name → version of a lock."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def plugins(packages: Sequence[str], lock: Path, home: Path) -> list[Part]:
    """Each provider's plugin, of exactly the version that its SDK has in the lock, from Pulumi's own folder."""
    versions, problems, found = pinned(lock), [], []
    for package in packages:
        distribution = f"pulumi-{package}"
        version = versions[distribution]
        installed = importlib.metadata.version(distribution)
        if installed != version:
            problems.append(f"{distribution} is {installed} in .venv and {version} in the lock: run ./scripts/setup")
        folder = home / "plugins" / f"resource-{package}-v{version}"
        program = folder / f"pulumi-resource-{package}"
        if not os.access(program, os.X_OK):
            problems.append(f"there is no {program}: run `pulumi plugin install resource {package} {version}`")
        found += tree_of(folder, f"plugins/{folder.name}")
    if problems:
        raise Problem("; ".join(problems))
    return found


def tree_of(folder: Path, name: str) -> list[Part]:
    """Files of a folder, links followed, without what a run leaves behind."""
    return [
        Part(f"{name}/{file.relative_to(folder)}", file, os.access(file, os.X_OK))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]


def pulumi() -> list[Part]:
    """The CLI that set-up chose, with its Python language host; our own host without its environment."""
    folder = tools() / "current" / "bin"
    try:
        origin = json.loads((folder.parent / "origin.json").read_text())
    except (OSError, ValueError):
        raise Problem(f"there is no Pulumi CLI in {folder}: run ./scripts/setup") from None
    found = [Part(f"bin/{name}", folder / name, True) for name in ("pulumi", PROGRAMS[1])]
    if not Path(origin["language_host"]).with_name("host.py").exists():
        return [*found, Part(f"bin/{PROGRAMS[0]}", folder / PROGRAMS[0], True)]
    return [*found, Part(f"bin/{PROGRAMS[0]}", LAUNCHER.encode(), True), Part("bin/host.py", LANGUAGE_HOST / "host.py")]


def wheels(lock: Path) -> list[Part]:
    """Of the lock and of pip, for this machine's Python: from the index, by hash, once; then from the cache."""
    tag = f"{sys.implementation.cache_tag}-{platform.machine()}"
    folder = cache() / "kit" / f"wheels-{digest(lock, INSTALLER, tag)}"
    if not folder.exists():
        note("fetching the wheels of requirements.txt, once for each lock")
        part = folder.with_suffix(".part")
        uv, python = environment.find_uv(), Path(sys.prefix) / "bin" / "python"
        pip = [
            uv,
            "run",
            "--no-project",
            "--python",
            python,
            "--with-requirements",
            INSTALLER,
            "--",
            "python",
            "-m",
            "pip",
        ]
        options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--dest", part]
        fetch = [*pip, "download", *options, "--requirement", lock, "--requirement", INSTALLER]
        run("fetch wheels", fetch, env=environment.uv_settings())
        part.rename(folder)
    return tree_of(folder, "wheels")


def program(project: Path, stack: str, inventory: str) -> list[Part]:
    """The stack's program, its file with secrets as Pulumi encrypted them, and what operations know of it."""
    found = []
    for name in (*PROGRAM, f"Pulumi.{stack}.yaml"):
        path = project / name
        if path.is_dir():
            found += tree_of(path, f"program/{name}")
        elif path.is_file():
            content = _in_the_kits_environment(path) if name == "Pulumi.yaml" else path
            found.append(Part(f"program/{name}", content, os.access(path, os.X_OK)))
        else:
            raise Problem(f"there is no {path}: run this in the project's folder")
    found += tree_of(TREE / RUNBOOKS, f"program/{RUNBOOKS}")
    return [*found, Part(f"program/.twinsite/{stack}/inventory.json", inventory.encode())]


def _in_the_kits_environment(file: Path) -> bytes:
    """Pulumi.yaml, whose program runs in what `raise` makes, whatever it is called and wherever it is at this desk."""
    about = yaml.safe_load(file.read_text(encoding="utf-8"))
    about["runtime"] = {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}
    return yaml.safe_dump(about, sort_keys=False, allow_unicode=True).encode()


def described(stack: str, want: Wanted, backend: str, update: str) -> Part:
    """kit.json: what `raise` reads. `update` is when the stack's last one began."""
    cli = tools() / "current" / "bin" / "pulumi"
    said = subprocess.run([cli, "version"], capture_output=True, text=True, check=True).stdout.strip()
    told = {
        "version": 1,
        "stack": stack,
        "topology": want.topology,
        "mode": want.mode,
        "backend": backend,
        "update": update,
        "pulumi": said.removeprefix("v"),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "system": platform.system(),
        "machine": platform.machine(),
    }
    return Part("kit.json", json.dumps(told, indent=1).encode() + b"\n")


def checksums(parts: Sequence[Part]) -> Part:
    """SHA256SUMS of all of them, as `sha256sum --check` reads it."""
    lines = []
    for part in parts:
        if isinstance(part.content, bytes):
            found = hashlib.sha256(part.content).hexdigest()
        else:
            with part.content.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{found}  {part.name}\n")
    return Part("SHA256SUMS", "".join(sorted(lines, key=lambda line: line[66:])).encode())
