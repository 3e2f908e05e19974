"""What stands in for a container image: files that are put on nodes, and the command that is its entry point.

A Workload names an image by digest and no command, and no image is pulled here. So whoever makes a scene says what runs
for a repository; the digest is not looked at. The node's own Python and packages are the rest of the image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.paths import TREE

PLACE = "/usr/local/lib/lab/images"


@dataclass(frozen=True)
class Image:
    command: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    """Path on the node → where it is taken from."""


def package(folder: Path) -> Image:
    """A Python package that is run with -m."""
    files = {f"{PLACE}/{folder.name}/{one.name}": one for one in sorted(folder.glob("*.py"))}
    return Image(("env", f"PYTHONPATH={PLACE}", "python3", "-B", "-m", folder.name), files)


def crm() -> Image:
    """The small CRM."""
    return package(TREE / "workloads" / "crm")
