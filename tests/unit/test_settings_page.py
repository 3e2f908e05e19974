"""docs/settings.md is what Pulumi.yaml and the topologies say, and every topology's page leads there."""

import sys
from pathlib import Path

from stacks import TOPOLOGIES
from stacks.declared import Declared

TREE = Path(__file__).parents[2]
sys.path.insert(0, str(TREE / "scripts" / "tools"))

import settings_page


def test_every_setting_is_documented_with_its_default() -> None:
    page = (TREE / "docs" / "settings.md").read_text()
    tables = settings_page.tables()
    assert page == settings_page.page(tables), "run ./scripts/settings"
    assert list(tables) == ["All topologies", *TOPOLOGIES]
    rows = sum(len(keys) for keys in tables.values())
    assert (page.count("\n| `"), rows > 100) == (rows, True)


def test_a_changed_default_is_seen() -> None:
    said = settings_page.page({"one": {"size": Declared(3, "How large, a|b.")}, "other": {}})
    assert "| `size` | `3` | How large, a\\|b. |" in said
    assert said.index("## one") < said.index("`size`") < said.index("## other")


def test_every_topologys_page_leads_to_it() -> None:
    for name in TOPOLOGIES:
        assert "(settings.md)" in (TREE / "docs" / f"{name}.md").read_text()
