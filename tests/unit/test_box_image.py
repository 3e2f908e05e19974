"""The image's cache, with a stand-in for mmdebstrap: rebuilt when the recipe changes, never replaced by a bad one."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.box import BoxError, image
from lab.paths import TREE

BUILDS = """#!/bin/sh
echo run >>"$RUNS"
for last; do :; done
mkdir -p "$last/var/lib/dpkg"
cat >"$last/var/lib/dpkg/status" <<EOF
Package: systemd
Status: install ok installed
Version: $BUILT_VERSION

Package: gone
Status: deinstall ok config-files
Version: 1
EOF
"""
FAILS = "#!/bin/sh\necho 'E: mirror is on fire' >&2\nexit 3\n"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the recipe that a test may change, and a mmdebstrap that only writes a package list."""
    copy = tmp_path / "recipe"
    shutil.copytree(image.RECIPE, copy)
    monkeypatch.setattr(image, "RECIPE", copy)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("BUILT_VERSION", "1.0")
    mmdebstrap(tmp_path, BUILDS)
    return copy


def mmdebstrap(tmp_path: Path, script: str) -> None:
    path = tmp_path / "bin" / "mmdebstrap"
    path.write_text(script)
    path.chmod(0o755)


def runs(tmp_path: Path) -> int:
    path = tmp_path / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_an_image_is_built_once_and_tells_its_versions(recipe: Path, tmp_path: Path) -> None:
    said: list[str] = []
    rootfs = image.ensure_image(tmp_path, said.append)
    assert rootfs == tmp_path / "lab" / "image" / image.recipe_digest() / "rootfs"
    assert image.packages(rootfs) == {"systemd": "1.0"}
    assert "systemd 1.0" in said[-1]
    began = time.process_time()  # beside other tests a second on the wall says nothing
    assert image.ensure_image(tmp_path, said.append) == rootfs
    assert time.process_time() - began < 0.5
    assert runs(tmp_path) == 1


@pytest.mark.parametrize("part", ["packages.txt", "tweak.sh", "files/etc/cloud/cloud.cfg.d/90-image.cfg"])
def test_a_change_of_any_part_of_the_recipe_builds_another(recipe: Path, tmp_path: Path, part: str) -> None:
    first = image.ensure_image(tmp_path, print)
    with (recipe / part).open("a") as file:
        file.write("# changed\n")
    assert image.ensure_image(tmp_path, print) != first
    assert runs(tmp_path) == 2


def test_a_failed_rebuild_keeps_the_last_good_image_and_says_why(recipe: Path, tmp_path: Path) -> None:
    good = image.ensure_image(tmp_path, print)
    mmdebstrap(tmp_path, FAILS)
    (recipe / "packages.txt").write_text("no-such-package\n")
    said: list[str] = []
    assert image.ensure_image(tmp_path, said.append) == good
    assert any("mirror is on fire" in line for line in said)
    assert any("using the last good image" in line and "systemd 1.0" in line for line in said)
    left = [path.name for path in (tmp_path / "lab" / "image").iterdir()]
    assert not [name for name in left if name.startswith(".building")]


def test_a_failed_first_build_is_an_error_with_the_builders_words(recipe: Path, tmp_path: Path) -> None:
    mmdebstrap(tmp_path, FAILS)
    with pytest.raises(BoxError, match=r"mmdebstrap exited with 3 .*failed-build.log.*mirror is on fire"):
        image.ensure_image(tmp_path, print)


def test_a_machine_without_mmdebstrap_is_told_what_to_install(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin" / "mmdebstrap").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BoxError, match="apt-get install mmdebstrap"):
        image.ensure_image(tmp_path, print)


def test_what_a_killed_build_left_is_no_image(recipe: Path, tmp_path: Path) -> None:
    half = tmp_path / "lab" / "image" / ".building-1" / "rootfs"
    half.mkdir(parents=True)
    (half.parent / "packages.json").write_text(json.dumps({"packages": {}}))
    mmdebstrap(tmp_path, FAILS)
    with pytest.raises(BoxError, match="mirror is on fire"):
        image.ensure_image(tmp_path, print)
    assert not half.exists()


def test_only_the_newest_two_images_are_kept(recipe: Path, tmp_path: Path) -> None:
    made = []
    for number in range(3):
        (recipe / "packages.txt").write_text(f"package{number}\n")
        made.append(image.ensure_image(tmp_path, print))
    assert [rootfs.exists() for rootfs in made] == [False, True, True]


def test_two_at_once_build_one_image(recipe: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from lab.box import image;"
        f"image.RECIPE = Path({str(recipe)!r}); print(image.ensure_image(Path({str(tmp_path)!r}), lambda line: None))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", script], cwd=TREE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = {one.communicate(timeout=60)[0] for one in both}
    assert len(outputs) == 1
    assert "rootfs" in outputs.pop()
    assert runs(tmp_path) == 1
