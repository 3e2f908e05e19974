"""Each known-bad design and each rule has a policy, or a line why it has none (catalogue.yaml)."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .pack import POLICIES

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "components" / "rules"
TABLE: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "catalogue.yaml").read_text())
ASKED = "component-intent"


def designs_of(text: str) -> set[str]:
    """K numbers in a description; `K27–K30` are four."""
    found: set[str] = set()
    for first, last in re.findall(r"\bK(\d+)(?:–K(\d+))?", text):
        found |= {f"K{number}" for number in range(int(first), int(last or first) + 1)}
    return found


def trees() -> dict[str, ast.Module]:
    return {path.stem: ast.parse(path.read_text()) for path in sorted(RULES.glob("*.py"))}


def rules() -> set[str]:
    """module.function of everything that returns problems."""
    return {
        f"{module}.{one.name}".removeprefix("__init__.")
        for module, tree in trees().items()
        for one in tree.body
        if isinstance(one, ast.FunctionDef) and re.fullmatch(r"[a-z]\w*_problems?", one.name)
    }


def asked_by_an_intent() -> set[str]:
    """Names of the functions of components/rules that an intent's `problems` reaches. By name, whatever the module."""
    functions: dict[str, set[str]] = {}
    reached: set[str] = set()
    for tree in trees().values():
        for one in ast.walk(tree):
            names = {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
            names |= {node.attr for node in ast.walk(one) if isinstance(node, ast.Attribute)}
            if isinstance(one, ast.FunctionDef):
                functions.setdefault(one.name, set()).update(names)
            elif isinstance(one, ast.ClassDef):
                reached |= names
    while more := {name for known in reached & set(functions) for name in functions[known]} - reached:
        reached |= more
    return reached & set(functions)


def entries() -> list[tuple[str, Any]]:
    return [(name, entry) for part in ("designs", "rules") for name, entry in TABLE[part].items()]


def test_every_design_stands_in_the_table() -> None:
    assert list(TABLE["designs"]) == [f"K{number}" for number in range(1, 56)]


def test_every_rule_stands_in_the_table() -> None:
    assert list(TABLE["rules"]) == sorted(rules())


@pytest.mark.parametrize(("name", "entry"), entries())
def test_an_entry_names_policies_that_there_are_or_says_why_there_is_none(name: str, entry: Any) -> None:
    if isinstance(entry, list):
        assert entry and set(entry) <= set(POLICIES)
        assert entry == sorted(set(entry))
    else:
        ((why, line),) = entry.items()
        assert why in ("graph", "later")
        assert len(line) > 20


@pytest.mark.parametrize("name", sorted(set(POLICIES) - {ASKED}))
def test_a_policy_says_which_designs_it_refuses_as_the_table_does(name: str) -> None:
    listed = {design for design, entry in TABLE["designs"].items() if isinstance(entry, list) and name in entry}
    assert designs_of(POLICIES[name].description) == listed


def test_a_rule_is_said_to_be_asked_of_components_when_an_intent_asks_it_and_only_then() -> None:
    said = {name for name, entry in TABLE["rules"].items() if isinstance(entry, list) and ASKED in entry}
    asked = asked_by_an_intent()
    assert said == {name for name in rules() if name.rpartition(".")[2] in asked}


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_a_policy_cites_the_harm_that_it_is_against(name: str) -> None:
    policy = POLICIES[name]
    assert policy.severity is not None
    source = re.search(r"\(([^()]+)\)[^()]*\.$", policy.description)
    assert source is not None, "no source in brackets at the end"
    assert re.search(r"K\d|guide|manual|Hub|RFC|Backup|GDPR|twinsite\.rules", source[1])
