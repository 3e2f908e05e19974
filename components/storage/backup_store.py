"""The storage account that holds backups, the guests' documents, and what operations write."""

import base64
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_azure_native import managedidentity, storage

from ..azure_roles import BLOB_CONTRIBUTOR, BLOB_READER, assign
from ..component import Component
from ..handle import Given, handle_of
from ..payload import payload, payload_sha256
from ..protection import keep_while_active
from ..rules.backup import BackupStoreIntent
from .cluster_writer import Writer
from .private_account import private_account
from .restorable import Restorable

BACKUPS, GUESTS, STATUS, OPERATIONS, FAILBACK = "mysql-backup", "guests", "status", "operations", "failback"
"""Containers. Backups; payload and documents; machines' status; inventory, journal, lock and writer; dumps for a
failback."""
STANDBY_BACKUPS = "standby-backup"
"""What the standby takes while it serves: in the second account where there is one."""


class Operator(TypedDict):
    """A person, group or service principal that runs `twinsite` commands; Owner alone cannot read blobs or secrets."""

    principal_id: str
    """Object id in Entra ID."""

    principal_type: str
    """User, Group or ServicePrincipal."""


class SecondAccount(TypedDict):
    """Where the standby's own backups rest: out of the account and the region that it restores from."""

    account: str
    """Name of the storage account to create. Plain, because a rule reads it."""

    location: str
    """Another Azure region than the store's."""


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

    second: NotRequired[SecondAccount | None]
    """Defaults to None: the standby's own backups are in the same account, which helps against a lost database and not
    against a lost account."""

    sku: NotRequired[str]
    """Redundancy. Defaults to Standard_ZRS (three zones of the region)."""

    keep_days: NotRequired[int]
    """The job deletes older backups than this once a newer one is complete; dumps of a failback go by age. Defaults to
    35, at least 7."""

    soft_delete_days: NotRequired[int]
    """Deleted or overwritten blobs and containers stay recoverable for this long. Defaults to 14, 7 to 365."""

    site_is_active: NotRequired[bool]
    """True while the Azure site serves: deleting the account is then refused, also in preview. Defaults to False."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """The latch objects as health checks ask for them. `up` reads them before it deletes anything stateful."""

    roles: NotRequired[list[str]]
    """Guest roles of the machines that look here; each is packed alone. Defaults to database and standby."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class BackupStoreHandle(TypedDict):
    """What machines, jobs and databases read of a BackupStore; BackupStore says what each is."""

    resource_group: pulumi.Input[str]
    """Name of its resource group."""

    account: pulumi.Input[str]
    account_name: str
    account_id: pulumi.Input[str]
    backups: str
    failback: str
    operations: str
    standby_backups: str
    payload_keys: Mapping[str, pulumi.Input[str]]
    reader_id: pulumi.Input[str]
    reader_client_id: pulumi.Input[str]
    writer_client_id: pulumi.Input[str]
    tenant_id: pulumi.Input[str]
    keep_days: int


