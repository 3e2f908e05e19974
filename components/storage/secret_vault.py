"""Key Vault with the standby site's secrets."""

from typing import NotRequired, TypedDict

import pulumi

from .backup_store import Operator


class SecretVaultArgs(TypedDict):
    """Arguments of SecretVault."""

    resource_group: pulumi.Input[str]
    """Name of the resource group."""

    location: str
    """Azure region, for instance koreacentral."""

    vault: str
    """Name of the vault to create: 3 to 24 letters, digits and single hyphens, begins with a letter, unique in the
    world. Plain, because a rule reads it."""

    tenant_id: pulumi.Input[str]
    """Entra ID tenant; BackupStore.tenant_id will do."""

    generated: list[str]
    """Names of secrets to generate (32 letters and digits each), for instance database-password, origin-header."""

    given: NotRequired[dict[str, pulumi.Input[str]]]
    """Secrets to store as they are, for instance origin-certificate (PEM chain, then its key); kept secret."""

    readers: dict[str, pulumi.Input[str]]
    """Stable name -> principal id of an identity that may read the secrets; nobody else may, not even to list them."""

    operators: NotRequired[list[Operator]]
    """May read the secrets, too. Defaults to nobody."""

    generation: NotRequired[int]
    """Raise it to draw the generated ones anew. Defaults to 1."""

    site_is_active: NotRequired[bool]
    """True while the Azure site serves: deleting the vault is then refused, also in preview. Defaults to False."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """See BackupStoreArgs."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class SecretVault(pulumi.ComponentResource):
    """Vault with role-based access, soft delete and purge protection, its secrets, and who may read them.

    The same in every mode.
    """

    vault: pulumi.Output[str]
    """Name of the vault; known once secrets and roles are there."""

    vault_name: str
    """The same, plain."""

    values: dict[str, pulumi.Output[str]]
    """Name -> value, secret: for what must know it besides the machines (CloudFront's origin header)."""

    versions: dict[str, pulumi.Output[str]]
    """Name -> what changes when the secret changes."""

    def reference(self, secret: str) -> str:
        """`azkv://VAULT/SECRET`; KeyError for a secret that this vault does not hold."""
        if secret not in self.values:
            raise KeyError(f"{secret} is not among the secrets of vault {self.vault_name}: {sorted(self.values)}")
        return f"azkv://{self.vault_name}/{secret}"
