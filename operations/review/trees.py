"""Base and head as folders: base from git, kept by its tree's hash; head the working tree as it stands."""

import ast
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CANDIDATES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""What a branch usually comes from, where nobody says."""


KEPT_DAYS = 14
"""A state is some MB, and a tree is asked for while branches that left it are open."""


class CannotReview(Exception):
    """There is nothing to judge, or nothing to judge it with; the sentence names the fix."""


@dataclass(frozen=True)
class Tree:
    """One side of the comparison."""

    folder: Path
    """The project's, with Pulumi.yaml."""
    hash: str
    """Of all that git knows of it; "" for a working tree in which something is not committed."""
    title: str

    @property
    def stacks(self) -> list[str]:
        """Those that have a file."""
        return sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in self.folder.glob("Pulumi.*.yaml"))


def cache() -> Path:
    """Where base is kept from run to run."""
    return Path(os.environ.get("TWINSITE_CACHE") or Path.home() / ".cache" / "twinsite") / "review"


def prune(kept: Path) -> None:
    """Take away what no review has used for KEPT_DAYS."""
    for old in (*kept.glob("trees/*"), *kept.glob("states/*"), *kept.glob("begun/*")):
        if time.time() - old.stat().st_mtime > KEPT_DAYS * 86400:
            shutil.rmtree(old, ignore_errors=True)
    for old in (*kept.glob("asked/*"), *kept.glob("imported/*")):
        if time.time() - old.stat().st_mtime > KEPT_DAYS * 86400:
            old.unlink(missing_ok=True)


def prefix(project: Path) -> str:
    """The project's folder in its repository, with a slash at its end; "" at the top. CannotReview outside of git."""
    return _git(project, "rev-parse", "--show-prefix")


def head(project: Path) -> Tree:
    """The working tree, with what is not committed."""
    if not (project / "Pulumi.yaml").exists():
        raise CannotReview(f"{project} has no Pulumi.yaml: run this in the project's folder, or give --project FOLDER")
    commit = _git(project, "rev-parse", "--short", "HEAD")
    changed = _git(project, "status", "--porcelain")
    if changed:
        return Tree(project, "", f"{commit} with what is not committed")
    return Tree(project, _git(project, "rev-parse", "HEAD^{tree}"), commit)


def base(project: Path, ref: str, kept: Path) -> Tree:
    """The commit at which HEAD left `ref` ("": the first of CANDIDATES that there is)."""
    candidates = [ref] if ref else list(CANDIDATES)
    known = [
        one for one in candidates if _git(project, "rev-parse", "--verify", "--quiet", f"{one}^{{commit}}", or_="")
    ]
    if not known:
        raise CannotReview(
            f"there is no commit {' or '.join(candidates)}: give --base REF, and in a shallow clone "
            "`git fetch --unshallow` first"
        )
    commit = _git(project, "merge-base", known[0], "HEAD", or_="")
    if not commit:
        raise CannotReview(f"{known[0]} and HEAD have no commit in common: `git fetch --unshallow`, or give --base REF")
    tree = _git(project, "rev-parse", f"{commit}^{{tree}}")
    place = kept / "trees" / tree
    if not place.exists():
        _extract(project, commit, place)
    os.utime(place)
    return Tree(place / prefix(project), tree, f"{known[0]} {commit[:9]}")


def same_code(base: Tree, head: Tree) -> bool:
    """Whether the two differ in comments and layout of Python files only, if at all; of the whole repository, because
    a program may read beside its project's folder."""
    inside = len(Path(prefix(head.folder)).parts)
    old, new = (one.folder.parents[inside - 1] if inside else one.folder for one in (base, head))
    names = _git(new, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    known = {name for name in names if name}
    there = {str(path.relative_to(old)) for path in old.rglob("*") if _is_ours(path)}
    return known == there and all(_same_text(old / name, new / name) for name in known)


def _is_ours(path: Path) -> bool:
    """A file of the tree, which running its program did not make."""
    return "__pycache__" not in path.parts and (path.is_symlink() or not path.is_dir())


def _same_text(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    try:
        before, after = one.read_bytes(), other.read_bytes()
        if before == after or one.suffix != ".py":
            return before == after
        return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
    except (OSError, SyntaxError, ValueError):
        return False


def _extract(project: Path, commit: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=place.parent, prefix="draft-"))
    try:
        top = _git(project, "rev-parse", "--show-toplevel")
        packed = subprocess.run(["git", "archive", commit], cwd=top, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(draft)], input=packed, check=True)
        if not place.exists():  # another review may have been faster
            draft.rename(place)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotReview(f"commit {commit} cannot be unpacked into {place}: {error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _git(folder: Path, *words: str, or_: str | None = None) -> str:
    """What git says; `or_` when it refuses, without one CannotReview."""
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotReview(f"git cannot be run in {folder}: {error}") from None
    if done.returncode:
        if or_ is not None:
            return or_
        raise CannotReview(f"`git {' '.join(words)}` in {folder}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()
