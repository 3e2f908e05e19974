"""The machine image: built once from the recipe folder, cached by the recipe's digest, replaced only by a good one.

    python -m lab.box.image [--cache DIR]      build when needed; prints the root file system's path

Layout of the cache: `<cache>/lab/image/<digest>/{rootfs,packages.json,build.log}`. A rebuild that fails leaves the
newest image that worked, and says so: the distribution is rolling, its packages can be broken on any day.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.box.host import BoxError
from lab.paths import cache

RECIPE = Path(__file__).resolve().parent / "recipe"
SUITE = "sid"
"""Debian's stable has no MySQL server."""

OPTIONS = (
    # A mirror that lags serves a Release file past its date.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--variant=apt",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # Java's packages link manual pages without looking whether their folder is there.
    '--essential-hook=mkdir -p "$1/usr/share/man/man1"',
)
KEY_PACKAGES = (
    "systemd",
    "cloud-init",
    "mysql-server",
    "charon-systemd",
    "frr",
    "openssh-server",
    "python3",
    "nftables",
)
"""Those whose versions are worth a line on the screen."""

BUILD_SECONDS = 1800
"""A build takes 40 s beside a good mirror; beyond this it hangs."""

Log = Callable[[str], None]


def ensure_image(cache_dir: Path, log: Log) -> Path:
    """Root file system of the current recipe's image; built first when it is not there (about a minute).

    BoxError when it cannot be built and no older image is left.
    """
    folder = cache_dir / "lab" / "image"
    digest = recipe_digest()
    rootfs = folder / digest / "rootfs"
    if rootfs.is_dir():
        return rootfs
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if rootfs.is_dir():
            return rootfs
        for stale in folder.glob(".building-*"):
            shutil.rmtree(stale)
        try:
            _build(folder, digest, log)
        except BoxError as error:
            good = _images(folder)
            if not good:
                raise
            log(f"the image could not be rebuilt: {error}")
            log(f"using the last good image, {good[-1].name}: {_describe(good[-1])}")
            return good[-1] / "rootfs"
        for old in _images(folder)[:-2]:
            if not in_use(old):
                shutil.rmtree(old)
    return rootfs


def recipe_digest() -> str:
    """Changes with every file of the recipe and every option of the build."""
    digest = hashlib.sha256(repr((SUITE, OPTIONS)).encode())
    for path in sorted(RECIPE.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(RECIPE)}\0{os.access(path, os.X_OK)}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def packages(image: Path) -> dict[str, str]:
    """Package names to versions of a built image (its root file system's path)."""
    found: dict[str, str] = json.loads((image.parent / "packages.json").read_text())["packages"]
    return found


def in_use(image: Path) -> bool:
    """Some mounted overlay stands on it."""
    return f"lowerdir={image}/" in Path("/proc/mounts").read_text()


def _build(folder: Path, digest: str, log: Log) -> None:
    began = time.monotonic()
    wanted = [line for line in (RECIPE / "packages.txt").read_text().splitlines() if line and not line.startswith("#")]
    work = folder / f".building-{os.getpid()}"
    work.mkdir()
    try:
        log(f"building the machine image ({len(wanted)} packages of {SUITE} and what they need; about a minute)")
        tweak = RECIPE / "tweak.sh"
        command = ["mmdebstrap", *OPTIONS, f"--include={','.join(wanted)}", f'--customize-hook={tweak} "$1"']
        rootfs = work / "rootfs"
        with (work / "build.log").open("w") as said:
            try:
                done = subprocess.run(
                    [*command, SUITE, str(rootfs)],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    timeout=BUILD_SECONDS,
                    check=False,
                )
            except FileNotFoundError as error:
                raise BoxError("mmdebstrap is not on this machine: `apt-get install mmdebstrap`") from error
            except subprocess.TimeoutExpired as error:
                raise BoxError(f"mmdebstrap did not end within {BUILD_SECONDS} s") from error
        if done.returncode != 0:
            kept = folder / "failed-build.log"
            shutil.copyfile(work / "build.log", kept)
            tail = " / ".join((work / "build.log").read_text().strip().splitlines()[-4:])
            raise BoxError(f"mmdebstrap exited with {done.returncode} (all of it: {kept}): {tail}")
        _write_packages(rootfs, digest)
        work.rename(folder / digest)
        log(f"image ready in {time.monotonic() - began:.0f} s: {_describe(folder / digest)}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_packages(rootfs: Path, digest: str) -> None:
    versions: dict[str, str] = {}
    for paragraph in (rootfs / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status") == "install ok installed":
            versions[fields["Package"]] = fields["Version"]
    record = {"suite": SUITE, "recipe": digest, "built": int(time.time()), "packages": versions}
    (rootfs.parent / "packages.json").write_text(json.dumps(record, indent=1, sort_keys=True))


def _images(folder: Path) -> list[Path]:
    """Complete images, oldest first."""
    complete = [path.parent for path in folder.glob("*/packages.json") if not path.parent.name.startswith(".")]
    return sorted(complete, key=lambda image: image.stat().st_mtime)


def _describe(image: Path) -> str:
    versions = packages(image / "rootfs")
    return ", ".join(f"{name} {versions[name]}" for name in KEY_PACKAGES if name in versions)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.box.image", description="Build the lab's machine image.")
    parser.add_argument("--cache", type=Path, default=cache())
    options = parser.parse_args()
    try:
        rootfs = ensure_image(options.cache, lambda line: print(line, file=sys.stderr, flush=True))
    except BoxError as error:
        print(error, file=sys.stderr)
        return 1
    print(rootfs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
