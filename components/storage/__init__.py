"""Where data and secrets rest at the standby site. Here: BackupStore, GcsBackupStore, SecretVault. Not here: public
pages and latch objects (traffic/), how a machine gets its documents (machine/).
"""