class BackupStore(Component):
    """Account with private containers for backups, documents, status, operations and failback; who may use which.

    The same in every mode: account, versioning, soft delete, lifecycle, containers, the guest payload (by SHA-256), the
    identities `writer` (contributes to mysql-backup, reads failback and operations, federated to the cluster) and
    `reader` (reads mysql-backup, guests and operations, contributes to status, failback and standby-backup), and their
    role assignments. Nothing in it is readable without an identity. `second`: standby-backup is in another account.
    """

    account: pulumi.Output[str]
    """Name of the account; known once its containers are there. It waits for no payload (see GuestStore)."""

    account_name: str
    """The same, plain."""

    account_id: pulumi.Output[str]

    backups: str
    """`azblob://ACCOUNT/mysql-backup`."""

    failback: str
    """`azblob://ACCOUNT/failback`: dumps of the standby's data on their way home."""

    operations: str
    """`azblob://ACCOUNT/operations`: inventory, journal, lock, writer."""

    standby_backups: str
    """`azblob://ACCOUNT/standby-backup`: what the standby backs up while it serves."""

    payload_keys: dict[str, pulumi.Output[str]]
    """Guest role → blob of its payload in container guests, known once it is there; in base64, named by the payload's
    SHA-256."""

    reader_id: pulumi.Output[str]
    """Resource id of the reader identity; machines of the standby site carry it."""

    reader_client_id: pulumi.Output[str]
    reader_principal_id: pulumi.Output[str]
    writer_id: pulumi.Output[str]
    writer_client_id: pulumi.Output[str]

    tenant_id: pulumi.Output[str]
    """Of both identities."""

    keep_days: int
    """How long the job keeps backups."""

    def __init__(self, name: str, args: BackupStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = BackupStoreIntent.of(args)
        super().__init__("BackupStore", name, known, opts)
        self._args, self._known, self._name = args, known, name
        account_name = args["account"]
        # As in traffic/static_site.py: payload, documents and inventory are Blobs of the provider, hence shared keys.
        account, service = private_account(
            f"{name}",
            self,
            args,
            account_name,
            args["location"],
            True,
            _lifecycle(known),
            self._kept("account", "the backups"),
        )
        self._containers = {
            part: self._container(part, account, service) for part in (BACKUPS, GUESTS, STATUS, OPERATIONS, FAILBACK)
        }
        self._containers[STANDBY_BACKUPS], second = self._standby_backups(account, service)
        digests = {role: payload_sha256(role) for role in known.roles}
        self.payload_keys = {}
        for role, digest in digests.items():
            key = f"payload/{digest}.tar.gz.b64"
            packed = storage.Blob(
                f"{name}-payload-{role}",
                resource_group_name=args["resource_group"],
                account_name=account.name,
                container_name=self._containers[GUESTS].name,
                blob_name=key,
                # As text: a file asset would have to outlive this process.
                source=pulumi.StringAsset(base64.b64encode(payload(role)).decode()),
                content_type="text/plain",
                opts=pulumi.ResourceOptions(parent=self),
            )
            # By its URN, which a preview knows.
            self.payload_keys[role] = pulumi.Output.all(key, packed.urn).apply(lambda known: str(known[0]))
        # After super(): see database/mysql_replica_pair.py.
        self.account_name = account_name
        self.keep_days = known.keep_days
        self.backups, self.failback, self.operations = (
            f"azblob://{account_name}/{part}" for part in (BACKUPS, FAILBACK, OPERATIONS)
        )
        self.standby_backups = f"azblob://{second}/{STANDBY_BACKUPS}"
        self.account = pulumi.Output.all(account.name, *(one.id for one in self._containers.values())).apply(
            lambda known: str(known[0])
        )
        self.account_id = account.id
        # Not declared above: it is no output, and of use to components of this program only.
        self.restorable = Restorable(account_name, BACKUPS, self)
        self._identities()
        # Not declared above: no output. For whoever takes this component.
        self.handle: BackupStoreHandle = {
            "resource_group": args["resource_group"],
            "account": self.account,
            "account_name": account_name,
            "account_id": self.account_id,
            "backups": self.backups,
            "failback": self.failback,
            "operations": self.operations,
            "standby_backups": self.standby_backups,
            "payload_keys": self.payload_keys,
            "reader_id": self.reader_id,
            "reader_client_id": self.reader_client_id,
            "writer_client_id": self.writer_client_id,
            "tenant_id": self.tenant_id,
            "keep_days": self.keep_days,
        }
        self.register_outputs(
            {
                "account": self.account,
                "account_id": self.account_id,
                "payload_keys": self.payload_keys,
                "reader_id": self.reader_id,
                "reader_client_id": self.reader_client_id,
                "reader_principal_id": self.reader_principal_id,
                "writer_id": self.writer_id,
                "writer_client_id": self.writer_client_id,
                "tenant_id": self.tenant_id,
            }
        )

    def _container(
        self, part: str, account: "storage.StorageAccount", service: "storage.BlobServiceProperties"
    ) -> "storage.BlobContainer":
        return storage.BlobContainer(
            f"{self._name}-{part}",
            resource_group_name=self._args["resource_group"],
            account_name=account.name,
            container_name=part,
            public_access=storage.PublicAccess.NONE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[service], hooks=self._kept(part, f"container {part}")),
        )

    def _standby_backups(
        self, account: "storage.StorageAccount", service: "storage.BlobServiceProperties"
    ) -> tuple["storage.BlobContainer", str]:
        """The container, and its account's name. What is in it was written by users of the standby."""
        second = self._args.get("second")
        if second is None:
            return self._container(STANDBY_BACKUPS, account, service), self._args["account"]
        kept = self._kept("second-account", "the standby's own backups")
        # The provider writes nothing there, so nobody needs a key.
        other, there = private_account(
            f"{self._name}-second", self, self._args, second["account"], second["location"], False,
            [_old_versions(self._known)], kept,
        )  # fmt: skip
        return self._container(STANDBY_BACKUPS, other, there), second["account"]

    def _kept(self, part: str, what: str) -> pulumi.ResourceHookBinding:
        args = self._args
        return keep_while_active(
            f"{self._name}-{part}", what, args.get("site_is_active", False), args.get("latch_urls", [])
        )

    def _identities(self) -> None:
        name, args, child = self._name, self._args, pulumi.ResourceOptions(parent=self)
        reader, writer = (
            managedidentity.UserAssignedIdentity(
                f"{name}-{part}",
                resource_group_name=args["resource_group"],
                location=args["location"],
                tags=args.get("tags", {}),
                opts=child,
            )
            for part in ("reader", "writer")
        )
        federated = args["writer"]
        if federated is not None:
            managedidentity.FederatedIdentityCredential(
                f"{name}-writer",
                resource_group_name=args["resource_group"],
                resource_name_=writer.name,
                issuer=federated["issuer"],
                subject=f"system:serviceaccount:{federated['namespace']}:{federated['service_account']}",
                audiences=["api://AzureADTokenExchange"],
                opts=child,
            )
        may = [
            ("writer", writer.principal_id, BACKUPS, BLOB_CONTRIBUTOR),
            ("writer", writer.principal_id, FAILBACK, BLOB_READER),
            ("writer", writer.principal_id, OPERATIONS, BLOB_READER),
            ("reader", reader.principal_id, BACKUPS, BLOB_READER),
            ("reader", reader.principal_id, GUESTS, BLOB_READER),
            ("reader", reader.principal_id, STATUS, BLOB_CONTRIBUTOR),
            ("reader", reader.principal_id, FAILBACK, BLOB_CONTRIBUTOR),
            ("reader", reader.principal_id, OPERATIONS, BLOB_READER),
            ("reader", reader.principal_id, STANDBY_BACKUPS, BLOB_CONTRIBUTOR),
        ]
        for who, principal, part, role in may:
            assign(f"{name}-{who}-{part}", role, principal, self._containers[part].id, child)
        for operator in args.get("operators", []):
            for part in self._containers:
                assign(
                    f"{name}-operator-{operator['principal_id']}-{part}",
                    BLOB_CONTRIBUTOR if part == OPERATIONS else BLOB_READER,
                    operator["principal_id"],
                    self._containers[part].id,
                    child,
                    operator["principal_type"],
                )
        self.reader_id, self.writer_id = reader.id, writer.id
        self.reader_client_id, self.writer_client_id = reader.client_id, writer.client_id
        self.reader_principal_id, self.tenant_id = reader.principal_id, reader.tenant_id


