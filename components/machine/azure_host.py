"""A machine on Azure that is told what to be by documents in the backup store, and gated by its own verdict."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_tls as tls
from pulumi_azure_native import compute, network

from ..component import Component
from ..protection import grow_only, keep_serving, keep_while_active
from ..rules.hosts import AzureHostIntent
from ..storage.backup_store import BackupStoreHandle, document
from ..storage.secret_vault import SecretVaultHandle
from . import azure_documents, documents

IMAGE = "Canonical:ubuntu-26_04-lts:server:latest"
SIZE = "Standard_B2s"
DATA_DEVICE = "azure-lun-0"
"""The data disk, as the database role calls it (guest/database/host.py knows where it shows up)."""

LOGIN = "twinsite"
"""Azure demands a login with a key. Nobody has the key, and no port leads there."""


@dataclass(frozen=True)
class HostHooks:
    """What keeps a host's machine and its data disk from being deleted while its site serves."""

    machine: pulumi.ResourceHookBinding
    disk: pulumi.ResourceHookBinding


def host_hooks(
    name: str,
    host: str,
    what: str,
    active: bool,
    latch_urls: Sequence[pulumi.Input[str]],
    size_setting: str = "data_disk_gib",
) -> HostHooks:
    """Hooks of the AzureHost called `name`; `what` it is in a sentence, like `the standby's application machine`;
    `size_setting` is where a person sets the size of its data disk.

    To be made in every mode, also where there is no such host: a program that takes a resource away must still have the
    hooks that the resource was made with, or the engine refuses to delete it ("hook … was not registered", 3.259).
    """
    disturbing = [
        ["osProfile", "customData"],
        ["storageProfile", "imageReference"],
        ["hardwareProfile", "vmSize"],
        ["networkProfile", "networkInterfaces"],
    ]
    return HostHooks(
        machine=keep_serving(f"{name}-vm", what, active, latch_urls, disturbing),
        disk=pulumi.ResourceHookBinding(
            before_delete=keep_while_active(f"{name}-data", host, active, latch_urls).before_delete,
            before_update=[grow_only(f"{name}-data", f"the data disk of {host}", size_setting, ["diskSizeGB"])],
        ),
    )


class AzureHostArgs(TypedDict):
    """Arguments of AzureHost."""

    host: str
    """Name in the inventory, as guest and of the virtual machine."""

    role: str
    """Guest role: standby or database."""

    hooks: HostHooks
    """From host_hooks; whatever deletes, replaces or restarts the machine while its site serves is refused."""

    config: pulumi.Input[dict[str, Any]]
    """The role's configuration; nothing secret."""

    secret: pulumi.Input[dict[str, str]] | None
    """{"vault", "name", "version"} of the role's secrets, if it does not fetch them itself."""

    resource_group: pulumi.Input[str]
    location: str
    subnet_id: pulumi.Input[str]
    """Subnet of its interface; the subnet's firewall says who gets in."""

    private_address: str
    """Fixed IPv4 address, or "" for any."""

    public_address_id: pulumi.Input[str]
    """Static public address: its explicit way out."""

    store: BackupStoreHandle
    vault: SecretVaultHandle
    size: str
    """Virtual machine size."""

    image: str
    """`publisher:offer:sku:version`, or the id of an image."""

    data_disk_gib: NotRequired[int]
    """Adds a data disk of this size, which outlives the machine."""

    site_is_active: bool
    """For policies and readers of a preview."""

    gate_timeout_seconds: int
    tags: dict[str, str]


