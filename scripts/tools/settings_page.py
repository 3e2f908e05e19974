"""Writes docs/settings.md anew from Pulumi.yaml and each topology's settings.yaml; ./scripts/settings runs it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE))

from stacks import TOPOLOGIES
from stacks.declared import Declared, declared

PAGE = TREE / "docs" / "settings.md"
HEAD = """# Settings

Made from `Pulumi.yaml` and `stacks/TOPOLOGY/settings.yaml` by `./scripts/settings`; a test compares them.
`pulumi config set KEY VALUE` sets a text or number, `--secret` a secret, `--path 'KEY[0]'` a list's, `--path KEY.NAME`
an object's. A wrong value is refused in preview, all that is wrong at once. "none" is the empty text: not needed, to be
given (the refusal then says so), or, of a key that all topologies have, the topology's own default.
"""


def tables() -> dict[str, dict[str, Declared]]:
    """Heading → keys: those of Pulumi.yaml, then each topology's own."""
    project = yaml.safe_load((TREE / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    shared = {key: Declared(said["default"], said["description"]) for key, said in project.items()}
    return {"All topologies": shared, **{name: declared(name) for name in TOPOLOGIES}}


def page(found: Mapping[str, Mapping[str, Declared]]) -> str:
    """The page with these tables."""
    parts = [HEAD]
    for heading, keys in found.items():
        rows = [
            f"| `{key}` | {f'`{one.text}`' if one.text else 'none'} | {one.description.replace('|', chr(92) + '|')} |"
            for key, one in keys.items()
        ]
        parts.append("\n".join([f"## {heading}", "", "| key | default | |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(tables()), encoding="utf-8")
