"""scripts/copy-image with a crane that is a folder of files: the same digest is proved, anything else is no success."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "copy-image"
DIGEST = f"sha256:{'ab' * 32}"
CRANE = """#!/bin/sh
set -eu
echo "$@" >>"$CALLS"
case $1 in
copy) [ -z "${BROKEN:-}" ] || exit 3 ;;
digest) echo "$THERE" ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    crane = tmp_path / "crane"
    crane.write_text(CRANE)
    crane.chmod(0o755)
    return tmp_path


def copy(tools: Path, *words: str, **said: str) -> subprocess.CompletedProcess[str]:
    path = f"{tools}:{os.environ['PATH']}"
    known = {"PATH": path, "CALLS": str(tools / "calls"), "THERE": DIGEST, **said}
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False, env=known)


def test_it_copies_by_digest_and_asks_the_target_what_it_holds(tools: Path) -> None:
    done = copy(tools, "one.example/crm", DIGEST, "two.example/crm")
    assert (done.returncode, done.stdout) == (0, f"two.example/crm@{DIGEST}\n")
    assert (tools / "calls").read_text().splitlines() == [
        f"copy one.example/crm@{DIGEST} two.example/crm:twinsite-abababababab",
        "digest two.example/crm:twinsite-abababababab",
    ]


def test_another_digest_at_the_target_is_a_failure(tools: Path) -> None:
    done = copy(tools, "one.example/crm", DIGEST, "two.example/crm", THERE=f"sha256:{'cd' * 32}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"not {DIGEST}" in done.stderr


def test_a_copy_that_fails_is_not_asked_about(tools: Path) -> None:
    done = copy(tools, "one.example/crm", DIGEST, "two.example/crm", BROKEN="1")
    assert (done.returncode, done.stdout) == (3, "")
    assert "digest" not in (tools / "calls").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("one.example/crm", "latest", "two.example/crm"),
        ("one.example/crm", "sha256:abc", "two.example/crm"),
        ("one.example/crm", f"sha256:{'AB' * 32}", "two.example/crm"),
        ("one.example/crm:1", DIGEST, "two.example/crm"),
        ("one.example/crm", DIGEST, f"two.example/crm@{DIGEST}"),
        ("one.example/crm", DIGEST),
    ],
)
def test_words_that_do_not_name_one_image_are_refused_before_anything_is_copied(
    tools: Path, words: tuple[str, ...]
) -> None:
    done = copy(tools, *words)
    assert done.returncode == 2
    assert done.stderr.startswith("copy-image: ")
    assert not (tools / "calls").exists()
