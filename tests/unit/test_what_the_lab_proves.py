"""Numbers of docs/what-the-lab-proves.md that the tree itself knows."""

import re
from pathlib import Path

from lab.services.azure_roles import ROLES
from lab.services.google.rights import ROLES as GOOGLES_ROLES
from twinsite.guest.standby.plan import STEPS

TREE = Path(__file__).resolve().parents[2]
PAGE = (TREE / "docs" / "what-the-lab-proves.md").read_text()
WORDS = {"ten": 10, "eleven": 11, "twelve": 12}


def test_schemas_steps_and_roles_are_as_many_as_there_are() -> None:
    (schemas,) = re.findall(r"the (\d+) schemas of `tests/cases/database`", PAGE)
    (steps,) = re.findall(r"(\d+) steps, each ended by SIGKILL", PAGE)
    (roles,) = re.findall(r"(\w+) roles are known", PAGE)
    assert int(schemas) == len(list((TREE / "tests" / "cases" / "database").glob("*.sql")))
    assert int(steps) == len(STEPS)
    assert WORDS[roles] == len(ROLES)
    (googles,) = re.findall(r"roles outside a table of (\d+)", PAGE)
    assert int(googles) == len(GOOGLES_ROLES)


def test_every_decision_whose_effect_was_shown_somewhere_is_on_the_page() -> None:
    # 12 to 22: what they decided is behaviour.
    assert [number for number in range(12, 23) if f"](adr/00{number}-" not in PAGE] == []
