"""Step 2: `.venv` in the tree, exactly as requirements-dev.txt locks it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setup import packages
from setup.console import Failed, Problem, note, require_space, run
from setup.places import TREE, VENV, cache, digest

LOCK = TREE / "requirements-dev.txt"
STAMP = VENV / "twinsite-stamp"
NEED_MIB = 2500
"""The environment takes 1000 MiB, and uv's cache as much when it cannot share files with it."""


def fresh() -> bool:
    return STAMP.is_file() and STAMP.read_text() == _wanted() and (VENV / "bin" / "python").exists()


def _wanted() -> str:
    # Not the Python that runs this: another one on PATH tomorrow is no reason to make the environment again.
    return digest(LOCK, Path(__file__), str(TREE))


def ensure() -> str:
    """Bytecode is left to the first import: most of what is installed is never imported, and compiling pulumi_aws alone
    takes 6.8 s on two cores and 200 MB, for an import of 0.63 s instead of 0.66 s."""
    if fresh():
        return "present"
    uv = find_uv()
    require_space("installing Python packages", VENV, NEED_MIB)
    STAMP.unlink(missing_ok=True)
    python = VENV / "bin" / "python"
    if not _runs(python):
        run("make .venv", [uv, "venv", "--clear", "--python", sys.executable, VENV], env=uv_settings())
    note("installing Python packages into .venv")
    sync(uv, python, LOCK)
    site = next((VENV / "lib").glob("python3.*/site-packages"))
    (site / "twinsite-tree.pth").write_text(f"{TREE}\n")  # `python -m operations` and `-m lab.…` work from any folder
    command = VENV / "bin" / "twinsite"
    command.unlink(missing_ok=True)
    command.symlink_to(TREE / "scripts" / "twinsite")
    STAMP.write_text(_wanted())
    return "installed"


def sync(uv: Path, python: Path, lock: Path) -> None:
    """Make the environment of `python` what `lock` says, no more and no less, also after an interruption."""
    what = f"install {lock.parent.name} {lock.stem}"
    run(what, [uv, "pip", "sync", "--require-hashes", "--python", python, lock], env=uv_settings())


def uv_settings() -> dict[str, str]:
    """uv keeps its downloads in our folder unless told otherwise, and uses pip's index, which it does not read."""
    settings = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(cache() / "uv")), "UV_NO_PROGRESS": "1"}
    if index := os.environ.get("PIP_INDEX_URL"):
        settings.setdefault("UV_DEFAULT_INDEX", os.environ.get("UV_DEFAULT_INDEX", index))
    return settings


def find_uv() -> Path:
    """The uv on PATH if it runs (a version manager's shim may not); else one of our own, installed by pip."""
    own = cache() / "uv-tool" / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and _runs(Path(candidate)):
            return Path(candidate)
    note("installing uv, which is not on PATH")
    try:
        run("make an environment for uv", [sys.executable, "-m", "venv", "--clear", own.parents[1]])
    except Failed as error:
        # Debian has ensurepip in a package of its own.
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Problem(
                f"{error}\n    Install uv, or python3-venv (apt-get install python3-venv), and run again"
            ) from error
        note("installing distribution package python3-venv")
        packages.install(["python3-venv"])
        run("make an environment for uv", [sys.executable, "-m", "venv", "--clear", own.parents[1]])
    run("install uv", [own.with_name("python"), "-m", "pip", "install", "--disable-pip-version-check", "uv>=0.5"])
    return own


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
