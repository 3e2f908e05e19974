"""Machines on Azure that nobody logs in to: programs run through Run Command, with the operator's own identity.

Run Command is Resource Manager's, so it is the standby region's control plane: it does not depend on the primary site.
One runs at a time on a machine; a second is told Conflict and waits. No secret ever goes through it.
"""

import base64
import json
import pathlib
import secrets
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twinsite.inventory import AzureRunCommand

from ..azure import MANAGEMENT, Answer, AzureError, Identity, call
from . import Done, Unreachable

VERSION = "2024-07-01"
PROGRAM = pathlib.Path(__file__).with_name("azure_run.py")
# A call that waits for another one on the machine, and the time in which Azure itself starts one.
PATIENCE_SECONDS = 300.0
OVERHEAD_SECONDS = 180.0
LONGEST_SECONDS = 5400.0
"""Azure ends a Run Command after 90 minutes."""


class RunCommand:
    """The way to machines of one inventory by name. Any number of threads; calls to one machine queue in Azure."""

    def __init__(
        self,
        identity: Identity,
        machines: Mapping[str, AzureRunCommand],
        pause_seconds: float = 1.0,
        number: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """`number` names each request on the machine; `pause_seconds` lies between two looks at a running one."""
        self._identity, self._machines, self._pause, self._number = identity, dict(machines), pause_seconds, number

    def know(self, machines: Mapping[str, AzureRunCommand]) -> None:
        """The machines as they are now: raising the mode has made them."""
        self._machines = dict(machines)

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        """Run as root to the end. Unreachable when the machine does not exist, is off, or Azure does not run it."""
        request: dict[str, Any] = {
            "number": self._number(),
            "command": list(command),
            "stdin": stdin,
            "seconds": min(timeout_seconds, LONGEST_SECONDS),
        }
        text, pieces, piece = "", 1, 0
        while piece < pieces:
            pieces, part = self._piece(host, {**request, "piece": piece}, timeout_seconds)
            text += part
            piece += 1
        found = json.loads(zlib.decompress(base64.b64decode(text)))
        return Done(int(found["code"]), str(found["stdout"]), str(found["stderr"]))

    def _piece(self, host: str, request: Mapping[str, Any], seconds: float) -> tuple[int, str]:
        given = base64.b64encode(json.dumps(request).encode()).decode()
        script = [f"python3 - {given} <<'TWINSITE'", *PROGRAM.read_text(encoding="utf-8").splitlines(), "TWINSITE"]
        output = self._execute(host, script, seconds)
        for line in output.splitlines():
            mark, _, rest = line.partition(" ")
            if mark == "TWINSITE":
                count, _, part = rest.partition(" ")
                return int(count), part
        raise Unreachable(host, f"Run Command ran, but the program printed nothing of ours: {output.strip()[-300:]!r}")

    def _execute(self, host: str, script: list[str], seconds: float) -> str:
        machine = self._machines.get(host)
        if machine is None or not machine.vm:
            raise Unreachable(host, "it does not exist in this mode")
        path = (
            f"{self._identity.endpoints.management}/subscriptions/{machine.subscription}/resourceGroups/"
            f"{machine.resource_group}/providers/Microsoft.Compute/virtualMachines/{machine.vm}"
        )
        body = json.dumps({"commandId": "RunShellScript", "script": script}).encode()
        deadline = time.monotonic() + seconds + OVERHEAD_SECONDS
        try:
            answer = self._begin(host, f"{path}/runCommand?api-version={VERSION}", body)
            found = self._follow(host, answer, deadline)
        except AzureError as error:
            raise Unreachable(host, str(error)) from None
        return _output(host, found)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._identity.token(MANAGEMENT)}", "Content-Type": "application/json"}

    def _begin(self, host: str, url: str, body: bytes) -> Answer:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return call("POST", url, self._headers(), body)
            except AzureError as error:
                if error.status != 409 or time.monotonic() >= deadline:
                    raise
            time.sleep(self._pause)

    def _follow(self, host: str, answer: Answer, deadline: float) -> Any:
        """The result of an operation that Azure goes on with after it said 202."""
        began = answer
        while answer.status == 202:
            where = answer.headers.get("location") or began.headers.get("location")
            state = began.headers.get("azure-asyncoperation")
            if time.monotonic() >= deadline:
                raise Unreachable(host, "Run Command did not end in time; `az vm get-instance-view` shows its agent")
            time.sleep(self._pause)
            if state:
                ended = json.loads(call("GET", state, self._headers()).body)
                if ended.get("status") in ("Failed", "Canceled"):
                    raise Unreachable(
                        host, f"Run Command: {(ended.get('error') or {}).get('message', ended['status'])}"
                    )
                if ended.get("status") != "Succeeded":
                    continue
                output = (ended.get("properties") or {}).get("output")
                if output:
                    return output
            if not where:
                raise Unreachable(host, "Azure accepted the Run Command but named no place to read its result")
            answer = call("GET", where, self._headers())
        return json.loads(answer.body)


def _output(host: str, found: Any) -> str:
    """Standard output of the script, out of the message that Azure makes of it."""
    values = found.get("value") if isinstance(found, dict) else None
    if not values:
        raise Unreachable(host, f"Run Command gave no result: {str(found)[:200]}")
    message = str(values[0].get("message", ""))
    if "[stdout]" not in message:
        raise Unreachable(host, f"Run Command: {message.strip()[:300] or values[0].get('code')}")
    return message.split("[stdout]", 1)[1].split("[stderr]", 1)[0]
