"""The storage account that holds backups, the guests' documents, and what operations write."""

from typing import NotRequired, TypedDict

import pulumi


class Writer(TypedDict):
    """Who writes backups: a Kubernetes service account, federated, so that no key exists."""

    issuer: str
    """OIDC issuer of the cluster, https://oidc.eks.REGION.amazonaws.com/id/…, without a slash at the end."""

    namespace: str
    """For instance petclinic."""

    service_account: str
    """For instance rds-backup."""


class Operator(TypedDict):
    """A person, group or service principal that runs `twinsite` commands; Owner alone cannot read blobs or secrets."""

    principal_id: str
    """Object id in Entra ID."""

    principal_type: str
    """User, Group or ServicePrincipal."""


class BackupStoreArgs(TypedDict):
    """Arguments of BackupStore."""

    resource_group: pulumi.Input[str]
    """Name of the resource group."""

    location: str
    """Azure region, for instance koreacentral."""

    account: str
    """Name of the storage account to create: 3 to 24 lower-case letters and digits, unique in the world. Plain, because
    a rule reads it."""

    public_accounts: list[str]
    """Names of the accounts with public pages and latch objects; this one must be another. Plain, because a rule
    reads it."""

    writer: Writer | None
    """None when backups are written by a machine that has the writer identity attached."""

    operators: NotRequired[list[Operator]]
    """Read backups; read and write documents, status and what operations keep. Defaults to nobody."""

    sku: NotRequired[str]
    """Redundancy. Defaults to Standard_ZRS (three zones of the region)."""

    keep_days: NotRequired[int]
    """Lifecycle: backups older than this are deleted. Defaults to 35, at least 7."""

    soft_delete_days: NotRequired[int]
    """Deleted or overwritten blobs and containers stay recoverable for this long. Defaults to 14, 7 to 365."""

    site_is_active: NotRequired[bool]
    """True while the Azure site serves: deleting the account is then refused, also in preview. Defaults to False."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """The latch objects as health checks ask for them. `up` reads them before it deletes anything stateful."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class BackupStore(pulumi.ComponentResource):
    """Account with the private containers mysql-backup, guests, status and operations, and identities to use it.

    The same in every mode: account, versioning, soft delete, lifecycle, containers, the guest payload (by SHA-256), the
    identities `writer` (contributes to mysql-backup, federated to the cluster) and `reader` (reads mysql-backup and
    guests, contributes to status), and their role assignments. Nothing in it is readable without an identity.
    """

    account: pulumi.Output[str]
    """Name of the account; known once payload and roles are there."""

    account_name: str
    """The same, plain."""

    account_id: pulumi.Output[str]

    backups: str
    """`azblob://ACCOUNT/mysql-backup`."""

    operations: str
    """`azblob://ACCOUNT/operations`: inventory, journal, lock."""

    payload_key: str
    """Blob of the guest payload in container guests; named by its SHA-256."""

    reader_id: pulumi.Output[str]
    """Resource id of the reader identity; machines of the standby site carry it."""

    reader_client_id: pulumi.Output[str]
    reader_principal_id: pulumi.Output[str]
    writer_id: pulumi.Output[str]
    writer_client_id: pulumi.Output[str]

    tenant_id: pulumi.Output[str]
    """Of both identities."""
