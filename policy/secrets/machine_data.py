"""Secrets in what a machine is given at its first boot, or in a command that is run on it."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Problems, Resource, each
from .words import secret_in


def holds(*paths: str) -> Problems:
    def problems(one: Resource) -> Iterator[str]:
        for path in paths:
            what = secret_in(str(one.get(path, "", hidden=True)))
            if what:
                yield (
                    f"{path} holds {what}, which everyone who may read the machine, its disk or the state can read: "
                    "put it into Secrets Manager or Key Vault, and let the machine fetch it with its own identity"
                )

    return problems


_COMMAND = holds("create", "update", "delete")

POLICY = each(
    "secret-in-machine-data",
    Severity.CRITICAL,
    "Nothing secret in user data, custom data or a command: any process on the machine reads it from the metadata "
    "service, and whoever may describe the machine from its model (K23; EC2 user guide, instance user data).",
    {
        "aws:ec2/instance:Instance": holds("userData", "userDataBase64"),
        "aws:ec2/launchTemplate:LaunchTemplate": holds("userData"),
        "aws:ec2/launchConfiguration:LaunchConfiguration": holds("userData", "userDataBase64"),
        "azure-native:compute:VirtualMachine": holds("osProfile.customData", "userData"),
        "azure-native:compute:VirtualMachineScaleSet": holds(
            "virtualMachineProfile.osProfile.customData", "virtualMachineProfile.userData"
        ),
        "azure-native:compute:VirtualMachineExtension": holds("settings"),
        "azure-native:compute:VirtualMachineRunCommandByVirtualMachine": holds("source.script"),
        "command:local:Command": _COMMAND,
        "command:remote:Command": _COMMAND,
    },
)
