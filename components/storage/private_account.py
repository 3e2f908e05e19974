"""A storage account that nobody reads without an identity, in which nothing that was deleted is gone at once."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi_azure_native import storage

SOFT_DELETE_DAYS = 14


def private_account(
    name: str,
    parent: pulumi.Resource,
    args: Mapping[str, Any],
    account_name: str,
    location: str,
    shared_keys: bool,
    lifecycle: list[dict[str, Any]],
    kept: pulumi.ResourceHookBinding,
) -> tuple["storage.StorageAccount", "storage.BlobServiceProperties"]:
    """Account, versions, soft delete and lifecycle; `args` are those of the component, `kept` the account's hooks.

    The service: what containers wait for.
    """
    days = args.get("soft_delete_days", SOFT_DELETE_DAYS)
    account = storage.StorageAccount(
        f"{name}-account",
        resource_group_name=args["resource_group"],
        account_name=account_name,
        location=location,
        kind=storage.Kind.STORAGE_V2,
        sku={"name": args.get("sku", "Standard_ZRS")},
        minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
        enable_https_traffic_only=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=shared_keys,
        default_to_o_auth_authentication=True,
        tags=args.get("tags", {}),
        opts=pulumi.ResourceOptions(parent=parent, hooks=kept),
    )
    service = storage.BlobServiceProperties(
        f"{name}-service",
        resource_group_name=args["resource_group"],
        account_name=account.name,
        blob_services_name="default",
        is_versioning_enabled=True,
        delete_retention_policy={"enabled": True, "days": days},
        container_delete_retention_policy={"enabled": True, "days": days},
        # It cannot be deleted, only set back: what goes with the account would then go without soft delete.
        opts=pulumi.ResourceOptions(parent=parent, deleted_with=account),
    )
    storage.ManagementPolicy(
        f"{name}-lifecycle",
        resource_group_name=args["resource_group"],
        account_name=account.name,
        management_policy_name="default",
        policy=cast(Any, {"rules": lifecycle}),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[service], deleted_with=account),
    )
    return account, service
