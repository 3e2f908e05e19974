"""The command line of `twinsite review`: its options, its answer as Markdown, JSON and SARIF, its exit code."""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..console import Console
from . import account, trees
from .command import Asked, find_pulumi, recorded
from .markdown import markdown
from .sarif import sarif
from .trees import CannotReview
from .words import Judged, Review

EXIT = {Judged.PASSED: 0, Judged.FAILED: 1, Judged.UNKNOWN: 2}
VARIABLE = "TWINSITE_STAND_INS"


def add(commands: Any) -> argparse.ArgumentParser:
    """The command, with its options; its parser."""
    found: argparse.ArgumentParser = commands.add_parser(
        "review",
        help="what a change does to every stack in every mode, as a comment for its pull request",
        description="Compares the working tree with where it left BASE: the engine runs both on provider plugins that "
        "only record, without an account and without the network, and the policy pack judges what came of it. "
        "Exit 0: may be merged; 1: must not; 2: could not be reviewed.",
    )
    found.add_argument("--base", default="", metavar="REF", help="default: the first of " + ", ".join(trees.CANDIDATES))
    ground = found.add_mutually_exclusive_group()
    ground.add_argument(
        "--stand-ins",
        default="",
        metavar="FOLDER",
        help=f"provider plugins that record, as PULUMI_HOME has them; default ${VARIABLE}",
    )
    ground.add_argument(
        "--account",
        action="store_true",
        help="preview against what is up instead, with the credentials of this shell: the configured mode only",
    )
    found.add_argument("--project", default=".", metavar="FOLDER", help="of Pulumi.yaml; default the current one")
    found.add_argument("--fill", action="store_true", help="put the topology's example where a stack's file has a gap")
    found.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="NAME",
        help="this resource's data may go; may be repeated",
    )
    found.add_argument("--policy-config", default="", metavar="FILE", help="configuration of the policy pack")
    found.add_argument("--sarif", default="", metavar="FILE", help="write what is wrong for code-scanning views, too")
    return found


def run(given: argparse.Namespace, say: Console) -> int:
    """Review, print, and the exit code."""
    project = Path(given.project).absolute()
    try:
        review = _review(given, project, say)
    except CannotReview as problem:
        if given.json:
            print(json.dumps({"command": "review", "verdict": "refused", "problems": [str(problem)]}, indent=1))
        print(problem, file=sys.stderr)
        return EXIT[Judged.UNKNOWN]
    if given.sarif:
        text = json.dumps(sarif(review, trees.prefix(project)), indent=1)
        Path(given.sarif).write_text(text + "\n", encoding="utf-8")
    print(json.dumps(shown(review), indent=1) if given.json else markdown(review), end="\n" if given.json else "")
    return EXIT[review.verdict.judged]


def _review(given: argparse.Namespace, project: Path, say: Console) -> Review:
    config = str(Path(given.policy_config).absolute()) if given.policy_config else ""
    stand_ins = given.stand_ins or os.environ.get(VARIABLE, "")
    if not given.account and not stand_ins:
        raise CannotReview(
            "there is nothing to run the program on: give --stand-ins FOLDER with provider plugins that record "
            "(a clone of twinsite has them: its `review --project FOLDER`), or --account to preview with "
            "this shell's credentials against what is up"
        )
    asked = Asked(
        project=project,
        stand_ins=Path(stand_ins),
        pulumi=find_pulumi(),
        base=given.base,
        stacks=(given.stack,) if given.stack else (),
        fill=given.fill,
        accepted=tuple(given.accept),
        policy_config=config,
    )
    return account.review(asked, say.say) if given.account else recorded(asked, say.say)


def shown(review: Review) -> dict[str, Any]:
    """As --json prints it."""
    found = dataclasses.asdict(review)
    judged = found.pop("verdict")
    return {"command": "review", "verdict": judged["judged"], "reasons": judged["reasons"], **found}
