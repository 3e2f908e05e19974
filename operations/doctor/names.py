"""Names that must be free in the whole world, or already this stack's own.

A bucket's and a managed database's are not asked: their ends are drawn when they are made.
"""

from collections.abc import Mapping
from typing import Any

from twinsite.needs import Azure as AzureNeeds

from .answers import Finding, all_of, needs_setting, not_ok, ok
from .resource_manager import Absent, Azure

STORAGE, VAULTS = "2023-05-01", "2023-07-01"


def accounts(azure: Azure, needs: AzureNeeds) -> Finding:
    """Storage accounts."""
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    needs_setting(" ".join(needs.storage_accounts), "backup_account")
    return all_of([_account(azure, scope, needs.resource_group, name) for name in needs.storage_accounts])


def _account(azure: Azure, scope: str, group: str, name: str) -> Finding:
    provider = "providers/Microsoft.Storage"
    said = azure.post(
        f"{scope}/{provider}/checkNameAvailability",
        STORAGE,
        {"name": name, "type": "Microsoft.Storage/storageAccounts"},
    )
    mine = not said.get("nameAvailable") and _there(
        azure, f"{scope}/resourceGroups/{group}/{provider}/storageAccounts/{name}", STORAGE
    )
    return free("storage account", name, said, mine, "`pulumi config set` another name")


def vault(azure: Azure, needs: AzureNeeds) -> Finding:
    """The vault; a deleted one keeps its name until it is purged."""
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    name = needs_setting(needs.vault, "vault")
    provider = "providers/Microsoft.KeyVault"
    said = azure.post(
        f"{scope}/{provider}/checkNameAvailability", VAULTS, {"name": name, "type": "Microsoft.KeyVault/vaults"}
    )
    if said.get("nameAvailable"):
        return free("vault", name, said, False, "")
    if _there(azure, f"{scope}/resourceGroups/{needs.resource_group}/{provider}/vaults/{name}", VAULTS):
        return free("vault", name, said, True, "")
    if _there(azure, f"{scope}/{provider}/locations/{needs.location}/deletedVaults/{name}", VAULTS):
        return not_ok(
            f"vault {name} is deleted, and its name is kept until it is purged",
            f"`az keyvault recover --name {name}` (purge protection keeps it for 90 days), or `pulumi config set vault "
            "NAME`",
        )
    return free("vault", name, said, False, "`pulumi config set vault NAME`")


def free(kind: str, name: str, said: Mapping[str, Any], mine: bool, fix: str) -> Finding:
    """Pure. `said` as checkNameAvailability answers."""
    if said.get("nameAvailable"):
        return ok(f"{name} is free")
    if mine:
        return ok(f"{name} is this stack's")
    return not_ok(f"{kind} {name}: {said.get('message') or said.get('reason') or 'it is taken'}".rstrip("."), fix)


def _there(azure: Azure, path: str, version: str) -> bool:
    try:
        azure.get(path, version)
    except Absent:
        return False
    return True
