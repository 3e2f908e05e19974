"""`./scripts/review` of a branch that changes code: with nothing kept, and again once base is; and of one that changes
a comment, which needs one `up` less (ADR 46).

The code does nothing, so that the verdict is known; the review cannot know that beforehand, and runs all that it runs
of a change that touches no resource of these stacks. In a clone with caches of its own, which has this machine's tools
and schemas: what a CI runner has after set-up.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lab.paths import cache

from .context import TREE, Context, NotMeasured
from .figure import Figure, value_at_most

COLD_SECONDS = 12
"""For one combination of stack and mode; two work at once."""
WARM_SECONDS = 20
"""For all of the shipped stacks and modes, of a change of comments; what one of code takes stands beside it."""
CODE, COMMENT = "REVIEWED = True", "# A comment."
TOOLS = ("tools", "lab/schemas")


def run(context: Context) -> Iterator[Figure]:
    """Seconds per combination, cold; seconds of all, warm."""
    with tempfile.TemporaryDirectory(prefix="twinsite-bench-") as folder:
        tree, kept = Path(folder) / "tree", Path(folder) / "cache"
        _git(context, TREE, "clone", "--quiet", "--no-hardlinks", str(TREE), str(tree))
        (tree / ".venv").symlink_to(TREE / ".venv")
        (tree / ".git" / "info" / "exclude").write_text(".venv\n")
        for name in TOOLS:
            (kept / name).parent.mkdir(parents=True, exist_ok=True)
            (kept / name).symlink_to(cache() / name)
        base = _git(context, tree, "rev-parse", "HEAD").stdout.strip()
        cold, count = _review(context, tree, kept, base, CODE)
        warm, again = _review(context, tree, kept, base, CODE)
        comment, third = _review(context, tree, kept, base, COMMENT)
    if not count == again == third:
        raise NotMeasured(f"the three reviews had {count}, {again} and {third} combinations")
    yield Figure(
        name="review: per combination of stack and mode, nothing kept, code differs",
        value=cold / count,
        unit="s",
        must=value_at_most(COLD_SECONDS),
        compared_to=f"all {count}",
        compared_value=cold,
    )
    yield Figure(
        name=f"review: all {count} combinations, base kept, a comment differs",
        value=comment,
        unit="s",
        must=value_at_most(WARM_SECONDS),
        compared_to="base kept, code differs",
        compared_value=warm,
    )


def _review(context: Context, tree: Path, kept: Path, base: str, line: str) -> tuple[float, int]:
    """Seconds of a review of base with one line more, and how many combinations it had."""
    _git(context, tree, "reset", "--quiet", "--hard", base)
    program = tree / "__main__.py"
    # A name of its own each time: nothing is kept of a head of before.
    program.write_text(f"{program.read_text(encoding='utf-8')}{line}  # {time.monotonic_ns()}\n", encoding="utf-8")
    _git(context, tree, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-qam", "a line")
    began = time.monotonic()
    done = context.command(
        "review",
        [str(tree / "scripts" / "review"), "--base", base, "--json"],
        environment={"TWINSITE_CACHE": str(kept), "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(kept)},
        cwd=tree,
    )
    seconds = time.monotonic() - began
    found = json.loads(done.stdout)
    if found["verdict"] != "passed":
        raise NotMeasured(f"a line that does nothing was judged {found['verdict']}: {'; '.join(found['reasons'])}")
    return seconds, len(found["combinations"])


def _git(context: Context, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return context.command("git", ["git", *words], cwd=folder)
