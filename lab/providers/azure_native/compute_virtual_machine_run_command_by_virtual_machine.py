"""A run command: a script that Azure runs inside a machine."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.cloud import GROUP, AzureType, block, copied
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call

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
