"""StandbyDatabase: the database that a standby machine restores into, managed or on a machine of its own."""

import ipaddress
from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_random as random
from pulumi_azure_native import dbformysql, keyvault, network, privatedns

from .. import rules
from ..machine import documents
from ..machine.azure import DATA_DEVICE, IMAGE, SIZE, AzureHost, host_hooks
from ..modes import DrMode
from ..protection import grow_only, keep_while_active
from ..rules import standby as standby_rules
from ..storage import BackupStore, SecretVault
from .certificate import server_certificate

FLEXIBLE_SIZE = "Standard_B2s"
STORAGE_GIB = 32
_SERVER_SIZE = ("storage", "storageSizeGB")
APPLICATION_USER = "application"
GATE_TIMEOUT_SECONDS = 600


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

    vault: SecretVault
    """Holds the password."""

    store: BackupStore
    """Where a machine finds its documents; its reader identity is the machine's."""

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
    """How long `up` waits for a machine's database. Defaults to 600."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class StandbyDatabase(pulumi.ComponentResource):
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

    ready: pulumi.Output[str | None]
    """Known once it answers SQL; None in cold. Whatever restores into it depends on this."""

    def __init__(self, name: str, args: StandbyDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        rules.require(name, standby_rules.database_problems(args))
        super().__init__("twinsite:index:StandbyDatabase", name, _intent(args), opts)
        self.managed = args["kind"] == StandbyDatabaseKind.FLEXIBLE
        self.port, self.user, self.schema = 3306, args["user"], args["schema"]
        self.password_secret = args["password_secret"]
        self.password_reference = args["vault"].reference(args["password_secret"])
        self.application_user = args.get("application_user", APPLICATION_USER)
        self.application_password_secret = args["application_password_secret"]
        self.application_password_reference = args["vault"].reference(args["application_password_secret"])
        self.settings = sorted(args.get("settings", {}))
        runs = args["dr_mode"] == DrMode.WARM
        self._register_hooks(name, args)
        self.vm = ""
        self.ready = pulumi.Output.from_input(None)
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
            authority, certificate, key = server_certificate(name, args["server"], "azure-database", address, self)
            self.tls_ca = authority
            secret = self._host_secret(name, args, key)
            if runs:
                host = self._host(name, args, authority, certificate, secret)
                self.vm = args["server"]
                self.ready = host.ready.apply(lambda found: found)
        self.register_outputs(
            {
                "address": self.address,
                "port": self.port,
                "user": self.user,
                "schema": self.schema,
                "managed": self.managed,
                "tls_ca": self.tls_ca,
                "vm": self.vm,
                "ready": self.ready,
            }
        )

    def _register_hooks(self, name: str, args: StandbyDatabaseArgs) -> None:
        """Of both kinds, in every mode: the engine wants them for what a mode or kind takes away (host_hooks)."""
        server, active = args["server"], args.get("site_is_active", False)
        latch_urls = args.get("latch_urls", [])
        which = args.get("which", "latest")
        self._first = args["store"].restorable.hooks(f"{name}-database", which, self.managed)
        self._server_hooks = pulumi.ResourceHookBinding(
            before_create=self._first.before_create,
            before_delete=keep_while_active(f"{name}-server", server, active, latch_urls).before_delete,
            before_update=[grow_only(f"{name}-server", f"the server {server}", "storage_gib", _SERVER_SIZE)],
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
        size = args.get("size", FLEXIBLE_SIZE)
        server = dbformysql.Server(
            f"{name}-server",
            resource_group_name=args["resource_group"],
            server_name=self._own_name(name, args, zone),
            location=args["location"],
            version=_version(args),
            sku={"name": size, "tier": tier(size)},
            administrator_login=args["user"],
            administrator_login_password=args["vault"].values[args["password_secret"]],
            storage={
                "storage_size_gb": args.get("storage_gib", STORAGE_GIB),
                "auto_grow": dbformysql.EnableStatusEnum.ENABLED,
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
        for setting, value in {**standby_rules.RESTORES_WITH, **args.get("settings", {})}.items():
            last = dbformysql.Configuration(
                f"{name}-{setting.replace('_', '-')}",
                resource_group_name=args["resource_group"],
                server_name=server.name,
                configuration_name=setting,
                value=value,
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
        vault = args["vault"]
        secrets: pulumi.Output[str] = pulumi.Output.all(
            role={"password": vault.values[args["password_secret"]], "tls_key": key}
        ).apply(documents.canonical)
        return keyvault.Secret(
            f"{name}-secrets",
            resource_group_name=args["resource_group"],
            vault_name=vault.vault,
            secret_name=f"host-{args['server']}",
            properties={"value": secrets},
            tags=args.get("tags", {}),
            opts=pulumi.ResourceOptions(parent=self, deleted_with=vault.resource),
        )

    def _host(
        self,
        name: str,
        args: StandbyDatabaseArgs,
        authority: pulumi.Output[str],
        certificate: pulumi.Output[str],
        secret: keyvault.Secret,
    ) -> AzureHost:
        vault, tags = args["vault"], args.get("tags", {})
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
                    "data_gib": args.get("storage_gib", STORAGE_GIB),
                    "bind_address": "*",
                    "tls_ca": authority,
                    "tls_cert": certificate,
                    "settings": args.get("settings", {}),
                },
                # The whole of `properties` is secret because the value is; a version's name is not.
                "secret": pulumi.Output.unsecret(
                    secret.properties.apply(
                        lambda found: {
                            "vault": vault.vault_name,
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
                "store": args["store"],
                "vault": vault,
                "size": args.get("size", SIZE),
                "image": args.get("image", IMAGE),
                "data_disk_gib": args.get("storage_gib", STORAGE_GIB),
                "site_is_active": args.get("site_is_active", False),
                "gate_timeout_seconds": args.get("gate_timeout_seconds", GATE_TIMEOUT_SECONDS),
                "tags": tags,
            },
            # Nothing of it is asked for before it is there itself.
            pulumi.ResourceOptions(parent=self, hooks=self._first),
        )


def _version(args: StandbyDatabaseArgs) -> str:
    return args.get("version") or standby_rules.version_for(args.get("source_version", ""))


def address_of(args: StandbyDatabaseArgs) -> str:
    """IPv4 address of a machine: the given one, or the tenth of its subnet."""
    return args.get("address") or str(ipaddress.IPv4Network(args["subnet_range"])[10])


def tier(size: str) -> str:
    """Azure's tier of a size: Standard_B… is Burstable, Standard_D… General Purpose, Standard_E… Memory Optimized."""
    return {"B": "Burstable", "E": "MemoryOptimized"}.get(size.removeprefix("Standard_")[:1], "GeneralPurpose")


def _intent(args: StandbyDatabaseArgs) -> dict[str, Any]:
    return {
        "dr_mode": args["dr_mode"].value,
        "kind": args["kind"].value,
        "server": args["server"],
        "location": args["location"],
        "schema": args["schema"],
        "version": _version(args),
        "storage_gib": args.get("storage_gib", STORAGE_GIB),
        "site_is_active": args.get("site_is_active", False),
    }
