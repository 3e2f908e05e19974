"""docs/first-day-on-an-account.md: its commands exist, its settings are taken, each claim from memory has a step."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from operations.cli import main
from stacks import TOPOLOGIES, topology
from stacks.declared import declared
from stacks.settings import Reader

TREE = Path(__file__).resolve().parents[2]
PAGE = (TREE / "docs" / "first-day-on-an-account.md").read_text()
COMMANDS = [words for words in re.findall(r"`([^`\n]+)`", PAGE) if " " in words]
STEP = re.compile(r"[OAG]\d+[a-z]?")

UNCONFIRMED = {
    "F2-eip-id", "F2-nat", "F6-inverted-disabled", "F6-new-inverted", "F6-one-check", "F6-redirect", "F7-certificates",
    "F7-edges", "F7-status", "F9-order", "F9-single", "F14-metrics", "F16-command", "F16-images", "F16-user-data",
    "P-adopt", "P-alias", "P-anomalies", "P-authority", "P-authority-back", "P-moves", "P-metrics", "P-system",
    "P-federated-google", "P-managed-restore", "P-blob-rate", "P-doctor", "P-drift",
    "P-eip", "P-evidence", "P-federated", "P-flags", "P-hold", "P-kernel-esp", "P-kit",
    "P-leftovers", "P-names", "P-negotiates", "P-peering", "P-pools", "P-private-way",
    "P-dms-harm", "P-dms-way", "P-dms-settings", "P-dms-status",
    "P-prices", "P-proof", "P-queries", "P-quiet", "P-rights", "P-role", "P-role-aws",
    "P-run-command", "P-secret", "P-server-name", "P-server-time", "P-status", "P-subnet", "P-volume", "P-website",
    "P-webtest", "P-agents",
}  # fmt: skip
"""Of the list of facts that the project was built from (F and its section) and of the notes on providers (P): what was
marked there as memory, inference or of 2023, and is of what is built. One leaves when an account has shown it."""


def rows(columns: int) -> list[list[str]]:
    """Of the page's tables with so many columns, without their heads."""
    found = [[cell.strip() for cell in line[1:-1].split("|")] for line in PAGE.splitlines() if line[:2] == "| "]
    return [row for row in found if len(row) == columns and row[0] not in ("id", "step")]


STEPS = {row[0]: row for row in rows(6)}
OF = {"O": "onprem-aws", "A": "aws-azure", "G": "aws-gcp"}
"""A step's letter → its topology."""
CLAIMS = {row[0]: row for row in rows(4)}


def test_each_topology_begins_with_the_doctor_and_every_step_says_what_must_be_seen() -> None:
    first = {step[0]: row[1] for step, row in reversed(STEPS.items())}
    assert ["twinsite doctor" in command for command in first.values()] == [True, True, True]
    assert [step for step, row in STEPS.items() if not (STEP.fullmatch(step) and row[1] and row[2])] == []


def test_everything_unconfirmed_is_on_the_page_with_a_step_that_settles_it_and_what_leans_on_it() -> None:
    assert set(CLAIMS) == UNCONFIRMED
    said = {(claim, step) for claim, row in CLAIMS.items() for step in STEP.findall(row[3])}
    settled = {(claim, step) for step, row in STEPS.items() for claim in filter(None, row[5].split(", "))}
    assert said == settled
    assert {claim for claim, _ in said} == UNCONFIRMED
    leaning = {path for row in CLAIMS.values() for path in re.findall(r"`([\w./-]+)`", row[2])}
    assert [path for path in sorted(leaning) if not (TREE / path).exists()] == []


def parsed(words: list[str]) -> str:
    """What the command line says of a command that is not meant to run: its usage, or why it does not know it."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), pytest.raises(SystemExit):
        main([*words, "--help"])
    return out.getvalue()


def known(command: str) -> str:
    """Empty, or what the command line does not know of it. `--help` ends argparse before it misses an argument."""
    words = shlex.split(command)[1:]
    said = parsed(words)
    options = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--stack"}
    missing = {option for option in options if option not in said}
    return "" if said.startswith("usage:") and "error:" not in said and not missing else f"{command}: {missing or said}"


def test_every_twinsite_command_of_the_page_and_of_the_kits_runbook_exists() -> None:
    runbook = (TREE / "docs" / "runbooks" / "raise-from-the-kit.md").read_text()
    found = {words for words in COMMANDS if words.startswith("twinsite ")}
    found |= {
        f"twinsite {words.strip()}" for words in re.findall(r"^ +\./raise -- twinsite ([^#\n]*)", runbook, re.MULTILINE)
    }
    assert len(found) > 10
    assert [problem for command in sorted(found) if (problem := known(command))] == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert "invalid choice" in known("twinsite heal")
    assert "--gently" in known("twinsite failback --to aws --gently")


def test_every_setting_of_the_page_exists_and_takes_the_value() -> None:
    found = [(key, value) for words in COMMANDS for key, value in re.findall(r"^pulumi config set (\w+) (\S+)$", words)]
    assert len(found) > 6
    assert [key for key, _ in found if not any(key in declared(name) for name in TOPOLOGIES)] == []
    refused = []
    for key, value in found:
        said = f"`pulumi config set {key} {value}`"
        for letter in {step[0] for step, row in STEPS.items() if said in row[1]}:
            reader = Reader({key: value}.get)
            topology(OF[letter]).read(reader)
            refused += [problem for problem in reader.problems if problem.startswith(f"{key} is")]
    assert refused == []
    assert set(TOPOLOGIES) == set(OF.values()), "a topology without a first day"


def test_a_page_that_repeats_something_from_memory_leads_to_this_one() -> None:
    marks = re.compile(
        r"from memory|[Nn]ot tried on an account|[Nn]ot run on (any|an) (cloud|AWS) account|no cloud account has",
        re.IGNORECASE,
    )
    pages = [page for page in sorted((TREE / "docs").rglob("*.md")) if "first-day" not in page.name]
    marked = [page for page in pages if marks.search(page.read_text())]
    assert len(marked) > 6
    assert [
        str(page.relative_to(TREE)) for page in marked if "first-day-on-an-account.md" not in page.read_text()
    ] == []


def test_a_claim_that_a_page_marks_is_one_of_this_pages() -> None:
    link = re.compile(r"\[([FP][\w, -]+)\]\((?:\.\./)?first-day-on-an-account\.md#")
    marked = re.compile(r"\b(?:F\d+|P)-[a-z][a-z-]+[a-z]\b")
    found = {claim for file in (TREE / "components").rglob("*.py") for claim in marked.findall(file.read_text())}
    assert len(found) > 4
    found |= {
        claim
        for page in (TREE / "docs").rglob("*.md")
        for ids in link.findall(page.read_text())
        for claim in ids.split(", ")
    }
    assert len(found) > 6
    assert found - UNCONFIRMED == set()
