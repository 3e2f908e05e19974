"""Set-up's decisions, its repetition, and what it says when something is in the way.

The script's own functions run, on a cache, a PATH and a copy of the tree of the test's own. Nothing is downloaded.
"""

import fcntl
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "scripts" / "tools"))

from setup import console, language_host, packages, places, pulumi_cli
from setup.console import Failed, Problem
from setup.places import pinned_version
from setup.program import Program, ask_version, parse_version
from setup.pulumi_cli import Way, choose

PINNED = "3.259.0"
GO = Program(Path("/opt/go/bin/go"), (1, 26, 8))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and a PATH with the system's programs and no pulumi."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TWINSITE_CACHE", str(folder))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return folder


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def user_pulumi(folder: Path, version: str, with_language_host: bool = True) -> Path:
    if with_language_host:
        for name in language_host.PROGRAMS:
            program(folder, name, "exit 0")
    return program(folder, "pulumi", f"echo v{version}")


def setup(*words: str, tree: Path = TREE, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [tree / "scripts" / "setup", *words],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what set-up reads of the tree, with nothing to install: the script may do there what it likes."""
    folder = tmp_path / "tree"
    folder.mkdir()
    for part in ("scripts", "lab"):
        shutil.copytree(TREE / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    (folder / "requirements-dev.txt").write_text("")
    return folder


# Versions


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.259.0", (3, 259, 0)),
        ("3.272.0-alpha.1700000000+dirty", (3, 272, 0)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.21 linux/amd64", (1, 21, 0)),
        ("nothing", ()),
    ],
)
def test_a_version_is_read_from_what_programs_say(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_versions_compare_as_numbers_and_not_as_texts() -> None:
    assert parse_version("3.1000.0") > parse_version("3.259.0") > parse_version("3.26.9")


def test_the_pinned_version_is_the_one_of_the_go_module() -> None:
    assert pinned_version() == PINNED
    sdk = re.search(r"pulumi/sdk/v3 v(\S+)", (places.GO_MODULE / "go.mod").read_text())
    assert sdk is not None
    assert sdk.group(1) == PINNED, "pulumi-language-python-exec is taken from the SDK of the same version"


def test_the_language_host_has_the_sdk_version_of_the_programs_that_it_runs() -> None:
    versions = {
        lock: re.findall(r"^(?:pulumi|grpcio|protobuf)==\S+", (TREE / lock).read_text(), re.MULTILINE)
        for lock in ("requirements.txt", "requirements-dev.txt", "scripts/tools/language_python/requirements.txt")
    }
    assert all(len(found) == 3 for found in versions.values())
    assert len({tuple(found) for found in versions.values()}) == 1, versions


# Choosing


def test_a_pulumi_on_path_that_is_new_enough_is_taken_before_anything_else() -> None:
    (attempt,) = choose(Program(Path("/usr/bin/pulumi"), (3, 259, 0)), True, GO, PINNED)
    assert attempt.way is Way.PATH
    assert "/usr/bin/pulumi" in attempt.why


def test_an_old_pulumi_on_path_is_passed_over_and_named() -> None:
    attempts = choose(Program(Path("/usr/bin/pulumi"), (3, 258, 9)), True, GO, PINNED)
    assert [attempt.way for attempt in attempts] == [Way.DOWNLOAD, Way.BUILD]
    assert all("3.258.9 (/usr/bin/pulumi) on PATH is older than 3.259.0" in attempt.why for attempt in attempts)


def test_the_download_comes_before_the_build_and_the_build_is_its_fallback() -> None:
    assert [attempt.way for attempt in choose(None, True, GO, PINNED)] == [Way.DOWNLOAD, Way.BUILD]


def test_without_the_download_site_it_is_built() -> None:
    (attempt,) = choose(None, False, GO, PINNED)
    assert attempt.way is Way.BUILD
    assert "does not answer" in attempt.why


@pytest.mark.parametrize("go", [None, Program(Path("/usr/bin/go"), (1, 19, 8))])
def test_without_any_way_the_refusal_names_all_three(go: Program | None) -> None:
    with pytest.raises(Problem) as refused:
        choose(None, False, go, PINNED)
    for fix in ("install Pulumi 3.259.0 or newer", "let this machine reach https://get.pulumi.com", "install Go 1.21"):
        assert fix in str(refused.value)


# Finding


def test_a_pulumi_that_set_up_has_put_there_is_not_the_users_own(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = user_pulumi(cache / "tools" / "current" / "bin", PINNED)
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    assert pulumi_cli.find_on_path() is None
    theirs = user_pulumi(cache.parent / "theirs", PINNED)
    monkeypatch.setenv("PATH", f"{own.parent}:{theirs.parent}")
    assert pulumi_cli.find_on_path() == theirs


def test_a_program_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert ask_version(program(tmp_path, "pulumi", "exit 1")) is None
    assert ask_version(tmp_path / "absent") is None


# Taking


def test_the_users_pulumi_is_linked_with_its_own_language_host(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = user_pulumi(cache.parent / "theirs", "3.300.1")
    monkeypatch.setenv("PATH", f"{theirs.parent}:/usr/bin:/bin")
    assert pulumi_cli.ensure() == "3.300.1 by way of path"
    links = cache / "tools" / "current" / "bin"
    assert (links / "pulumi").resolve() == theirs
    assert (links / "pulumi-language-python").resolve() == theirs.with_name("pulumi-language-python")
    assert pulumi_cli.ensure() == "present: 3.300.1 by way of path"


def test_another_pulumi_on_path_is_noticed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = user_pulumi(cache.parent / "theirs", "3.300.1")
    monkeypatch.setenv("PATH", f"{theirs.parent}:/usr/bin:/bin")
    pulumi_cli.ensure()
    user_pulumi(theirs.parent, "3.301.10")
    assert pulumi_cli.ensure() == "3.301.10 by way of path"
    assert len(list((cache / "tools").glob("set-*"))) == 1


def test_what_was_built_before_is_taken_without_asking_the_network(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_pulumi(cache / "tools" / f"pulumi-{PINNED}-build" / "bin", PINNED)
    monkeypatch.setattr(pulumi_cli, "reaches_download_site", lambda: pytest.fail("the network was asked"))
    assert pulumi_cli.ensure() == f"{PINNED} by way of build"


def test_a_download_that_fails_gives_way_to_the_build(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(program: Path, version: str) -> None:
        raise Failed("download Pulumi did not end within 180 s")

    monkeypatch.setattr(pulumi_cli, "reaches_download_site", lambda: True)
    monkeypatch.setattr(pulumi_cli.go_toolchain, "find", lambda: GO)
    monkeypatch.setattr(pulumi_cli, "download", failing)
    monkeypatch.setattr(pulumi_cli, "build", lambda program, version: user_pulumi(program.parent, version))
    assert pulumi_cli.ensure() == f"{PINNED} by way of build"
    said = capsys.readouterr().out
    assert "the next way is taken: download Pulumi did not end within 180 s" in said


def test_the_download_uses_the_automation_apis_installer_and_appears_only_when_complete(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def installer(what: str, argv: list[object], *, timeout_seconds: float) -> str:
        calls.append(argv)
        assert not target.exists()
        user_pulumi(Path(str(argv[3])) / "bin", PINNED)
        assert timeout_seconds <= 180
        return ""

    target = cache / "tools" / f"pulumi-{PINNED}-download" / "bin" / "pulumi"
    monkeypatch.setattr(pulumi_cli, "run", installer)
    pulumi_cli.download(target, PINNED)
    assert target.exists()
    assert "PulumiCommand.install" in str(calls[0][2])


# Saying


def test_a_full_disk_is_refused_before_the_work_with_the_fix(cache: Path) -> None:
    with pytest.raises(Problem) as refused:
        console.require_space("building the Pulumi CLI", cache / "deep" / "down", 10**9)
    assert re.search(r"needs 1000000000 MiB in .* which has \d+ MiB left", str(refused.value))
    assert "TWINSITE_CACHE" in str(refused.value)


def test_a_disk_that_fills_up_during_the_work_is_a_sentence(cache: Path) -> None:
    with pytest.raises(Problem) as refused:
        console.run("fill", ["sh", "-c", "echo 'write: No space left on device' >&2; exit 1"])
    assert "the disk is full" in str(refused.value)
    assert "TWINSITE_CACHE" in str(refused.value)


def test_a_command_that_fails_is_quoted_and_its_log_is_named(cache: Path) -> None:
    with pytest.raises(Failed) as failed:
        console.run("some work", ["sh", "-c", "seq 100; echo the reason >&2; exit 3"])
    assert "some work ended with exit code 3" in str(failed.value)
    assert str(cache / "log" / "some-work.log") in str(failed.value)
    assert "100" in str(failed.value)
    assert "the reason" in (cache / "log" / "some-work.log").read_text()


def test_a_command_that_hangs_is_ended(cache: Path) -> None:
    started = time.monotonic()
    with pytest.raises(Failed, match=r"did not end within 0\.2 s"):
        console.run("hang", ["sh", "-c", "sleep 60 & sleep 60"], timeout_seconds=0.2)
    assert time.monotonic() - started < 10


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packages, "missing", lambda: [packages.Need("nft", "nftables"), packages.Need("ip", "iproute2")]
    )
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = packages.ensure()
    assert "apt-get install --no-install-recommends iproute2 nftables" in said
    assert "recorded only" in said


def test_packages_are_named_before_they_are_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = [packages.Need("nft", "nftables")]
    named: list[str] = []

    def install(names: list[str]) -> None:
        named.append(capsys.readouterr().out)
        absent.clear()

    monkeypatch.setattr(packages, "missing", lambda: list(absent))
    monkeypatch.setattr(packages, "install", install)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    assert packages.ensure() == "installed: nftables"
    assert "nftables" in named[0]


def test_a_package_that_does_not_help_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", lambda: [packages.Need("nft", "nftables")])
    monkeypatch.setattr(packages, "install", lambda names: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages.shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    with pytest.raises(Problem, match="still no nft"):
        packages.ensure()


# The script


def test_check_changes_nothing(cache: Path, copy: Path) -> None:
    running = setup("--check", tree=copy, TWINSITE_CACHE=str(cache))
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 1
    assert ".venv                 missing or not of this lock" in said
    assert "Pulumi CLI            missing or outdated" in said
    assert not cache.exists()
    assert not (copy / ".venv").exists()


def test_no_python_that_is_new_enough_is_a_sentence(tmp_path: Path) -> None:
    for name in ("dirname", "readlink", "bash", "env"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}" if Path(f"/usr/bin/{name}").exists() else f"/bin/{name}")
    program(tmp_path, "python3", "exit 1")
    done = subprocess.run(
        [tmp_path / "bash", TREE / "scripts" / "setup"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "apt-get install python3" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_a_cancel_end_what_runs_and_say_how_to_go_on(
    cache: Path, copy: Path, tmp_path: Path, number: signal.Signals
) -> None:
    started = tmp_path / "started"
    slow = program(tmp_path / "bin", "uv", f'[ "$1" = --version ] && exit; echo $$ > {started}; exec sleep 300')
    path = f"{slow.parent}:{os.environ['PATH']}"
    running = setup("--for", "unit", tree=copy, TWINSITE_CACHE=str(cache), PATH=path)
    deadline = time.monotonic() + 30
    while not started.exists() or not started.read_text().strip():
        assert time.monotonic() < deadline, "uv was not called"
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.02)
    running.send_signal(number)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "./scripts/setup continues from here" in said
    until = time.monotonic() + 10  # it was told to end; on a busy machine it ends a moment after the set-up
    while Path(f"/proc/{started.read_text().strip()}").exists():
        assert time.monotonic() < until, "what the set-up had started still runs"
        time.sleep(0.02)


QUICK_UV = """
case "$1 $2" in
"venv --clear") mkdir -p "$5/bin" "$5/lib/python3.11/site-packages"; ln -sf /bin/true "$5/bin/python";;
esac
echo "$@" >> {log}
"""


def test_a_second_run_does_nothing_and_is_quick(cache: Path, copy: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    quick = program(tmp_path / "bin", "uv", QUICK_UV.format(log=log))
    settings = {"TWINSITE_CACHE": str(cache), "PATH": f"{quick.parent}:{os.environ['PATH']}"}
    first = setup("--for", "unit", tree=copy, **settings)
    said, _ = first.communicate(timeout=60)
    assert first.returncode == 0, said
    assert (copy / ".venv" / "lib" / "python3.11" / "site-packages" / "twinsite-tree.pth").read_text() == f"{copy}\n"
    assert (copy / ".venv" / "bin" / "twinsite").resolve() == copy / "scripts" / "twinsite"
    calls = log.read_text()
    assert calls.count("pip sync") == 1
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    again = setup("--for", "unit", tree=copy, **settings)
    said, _ = again.communicate(timeout=60)
    assert "present" in said
    # Of the processor: beside other tests seconds on the wall say nothing.
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    assert log.read_text() == calls


def test_a_changed_lock_is_installed_again(cache: Path, copy: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    quick = program(tmp_path / "bin", "uv", QUICK_UV.format(log=log))
    settings = {"TWINSITE_CACHE": str(cache), "PATH": f"{quick.parent}:{os.environ['PATH']}"}
    setup("--for", "unit", tree=copy, **settings).communicate(timeout=60)
    (copy / "requirements-dev.txt").write_text("one-more==1\n")
    setup("--for", "unit", tree=copy, **settings).communicate(timeout=60)
    assert log.read_text().count("pip sync") == 2


def test_a_second_set_up_waits_for_the_first(cache: Path, copy: Path, tmp_path: Path) -> None:
    quick = program(tmp_path / "bin", "uv", QUICK_UV.format(log=tmp_path / "calls"))
    cache.mkdir()
    with (cache / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = f"{quick.parent}:{os.environ['PATH']}"
        running = setup("--for", "unit", tree=copy, TWINSITE_CACHE=str(cache), PATH=path)
        assert running.stdout is not None
        assert "another set-up is running; waiting for it" in running.stdout.readline()
    said, _ = running.communicate(timeout=60)
    assert "set-up done" in said


MEET = """
import pathlib, time
def ensure():
    place = pathlib.Path({place!r})
    (place / {mine!r}).touch()
    until = time.monotonic() + 20
    while not (place / {other!r}).exists():
        assert time.monotonic() < until, "nobody came"
        time.sleep(0.02)
    {then}
    return "met"
