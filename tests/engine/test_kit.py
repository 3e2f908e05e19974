"""The recovery kit on the real engine: the standby is raised from it alone, in a network that leads nowhere.

The stand-ins record only, and are what is installed as plugins here.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lab.paths import cache
from stacks.aws_azure.build import PACKAGES

from .conftest import Stack
from .latch_web import LatchWeb
from .test_topology_aws_azure import WARM_ADDS, kill, of_the_primary, resources, settings, stack, web

__all__ = ["stack", "web"]

TREE = Path(__file__).resolve().parents[2]
NOWHERE = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
"""A network with nothing but a loopback: the engine and its plugins speak through that."""


def secret_values(stack: Stack) -> set[str]:
    """All that the stack keeps encrypted, settings and generated ones alike, and what it is encrypted with."""
    settings = json.loads(stack.must("config", "--show-secrets", "--json"))
    found = {said["value"] for said in settings.values() if said["secret"]}
    state = stack.must("stack", "export", "--show-secrets")
    plain = [json.loads(f'"{text}"') for text in re.findall(r'"plaintext": "((?:[^"\\]|\\.)*)"', state)]
    found |= {value for value in map(json.loads, plain) if isinstance(value, str)}
    found.add(stack.desk.environment()["PULUMI_CONFIG_PASSPHRASE"])
    return {value for value in found if len(value) >= 8}


def make(stack: Stack, web: LatchWeb, folder: Path) -> Path:
    """The kit, unpacked."""
    # The index that wheels come from, and the way there, are this machine's own settings.
    own = {name: value for name, value in stack.desk.environment().items() if name not in web.environment}
    environment = {**os.environ, **own, "HOME": os.environ["HOME"], "TWINSITE_CACHE": str(cache())}
    words = [TREE / "scripts" / "kit", "--stack", "test", "--to", folder]
    done = subprocess.run(words, cwd=stack.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    subprocess.run(["tar", "-xzf", "twinsite-kit-test.tar.gz"], cwd=folder, check=True)
    return folder / "twinsite-kit-test"


OWN_SECRETS = {"primary_database_password": "battery staple", "origin_certificate": "PEM of this stack's own chain"}


def test_the_standby_is_raised_from_the_kit_alone_where_nothing_can_be_fetched(
    stack: Stack, web: LatchWeb, tmp_path: Path
) -> None:
    if subprocess.run([*NOWHERE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network namespace (unshare --map-root-user --net)")
    (stack.folder / "requirements.txt").symlink_to(TREE / "requirements.txt")
    for room in ("operations", "scripts"):
        (stack.folder / room).symlink_to(TREE / room)
    # The example's words are in the program, which the kit has whole: a stack's own secrets are its own.
    for key, value in OWN_SECRETS.items():
        stack.must("config", "set", "--secret", key, value)
    stack.up()
    cold, before, secrets = resources(stack), of_the_primary(stack), secret_values(stack)
    assert set(OWN_SECRETS.values()) < secrets
    for package in ("aws", "kubernetes"):
        kill(stack, package)
    settings(stack, alarm_emails=["oncall@example.com", "second@example.com"])
    kit = make(stack, web, tmp_path / "stick")

    written = [file for file in kit.rglob("*") if file.is_file() and file.suffix != ".whl" and file.name != "pulumi"]
    content = {file: file.read_bytes() for file in written}
    assert b"secure:" in content[kit / "program" / "Pulumi.test.yaml"]
    assert [str(file) for file in written if any(one.encode() in content[file] for one in secrets)] == []

    # Nothing of this desk's but where the state is (kit.json says it) and what unlocks it.
    bare = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(tmp_path)}
    bare["PULUMI_CONFIG_PASSPHRASE"] = stack.desk.environment()["PULUMI_CONFIG_PASSPHRASE"]
    bare["PATH"] = f"{Path(sys.base_prefix) / 'bin'}:{bare['PATH']}"

    def dark(*words: str) -> tuple[int, str]:
        command = [*NOWHERE, str(kit / "raise"), *words]
        done = subprocess.run(command, env=bare, cwd="/", capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert dark("--prepare")[0] == 0
    # Both really cannot be reached from there: the same tools that a set-up without a kit fetches with.
    (pip,) = (kit / "wheels").glob("pip-*.whl")
    code, said = dark("--", "python", f"{pip}/pip", "download", "--retries", "0", "--dest", str(tmp_path), "six")
    assert code != 0, said
    assert "No matching distribution found for six" in said
    code, said = dark("--", "pulumi", "plugin", "install", "resource", "random", "4.18.0")
    assert code != 0, said
    assert re.search("dial tcp|no such host", said), said

    code, said = dark()
    assert code == 0, said
    assert "aws is left as it is" in said
    assert "stack test is in warm; go on with `./raise -- twinsite failover --to azure`" in said
    warm = resources(stack)
    assert Counter(kind for urn, (kind, _) in warm.items() if urn not in cold) == WARM_ADDS
    assert {urn: warm[urn] for urn in cold} == cold
    assert of_the_primary(stack) == before
    providers = {one["type"] for one in stack.state().values() if one["type"].startswith("pulumi:providers:")}
    providers.remove("pulumi:providers:pulumi")  # the engine's own has no plugin
    assert providers == {f"pulumi:providers:{package}" for package in PACKAGES}, "in the raised mode, all of them"

    # Killed or not, the same command again ends the same; and what is not as it was packed is not run.
    code, said = dark("--", "twinsite", "--stack", "test", "status", "--help")
    assert (code, "usage: twinsite status" in said) == (0, True), said
    (kit / "up.py").write_text("print('somebody else')\n")
    code, said = dark()
    assert (code, "up.py has changed" in said) == (2, True), said
