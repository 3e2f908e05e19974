"""What is published: a wheel `twinsite` whose package is the folder components/, with the rooms beside it (ADR 31)."""

import shutil
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


ROOMS = {
    "components": "twinsite",
    **{room: f"twinsite/{room}" for room in ("operations", "policies", "policy", "stacks")},
}


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content: what installing a pure wheel without its dependencies makes."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def ask(elsewhere: Path, folder: Path, *words: str, also: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Python that finds the wheel and its dependencies, but not the tree; and `also` what another package brings."""
    places = [elsewhere, *([also] if also else []), sysconfig.get_paths()["purelib"]]
    environment = {"PYTHONPATH": ":".join(map(str, places)), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_holds_the_library_and_what_runs_with_it_and_nothing_else(wheel: Path) -> None:
    assert wheel.name.startswith("twinsite-")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {one.split("/")[0] for one in names if ".dist-info/" not in one} == {"twinsite"}
    listed = subprocess.run(["git", "ls-files", *ROOMS], cwd=TREE, capture_output=True, text=True, check=True)
    present = [entry for entry in listed.stdout.split() if (TREE / entry).exists()]
    expected = {f"{ROOMS[room]}/{rest}" for room, _, rest in (entry.partition("/") for entry in present)}
    assert {"twinsite/py.typed", "twinsite/__init__.pyi"} <= expected
    assert expected - names == set(), "files are missing from the wheel"


def test_every_module_of_the_wheel_imports_under_its_published_name(elsewhere: Path, tmp_path: Path) -> None:
    code = """
import importlib, pkgutil, sys
import twinsite
for module in pkgutil.walk_packages(twinsite.__path__, "twinsite."):
    # Not programs that are sent to a host as text.
    if not module.name.startswith("twinsite.guest.") and not module.name.endswith(("__main__", ".azure_run")):
        importlib.import_module(module.name)
assert not {"components", "operations", "policy", "stacks"} & set(sys.modules)
print(twinsite.__file__)
"""
    done = ask(elsewhere, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(elsewhere / "twinsite" / "__init__.py")


def test_the_command_runs_where_the_wheel_is(wheel: Path, elsewhere: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (told,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/entry_points.txt")]
    assert "twinsite = twinsite.operations.cli:main" in told
    done = ask(elsewhere, tmp_path, "-m", "twinsite.operations", "--help")
    assert done.returncode == 0, done.stderr
    assert "status" in done.stdout and "failover" in done.stdout
    refused = ask(elsewhere, tmp_path, "-m", "twinsite.operations", "doctor")
    assert (refused.returncode, "has no Pulumi.yaml" in refused.stderr + refused.stdout) == (2, True)


def test_a_topology_of_another_package_is_found_beside_the_wheel(elsewhere: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for room in ("stacks", "operations"):
        shutil.copytree(TREE / "tests" / "third" / room, other / "twinsite" / room)
    code = """
from twinsite import stacks
from twinsite.operations.moves import kinds
from twinsite.operations.subjects import flow
from twinsite.stacks.declared import defaults
print(stacks.TOPOLOGIES, sorted(defaults("lighthouse")))
print(stacks.topology("lighthouse").SITES, sorted(flow.KINDS), [kind.__name__ for kind in kinds.KINDS])
"""
    done = ask(elsewhere, tmp_path, "-c", code, also=other)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "('aws-azure', 'aws-gcp', 'lighthouse', 'onprem-aws') ['active_site', 'boat', 'dr_mode', 'trips_a_day']",
        "('island', 'shore') ['courier', 'dms', 'mysql-replica', 'postgres-logical'] "
        "['twinsite.operations.moves.from_backup', 'twinsite.operations.moves.logical', "
        "'twinsite.operations.moves.dms', 'twinsite.operations.moves.from_archive', "
        "'twinsite.operations.moves.by_courier']",
    ]
    assert "lighthouse" not in ask(elsewhere, tmp_path, "-c", code).stdout


def test_the_ledger_of_a_pod_needs_the_wheel_and_the_driver_and_no_sdk(elsewhere: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for package in ("pymysql", "lazy_loader", "packaging"):
        (few / package).symlink_to(Path(sysconfig.get_paths()["purelib"]) / package)
    environment = {"PYTHONPATH": f"{elsewhere}:{few}", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-S", "-m", "twinsite.operations.ledger", "mysql://ann@/nowhere/x.sock", "look"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "mysql://ann@/nowhere/x.sock does not answer" in done.stderr) == (2, True), done.stderr


def test_the_policy_pack_starts_where_the_wheel_is(elsewhere: Path, tmp_path: Path) -> None:
    pack = elsewhere / "twinsite" / "policy"
    assert (pack / "PulumiPolicy.yaml").is_file()
    environment = {"PYTHONPATH": f"{elsewhere}:{sysconfig.get_paths()['purelib']}", "PATH": "/usr/bin:/bin"}
    # As Pulumi's language host starts it; the address is the engine's, which the pack does not call.
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack)]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert int(running.stdout.readline()) > 0, "the port at which it answers"
        finally:
            running.kill()


def test_a_checker_sees_components_as_the_classes_they_are(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import twinsite\nreveal_type(twinsite.StrongSwanTunnel)\ntwinsite.Nonsense\n")
    # Reading the SDKs' hundreds of thousands of lines takes minutes.
    sdks = ",".join(f"pulumi_{sdk}.*" for sdk in ("aws", "azure_native", "command", "gcp", "kubernetes", "tls"))
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = True\n[mypy-{sdks}]\nfollow_imports = skip\n")
    options = ["--follow-imports=silent", "--cache-dir", str(tmp_path / "cache"), "own.py"]
    done = ask(elsewhere, tmp_path, "-m", "mypy", *options)
    assert 'twinsite.tunnel.strongswan_tunnel.StrongSwanTunnel"' in done.stdout, done.stdout
    assert 'Module has no attribute "Nonsense"' in done.stdout
