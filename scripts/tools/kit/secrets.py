"""That no secret goes into a kit: neither in clear in a stack file, nor anywhere else among what this desk wrote."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from setup.console import Problem

from kit.parts import Part
from stacks.settings import Reader

SHORTEST = 8
"""Letters. A shorter one would be found in innocent words; Pulumi encrypts it in the stack file all the same."""
_NAMES = re.compile(r"PASS|SECRET|TOKEN|ACCESS_KEY|PRIVATE_KEY|SAS|CREDENTIAL")
_FRAME = re.compile(r"-----(BEGIN|END) ")
_PUBLIC = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def in_clear(settings: Mapping[str, Any], project: str, module: Any) -> list[str]:
    """Settings of a stack file that its topology takes as secrets and that stand there in clear."""
    asked: set[str] = set()

    def get(key: str) -> str | None:
        value = settings.get(f"{project}:{key}")
        return value if value is None or isinstance(value, str) else json.dumps(value)

    def is_secret(key: str) -> bool:
        asked.add(key)
        return True

    module.read(Reader(get, is_secret))
    return sorted(key for key in asked if not isinstance(settings[f"{project}:{key}"], dict))


def of_settings(shown: Mapping[str, Any]) -> Iterator[str]:
    """Secret values in what `pulumi config --show-secrets --json` says."""
    for said in shown.values():
        if said.get("secret"):
            yield str(said.get("value", ""))
            yield from _leaves(said.get("objectValue"))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, str):
        yield value


def of_environment(environment: Mapping[str, str]) -> Iterator[str]:
    """What this desk's own variables hold, and the file that PULUMI_CONFIG_PASSPHRASE_FILE names."""
    for name, value in environment.items():
        if not _NAMES.search(name.upper()):
            continue
        yield value
        if name.endswith("_FILE") and os.path.isfile(value):
            yield Path(value).read_text(errors="ignore").strip()


def pieces(secrets: Iterable[str]) -> set[bytes]:
    """What to look for: a key in PEM line by line, since in JSON its lines end otherwise. Certificates beside it are
    public, and its authority's may well be a setting of another name."""
    private = [_PUBLIC.sub("", secret) for secret in secrets]
    lines = {line.strip() for secret in private for line in secret.splitlines() if not _FRAME.match(line)}
    # A path is no secret, and a program may well name it.
    return {line.encode() for line in lines if len(line) >= SHORTEST and not line.startswith("/")}


def refuse_secrets(parts: Iterable[Part], secrets: Iterable[str]) -> None:
    """Problem when a part holds one; says where, and never which."""
    wanted = pieces(secrets)
    found = [part.name for part in parts if any(piece in part.read() for piece in wanted)]
    if found:
        raise Problem(
            f"{', '.join(found)} would carry a secret's value into the kit: take it out of there "
            "(`pulumi config set --secret KEY` for a setting), and change the secret if the file was ever shared"
        )


def refuse_in_clear(project: Path, stack: str, module: Any) -> None:
    """Problem for each setting that should be a secret and is none."""
    file = project / f"Pulumi.{stack}.yaml"
    name = yaml.safe_load((project / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    keys = in_clear(yaml.safe_load(file.read_text(encoding="utf-8"))["config"], name, module)
    if keys:
        fixes = ", ".join(f"`pulumi config set --secret {key}`" for key in keys)
        raise Problem(f"{file} holds in clear what should be a secret: {fixes}")


def shown_settings(said: str) -> dict[str, Any]:
    """The JSON of `pulumi config --show-secrets --json`, after what else it says."""
    found: dict[str, Any] = json.loads(said[said.index("{") :])
    return found
