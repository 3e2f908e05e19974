"""The Java application's build step: its decisions. Maven does not run here."""

import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "scripts" / "tools"))

from setup import __main__, petclinic
from setup.console import Problem


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache, and a Maven that leaves one locked jar and a WAR."""
    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(petclinic, "LOCK", tmp_path / "jars.sha256")
    jar = petclinic.repository() / "org" / "a.jar"

    def maven(what: str, argv: list[str], cwd: Path) -> str:
        jar.parent.mkdir(parents=True, exist_ok=True)
        jar.write_bytes(b"bytes")
        (cwd / "target").mkdir()
        (cwd / "target" / "petclinic.war").write_bytes(b"war")
        return ""

    monkeypatch.setattr(petclinic, "run", maven)
    monkeypatch.setattr(petclinic, "_tools", lambda: None)
    petclinic.LOCK.write_text(f"{petclinic._sha256(_file(tmp_path, b'bytes'))}  org/a.jar\n")
    return tmp_path


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "content"
    path.write_bytes(content)
    return path


def test_the_war_is_kept_with_its_hash_and_built_once(built: Path) -> None:
    war = _file(built, b"war")
    current = built / "cache" / "petclinic" / "current"
    assert petclinic.ensure() == f"built: {current}/petclinic.war sha256 {petclinic._sha256(war)}"
    assert petclinic.ensure().startswith("present:")
    assert (current / "petclinic.war").read_bytes() == b"war"


def test_a_jar_of_other_bytes_is_named_and_nothing_is_handed_over(built: Path) -> None:
    petclinic.LOCK.write_text(f"{'0' * 64}  org/a.jar\n")
    with pytest.raises(Problem, match=r"org/a\.jar"):
        petclinic.ensure()
    assert not (built / "cache" / "petclinic" / "current").exists()
    assert not petclinic.repository().exists(), "the next run must fetch again, or it refuses for ever"


def test_a_changed_source_is_another_build(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = petclinic._wanted()
    monkeypatch.setattr(petclinic, "sources", lambda: [petclinic.SOURCES / "pom.xml"])
    assert petclinic._wanted() != before


def test_every_jar_of_the_lock_has_a_hash() -> None:
    lock = {name: value for value, name in (line.split() for line in (petclinic.SOURCES / "jars.sha256").open())}
    assert any(name.startswith("com/mysql/mysql-connector-j/") for name in lock)
    assert [name for name, value in lock.items() if len(value) != 64] == []


def test_only_its_own_layer_builds_it() -> None:
    assert [layer for layer, steps in __main__.LAYERS.items() if "petclinic" in steps] == ["petclinic"]


def test_without_a_compiler_and_without_root_the_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(petclinic, "java_release", lambda: 11)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Problem, match="apt-get install --no-install-recommends default-jdk-headless maven"):
        petclinic._tools()
