"""Key Vault with the standby site's secrets."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_random as random
from pulumi_azure_native import keyvault

from ..azure_roles import SECRETS_USER, assign
from ..component import Component
from ..protection import keep_while_active
from ..rules.backup import SecretVaultIntent
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


class SecretVaultHandle(TypedDict):
    """What databases and machines read of a SecretVault."""

    vault: pulumi.Input[str]
    """Name of the vault; known once secrets and roles are there."""

    vault_name: str
    """The same, plain."""

    values: Mapping[str, pulumi.Input[str]]
    """Name -> value, secret."""

    versions: Mapping[str, pulumi.Input[str]]
    """Name -> what changes when the secret changes."""


class SecretVault(Component):
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

    def __init__(self, name: str, args: SecretVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("SecretVault", name, SecretVaultIntent.of(args), opts)
        child = pulumi.ResourceOptions(parent=self)
        vault_name, tags = args["vault"], args.get("tags", {})
        vault = keyvault.Vault(
            f"{name}-vault",
            resource_group_name=args["resource_group"],
            vault_name=vault_name,
            location=args["location"],
            properties={
                "tenant_id": args["tenant_id"],
                "sku": {"family": keyvault.SkuFamily.A, "name": keyvault.SkuName.STANDARD},
                "enable_rbac_authorization": True,
                "enable_soft_delete": True,
                "soft_delete_retention_in_days": 90,
                "enable_purge_protection": True,
            },
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=keep_while_active(
                    f"{name}-vault",
                    "the secrets",
                    args.get("site_is_active", False),
                    args.get("latch_urls", []),
                ),
            ),
        )
        values = {secret: self._generated(name, secret, args) for secret in args["generated"]}
        values |= {secret: pulumi.Output.secret(value) for secret, value in args.get("given", {}).items()}
        stored: list[pulumi.Resource] = []
        versions: dict[str, pulumi.Output[str]] = {}
        for secret, value in values.items():
            written = keyvault.Secret(
                f"{name}-{secret}",
                resource_group_name=args["resource_group"],
                vault_name=vault.name,
                secret_name=secret,
                properties={"value": value},
                tags=tags,
                # On its own it is deleted at the vault itself, which needs a role there; the vault takes it along.
                opts=pulumi.ResourceOptions(parent=self, deleted_with=vault),
            )
            # The whole of `properties` is secret because the value is; the version's address gives nothing away.
            versions[secret] = pulumi.Output.unsecret(
                written.properties.apply(lambda found: str(found.secret_uri_with_version))
            )
            stored.append(written)
        for reader, principal in args["readers"].items():
            stored.append(assign(f"{name}-{reader}", SECRETS_USER, principal, vault.id, child))
        for operator in args.get("operators", []):
            assign(
                f"{name}-operator-{operator['principal_id']}",
                SECRETS_USER,
                operator["principal_id"],
                vault.id,
                child,
                operator["principal_type"],
            )
        # Not declared above: it is no output, and of use to components of this program only.
        self.resource = vault
        # After super(): see database/mysql_replica_pair.py.
        self.vault_name, self.values, self.versions = vault_name, values, versions
        self.vault = pulumi.Output.all(vault.name, *[resource.urn for resource in stored]).apply(
            lambda known: str(known[0])
        )
        # Not declared above: no output. For whoever takes this component.
        self.handle: SecretVaultHandle = {
            "vault": self.vault,
            "vault_name": vault_name,
            "values": values,
            "versions": versions,
        }
        self.register_outputs({"vault": self.vault})

    def _generated(self, name: str, secret: str, args: SecretVaultArgs) -> pulumi.Output[str]:
        drawn = random.RandomPassword(
            f"{name}-{secret}",
            # 32 letters and digits are 190 bits; Azure's MySQL wants three of four kinds of characters.
            length=32,
            special=False,
            min_lower=1,
            min_upper=1,
            min_numeric=1,
            keepers={"generation": str(args.get("generation", 1))},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.secret(drawn.result)


def value(vault: SecretVaultHandle, secret: str) -> pulumi.Output[str]:
    """Of one of its secrets; kept secret, whoever has made the handle."""
    kept: pulumi.Output[str] = pulumi.Output.secret(vault["values"][secret])
    return kept


def reference(vault: SecretVaultHandle, secret: str) -> str:
    """`azkv://VAULT/SECRET`; KeyError for a secret that this vault does not hold."""
    if secret not in vault["values"]:
        raise KeyError(f"{secret} is not among the secrets of vault {vault['vault_name']}: {sorted(vault['values'])}")
    return f"azkv://{vault['vault_name']}/{secret}"
