"""The Java web application of workloads/petclinic, built for tests on machines or by ./scripts/setup --for petclinic.

    <cache>/petclinic/<digest of the sources>/petclinic.war and petclinic.war.sha256; <cache>/petclinic/current -> it

Maven has no lock of its own in the version that distributions carry: here every jar that it used, its plugins
included, is compared with jars.sha256 before the WAR is handed over.

    PYTHONPATH=scripts/tools:. python -m setup.petclinic    renews jars.sha256 after a change of pom.xml
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

from setup import packages
from setup.console import Problem, note, require_space, run
from setup.places import TREE, cache, digest

SOURCES = TREE / "workloads" / "petclinic"
LOCK = SOURCES / "jars.sha256"
NEED_MIB = 200
RELEASE = 17
"""Java that the WAR is made for (pom.xml, maven.compiler.release)."""


def ensure() -> str:
    target = cache() / "petclinic" / _wanted()
    outcome = "present"
    if not (target / "petclinic.war").is_file():
        _tools()
        require_space("building the Java application", cache(), NEED_MIB)
        _publish(_build(locked()), target)
        outcome = "built"
    current = target.with_name("current")
    part = target.with_name(".current")
    part.unlink(missing_ok=True)
    part.symlink_to(target.name)
    part.replace(current)
    return f"{outcome}: {current / 'petclinic.war'} sha256 {(target / 'petclinic.war.sha256').read_text().split()[0]}"


def sources() -> list[Path]:
    """What the WAR is made of."""
    files = (path for path in SOURCES.rglob("*") if path.is_file() and path.suffix in {".java", ".xml"})
    return sorted(path for path in files if "target" not in path.relative_to(SOURCES).parts)


def _wanted() -> str:
    named = [f"{path.relative_to(SOURCES)}\0" for path in sources()]
    return digest(*named, *sources(), LOCK)


def _tools() -> None:
    if java_release() >= RELEASE and shutil.which("mvn"):
        return
    names = ["default-jdk-headless", "maven"]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Problem(
            f"the Java application needs a JDK {RELEASE} or newer and Maven: "
            f"`apt-get install --no-install-recommends {' '.join(names)}` as root, then run this again"
        )
    note(f"installing distribution packages for the Java application: {' '.join(names)}")
    packages.install(names)
    if java_release() < RELEASE:
        raise Problem(f"javac on PATH is of Java {java_release()}; the Java application needs {RELEASE} or newer")


def java_release() -> int:
    """Of the compiler on PATH; 0 when there is none."""
    if not shutil.which("javac"):
        return 0
    said = re.search(r"javac (\d+)", run("javac version", ["javac", "-version"]))
    return int(said[1]) if said else 0


def _build(allowed: dict[str, str] | None) -> Path:
    """Compile and test in a copy, so that the tree stays as it is; gives the WAR."""
    place = cache() / "petclinic" / ".building"
    shutil.rmtree(place, ignore_errors=True)
    for source in sources():
        copy = place / source.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    note("building the Java application and running its tests")
    words = ["mvn", "--batch-mode", "--no-transfer-progress", "--strict-checksums"]
    run("build petclinic", [*words, f"-Dmaven.repo.local={repository()}", "package"], cwd=place)
    if allowed is not None and (wrong := differences(used(), allowed)):
        shutil.rmtree(repository())  # or the next run would find the same files and refuse again
        raise Problem(
            "the Java application is not handed over, because Maven used jars that jars.sha256 does not name:\n"
            + "\n".join(f"        {line}" for line in wrong)
            + f"\n    Run this again; if it stays so and pom.xml was changed on purpose, renew {LOCK.name}"
        )
    return place / "target" / "petclinic.war"


def _publish(war: Path, target: Path) -> None:
    part = target.with_name(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    shutil.copyfile(war, part / war.name)
    (part / "petclinic.war.sha256").write_text(f"{_sha256(war)}  {war.name}\n")
    part.rename(target)


def repository() -> Path:
    """Maven's own, of this build alone: what lies in it is what the build used."""
    return cache() / "petclinic" / f"maven-{digest(SOURCES / 'pom.xml')}"


def used() -> dict[str, str]:
    """Jar -> SHA-256."""
    place = repository()
    return {str(path.relative_to(place)): _sha256(path) for path in sorted(place.rglob("*.jar"))}


def locked() -> dict[str, str]:
    lines = (line.split() for line in LOCK.read_text().splitlines())
    return {name: value for value, name in lines}


def differences(found: dict[str, str], allowed: dict[str, str]) -> list[str]:
    """Jars that are not locked, or are other bytes. A locked one that was not needed is fine."""
    return [f"{name} {value}" for name, value in sorted(found.items()) if allowed.get(name) != value]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    _tools()
    _build(None)
    LOCK.write_text("".join(f"{value}  {name}\n" for name, value in used().items()))
    print(f"{LOCK}: {len(used())} jars")
