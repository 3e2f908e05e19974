"""docs/evidence.md: the fields that it gives an auditor are those of a record, each with what asks for it."""

import pathlib
import re

import pytest

from tests.evidence_chain import key, records, subject, told, whole

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "evidence.md").read_text()
FRAMEWORKS = ("NIST SP 800-34", "ISO 22301", "SOC 2 A1.3", "DORA 11", "DORA 12", "AWS REL13")


def rows() -> list[tuple[list[str], str]]:
    """(fields, clauses) of the table."""
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
    return [(re.findall(r"`([^`]+)`", first), clauses) for first, _, clauses in cells]


def test_the_page_cites_every_field_of_a_record_and_no_other(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSITE_EVIDENCE_KEY", str(key(tmp_path, "ann").path))
    whole(subject(tmp_path, f"file://{tmp_path}/place"))
    *_, ended = records(tmp_path / "place" / "dev").values()
    cited = [field for fields, _ in rows() for field in fields]
    assert sorted(cited) == sorted(told(ended))


def test_every_field_is_asked_for_by_a_clause_and_every_framework_is_there() -> None:
    clauses = [clause for _, clause in rows()]
    assert all(clauses)
    assert [name for name in FRAMEWORKS if not any(name in clause for clause in clauses)] == []


def test_the_page_says_what_the_evidence_does_not_show() -> None:
    assert PAGE.partition("## What it does not show")[2].count("\n- **") >= 6
