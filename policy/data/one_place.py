"""Copies of backups that the same disaster takes."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, together
from .backup_versions import is_backup

_PLAN = "aws:backup/plan:Plan"
_CONTAINER = "azure-native:storage:BlobContainer"
_ACCOUNT = "azure-native:storage:StorageAccount"


def problems(found: Sequence[Resource]) -> Iterator[str]:
    skus = {one.get("accountName"): one.get("sku.name") for one in found if one.type == _ACCOUNT}
    for one in found:
        account, container = one.get("accountName"), one.get("containerName", "")
        if one.type == _CONTAINER and is_backup(container) and str(skus.get(account)).endswith("_LRS"):
            yield (
                f"{one.name}: container {container} holds backups, and account {account} keeps its copies in one "
                f"building ({skus[account]}): set sku Standard_ZRS, or one with a second region"
            )
        if one.type == _PLAN:
            yield from _plan(one)


def _plan(one: Resource) -> Iterator[str]:
    targets = [
        copy.get("destinationVaultArn") for rule in one.get("rules", []) for copy in rule.get("copyActions") or ()
    ]
    home = one.get("region")
    for target in targets:
        if home and str(target).split(":")[3:4] == [home]:
            yield (
                f"{one.name}: it copies to {target}, in {home} where the backups are, and one outage takes both: copy "
                "to a vault in another region"
            )


POLICY = together(
    "backup-in-one-place",
    Severity.MEDIUM,
    "A backup's second copy is out of the building and the region of the first (AWS Backup developer guide, "
    "cross-Region copies; Azure Storage, redundancy).",
    {
        _PLAN: ("region", "rules.copyActions.destinationVaultArn"),
        _CONTAINER: ("accountName", "containerName"),
        _ACCOUNT: ("accountName", "sku.name"),
    },
    problems,
)
