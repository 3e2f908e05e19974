"""The recovery kit: what goes in, what must not, the same bytes, and what `raise` refuses. Nothing is fetched."""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "scripts" / "tools"))

from kit import archive, parts, place, secrets, unpacked
from kit.parts import Part
from setup.console import Problem

from operations import azure
from stacks import TOPOLOGIES, topology
from tests.aws_azure_config import SECRETS, stack_file
from tests.azure_http import azure_server

LOCK = TREE / "requirements.txt"
KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGabcdefghij\n-----END PRIVATE KEY-----\n"
CHAIN = "-----BEGIN CERTIFICATE-----\nMIIBpublicauthority\n-----END CERTIFICATE-----\n"
SHOWN = {
    "plain": {"value": "public-value"},
    "password": {"value": "hunter2-and-more", "secret": True},
    "key": {"value": CHAIN + KEY, "secret": True},
    "nested": {"value": '{"a":["deep-inside"]}', "objectValue": {"a": ["deep-inside"]}, "secret": True},
}
TOLD: dict[str, Any] = {
    "stack": "dr",
    "mode": "warm",
    "backend": "azblob://state",
    "update": "2026-11-29T08:36:01.000Z",
    "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
    "system": platform.system(),
    "machine": platform.machine(),
}


def test_a_topology_that_is_raised_names_its_packages_and_each_is_in_the_lock() -> None:
    raised = [one for one in map(topology, TOPOLOGIES) if len(one.MODES) > 1]
    assert [one.NAME for one in raised] == ["aws-azure", "aws-gcp"]
    versions = parts.pinned(LOCK)
    assert [package for one in raised for package in one.PACKAGES if f"pulumi-{package}" not in versions] == []


