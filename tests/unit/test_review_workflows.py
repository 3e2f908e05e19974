"""What the workflows of the review promise: no rights beyond their own, no action unpinned, one comment, updated."""

import base64
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

TREE = Path(__file__).resolve().parents[2]
GITHUB = TREE / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
COMMENT = "<!-- twinsite review -->\n✅ **May be merged.** Nothing changes in `dr cold`.\n"
GH = """\
#!/bin/sh
echo "$*" >>"$TOLD"
case "$*" in
*/runs/7/jobs*) echo 70 ;;
*/jobs/70/logs*) cat "$LOG" ;;
"pr list"*) echo "$NUMBER" ;;
*--paginate*) echo "$KNOWN" ;;
*--method*) for word; do case $word in body=@*) cat "${word#body=@}" >"$POSTED" ;; esac; done ;;
esac
"""


def rights(name: str) -> dict[str, str]:
    found: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / name).read_text())
    assert all("permissions" not in job for job in found["jobs"].values())
    granted: dict[str, str] = found["permissions"]
    return granted


def test_who_runs_a_pull_requests_code_may_write_nothing() -> None:
    assert rights("review.yml") == {"contents": "read"}
    assert rights("review-cloud.yml") == {"contents": "read", "id-token": "write"}
    assert rights("review-comment.yml") == {"actions": "read", "contents": "read", "pull-requests": "write"}
    assert "secrets." not in (GITHUB / "workflows" / "review.yml").read_text()
    assert "pull_request_target" not in "".join(one.read_text() for one in WORKFLOWS)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_pinned_and_no_expression_stands_in_a_command(workflow: Path) -> None:
    text = workflow.read_text()
    assert [use for use in re.findall(r"uses:\s*(\S+)", text) if not re.search(r"@[0-9a-f]{40}$", use)] == []
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []


def post(folder: Path, log: str, known: str = "", number: str = "12") -> tuple[int, str, str]:
    """(exit code, what `gh` was asked, the comment's text) of posting what run 7 said."""
    gh = folder / "gh"
    gh.write_text(GH)
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    (folder / "log").write_text(log)
    told, posted = folder / "told", folder / "posted"
    given = {"TOLD": str(told), "LOG": str(folder / "log"), "POSTED": str(posted), "KNOWN": known, "NUMBER": number}
    environment = {**os.environ, **given, "PATH": f"{folder}:{os.environ['PATH']}", "GH_REPO": "own/er"}
    done = subprocess.run([GITHUB / "post-review", "7", "abc"], env=environment, capture_output=True, check=False)
    return done.returncode, told.read_text(), posted.read_text() if posted.exists() else ""


def log(comment: str) -> str:
    """As a job's log has it."""
    lines = ['echo "review-begins"', "review-begins", base64.b64encode(comment.encode()).decode(), "review-ends", "bye"]
    return "".join(f"2026-11-29T17:00:00.0000000Z {line}\r\n" for line in lines)


def test_a_first_review_is_posted_and_a_later_one_updates_it(tmp_path: Path) -> None:
    code, told, posted = post(tmp_path, log(COMMENT))
    assert (code, posted) == (0, COMMENT)
    assert "--method POST repos/own/er/issues/12/comments" in told
    code, told, posted = post(tmp_path, log(COMMENT), known="99")
    assert "--method PATCH repos/own/er/issues/comments/99" in told
    assert told.count("--method POST") == 1, "the one of before"


def test_a_log_without_a_review_and_a_pull_request_that_has_gone_on_post_nothing(tmp_path: Path) -> None:
    code, told, posted = post(tmp_path, log("Buy now!"))
    assert (code, posted, "--method" in told) == (1, "", False)
    code, told, posted = post(tmp_path, log(COMMENT), number="")
    assert (code, posted) == (0, "")
