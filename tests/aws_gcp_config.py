"""What a user of topology aws-gcp would have in the stack file; shared by the layers of tests."""

from pathlib import Path
from typing import Any

import yaml

TREE = Path(__file__).resolve().parents[1]

_EXAMPLE: dict[str, dict[str, Any]] = yaml.safe_load((TREE / "stacks" / "aws_gcp" / "example.yaml").read_text())

PROVIDERS: dict[str, Any] = {key: value for key, value in _EXAMPLE["settings"].items() if ":" in key}

SETTINGS: dict[str, Any] = {
    "topology": "aws-gcp",
    "dr_mode": "pilot-light",
    **{key: value for key, value in _EXAMPLE["settings"].items() if ":" not in key},
}

SECRETS: dict[str, str] = _EXAMPLE["secrets"]


def stack_file(**change: Any) -> str:
    """Text of a stack file with these settings, some changed."""
    settings = {f"twinsite:{key}": value for key, value in {**SETTINGS, **change}.items()}
    return str(yaml.safe_dump({"config": {**PROVIDERS, **settings}}, sort_keys=False))
