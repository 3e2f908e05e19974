"""Public pages in the account that holds the backups."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..data.backup_versions import is_backup
from ..judging import Resource, together

_PAGES = "azure-native:storage:StorageAccountStaticWebsite"
_CONTAINER = "azure-native:storage:BlobContainer"


def problems(found: Sequence[Resource]) -> Iterator[str]:
    public = {one.get("accountName"): one.name for one in found if one.type == _PAGES}
    for one in found:
        account, container = one.get("accountName"), str(one.get("containerName", ""))
        if one.type == _CONTAINER and is_backup(container) and account in public:
            yield (
                f"{one.name}: container {container} is in storage account {account}, whose pages {public[account]} "
                "publishes: one wrong setting would publish the backups; give the pages an account of their own"
            )


POLICY = together(
    "pages-beside-backups",
    Severity.HIGH,
    "Public pages and backups have accounts of their own (K26).",
    {_PAGES: ("accountName",), _CONTAINER: ("accountName", "containerName")},
    problems,
)
