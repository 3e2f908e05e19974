"""Databases that one wrong command deletes."""

from collections.abc import Iterator

from pulumi_policy import Severity

from ..judging import Resource, each


def _database(one: Resource) -> Iterator[str]:
    if one.get("replicateSourceDb") or one.get("replicationSourceIdentifier"):
        return  # another copy is there, and a replica that does not come back is made again
    if not one.protect and one.get("deletionProtection") is not True:
        yield (
            "deletionProtection is not set, so one wrong `up` or `destroy` deletes the only copy: set it to true, or "
            "protect=True"
        )
    if one.get("skipFinalSnapshot") is True:
        yield "skipFinalSnapshot is true, so nothing is left once it is deleted: set finalSnapshotIdentifier instead"


def _instance(one: Resource) -> Iterator[str]:
    yield from _database(one)
    if not one.get("replicateSourceDb") and not one.get("backupRetentionPeriod", 0):
        yield (
            "backupRetentionPeriod is 0, which the provider takes when it is not given: no backup is made, and no "
            "binary log is written; set it to 7 or more days"
        )


def _azure(one: Resource) -> Iterator[str]:
    days = one.get("backup.backupRetentionDays")
    if days is not None and days < 7:
        yield (
            f"backup.backupRetentionDays is {days:g}, so a mistake that is seen after a holiday is in every backup: "
            "set 7 or more"
        )


def _google(one: Resource) -> Iterator[str]:
    if one.get("masterInstanceName"):
        return
    if one.get("settings.backupConfiguration.enabled") is not True:
        yield (
            "settings.backupConfiguration.enabled is not true, and Google makes no backup where nothing is said: set "
            "it, with pointInTimeRecoveryEnabled"
        )
    kept = one.get("settings.backupConfiguration.backupRetentionSettings.retainedBackups")
    if kept is not None and kept < 7:
        yield (
            f"settings.backupConfiguration.backupRetentionSettings.retainedBackups is {kept:g}, so a mistake that is "
            "seen after a holiday is in every backup: set 7 or more"
        )


POLICY = each(
    "only-copy-unprotected",
    Severity.HIGH,
    "A database that is no replica is protected against deletion and has backups (K52; Security Hub RDS.7, RDS.8, "
    "RDS.11).",
    {
        "aws:rds/instance:Instance": _instance,
        "aws:rds/cluster:Cluster": _database,
        "gcp:sql/databaseInstance:DatabaseInstance": _google,
        "azure-native:dbformysql:Server": _azure,
        "azure-native:dbforpostgresql:Server": _azure,
    },
)
