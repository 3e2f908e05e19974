"""A file on an on-prem host is put whole, also where coreutils are uutils' (Ubuntu 26.04)."""

import os
import pathlib
import re
import subprocess

import pytest

from twinsite.machine.onprem_host import put_command

ROOT = pathlib.Path(__file__).parent.parent.parent
SUDO = '#!/bin/sh\nexec "$@"\n'
# As uutils 0.2 (uutils/coreutils#12407) where the target exists; 0.0.17, seen in a run, refuses at any time.
INSTALL = """#!/bin/sh
for target; do :; done
case "$*" in *"/dev/stdin"*) [ ! -e "$target" ] || { echo "install: cannot install '/dev/stdin'" >&2; exit 1; } ;; esac
exec /usr/bin/install "$@"
"""


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    """PATH of a host whose `install` is uutils'; `sudo` is none, the test is root or owns the folder."""
    for name, text in (("sudo", SUDO), ("install", INSTALL)):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return f"{tmp_path / 'bin'}:{os.environ['PATH']}"


def put(path: str, command: str, content: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PATH": path}
    return subprocess.run(["bash", "-c", command], input=content, env=environment, capture_output=True, text=True)


def test_a_file_is_put_again_over_the_one_that_is_there(path: str, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "a folder" / "it's.json"
    for content in ("first\n", "second, and longer\n", ""):
        done = put(path, put_command(str(target)), content)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert target.read_text() == content
        assert target.stat().st_mode & 0o777 == 0o644
        assert os.listdir(target.parent) == ["it's.json"]


def test_the_stand_in_refuses_what_uutils_refuses(path: str, tmp_path: pathlib.Path) -> None:
    command = f"sudo install -D -m 0644 /dev/stdin {tmp_path}/file"
    assert [put(path, command, "x").returncode for _ in range(2)] == [0, 1]


def test_a_file_that_cannot_be_written_whole_leaves_the_former_one(path: str, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "folder" / "file"
    put(path, put_command(str(target)), "former")
    (tmp_path / "bin" / "tee").write_text("#!/bin/sh\nhead -c 3 >\"$1\"\necho 'No space left on device' >&2\nexit 1\n")
    (tmp_path / "bin" / "tee").chmod(0o755)
    done = put(path, put_command(str(target)), "latter")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert target.read_text() == "former"
    assert os.listdir(target.parent) == ["file"]


def test_no_product_file_installs_from_standard_input() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for room in ("components", "operations", "stacks", "workloads", "scripts", "docs")
        for file in (ROOT / room).rglob("*")
        if file.is_file() and file.suffix in (".py", ".sh", ".md", ".yaml", ".service", "")
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines()
        if re.search(r"\binstall\b.*(/dev/stdin|/dev/fd/0|/proc/self/fd/0)", line) and not line.startswith("#")
    ]
    assert found == []
