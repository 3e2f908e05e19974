"""What is published: a wheel `twinsite` whose package is the folder components/."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(build, cwd=TREE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    assert wheel.name.startswith("twinsite-")
    with zipfile.ZipFile(wheel) as archive:
        tops = {entry.split("/")[0] for entry in archive.namelist()}
        names = set(archive.namelist())
    assert {top for top in tops if not top.endswith(".dist-info")} == {"twinsite"}
    tracked = subprocess.run(["git", "ls-files", "components"], cwd=TREE, capture_output=True, text=True, check=True)
    expected = {f"twinsite/{entry.removeprefix('components/')}" for entry in tracked.stdout.split()}
    present = {entry for entry in expected if (TREE / "components" / entry.removeprefix("twinsite/")).exists()}
    assert not present - names, "files of the library are missing from the wheel"


def test_every_module_of_the_wheel_imports_under_its_published_name(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "scratch")], check=True)
    python = tmp_path / "scratch" / "bin" / "python"
    (site,) = (tmp_path / "scratch" / "lib").glob("python3.*/site-packages")
    with zipfile.ZipFile(wheel) as archive:  # what installing a pure wheel without its dependencies does
        archive.extractall(site)
    code = """
import importlib, pkgutil, sys
import twinsite
for module in pkgutil.walk_packages(twinsite.__path__, "twinsite."):
    if not module.name.startswith("twinsite.guest."):  # programs of a host, not modules
        importlib.import_module(module.name)
assert "components" not in sys.modules
print(twinsite.__file__)
"""
    done = subprocess.run(
        [python, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": sysconfig.get_paths()["purelib"], "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(site / "twinsite" / "__init__.py")
