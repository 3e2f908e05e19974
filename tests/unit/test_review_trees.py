"""What a review compares: base and head from git, stack files without secrets, and which modes of them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from operations.review import settings, trees
from operations.review.command import combinations
from operations.review.settings import StackFile
from operations.review.trees import CannotReview, Tree

TREE = Path(__file__).resolve().parents[2]


def stack_file(mode: str, *modes: str) -> StackFile:
    return StackFile("dr", "twinsite", {"twinsite:zone": "z"}, {}, modes, mode)


def works(before: StackFile | None, after: StackFile) -> list[tuple[str, bool, bool]]:
    """Title, whether it is configured, whether base has it."""
    return [(one.given.title, one.given.configured, one.before is not None) for one in combinations(before, after)]


def test_every_mode_is_reviewed_and_what_base_lacks_is_new() -> None:
    both = stack_file("cold", "cold", "warm")
    assert works(both, both) == [("dr cold", True, True), ("dr warm", False, True)]
    assert works(stack_file("cold", "cold"), both) == [("dr cold", True, True), ("dr warm", False, False)]
    assert works(None, both) == [("dr cold", True, False), ("dr warm", False, False)]
    assert works(stack_file(""), stack_file("")) == [("dr", True, True)], "a program without modes"


def test_a_configured_mode_that_moves_is_reviewed_as_the_move() -> None:
    moved = works(stack_file("warm", "cold", "warm"), stack_file("cold", "cold", "warm"))
    assert moved == [("dr warm → cold", True, True), ("dr warm", False, True)]


def test_a_recorded_run_waits_for_nothing_and_sets_its_mode_only_where_there_are_modes() -> None:
    own = {"twinsite:dr_mode": "warm", "twinsite:gate": "handover"}
    assert stack_file("cold", "cold", "warm").at("warm") == {"twinsite:zone": "z", **own}
    assert stack_file("").at("") == {"twinsite:zone": "z"}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A project of the shipped topologies, with one stack whose file has gaps and a secret."""
    for name in ("Pulumi.yaml", "stacks", "components"):
        (tmp_path / name).symlink_to(TREE / name)
    (tmp_path / "twinsite").symlink_to("components")
    secret = {"twinsite:primary_database_password": {"secure": "v1:hidden"}}
    config = {"twinsite:topology": "aws-azure", "twinsite:domain": "own.example.com", **secret}
    (tmp_path / "Pulumi.dr.yaml").write_text(json.dumps({"encryptionsalt": "v1:salt", "config": config}))
    return Tree(tmp_path, "", "head")


def test_a_stacks_file_is_read_without_secrets_and_filled_only_where_it_is_told_to(tree: Tree) -> None:
    whole = settings.read(tree, "dr", Path(sys.executable), fill=True)
    assert (whole.modes, whole.mode) == (("cold", "warm"), "cold")
    assert whole.config["twinsite:domain"] == "own.example.com", "what the file says stays"
    assert whole.config["twinsite:vault"] == "example-dr-vault"
    assert "vault" in whole.filled and "domain" not in whole.filled
    assert set(whole.secrets) == {"twinsite:primary_database_password", "twinsite:origin_certificate"}
    bare = settings.read(tree, "dr", Path(sys.executable), fill=False)
    assert (bare.filled, "twinsite:vault" in bare.config) == ((), False)
    assert bare.secrets == {"twinsite:primary_database_password": "stand-in for twinsite:primary_database_password"}
    assert "hidden" not in str(whole) + str(bare)


def test_what_a_committed_tree_says_is_asked_once_and_nothing_secret_is_kept(tree: Tree, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    committed = Tree(tree.folder, "0123", "base")
    first = settings.read(committed, "dr", Path(sys.executable), fill=True, kept=kept)
    (place,) = (kept / "asked").iterdir()
    assert set(json.loads(place.read_text())) == {"modes", "example"}
    assert settings.read(committed, "dr", Path("/nobody/asked"), fill=True, kept=kept) == first
    assert settings.read(tree, "dr", Path("/nobody/asked"), fill=True, kept=kept, like=committed) == first
    with pytest.raises(OSError):
        settings.read(tree, "dr", Path("/nobody/asked"), fill=True, kept=kept)


def git(folder: Path, *words: str) -> str:
    named = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    done = subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_base_is_where_the_branch_left_and_is_unpacked_once(tmp_path: Path) -> None:
    project = tmp_path / "top" / "infra"
    project.mkdir(parents=True)
    git(project.parent, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        (project / "Pulumi.yaml").write_text(text)
        git(project, "add", "-A")
        git(project, "commit", "-qm", text)
        if text == "one":
            git(project, "branch", "change")
    git(project, "checkout", "-q", "change")
    base, head = trees.base(project, "", tmp_path / "kept"), trees.head(project)
    assert (base.folder / "Pulumi.yaml").read_text() == "one", "not what main has become meanwhile"
    assert base.folder.name == "infra" and base.hash == head.hash == git(project, "rev-parse", "HEAD^{tree}")
    assert trees.base(project, "change", tmp_path / "kept").folder == base.folder
    (project / "Pulumi.yaml").write_text("three")
    assert trees.head(project).hash == "", "nothing is kept of what is not committed"
    with pytest.raises(CannotReview, match="there is no commit nowhere: give --base REF"):
        trees.base(project, "nowhere", tmp_path / "kept")


def test_what_no_review_uses_any_more_is_taken_away(tmp_path: Path) -> None:
    old, new = tmp_path / "states" / "old", tmp_path / "states" / "new"
    for place in (old, new):
        place.mkdir(parents=True)
    long_ago = time.time() - (trees.KEPT_DAYS + 1) * 86400
    os.utime(old, (long_ago, long_ago))
    trees.prune(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)