class AzureHost(Component):
    """One machine: interface, desired document, virtual machine, gate; optionally a data disk. A part of ColdWarmVm and
    StandbyDatabase, not offered on its own: its hooks are live objects.

    Custom data only bootstraps. A changed configuration and changed programs, the agent's included, arrive in place
    within seconds; another image replaces the machine, unless it serves: then that is refused.
    """

    vm_id: pulumi.Output[str]
    """Azure's unique id; a replaced machine has another one."""

    digest: pulumi.Output[str]
    """Changes when anything that the machine is told changes."""

    ready: pulumi.Output[str]
    """Known once the gate has passed."""

    def __init__(self, name: str, args: AzureHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        store, role = args["store"], args["role"]
        super().__init__("AzureHost", name, AzureHostIntent.of({**args, "store_roles": store["payload_keys"]}), opts)
        desired = pulumi.Output.all(
            config=args["config"], secret=args["secret"], payload_key=store["payload_keys"][role]
        ).apply(
            lambda known: documents.canonical(
                azure_documents.desired(role, known["config"], known["payload_key"], known["secret"])
            )
        )
        blob, child = f"hosts/{args['host']}/desired.json", pulumi.ResourceOptions(parent=self)
        document(store, f"{name}-desired", blob, desired, child)
        machine = self._machine(name, args)
        self.vm_id = machine.vm_id
        self.digest = desired.apply(lambda text: documents.digest(json.loads(text)))
        gate = compute.VirtualMachineRunCommandByVirtualMachine(
            f"{name}-gate",
            resource_group_name=args["resource_group"],
            location=args["location"],
            vm_name=machine.name,
            run_command_name="twinsite-gate",
            source={
                "script": pulumi.Output.all(machine=machine.vm_id, told=self.digest).apply(
                    lambda known: azure_documents.gate_script(
                        args["role"], known["machine"], known["told"], args["gate_timeout_seconds"] - 30
                    )
                )
            },
            timeout_in_seconds=args["gate_timeout_seconds"],
            async_execution=False,
            treat_failure_as_deployment_failure=True,
            tags=args["tags"],
            # Gone with its machine; deleting it on its own would fail once the machine is away.
            opts=pulumi.ResourceOptions(
                parent=self,
                deleted_with=machine,
                custom_timeouts=pulumi.CustomTimeouts(create="95m", update="95m"),
            ),
        )
        self.ready = gate.id.apply(str)
        self.register_outputs({"vm_id": self.vm_id, "digest": self.digest, "ready": self.ready})

    def _machine(self, name: str, args: AzureHostArgs) -> "compute.VirtualMachine":
        # Not after the document: the machine boots while the database that the document names is made.
        store, host, tags = args["store"], args["host"], args["tags"]
        # Of the day on which the image was chosen (ADR 26): a later agent arrives with the payload, in place.
        bootstrap = pulumi.Stash(
            f"{name}-bootstrap-{re.sub('[^A-Za-z0-9.]+', '-', args['image']).strip('-')}",
            input=azure_documents.bootstrap(),
            # Its output stays in any case; without this a preview says that it is updated.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["input"]),
        ).output
        custom_data = pulumi.Output.all(
            bootstrap, store["account"], store["reader_client_id"], args["vault"]["vault"]
        ).apply(lambda known: azure_documents.custom_data(known[0], known[1], host, known[2], known[3]))
        key = tls.PrivateKey(f"{name}-nobody", algorithm="ED25519", opts=pulumi.ResourceOptions(parent=self))
        return compute.VirtualMachine(
            f"{name}-vm",
            resource_group_name=args["resource_group"],
            vm_name=host,
            location=args["location"],
            hardware_profile={"vm_size": args["size"]},
            identity={
                "type": compute.ResourceIdentityType.USER_ASSIGNED,
                "user_assigned_identities": [store["reader_id"]],
            },
            network_profile={"network_interfaces": [{"id": self._interface(name, args).id, "primary": True}]},
            os_profile={
                "computer_name": host,
                "admin_username": LOGIN,
                "custom_data": custom_data,
                "linux_configuration": {
                    "disable_password_authentication": True,
                    "provision_vm_agent": True,
                    "ssh": {
                        "public_keys": [
                            {
                                "path": "/".join(["", "home", LOGIN, ".ssh", "authorized_keys"]),
                                "key_data": key.public_key_openssh.apply(lambda line: line.strip()),
                            }
                        ]
                    },
                },
            },
            storage_profile={
                "image_reference": cast(Any, image_reference(args["image"])),
                "os_disk": {
                    "create_option": compute.DiskCreateOptionTypes.FROM_IMAGE,
                    "delete_option": compute.DiskDeleteOptionTypes.DELETE,
                    "managed_disk": {"storage_account_type": compute.StorageAccountTypes.STANDARD_SS_D_LRS},
                },
                "data_disks": self._disks(name, args),
            },
            diagnostics_profile={"boot_diagnostics": {"enabled": True}},
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The provider would try to update it, which Azure refuses (pulumi-azure-native#577).
                replace_on_changes=["osProfile.customData", "storageProfile.imageReference"],
                # One name, one interface, one disk: the old machine lets go of them first.
                delete_before_replace=True,
                hooks=args["hooks"].machine,
            ),
        )

    def _interface(self, name: str, args: AzureHostArgs) -> "network.NetworkInterface":
        fixed = args["private_address"]
        address: dict[str, Any] = {"private_ip_allocation_method": network.IPAllocationMethod.DYNAMIC}
        if fixed:
            address = {
                "private_ip_allocation_method": network.IPAllocationMethod.STATIC,
                "private_ip_address": fixed,
            }
        return network.NetworkInterface(
            f"{name}-interface",
            resource_group_name=args["resource_group"],
            location=args["location"],
            ip_configurations=[
                cast(
                    Any,
                    {
                        "name": "primary",
                        "primary": True,
                        "subnet": {"id": args["subnet_id"]},
                        "public_ip_address": {"id": args["public_address_id"]},
                        **address,
                    },
                )
            ],
            tags=args["tags"],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _disks(self, name: str, args: AzureHostArgs) -> list[Any]:
        if "data_disk_gib" not in args:
            return []
        disk = compute.Disk(
            f"{name}-data",
            resource_group_name=args["resource_group"],
            location=args["location"],
            disk_size_gb=args["data_disk_gib"],
            creation_data={"create_option": compute.DiskCreateOption.EMPTY},
            sku={"name": compute.DiskStorageAccountTypes.PREMIUM_LRS},
            # Nobody exports it over the network.
            network_access_policy=compute.NetworkAccessPolicy.DENY_ALL,
            public_network_access=compute.PublicNetworkAccess.DISABLED,
            tags=args["tags"],
            opts=pulumi.ResourceOptions(parent=self, hooks=args["hooks"].disk),
        )
        return [
            {
                "lun": 0,
                "create_option": compute.DiskCreateOptionTypes.ATTACH,
                "delete_option": compute.DiskDeleteOptionTypes.DETACH,
                "caching": compute.CachingTypes.NONE,
                "managed_disk": {"id": disk.id},
            }
        ]


def image_reference(image: str) -> dict[str, str]:
    """Azure's form of `publisher:offer:sku:version` or of an image's id."""
    if image.startswith("/"):
        return {"id": image}
    publisher, offer, sku, version = image.split(":")
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": version}
