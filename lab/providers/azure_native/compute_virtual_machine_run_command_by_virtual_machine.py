"""A run command: a script that Azure runs inside a machine."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, AzureType, block, copied, exists, items
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal

AGENT_SECONDS = 120
"""For the machine's first boot."""
LONGEST_SECONDS = 90 * 60
""""[...] can run for a maximum of 90 minutes" [Microsoft Learn, managed run command]."""


class VirtualMachineRunCommandByVirtualMachine(AzureType):
    """Runs when it is made and whenever something of it changes."""

    token = "azure-native:compute:VirtualMachineRunCommandByVirtualMachine"
    path = GROUP + "/providers/Microsoft.Compute/virtualMachines/{vmName}/runCommands/{runCommandName}"
    api = "2024-11-01"
    autoname = copied("runCommandName", 80)
    unstable: ClassVar[frozenset[str]] = frozenset({"instanceView"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        source = inputs.get("source")
        given = [
            key for key in ("script", "scriptUri", "commandId", "galleryScriptReferenceId") if block(source).get(key)
        ]
        if isinstance(source, (Mapping, type(None))) and len(given) != 1:
            yield Problem("source", f"InvalidParameter: a run command has one source, found {given or 'none'}")
        timeout = inputs.get("timeoutInSeconds")
        if isinstance(timeout, int) and timeout > LONGEST_SECONDS:
            yield Problem("timeoutInSeconds", f"a run command ends after {LONGEST_SECONDS} s, found {timeout}")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        # Azure gives an instance view only when it is asked for ($expand=instanceView), which the provider does not.
        return {"asyncExecution": bool(inputs.get("asyncExecution"))}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        exists(box, topology.MACHINE, identity.rpartition("/runCommands/")[0])
        if not block(record.get("source")).get("script"):
            raise Refusal("the lab runs scripts that the resource itself gives (source.script)")
        for key in ("outputBlobUri", "errorBlobUri"):
            if record.get(key):
                raise Refusal(
                    f"the lab writes no output to blobs: take {key} out (the instance view has the end of it)"
                )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._run(call, box, identity, record)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self._run(call, box, identity, record)

    def _run(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        machine = topology.machine_id(exists(box, topology.MACHINE, identity.rpartition("/runCommands/")[0]))
        given = record["__inputs"]
        parameters = [*items(given.get("parameters")), *items(given.get("protectedParameters"))]
        timeout = float(record.get("timeoutInSeconds") or LONGEST_SECONDS)
        command = box.client.call(
            "agent_run", machine=machine, script=given["source"]["script"], parameters=parameters, timeout=timeout
        )
        if record.get("asyncExecution"):
            return
        # a machine that does not come up has no agent: Azure gives up, too
        deadline = time.monotonic() + timeout + AGENT_SECONDS
        while (result := box.client.call("agent_result", id=command, wait=5.0)) is None:
            if call.cancelled.is_set():
                raise Refusal("cancelled while the command ran; it goes on in the machine")
            if time.monotonic() > deadline:
                raise Refusal(
                    'Status=409 Code="VMAgentStatusCommunicationError" Message="VM has not reported status for VM '
                    'agent or extensions."'
                )
        failed = result["timed_out"] or result["exit_code"] != 0
        if failed and record.get("treatFailureAsDeploymentFailure"):
            why = "timed out" if result["timed_out"] else f"failed with exit code {result['exit_code']}"
            raise Refusal(
                f'Status=200 Code="VMExtensionProvisioningError" Message="the command {why}"\n[stdout]\n'
                f"{result['stdout']}\n[stderr]\n{result['stderr']}"
            )
        if failed:
            call.log("warning", f"the command ended with {result['exit_code']}, which Azure takes for a success")
