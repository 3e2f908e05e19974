"""The backup job's Containerfile: what a linter of such files would look at, and what only this one promises.

What its packages do is seen in tests/lab/test_backup_image.py; no container engine and no registry is asked here.
"""

import re
import subprocess

import pytest

from tests.containerfile import instructions, packages, script

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_the_base_is_an_argument_without_a_default_and_nothing_is_copied_in() -> None:
    kinds = [kind for kind, _ in instructions()]
    assert kinds == ["ARG", "FROM", "ARG", "RUN", "USER", "WORKDIR", "CMD"]
    assert [text for kind, text in instructions() if kind in ("ARG", "FROM")] == ["BASE", "${BASE}", "BASE"]


@pytest.mark.parametrize(
    ("base", "taken"),
    [
        (f"ubuntu@{DIGEST}", True),
        (f"registry.example.com:5000/a/ubuntu:26.04@{DIGEST}", True),
        ("ubuntu:26.04", False),
        ("ubuntu", False),
        ("", False),
        (f"ubuntu@{DIGEST[:-1]}", False),
    ],
)
def test_a_base_that_is_no_digest_ends_the_build_before_anything_is_fetched(base: str, taken: bool) -> None:
    first = script().partition("esac;")[0] + "esac; echo on"
    assert "apt-get" not in first
    done = subprocess.run(["sh", "-c", first], env={"BASE": base}, capture_output=True, text=True, check=False)
    assert (done.returncode == 0, done.stdout) == (taken, "on\n" if taken else "")
    if not taken:
        assert f"BASE is '{base}': name it by digest" in done.stderr


def test_it_installs_what_the_job_runs_and_no_more_and_leaves_no_lists() -> None:
    assert packages() == ["ca-certificates", "mysql-client", "python3", "zstd"]
    assert "--no-install-recommends" in script()
    assert "rm -rf /var/lib/apt/lists/*" in script()
    assert script().startswith("set -eu;")
    assert re.findall(r"curl|wget|https?://|sudo|chmod|latest", script()) == []


def test_it_runs_as_a_number_that_is_not_root_without_a_start_of_its_own() -> None:
    said = dict(instructions())
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", said["USER"]), "kubelet cannot tell whether a name is root"
    assert "ENTRYPOINT" not in said, "the pod says what runs"
