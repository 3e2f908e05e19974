"""Step 4: the image that the lab's machines boot. Its recipe and its building belong to the lab."""

import os

from setup import packages
from setup.console import Problem, note, require_space, run
from setup.places import TREE, VENV, cache

NEED_MIB = 3000


def ensure() -> str:
    if reason := packages.why_no_lab():
        return f"left out: {reason}; the lab is recorded only"
    images = cache() / "lab" / "image"
    if not (images.is_dir() and any(images.iterdir())):
        require_space("building the lab's machine image", cache(), NEED_MIB)
        note("building the lab's machine image, a minute or two")
    started_with = built()
    env = {"TWINSITE_CACHE": str(cache()), "PATH": f"{os.environ.get('PATH', '')}:{packages.SYSTEM_PATH}"}
    said = run("lab image", [VENV / "bin" / "python", "-m", "lab.box.image"], cwd=TREE, env=env)
    if not said.strip():
        raise Problem("lab.box.image built no image and named no reason: see the log folder beside the image")
    return "present" if built() == started_with else "built"


def built() -> set[str]:
    images = cache() / "lab" / "image"
    return {entry.name for entry in images.iterdir() if not entry.name.startswith(".")} if images.is_dir() else set()
