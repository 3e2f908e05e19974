"""Stack files at the desk: copies of the tree's, with the lab's addresses and the lab's mark.

python -m lab.operator.stack FILE BOX      put the mark into one stack file
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = "twinsite"
MARKER = "lab:marker"
GROUND = Path(__file__).resolve().parents[1] / "ground.yaml"
"""The lab's own rates; they hold for stacks with the mark."""


def overlay(stack_file: str, box: str, values: Mapping[str, Any]) -> str:
    """A stack file's text with the lab's values and mark; everything else stays (comments do not: it is a copy).

    Values whose key has a colon are a provider's, the others the project's.
    """
    content = yaml.safe_load(stack_file) or {}
    config = content.setdefault("config", {})
    config[MARKER] = box
    for key, value in values.items():
        config[key if ":" in key else f"{PROJECT}:{key}"] = value
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def machine_image(image_digest: str) -> str:
    """The image's digest in the form of an AMI id: another image, another AMI."""
    return f"ami-0{image_digest[:16]:0<16}"


def main(path: Path, box: str) -> None:
    """Mark one file."""
    path.write_text(overlay(path.read_text(), box, {}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
