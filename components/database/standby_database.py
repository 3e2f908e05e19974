"""StandbyDatabase: the database that a standby machine restores into, managed or on a machine of its own."""

import ipaddress
from enum import Enum
from typing import NotRequired, TypedDict

import pulumi
import pulumi_random as random
from pulumi_azure_native import dbformysql, keyvault, network, privatedns

from .. import inventory
from ..component import Component
from ..handle import Given, handle_of
from ..machine import documents
from ..machine.azure_host import DATA_DEVICE, AzureHost, host_hooks
from ..machine.cold_warm_vm import StandbyDatabaseHandle
from ..machine.gate import GATE_SECONDS
from ..modes import DrMode, keeps
from ..protection import grow_only, keep_serving, keep_while_active
from ..rules.standby import RESTORES_WITH, StandbyDatabaseIntent
from ..storage.backup_store import BackupStoreHandle, place_of, restorable_of
from ..storage.secret_vault import SecretVault, SecretVaultHandle, reference, value
from .certificate import server_certificate

HOST = "azure-database"
"""A machine's name in the inventory."""

_SERVER_SIZE = ("storage", "storageSizeGB")
_RESTARTS = (("sku",), ("version",))
"""What the provider sends as one PUT over the running server, and what then restarts it or raises its major version for
good (the API: "the update action will overwrite the existing server")."""


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
    """Name of the server: 3 to 63 lower-case letters, digits and hyphens. A managed one gets a hyphen and eight hex
    digits behind it, so 54 at most: Azure keeps the names of deleted ones, and each that is made needs its own."""

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
    """Administrator's login, which restores, for instance dbadmin."""

    password_secret: str
    """Name of its password in the vault, for instance database-password."""

    application_user: NotRequired[str]
    """The application's login, which the standby machine makes; it has rights in `schema` only. Defaults to
    application."""

    application_password_secret: str
    """Name of that login's password in the vault, for instance application-password."""

    schema: str
    """Database that is restored, for instance petclinic."""

    vault: Given[SecretVaultHandle]
    """Holds the password."""

    store: Given[BackupStoreHandle]
    """Where a machine finds its documents; its reader identity is the machine's."""

    asked_from: NotRequired[str]
    """Name of the machine from which operations ask it, as the inventory has it. Defaults to none."""

    version: NotRequired[str]
    """MySQL series: 8.4 or 8.0.21 (Azure's name for 8.0). Defaults to the source's, if that is known, else to 8.4. An
    older one cannot take the data, a newer one cannot give them back. A machine takes what its image has."""

    source_version: NotRequired[str]
    """The primary's MySQL version, if known: what cannot be restored, or not brought home, is then refused before
    anything exists."""

    settings: NotRequired[dict[str, str]]
    """Server parameters that the application relies on, as the primary has them, for instance time_zone or sql_mode. A
    restore refuses where the primary's differs from the standby's in one that is not named here. None by default."""

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

    which: NotRequired[str]
    """Backup that will be restored into it, see ColdWarmVmArgs: it is not made when the store has none. Defaults to
    latest."""

    gate_timeout_seconds: NotRequired[int]
    """How long `up` waits for a machine's database. Defaults to 900, see GATE_SECONDS."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class StandbyDatabase(Component):
    """A MySQL database at the standby site.

    cold: nothing but, for a managed one, the private DNS zone with its link. warm: the server. It holds no data of its
    own until a standby machine restores a backup into it, so without a complete one in the store it is not made; from a
    failover on it is the only copy, and deleting or replacing it is refused.
    """

    address: pulumi.Output[str | None]
    """Host name or IPv4 address at which the application machine reaches it. None in cold for a managed one: its next
    server has another name."""

    port: int
    """3306."""

    user: str
    password_secret: str
    """Name of the password in the vault."""

    password_reference: str
    """`azkv://VAULT/SECRET`."""

    application_user: str
    """Login of the application; not the administrator's."""

    application_password_secret: str
    application_password_reference: str

    schema: str

    settings: list[str]
    """Names of the server parameters that somebody has decided on for it."""

    managed: bool
    """True: SQL only, no SUPER."""

    tls_ca: pulumi.Output[str]
    """PEM that signs its certificate; "" when the system's authorities do."""

    vm: str
    """Name of the virtual machine in warm mode; "" when there is none."""

    digest: pulumi.Output[str | None]
    """Changes when anything that its machine is told changes; None while there is no machine."""

    ready: pulumi.Output[str | None]
    """Known once it answers SQL; None in cold. Whatever restores into it depends on this."""

    def __init__(self, name: str, args: StandbyDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = StandbyDatabaseIntent.of(args)
        super().__init__("StandbyDatabase", name, known, opts)
        self._known = known
        store, vault = handle_of(args["store"]), handle_of(args["vault"])
        self.managed = known.managed
        self.port, self.user, self.schema = 3306, args["user"], args["schema"]
        self.password_secret = args["password_secret"]
        self.password_reference = reference(vault, args["password_secret"])
        self.application_user = known.application_user
        self.application_password_secret = args["application_password_secret"]
        self.application_password_reference = reference(vault, args["application_password_secret"])
        self.settings = sorted(known.settings)
        runs = keeps(DrMode(known.dr_mode)).database
        self._register_hooks(name, args)
        self.vm = ""
        self.ready = pulumi.Output.from_input(None)
        self.digest = pulumi.Output.from_input(None)
        if self.managed:
            self.address = pulumi.Output.from_input(None)
            self.tls_ca = pulumi.Output.from_input("")
            zone, link = self._zone(name, args)
            if runs:
                server, ready = self._flexible(name, args, zone, link)
                self.address = server.fully_qualified_domain_name.apply(lambda found: found)
                self.ready = ready.apply(lambda found: found)
        else:
            address = address_of(args)
            self.address = pulumi.Output.from_input(address)
            authority, certificate, key = server_certificate(name, args["server"], HOST, address, self)
            self.tls_ca = authority
            secret = self._host_secret(name, args, key)
            if runs:
                host = self._host(name, args, authority, certificate, secret)
                self.vm = args["server"]
                self.ready = host.ready.apply(lambda found: found)
                self.digest = host.digest.apply(lambda found: found)
        # Not declared above: no outputs. The handle: for whoever takes this component.
        self.handle: StandbyDatabaseHandle = {
            "address": self.address,
            "port": self.port,
            "user": self.user,
            "password_secret": self.password_secret,
            "application_user": self.application_user,
            "application_password_secret": self.application_password_secret,
            "schema": self.schema,
            "settings": self.settings,
            "managed": self.managed,
            "tls_ca": self.tls_ca,
            "ready": self.ready,
        }
        self.inventory = pulumi.Output.all(place=place_of(store), address=self.address if runs else "").apply(
            lambda known: self._entry(args, known["place"], known["address"] or "")
        )
        self.register_outputs(
            {
                "address": self.address,
                "port": self.port,
                "user": self.user,
                "schema": self.schema,
                "managed": self.managed,
                "tls_ca": self.tls_ca,
                "vm": self.vm,
                "digest": self.digest,
                "ready": self.ready,
            }
        )

    def _entry(self, args: StandbyDatabaseArgs, place: tuple[str, str], address: str) -> inventory.Entry:
        way = inventory.AzureRunCommand(*place, self.vm)
        return inventory.Entry(
            hosts=(inventory.Host(HOST, "azure", "", ("database",), way),) if self.vm else (),
            endpoints=(
                inventory.Endpoint(
                    name="azure-mysql",
                    site="azure",
                    engine="mysql",
                    address=address,
                    port=self.port,
                    user=self.user,
                    password=self.password_reference,
                    schema=self.schema,
                    through=args.get("asked_from", ""),
                ),
            ),
        )

    def _register_hooks(self, name: str, args: StandbyDatabaseArgs) -> None:
        """Of both kinds, in every mode: the engine wants them for what a mode or kind takes away (host_hooks)."""
        server, active = self._known.server, self._known.site_is_active
        latch_urls = args.get("latch_urls", [])
        which = self._known.which
        self._first = restorable_of(args["store"], self).hooks(f"{name}-database", which, self.managed)
        serving = keep_serving(f"{name}-server", f"the server {server}", active, latch_urls, _RESTARTS)
        self._server_hooks = pulumi.ResourceHookBinding(
            before_create=self._first.before_create,
            before_delete=keep_while_active(f"{name}-server", server, active, latch_urls).before_delete,
            before_update=[
                grow_only(f"{name}-server", f"the server {server}", "storage_gib", _SERVER_SIZE),
                *(serving.before_update or []),
            ],
        )
        self._host_hooks = host_hooks(
            f"{name}-{server}", server, "the standby's database", active, latch_urls, "storage_gib"
        )

    def _zone(
        self, name: str, args: StandbyDatabaseArgs
    ) -> "tuple[privatedns.PrivateZone, privatedns.VirtualNetworkLink]":
        """Where a server inside a network is found; it costs cents and takes minutes, so it is there in every mode."""
        child = pulumi.ResourceOptions(parent=self)
        zone = privatedns.PrivateZone(
            f"{name}-zone",
            resource_group_name=args["resource_group"],
            private_zone_name=f"{args['server']}.private.mysql.database.azure.com",
            location="global",
            tags=args.get("tags", {}),
            opts=child,
        )
        link = privatedns.VirtualNetworkLink(
            f"{name}-zone",
            resource_group_name=args["resource_group"],
            private_zone_name=zone.name,
            location="global",
            registration_enabled=False,
            virtual_network={"id": args["vnet_id"]},
            tags=args.get("tags", {}),
            opts=child,
        )
        return zone, link

    def _flexible(
        self,
        name: str,
        args: StandbyDatabaseArgs,
        zone: "privatedns.PrivateZone",
        link: "privatedns.VirtualNetworkLink",
    ) -> "tuple[dbformysql.Server, pulumi.Output[str]]":
        """The server, and its host name once the settings are made, too."""
        size = self._known.size
        server = dbformysql.Server(
            f"{name}-server",
            resource_group_name=args["resource_group"],
            server_name=self._own_name(name, args, zone),
            location=args["location"],
            version=self._known.series,
            sku={"name": size, "tier": tier(size)},
            administrator_login=args["user"],
            administrator_login_password=value(handle_of(args["vault"]), args["password_secret"]),
            storage={
                "storage_size_gb": self._known.storage_gib,
                "auto_grow": dbformysql.EnableStatusEnum.ENABLED,
                # A restore writes as fast as the size may; paid by use. Else 3 IOPS a GiB are given, at least 360
                # [Microsoft Learn, storage IOPS], and 32 GiB would be restored by a trickle.
                "auto_io_scaling": dbformysql.EnableStatusEnum.ENABLED,
            },
            backup={
                "backup_retention_days": 7,
                "geo_redundant_backup": dbformysql.EnableStatusEnum.DISABLED,
            },
            network={
                "delegated_subnet_resource_id": args["subnet_id"],
                "private_dns_zone_resource_id": zone.id,
                "public_network_access": dbformysql.EnableStatusEnum.DISABLED,
            },
            tags=args.get("tags", {}),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[link],
                hooks=self._server_hooks,
            ),
        )
        last: pulumi.Resource = server
        for setting, wanted in {**RESTORES_WITH, **self._known.settings}.items():
            last = dbformysql.Configuration(
                f"{name}-{setting.replace('_', '-')}",
                resource_group_name=args["resource_group"],
                server_name=server.name,
                configuration_name=setting,
                value=wanted,
                source="user-override",
                # The server takes one change at a time. A parameter cannot be deleted, only set back, and nobody needs
                # that of a server that goes.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[last], deleted_with=server),
            )
        ready = pulumi.Output.all(server.fully_qualified_domain_name, last.urn).apply(lambda known: str(known[0]))
        return server, ready

    def _own_name(self, name: str, args: StandbyDatabaseArgs, zone: "privatedns.PrivateZone") -> pulumi.Output[str]:
        """A name that no server has had: drawn when one is to be made, kept as long as it is there (ADR 17)."""
        drawn = random.RandomId(
            f"{name}-server-name",
            byte_length=4,
            prefix=f"{args['server']}-",
            # Whatever replaces a server (azure-native: create-only properties, and parts of its path).
            keepers={
                "resource_group": args["resource_group"],
                "location": args["location"],
                "user": args["user"],
                "subnet": args["subnet_id"],
                "zone": zone.id,
            },
            opts=pulumi.ResourceOptions(parent=self, hooks=self._first),
        )
        return drawn.hex

    def _host_secret(self, name: str, args: StandbyDatabaseArgs, key: pulumi.Output[str]) -> keyvault.Secret:
        """In every mode: a vault keeps the name of a deleted secret, so one that came and went could not come again."""
        vault = handle_of(args["vault"])
        own = args["vault"].resource if isinstance(args["vault"], SecretVault) else None
        secrets: pulumi.Output[str] = pulumi.Output.all(
            role={"password": value(vault, args["password_secret"]), "tls_key": key}
        ).apply(documents.canonical)
        return keyvault.Secret(
            f"{name}-secrets",
            resource_group_name=args["resource_group"],
            vault_name=vault["vault"],
            secret_name=f"host-{args['server']}",
            properties={"value": secrets},
            tags=args.get("tags", {}),
            opts=pulumi.ResourceOptions(parent=self, deleted_with=own),
        )

    def _host(
        self,
        name: str,
        args: StandbyDatabaseArgs,
        authority: pulumi.Output[str],
        certificate: pulumi.Output[str],
        secret: keyvault.Secret,
    ) -> AzureHost:
        vault, tags = handle_of(args["vault"]), args.get("tags", {})
        way_out = network.PublicIPAddress(
            f"{name}-way-out",
            resource_group_name=args["resource_group"],
            location=args["location"],
            sku={"name": network.PublicIPAddressSkuName.STANDARD},
            public_ip_allocation_method=network.IPAllocationMethod.STATIC,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, hooks=self._first),
        )
        return AzureHost(
            f"{name}-{args['server']}",
            {
                "host": args["server"],
                "role": "database",
                "hooks": self._host_hooks,
                "config": {
                    "role": "standalone",
                    "server_id": 3,
                    "user": args["user"],
                    "schema": args["schema"],
                    "data_device": DATA_DEVICE,
                    "data_gib": self._known.storage_gib,
                    "bind_address": "*",
                    "tls_ca": authority,
                    "tls_cert": certificate,
                    "settings": self._known.settings,
                },
                # The whole of `properties` is secret because the value is; a version's name is not.
                "secret": pulumi.Output.unsecret(
                    secret.properties.apply(
                        lambda found: {
                            "vault": vault["vault_name"],
                            "name": f"host-{args['server']}",
                            "version": str(found.secret_uri_with_version).rsplit("/", 1)[-1],
                        }
                    )
                ),
                "resource_group": args["resource_group"],
                "location": args["location"],
                "subnet_id": args["subnet_id"],
                "private_address": address_of(args),
                "public_address_id": way_out.id,
                "store": handle_of(args["store"]),
                "vault": vault,
                "size": self._known.size,
                "image": self._known.image,
                "data_disk_gib": self._known.storage_gib,
                "site_is_active": self._known.site_is_active,
                "gate_timeout_seconds": self._known.gate_timeout_seconds or GATE_SECONDS,
                "tags": tags,
            },
            # Nothing of it is asked for before it is there itself.
            pulumi.ResourceOptions(parent=self, hooks=self._first),
        )


def address_of(args: StandbyDatabaseArgs) -> str:
    """IPv4 address of a machine: the given one, or the tenth of its subnet."""
    return args.get("address") or str(ipaddress.IPv4Network(args["subnet_range"])[10])


def tier(size: str) -> str:
    """Azure's tier of a size: Standard_B… is Burstable, Standard_D… General Purpose, Standard_E… Memory Optimized."""
    return {"B": "Burstable", "E": "MemoryOptimized"}.get(size.removeprefix("Standard_")[:1], "GeneralPurpose")
