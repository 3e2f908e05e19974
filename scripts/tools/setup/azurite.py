"""Azurite, the blob storage of the lab's Azure: npm packages, exactly as scripts/tools/azurite/package-lock.json locks
them. Without npm the lab works, too, and says that it has no blobs."""

import shutil

from setup.console import note, require_space, run
from setup.places import TREE, cache, digest

SOURCE = TREE / "scripts" / "tools" / "azurite"
FOLDER = cache() / "tools" / "azurite"
STAMP = FOLDER / "stamp"
NEED_MIB = 600
FILES = ("package.json", "package-lock.json")


def fresh() -> bool:
    return STAMP.is_file() and STAMP.read_text() == _wanted()


def _wanted() -> str:
    return digest(*(SOURCE / name for name in FILES))


def why_not() -> str:
    """What keeps it from being installed; empty when nothing does."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        return f"{' and '.join(missing)} not on PATH: the lab's Azure has no blob storage (install nodejs and npm)"
    return ""


def ensure() -> str:
    if fresh():
        return "present"
    reason = why_not()
    if reason:
        note(reason)
        return "left out"
    require_space("installing Azurite", FOLDER, NEED_MIB)
    STAMP.unlink(missing_ok=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(SOURCE / name, FOLDER / name)
    note("installing Azurite (npm)")
    # No package's own script runs: nothing of it is built here.
    run("install azurite", ["npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"], cwd=FOLDER)
    STAMP.write_text(_wanted())
    return "installed"