def test_a_stack_of_one_mode_needs_no_kit(tmp_path: Path) -> None:
    shutil.copy(TREE / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  twinsite:topology: onprem-aws\n")
    with pytest.raises(Problem, match="whose one mode is pilot-light: nothing is raised there"):
        parts.wanted(tmp_path, "dev")
    with pytest.raises(Problem, match="run this in the project's folder, with --stack NAME"):
        parts.wanted(tmp_path, "another")


def plugin(home: Path, package: str, version: str) -> None:
    folder = home / "plugins" / f"resource-{package}-v{version}"
    folder.mkdir(parents=True)
    (folder / f"pulumi-resource-{package}").touch(0o755)


def test_its_program_runs_in_the_kits_own_environment_wherever_this_desks_is(tmp_path: Path) -> None:
    for name in (*parts.PROGRAM, "Pulumi.dr.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("name: own\nruntime: {name: python, options: {virtualenv: /opt/venvs/own}}\n")
    (told,) = [one for one in parts.program(tmp_path, "dr", "{}") if one.name == "program/Pulumi.yaml"]
    assert yaml.safe_load(told.read()) == {
        "name": "own",
        "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}},
    }


def test_plugins_are_of_exactly_the_locks_versions_and_of_what_the_topology_uses_alone(tmp_path: Path) -> None:
    random, tls = (importlib.metadata.version(f"pulumi-{one}") for one in ("random", "tls"))
    for package, version in (("random", random), ("random", "9.9.9"), ("tls", tls)):
        plugin(tmp_path, package, version)
    found = parts.plugins(["random"], LOCK, tmp_path)
    assert [(part.name, part.program) for part in found] == [
        (f"plugins/resource-random-v{random}/pulumi-resource-random", True)
    ]


def test_a_plugin_or_a_version_that_is_not_there_is_named_with_what_brings_it(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("pulumi-random==9.9.9 \\\n    --hash=sha256:00\npulumi-tls==1.2.3\n")
    installed = importlib.metadata.version("pulumi-random")
    with pytest.raises(Problem) as refused:
        parts.plugins(["random"], lock, tmp_path)
    assert f"pulumi-random is {installed} in .venv and 9.9.9 in the lock: run ./scripts/setup" in str(refused.value)
    assert "run `pulumi plugin install resource random 9.9.9`" in str(refused.value)


@pytest.mark.parametrize("official", [True, False])
def test_the_cli_comes_with_pulumis_language_host_or_with_ours_without_its_environment(
    official: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSITE_CACHE", str(tmp_path))
    with pytest.raises(Problem, match=r"run \./scripts/setup"):
        parts.pulumi()
    current, host = tmp_path / "tools" / "current", tmp_path / "host" / "pulumi-language-python"
    (current / "bin").mkdir(parents=True)
    host.parent.mkdir()
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        (current / "bin" / name).write_text(f"Pulumi's own {name}")
    if not official:
        (host.parent / "host.py").touch()
    (current / "origin.json").write_text(json.dumps({"language_host": str(host)}))
    found = {part.name: part.read() for part in parts.pulumi()}
    assert found["bin/pulumi"] == b"Pulumi's own pulumi"
    assert (b"Pulumi's own" in found["bin/pulumi-language-python"], "bin/host.py" in found) == (official, not official)


def test_the_same_parts_give_the_same_bytes_whatever_their_order_and_age(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_bytes(os.urandom(3000))
    given = [Part("b", b"text"), Part("a/run", file, True)]
    archive.write(given, tmp_path / "one.tar.gz", "kit")
    os.utime(file, (1, 1))
    file.chmod(0o600)
    archive.write(given[::-1], tmp_path / "two.tar.gz", "kit")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    assert (tmp_path / "one.tar.gz").read_bytes()[4:8] == bytes(4), "gzip's own time"
    archive.write([Part("b", b"text"), Part("a/run", file)], tmp_path / "three.tar.gz", "kit")
    assert (tmp_path / "one.tar.gz").read_bytes() != (tmp_path / "three.tar.gz").read_bytes()


def test_the_sums_are_what_sha256sum_checks(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    sums = parts.checksums([Part("b", b"two"), Part("a", tmp_path / "a")])
    (tmp_path / sums.name).write_bytes(sums.read())
    done = subprocess.run(
        ["sha256sum", "--check", sums.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "a: OK\nb: OK\n")


@pytest.mark.parametrize(
    "carried", ["say hunter2-and-more", json.dumps({"key": KEY}), "let me in, passphrase", "deep-inside"]
)
def test_a_secrets_value_anywhere_in_the_program_is_refused_and_not_repeated(carried: str, tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("let me in, passphrase\n")
    environment = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(phrase), "PATH": "/usr/bin"}
    known = [*secrets.of_settings(SHOWN), *secrets.of_environment(environment)]
    clean = Part("program/clean.py", b"x = 1  # hunter2 public-value" + CHAIN.encode())
    secrets.refuse_secrets([clean], known)
    with pytest.raises(Problem) as refused:
        secrets.refuse_secrets([clean, Part("program/stray.py", f"# {carried}".encode())], known)
    assert str(refused.value).startswith("program/stray.py would carry a secret's value")
    assert "hunter2" not in str(refused.value)


def test_a_setting_that_should_be_a_secret_and_stands_in_clear_is_refused(tmp_path: Path) -> None:
    shutil.copy(TREE / "Pulumi.yaml", tmp_path)
    file = tmp_path / "Pulumi.dr.yaml"
    content = yaml.safe_load(stack_file())
    content["config"] |= {f"twinsite:{key}": {"secure": "v1:abc"} for key in SECRETS}
    file.write_text(yaml.safe_dump(content))
    secrets.refuse_in_clear(tmp_path, "dr", topology("aws-azure"))
    content["config"]["twinsite:primary_database_password"] = "in clear"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(Problem) as refused:
        secrets.refuse_in_clear(tmp_path, "dr", topology("aws-azure"))
    assert str(refused.value).endswith("should be a secret: `pulumi config set --secret primary_database_password`")


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unpacked one with two files."""
    content = [Part("kit.json", json.dumps(TOLD).encode()), Part("program/main.py", b"pass\n")]
    for part in [*content, parts.checksums(content)]:
        (tmp_path / part.name).parent.mkdir(exist_ok=True)
        (tmp_path / part.name).write_bytes(part.read())
    monkeypatch.setattr(unpacked, "KIT", tmp_path)
    return tmp_path


def test_raise_runs_nothing_of_a_kit_that_is_not_as_it_was_packed(
    kit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    began: list[str] = []
    monkeypatch.setattr(unpacked, "prepare", lambda told: began.append(told["stack"]))
    assert (unpacked.main(["--prepare"]), began) == (0, ["dr"])
    (kit / "work").mkdir()
    (kit / "work" / "made by raise").touch()
    assert unpacked.verify() == 2
    (kit / "program" / "main.py").write_text("evil\n")
    (kit / "program" / "more.py").touch()
    (kit / "kit.json").rename(kit / "kit.old")
    (kit / "kit.json").symlink_to(kit / "kit.old")
    assert unpacked.main(["--prepare"]) == 2
    said = capsys.readouterr().err
    for words in ("kit.old was not packed", "program/more.py was not packed", "program/main.py has changed"):
        assert words in said
    (kit / "kit.json").unlink()
    with pytest.raises(unpacked.Refused, match=r"kit\.json is missing"):
        unpacked.verify()
    assert began == ["dr"]


def test_a_kit_of_an_earlier_update_raises_nothing_unless_somebody_says_so(
    kit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi, work = kit / "bin" / "pulumi", kit / "work"
    pulumi.parent.mkdir()
    work.mkdir()
    monkeypatch.setattr(unpacked, "WORK", work)
    monkeypatch.setattr(unpacked, "verify", lambda: 2)
    monkeypatch.setattr(unpacked, "prepare", lambda told: None)
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execvpe", lambda file, words, environment: ran.append(words))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.chdir(kit)

    def updated(at: str, code: int = 0) -> None:
        said = json.dumps([{"kind": "update", "startTime": at}])
        pulumi.write_text(f"#!/bin/sh\ntest \"$1 $2\" = 'stack history' && echo '{said}'\nexit {code}\n")
        pulumi.chmod(0o755)

    updated(TOLD["update"], code=1)
    assert (unpacked.main(["--", "twinsite", "status"]), ran) == (2, [])
    assert "the stack's state cannot be read" in capsys.readouterr().err
    updated("2026-11-30T01:00:00.000Z")
    assert (unpacked.main(["--", "twinsite", "status"]), ran) == (2, [])
    said = capsys.readouterr().err
    assert (
        "made of the update of 2026-11-29T08:36:01.000Z, and the stack was updated at 2026-11-30T01:00:00.000Z" in said
    )
    unpacked.main(["--stale", "--", "twinsite", "status"])
    assert ran.pop() == ["twinsite", "status"]
    (work / "of-the-last-update").unlink()
    updated(TOLD["update"])
    unpacked.main(["--", "twinsite", "status"])
    updated("2026-11-30T02:00:00.000Z")
    unpacked.main(["--", "twinsite", "failover"])
    assert ran == [["twinsite", "status"], ["twinsite", "failover"]], "the kit's own update makes no kit stale"


def test_raise_says_which_python_and_which_machine_it_needs(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert unpacked.python_of(TOLD) == sys.executable
    with pytest.raises(unpacked.Refused, match=r"for Python 3\.99, and there is no python3\.99 on PATH: install it"):
        unpacked.python_of({**TOLD, "python": "3.99"})
    with pytest.raises(unpacked.Refused, match=f"for Linux on z80, and this is .* on {platform.machine()}"):
        unpacked.python_of({**TOLD, "system": "Linux", "machine": "z80"})
    own = kit / "python3.99"
    own.symlink_to(sys.executable)
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(kit))
    assert unpacked.python_of({**TOLD, "python": "3.99"}) == str(own)


def test_raise_gives_what_it_runs_this_kits_tools_first_and_the_states_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    given = unpacked.environment(TOLD)
    assert given["PATH"].startswith(f"{unpacked.KIT / 'bin'}:")
    assert given["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "1"
    assert given["PULUMI_BACKEND_URL"] == "azblob://state"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///elsewhere")
    assert unpacked.environment(TOLD)["PULUMI_BACKEND_URL"] == "file:///elsewhere"


def test_it_goes_into_the_standbys_store_in_blocks_and_appears_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure, "BLOCK_BYTES", 1000)
    file = tmp_path / "twinsite-kit-dr.tar.gz"
    file.write_bytes(os.urandom(2500))
    with azure_server() as there:
        container = place.Container(azure.Blobs(there.identity()), azure.place("azblob://labdrbackup/operations"))
        assert container.put(file) == "azblob://labdrbackup/operations/kit/twinsite-kit-dr.tar.gz"
        key = ("labdrbackup", "operations", "kit/twinsite-kit-dr.tar.gz")
        assert hashlib.sha256(there.blobs[key]).digest() == hashlib.sha256(file.read_bytes()).digest()
        assert [method for method, path in there.asked if path.endswith(".tar.gz")] == ["PUT"] * 4
        there.gone.add("labdrbackup")
        with pytest.raises(Problem, match="needs the role Storage Blob Data Contributor on azblob://labdrbackup/"):
            container.put(file)
    with pytest.raises(Problem, match="takes no kit: give --to FOLDER"):
        place.store("ssh://onprem-database/var/lib/twinsite")


def test_a_folder_that_does_not_take_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match="give another --to FOLDER"):
        place.Folder(tmp_path / "file").put(tmp_path / "file")
