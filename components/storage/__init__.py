"""Where data and secrets rest at the standby site. Here: BackupStore, SecretVault. Not here: public pages and latch
objects (traffic/), how a machine gets its documents (machine/)."""

from .backup_store import BackupStore, BackupStoreArgs, Operator, SecondAccount, Writer
from .secret_vault import SecretVault, SecretVaultArgs

__all__ = ["BackupStore", "BackupStoreArgs", "Operator", "SecondAccount", "SecretVault", "SecretVaultArgs", "Writer"]
