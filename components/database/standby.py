"""StandbyDatabase: the database that a standby machine restores into, managed or on a machine of its own."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi

from ..modes import DrMode
from ..storage import BackupStore, SecretVault


class StandbyDatabaseKind(str, Enum):
    """Two kinds, one interface."""

    FLEXIBLE = "flexible"
    """Azure Database for MySQL Flexible Server: SQL only, no SUPER, nothing to patch."""

    MACHINE = "machine"
    """MySQL on a machine with its own data disk."""


class StandbyDatabaseArgs(TypedDict):
    """Arguments of StandbyDatabase."""

    dr_mode: DrMode
    """Decides which resources exist: none in cold, all in warm."""

    kind: StandbyDatabaseKind
    """Managed, or a machine."""

    server: str
    """Name of the server: 3 to 63 lower-case letters, digits and hyphens; unique in the world for a managed one."""

    subscription: str
    """Subscription id; commands reach the machine with it."""

    resource_group: pulumi.Input[str]
    """Name of the resource group."""

    location: str
    """Azure region, for instance koreacentral."""

    vnet_id: pulumi.Input[str]
    """Virtual network; a managed server is reachable from there only."""

    subnet_id: pulumi.Input[str]
    """AzureNetwork.database_subnet_id."""

    subnet_range: str
    """CIDR of that subnet. Plain, because a rule reads it."""

    user: str
    """Administrator's login, which restores and which the application uses, for instance dbadmin."""

    password_secret: str
    """Name of its password in the vault, for instance database-password."""

    schema: str
    """Database that is restored, for instance petclinic."""

    vault: SecretVault
    """Holds the password."""

    store: BackupStore
    """Where a machine finds its documents; its reader identity is the machine's."""

    version: NotRequired[str]
    """MySQL series: 8.4 or 8.0.21 (Azure's name for 8.0). Defaults to 8.4. Not older than the source's, or the restore
    fails. A machine takes what its image has."""

    size: NotRequired[str]
    """Defaults to Standard_B2s (flexible, Burstable) or Standard_B2s (machine)."""

    storage_gib: NotRequired[int]
    """Defaults to 32, at least 20."""

    address: NotRequired[str]
    """Fixed IPv4 address in the subnet, for a machine. Defaults to its tenth address."""

    image: NotRequired[str]
    """For a machine: `publisher:offer:sku:version` or the id of an image of your own. See ColdWarmVmArgs."""

    site_is_active: NotRequired[bool]
    """True while the Azure site serves: going down, or replacing it, is then refused, also in preview."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """See BackupStoreArgs."""

    gate_timeout_seconds: NotRequired[int]
    """How long `up` waits for a machine's database. Defaults to 600."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class StandbyDatabase(pulumi.ComponentResource):
    """A MySQL database at the standby site.

    cold: nothing but, for a managed one, the private DNS zone with its link. warm: the server. It holds no data of its
    own until a standby machine restores a backup into it; from a failover on it is the only copy, and deleting or
    replacing it is refused.
    """

    address: str
    """Host name or IPv4 address at which the application machine reaches it. The same in every mode."""

    port: int
    """3306."""

    user: str
    password_reference: str
    """`azkv://VAULT/SECRET`."""

    schema: str

    managed: bool
    """True: SQL only, no SUPER."""

    tls_ca: pulumi.Output[str]
    """PEM that signs its certificate; "" when the system's authorities do."""

    vm: str
    """Name of the virtual machine in warm mode; "" when there is none."""

    ready: pulumi.Output[str | None]
    """Known once it answers SQL; None in cold. Whatever restores into it depends on this."""
