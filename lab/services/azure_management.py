"""management.azure.com: what operations ask of virtual machines; above all the action that runs a command in one."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from lab.client import LabError
from lab.services.api import Answer, Problem, Records, bearer, told
from lab.services.azure_commands import Commands
from lab.services.azure_rights import Roles
from lab.services.azure_tenant import Tenant
from lab.services.signature import Request

HOST = "management.azure.com"
MACHINE = "azure-native:compute:VirtualMachine"
ACTION_SECONDS = 90 * 60
"""Longest run of a command [Microsoft Learn, run command: "90 minutes"]."""
_MACHINE = re.compile(
    r"(/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/virtualMachines/[^/]+)(?:/(\w+))?",
    re.IGNORECASE,
)
_OPERATION = re.compile(r"/subscriptions/[^/]+/providers/Microsoft\.Compute/locations/[^/]+/operations/([0-9a-f-]+)")

Power = Callable[[str, str], None]


class Management:
    """Machines only: everything else of Azure Resource Manager belongs to the provider's stand-in."""

    def __init__(
        self,
        tenant: Tenant,
        roles: Roles,
        records: Records,
        commands: Commands,
        running: Callable[[str], bool],
        power: Power,
    ) -> None:
        """`running` of the box's machine; `power` (machine, start|stop|restart)."""
        self._tenant = tenant
        self._roles = roles
        self._records = records
        self._commands = commands
        self._running = running
        self._power = power
        self._lock = threading.Lock()
        self._operations: dict[str, str] = {}
        """Operation to command; empty for one that is done."""

    def owns(self, host: str) -> bool:
        return host == HOST

    def answer(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except Problem as problem:
            return told(problem.status, {"error": {"code": problem.code, "message": problem.text}}, *problem.headers)
        except LabError as error:
            return told(409, {"error": {"code": "OperationNotAllowed", "message": str(error)}})

    def _answer(self, request: Request) -> Answer:
        claims = self._claims(request)
        if "api-version=" not in request.query:
            raise Problem(
                400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
            )
        operation = _OPERATION.fullmatch(request.path)
        if operation is not None:
            return self._poll(operation[1])
        found = _MACHINE.fullmatch(request.path)
        if found is None:
            raise Problem(501, "NotImplemented", "the twinsite lab has this question for virtual machines only")
        identity, what = found[1], (found[2] or "").lower()
        wanted = ("GET", "read") if what in ("", "instanceview") else ("POST", f"{found[2]}/action")
        if request.method != wanted[0]:
            raise Problem(405, "MethodNotAllowed", f"the twinsite lab has no {request.method} for this")
        action = f"Microsoft.Compute/virtualMachines/{wanted[1]}"
        if not self._roles.may(claims["oid"], action, identity, data=False):
            raise Problem(
                403,
                "AuthorizationFailed",
                f"The client '{claims['appid']}' with object id '{claims['oid']}' does not have authorization to "
                f"perform action '{action}' over scope '{identity}' or the scope is invalid. If access was recently "
                "granted, please refresh your credentials.",
            )
        key, record = self._machine(identity)
        if what == "runcommand":
            return self._run(request, key, record)
        if what in ("start", "restart", "poweroff", "deallocate"):
            self._power(machine_of(record), {"poweroff": "stop", "deallocate": "stop"}.get(what, what))
            return self._begun(request, record, "")
        view = self._view(record)
        if what == "instanceview":
            return told(200, view)
        return told(200, _shown(key, record, view if "instanceview" in request.query.lower() else None))

    def _claims(self, request: Request) -> dict[str, Any]:
        claims = self._tenant.read(bearer(request)) if bearer(request) else None
        if claims is None:
            raise Problem(
                401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing or wrong."
            )
        if claims["aud"].rstrip("/") not in ("https://management.azure.com", "https://management.core.windows.net"):
            raise Problem(
                401,
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'.",
            )
        return claims

    def _machine(self, identity: str) -> tuple[str, Mapping[str, Any]]:
        for key, one in self._records(MACHINE).items():
            if key.lower() == identity.lower():
                return key, one
        name = identity.rpartition("/")[2]
        raise Problem(
            404, "ResourceNotFound", f"The Resource 'Microsoft.Compute/virtualMachines/{name}' was not found."
        )

    def _run(self, request: Request, key: str, record: Mapping[str, Any]) -> Answer:
        given = json.loads(request.body or b"{}")
        if given.get("commandId") != "RunShellScript":
            raise Problem(400, "InvalidParameter", "the twinsite lab runs commandId RunShellScript only")
        machine = machine_of(record)
        if not self._running(machine):
            raise Problem(
                409, "OperationNotAllowed", f"Cannot modify extensions in the VM when the VM is not running. ({key})"
            )
        script = "\n".join(given.get("script") or [])
        parameters = [
            {"name": one.get("name", ""), "value": one.get("value", "")} for one in given.get("parameters") or []
        ]
        return self._begun(request, record, self._commands.submit(machine, script, parameters, ACTION_SECONDS))

    def _begun(self, request: Request, record: Mapping[str, Any], command: str) -> Answer:
        operation = str(uuid.uuid4())
        with self._lock:
            self._operations[operation] = command
        subscription = request.path.split("/")[2]
        place = f"/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{record['location']}"
        url = f"https://{HOST}{place}/operations/{operation}?api-version=2024-07-01"
        headers = [("Location", f"{url}&monitor=true"), ("Azure-AsyncOperation", url), ("Retry-After", "1")]
        return 202, [*headers, ("Content-Length", "0")], b""

    def _poll(self, operation: str) -> Answer:
        """Of both ways to wait: Location answers 202, then the result; the other one answers with a status."""
        with self._lock:
            if operation not in self._operations:
                raise Problem(404, "NotFound", f"there is no operation {operation}")
            command = self._operations[operation]
        result = self._commands.result(command, wait=1.0) if command else {}
        if result is None:
            return told(202, {"status": "InProgress", "name": operation}, ("Retry-After", "1"))
        output = {"value": [_status(result)]} if command else {}
        return told(200, {"status": "Succeeded", "name": operation, "properties": {"output": output}, **output})

    def _view(self, record: Mapping[str, Any]) -> dict[str, Any]:
        state = "running" if self._running(machine_of(record)) else "deallocated"
        codes = [("ProvisioningState/succeeded", "Provisioning succeeded"), (f"PowerState/{state}", f"VM {state}")]
        return {"statuses": [{"code": code, "level": "Info", "displayStatus": text} for code, text in codes]}


def machine_of(record: Mapping[str, Any]) -> str:
    """The box's name of a machine; the provider's topology has the same rule, and a test compares them."""
    return f"vm-{str(record['vmId']).replace('-', '')[:17]}"


def _status(result: Mapping[str, Any]) -> dict[str, Any]:
    """The action says "succeeded" whatever the script's exit code was [Microsoft Learn, run command]."""
    message = f"Enable succeeded: \n[stdout]\n{result['stdout']}\n[stderr]\n{result['stderr']}"
    return {
        "code": "ProvisioningState/succeeded",
        "level": "Info",
        "displayStatus": "Provisioning succeeded",
        "message": message,
    }


def _shown(key: str, record: Mapping[str, Any], view: dict[str, Any] | None) -> dict[str, Any]:
    names = ("vmId", "hardwareProfile", "provisioningState", "timeCreated", "networkProfile")
    properties = {name: record.get(name) for name in names}
    if view is not None:
        properties["instanceView"] = view
    return {
        "id": key,
        "name": record.get("name"),
        "type": record.get("type"),
        "location": record.get("location"),
        "tags": record.get("tags") or {},
        "properties": properties,
    }
