"""Azure's built-in roles that the lab knows, by the GUIDs that are the same in every tenant, and what they allow."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
SECRETS = "Microsoft.KeyVault/vaults/secrets"
RUN_COMMAND = "Microsoft.Compute/virtualMachines/runCommand/action"


@dataclass(frozen=True)
class Role:
    """`actions` are the management plane's, `data` the stores' own; `*` stands for anything."""

    name: str
    actions: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = field(default=())


ROLES: Mapping[str, Role] = {
    # [Microsoft Learn, Azure built-in roles]. Owner has no data actions: it reads no blob and no secret.
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": Role("Owner", ("*",)),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": Role(
        "Contributor", ("*",), not_actions=("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write")
    ),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": Role("Reader", ("*/read",)),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": Role("Storage Blob Data Owner", (f"{BLOBS}/*",), (f"{BLOBS}/blobs/*",)),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Role(
        "Storage Blob Data Contributor",
        (f"{BLOBS}/delete", f"{BLOBS}/read", f"{BLOBS}/write"),
        tuple(f"{BLOBS}/blobs/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")),
    ),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": Role(
        "Storage Blob Data Reader", (f"{BLOBS}/read",), (f"{BLOBS}/blobs/read",)
    ),
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": Role("Key Vault Administrator", (), ("Microsoft.KeyVault/vaults/*",)),
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": Role("Key Vault Secrets Officer", (), (f"{SECRETS}/*",)),
    "4633458b-17de-408a-b874-0445c86b69e6": Role(
        "Key Vault Secrets User", (), (f"{SECRETS}/getSecret/action", f"{SECRETS}/readMetadata/action")
    ),
    "9980e02c-c2be-4d73-94e8-173b1dc7cf3c": Role(
        "Virtual Machine Contributor", ("Microsoft.Compute/virtualMachines/*", "Microsoft.Network/networkInterfaces/*")
    ),
}


def allowed(assignments: Iterable[Mapping[str, Any]], principal: str, action: str, resource: str, data: bool) -> bool:
    """Whether one of the assignments lets the principal do it to the resource. Scopes hold for all that is below."""
    wanted = resource.lower().rstrip("/") + "/"
    for one in assignments:
        scope = str(one.get("scope", "")).lower().strip("/")
        if one.get("principalId") != principal or not wanted.startswith(f"/{scope}/" if scope else "/"):
            continue
        role = ROLES.get(str(one.get("roleDefinitionId", "")).rpartition("/")[2].lower())
        if role is None or any(_matches(pattern, action) for pattern in role.not_actions if not data):
            continue
        if any(_matches(pattern, action) for pattern in (role.data if data else role.actions)):
            return True
    return False


def _matches(pattern: str, action: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None