"""


@pytest.fixture
def meeting(copy: Path, tmp_path: Path) -> Path:
    """A copy of the tree whose CLI and whose lab image wait for each other; the other steps do nothing."""
    steps = copy / "scripts" / "tools" / "setup"
    for module in ("packages", "environment", "azurite"):
        with (steps / f"{module}.py").open("a") as file:
            file.write("\ndef ensure():\n    return 'nothing'\n")
    with (steps / "pulumi_cli.py").open("a") as file:
        file.write(MEET.format(place=str(tmp_path), mine="cli", other="image", then="pass"))
    return copy


def image(meeting: Path, then: str) -> None:
    place = meeting.parent
    with (meeting / "scripts" / "tools" / "setup" / "image.py").open("a") as file:
        file.write(MEET.format(place=str(place), mine="image", other="cli", then=then))


def test_the_image_is_built_beside_the_cli(meeting: Path, cache: Path) -> None:
    image(meeting, "pass")
    running = setup(tree=meeting, TWINSITE_CACHE=str(cache), PATH=os.environ["PATH"])
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    titles = re.findall(r"^\[(\d)/5\] (.+)$", said, re.MULTILINE)
    assert sorted(titles) == [
        ("1", "distribution packages"),
        ("2", ".venv"),
        ("3", "Pulumi CLI"),
        ("4", "lab image"),
        ("5", "blob storage of the lab's Azure"),
    ]
    assert "    Pulumi CLI: met (" in said
    assert "    lab image: met (" in said


def test_a_step_beside_that_does_not_work_fails_the_whole(meeting: Path, cache: Path) -> None:
    image(meeting, "raise Problem('no mirror answers')")
    running = setup(tree=meeting, TWINSITE_CACHE=str(cache), PATH=os.environ["PATH"])
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "setup: no mirror answers\n" in said
    assert "a step beside the Pulumi CLI did not work" in said
    assert "set-up done" not in said


def test_ctrl_c_ends_the_steps_beside_with_their_commands(meeting: Path, cache: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    image(meeting, f"run('slow', ['sh', '-c', 'echo $$ > {started}; exec sleep 300'])")
    running = setup(tree=meeting, TWINSITE_CACHE=str(cache), PATH=os.environ["PATH"])
    deadline = time.monotonic() + 30
    while not started.exists() or not started.read_text().strip():
        assert time.monotonic() < deadline, "the image's command was not started"
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said.count("./scripts/setup continues from here") == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_set_up_needs_nothing_but_the_standard_library() -> None:
    # It runs before anything is installed, and asks the lab's modules what the lab needs.
    path = {"PYTHONPATH": f"{TREE / 'scripts' / 'tools'}:{TREE}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-c", "import setup.__main__"]
    done = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