def document(
    store: BackupStoreHandle, name: str, blob: str, text: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> "storage.Blob":
    """One blob in container guests, for instance a host's desired document; nothing secret."""
    return storage.Blob(
        name,
        resource_group_name=store["resource_group"],
        account_name=store["account"],
        container_name=GUESTS,
        blob_name=blob,
        source=pulumi.Output.from_input(text).apply(pulumi.StringAsset),
        content_type="application/json",
        opts=opts,
    )


def place_of(store: BackupStoreHandle) -> pulumi.Output[tuple[str, str]]:
    """Subscription and resource group."""
    # /subscriptions/ID/resourceGroups/NAME/providers/…
    return pulumi.Output.from_input(store["account_id"]).apply(lambda found: (found.split("/")[2], found.split("/")[4]))


def restorable_of(store: Given[BackupStoreHandle], parent: pulumi.Resource) -> Restorable:
    """Whether it has a backup. A store of this program is asked once in a run; of another one `parent`, a component,
    asks as its own provider."""
    if isinstance(store, BackupStore):
        return store.restorable
    return Restorable(handle_of(store)["account_name"], BACKUPS, parent)


def _lifecycle(known: BackupStoreIntent) -> list[dict[str, Any]]:
    """Former versions go after the days in which they can be taken back, dumps of a failback by age; no backup ever.

    A rule knows ages only, and a job that is dead for so long would lose its last backup to it: the job itself deletes
    old ones, after a new one is complete (guest/backup/retention.py).
    """
    dumps = {
        "filters": {"blob_types": ["blockBlob"], "prefix_match": [f"{FAILBACK}/backups/"]},
        "actions": {"base_blob": {"delete": {"days_after_modification_greater_than": known.keep_days}}},
    }
    by_age = {"name": "old-dumps", "type": "Lifecycle", "enabled": True, "definition": dumps}
    # Every agent renews its own each day.
    said = {
        "filters": {"blob_types": ["blockBlob"], "prefix_match": ["status/"]},
        "actions": {"base_blob": {"delete": {"days_after_modification_greater_than": 30}}},
    }
    old_status = {"name": "old-status", "type": "Lifecycle", "enabled": True, "definition": said}
    return [by_age, old_status, _old_versions(known)]


def _old_versions(known: BackupStoreIntent) -> dict[str, Any]:
    definition = {
        "filters": {"blob_types": ["blockBlob"]},
        "actions": {"version": {"delete": {"days_after_creation_greater_than": known.soft_delete_days}}},
    }
    return {"name": "old-versions", "type": "Lifecycle", "enabled": True, "definition": definition}
