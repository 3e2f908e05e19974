"""A PULUMI_HOME with every stand-in, for who only records: `python -m lab.providers.recording` prints its folder.

It has a name of its own for each version of the stand-ins, and in VERSION what that is: a state that was recorded with
others says nothing of a state that is recorded with these.
"""

import hashlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

from lab.paths import TREE, cache
from lab.providers.install import install

OLD_SECONDS = 86400.0


def version() -> str:
    """Of the stand-ins' own text, and of the Python that runs them."""
    known = hashlib.sha256(sys.executable.encode())
    for path in sorted((TREE / "lab").rglob("*")):
        if path.suffix in (".py", ".json"):
            known.update(f"{path.relative_to(TREE)}\0".encode() + path.read_bytes())
    return known.hexdigest()[:24]


def home() -> Path:
    """The folder, made when it is not there."""
    name = version()
    place = cache() / "lab" / "recording" / f"{hashlib.sha256(str(TREE).encode()).hexdigest()[:8]}-{name}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=place.parent, prefix="draft-"))
        install(draft)
        (draft / "VERSION").write_text(name)
        draft.rename(place)
        for old in place.parent.iterdir():  # of another version; a review that began with it may still use it
            if time.time() - old.stat().st_mtime > OLD_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    return place


if __name__ == "__main__":
    print(home())
