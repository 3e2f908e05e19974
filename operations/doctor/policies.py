"""The lists of rights in policies/: found by topology and mode, <placeholders> filled in, and written out for use."""

import json
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "policies"
CLOUDS = {"aws": "json", "azure": "json", "gcp": "json", "cloudflare": "json", "kubernetes": "yaml"}
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True)
class Statement:
    """One Allow of an IAM policy."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, str]
    """Condition key → the value that it must have."""


def path(cloud: str, topology: str, mode: str, who: str) -> pathlib.Path | None:
    """The file for this mode, else the one for every mode, else one of that name alone, which is a part's that several
    topologies have; None when nothing is needed there."""
    ending = CLOUDS[cloud]
    for name in (f"{topology}.{who}.{mode}.{ending}", f"{topology}.{who}.{ending}", f"{who}.{ending}"):
        if (FOLDER / cloud / name).exists():
            return FOLDER / cloud / name
    return None


def filled(text: str, words: Mapping[str, str]) -> str:
    """With every <placeholder> that is known; others stay."""
    return _PLACEHOLDER.sub(lambda found: words.get(found[1]) or found[0], text)


def gaps(text: str) -> list[str]:
    """Placeholders that are left."""
    return sorted(set(_PLACEHOLDER.findall(text)))


def name(file: pathlib.Path) -> str:
    """As a person finds it."""
    return str(file.relative_to(FOLDER.parent))


def statements(text: str) -> list[Statement]:
    """Of an IAM policy."""
    return [
        Statement(
            tuple(_listed(one["Action"])),
            tuple(_listed(one["Resource"])),
            {
                key: _listed(values)[0]
                for keys in (one.get("Condition") or {}).values()
                for key, values in dict(keys).items()
            },
        )
        for one in json.loads(text)["Statement"]
    ]


def rules(text: str) -> Iterator[tuple[str, str, str, str]]:
    """(verb, API group, resource, name or "") of every Role in the YAML documents."""
    for document in yaml.safe_load_all(text):
        for rule in (document or {}).get("rules") or []:
            for verb in rule["verbs"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        for one in rule.get("resourceNames") or [""]:
                            yield verb, group, resource, one


def write(
    folder: pathlib.Path, topology: str, mode: str, words: Mapping[str, str], further: Sequence[str] = ()
) -> list[tuple[pathlib.Path, list[str]]]:
    """Every file of a topology in this mode, and the doctor's own, filled in; each with the gaps that are left."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for cloud in CLOUDS:
        found = [one for who in ("deployer", "operator", *further) if (one := path(cloud, topology, mode, who))]
        own = FOLDER / cloud / "doctor.json"
        for source in [*found, own] if found and own.exists() else found:
            text = filled(source.read_text(encoding="utf-8"), words)
            target = folder / f"{cloud}-{source.name}"
            target.write_text(text, encoding="utf-8")
            written.append((target, gaps(text)))
    return written


def _listed(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]
