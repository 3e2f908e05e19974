"""The twinsite library: components that make disaster recovery across sites something to provision and drill.

Here: Pulumi components, the rules that refuse bad designs, the inventory they publish, and the files that run on
machines (guest/). Not here: a particular topology (stacks/), anything done after `pulumi up` (operations/).
Provider SDKs are heavy, so the names below load their module on first use.
"""

from .lazy import lazily

_HOME = {
    "AwsNetwork": ".network",
    "AzureNetwork": ".network.azure",
    "BackupJob": ".workload",
    "BackupStore": ".storage",
    "ColdWarmVm": ".machine.cold_warm_vm",
    "DrMode": ".modes",
    "Ec2Host": ".machine",
    "GuestStore": ".machine",
    "MySqlReplicaPair": ".database",
    "OnPremHost": ".machine",
    "SecretVault": ".storage",
    "StandbyDatabase": ".database.standby",
    "StrongSwanTunnel": ".tunnel",
}

__all__ = sorted(_HOME)

__getattr__ = lazily(__name__, _HOME)
