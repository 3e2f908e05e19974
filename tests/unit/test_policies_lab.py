"""The operator's role on the lab's Azure, which checks rights on every call: Run Command as operations make it, and no
more. The lab knows built-in roles only, so the file becomes one here."""

import base64
import json
import threading
import urllib.parse
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.services import azure_roles
from lab.services.azure_management import MACHINE, machine_of
from operations import azure
from operations.transport import Unreachable
from operations.transport import azure as way
from tests.unit.test_lab_azure_services import VM, Cloud
from twinsite.inventory import AzureRunCommand

ROLE = "0f0f0f0f-0000-0000-0000-000000000000"
MACHINES = {"standby": AzureRunCommand("s", "rg", "standby")}


def take(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of policies/azure/ as the one role that the lab's identity has."""
    role = json.loads(Path("policies/azure", name).read_text())
    made = azure_roles.Role(name, tuple(role["Actions"]), tuple(role["DataActions"]))
    monkeypatch.setattr(azure_roles, "ROLES", {ROLE: made})


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The lab's services, where operations call them, and a machine that answers what it is asked."""
    found = Cloud()
    found.assign(ROLE, "/subscriptions/s/resourceGroups/rg")
    machine = machine_of(found.records[MACHINE][VM])

    def call(
        method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> azure.Answer:
        token = dict(headers or {}).get("Authorization", "").removeprefix("Bearer ")
        status, answered, text = found.ask(method, url, token, body or b"")
        if status >= 400:
            raise azure.AzureError(f"{status}: {text.decode()}", status)
        return azure.Answer(status, answered, text)

    def agent() -> None:
        while (command := found.commands.next(machine)) is not None and command["script"] != "stop":
            outcome = json.dumps({"code": 0, "stdout": "fine", "stderr": ""}).encode()
            text = base64.b64encode(zlib.compress(outcome)).decode()
            said = {"exit_code": 0, "stdout": f"TWINSITE 1 {text}", "stderr": "", "timed_out": False}
            found.commands.done(machine, command["id"], said)

    monkeypatch.setattr(way, "call", call)
    thread = threading.Thread(target=agent, daemon=True)
    thread.start()
    yield found
    found.commands.submit(machine, "stop", [], 1)
    thread.join(5)


class Identity(azure.Identity):
    """The machine's in the lab, whose rights are the assigned role's alone; the desk's own is Owner."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(environment={})
        self._cloud = cloud

    def token(self, resource: str) -> str:
        return self._cloud.token(resource)


def test_the_operators_role_is_enough_for_run_command(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    take("aws-azure.operator.json", monkeypatch)
    done = way.RunCommand(Identity(cloud), MACHINES, pause_seconds=0.01).run("standby", ["true"])
    assert (done.code, done.stdout) == (0, "fine")


@pytest.mark.parametrize("name", ["aws-azure.deployer.warm.json", "doctor.json"])
def test_without_it_nobody_runs_anything_on_the_machine(
    name: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(name, monkeypatch)
    with pytest.raises(Unreachable, match="runCommand/action"):
        way.RunCommand(Identity(cloud), MACHINES, pause_seconds=0.01).run("standby", ["true"])


def test_the_operators_role_stops_no_machine(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    take("aws-azure.operator.json", monkeypatch)
    url = f"https://management.azure.com{urllib.parse.quote(VM)}/deallocate?api-version=2024-07-01"
    status, _, text = cloud.ask("POST", url, cloud.token("https://management.azure.com"), b"")
    assert status == 403, text


def test_what_the_lab_does_not_have_is_no_answer_to_the_doctor(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.doctor import identity
    from operations.doctor.answers import CouldNotAsk
    from operations.doctor.resource_manager import ResourceManager

    real: Any = way.call
    monkeypatch.setattr(azure, "call", real)
    with pytest.raises(CouldNotAsk, match="the twinsite lab has this question for virtual machines only"):
        identity.at_azure(ResourceManager(Identity(cloud)), "s")
