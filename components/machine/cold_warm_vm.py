"""ColdWarmVm: a standby application machine on Azure that exists by mode."""

from typing import Any, NotRequired, TypedDict

import pulumi

from .. import azure_roles, inventory
from ..component import Component
from ..handle import Given, handle_of
from ..modes import DrMode, keeps
from ..rules.standby import ColdWarmVmIntent
from ..storage.backup_store import STATUS, BackupStoreHandle, Operator, place_of, restorable_of
from ..storage.secret_vault import SecretVaultHandle, reference
from .azure_host import AzureHost, host_hooks


class StandbyDatabaseHandle(TypedDict):
    """What a standby machine reads of a StandbyDatabase, which says what each is."""

    address: pulumi.Input[str | None]
    port: int
    user: str
    password_secret: str
    application_user: str
    application_password_secret: str
    schema: str
    settings: list[str]
    managed: bool
    tls_ca: pulumi.Input[str]
    ready: pulumi.Input[str | None]


class Application(TypedDict):
    """What the machine serves."""

    artefact: str
    """https URL of the WAR, or the name of a blob in container guests, for instance artefacts/petclinic-1.0.war."""

    sha256: str
    """Of the artefact, 64 hex digits. Plain, because a rule refuses an unpinned one."""

    context: str
    """Context path, for instance /petclinic."""

    health_path: str
    """Path that answers 200 once the application works with its database, for instance /petclinic/."""

    environment: NotRequired[dict[str, str]]
    """Environment of the application besides DATABASE_ADDRESS, _PORT, _USER, _PASSWORD_FILE, _SCHEMA, DATABASE_TLS_CA
    and SITE; nothing secret."""

    packages: NotRequired[list[str]]
    """The distribution's packages that it needs besides nginx, MySQL's client, zstd and, for a WAR, Tomcat. What a
    golden image has already is not installed again, which saves the time."""

    unit: NotRequired[str]
    """Text of a systemd unit that serves it on 127.0.0.1:8080 instead of the distribution's Tomcat. The artefact is at
    /var/lib/twinsite/application/artefact."""


class Origin(TypedDict):
    """How the front door recognises the machine, and the machine the front door."""

    host: str
    """Name that CloudFront connects to and the certificate names, for instance origin-dr.example.com."""

    certificate_secret: str
    """Name of the vault's secret with certificate chain and key in PEM, of an authority that CloudFront accepts (ADR
    0009). The machine takes a renewed one up within the hour."""

    header_secret: str
    """Name of the vault's secret that CloudFront sends in the header; without it the machine answers 403."""

    header: NotRequired[str]
    """Name of the header. Defaults to X-Twinsite-Origin."""

    direct_hosts: NotRequired[list[str]]
    """Names that users reach without CloudFront (the one-name option); no header is needed there. Defaults to none."""


class OwnBackups(TypedDict):
    """The backups of the standby's database while it is the writer; it rests while it is not."""

    schedule: str
    """Cron expression, UTC."""

    primary_site: str
    """Name of the other site: the writer as long as no failover has said otherwise."""


class ColdWarmVmArgs(TypedDict):
    """Arguments of ColdWarmVm."""

    dr_mode: DrMode
    """Decides which resources exist: none in cold, all in warm."""

    host: str
    """Name in the inventory, as guest and of the virtual machine, for instance azure-standby."""

    resource_group: pulumi.Input[str]
    """Name of the resource group."""

    location: str
    """Azure region, for instance koreacentral."""

    subnet_id: pulumi.Input[str]
    """AzureNetwork.application_subnet_id."""

    public_address_id: pulumi.Input[str]
    """AzureNetwork.public_address_id: the way in and the explicit way out."""

    store: Given[BackupStoreHandle]
    """Backups, documents, payload; its reader identity is the machine's."""

    vault: Given[SecretVaultHandle]
    """Database passwords, origin certificate and header."""

    database: Given[StandbyDatabaseHandle]
    """Where the newest backup is restored."""

    application: Application
    """What it serves."""

    origin: Origin
    """How it is reached."""

    size: NotRequired[str]
    """Defaults to Standard_B2s."""

    image: NotRequired[str]
    """`publisher:offer:sku:version`, or the id of an image of your own (a golden one cuts the time). Defaults to
    Canonical:ubuntu-26_04-lts:server:latest. Plain, because a rule refuses images out of support."""

    which: NotRequired[str]
    """Backup to restore: latest or an id. Defaults to latest. Restored once; a later `up` never restores again."""

    streams: NotRequired[int]
    """Parallel streams of the restore. Defaults to 4."""

    operators: NotRequired[list[Operator]]
    """May run commands on the machines of the store's resource group, in every mode: a role may take ten minutes to
    work, and the machine has none to spare. Defaults to none: whoever runs `twinsite` needs the right otherwise."""

    backups: NotRequired[OwnBackups]
    """How it backs itself up while it serves. By default it does not."""

    site_is_active: NotRequired[bool]
    """True while the Azure site serves: whatever would delete, replace or restart the machine is then refused, also in
    preview. Defaults to False."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """See BackupStoreArgs."""

    gate_timeout_seconds: NotRequired[int]
    """How long `up` waits for the machine's own verdict. Defaults to 1800, at most 5400 (run-command's limit is 90
    minutes)."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class ColdWarmVm(Component):
    """The standby's application machine: interface, machine, desired document, gate.

    cold: nothing. warm: the machine bootstraps from its custom data, restores the newest complete backup into the
    standby database, proves it, serves the application on 443, and `up` waits for its own verdict. A store that says
    that it has no such backup lets nothing be made. Another image replaces the machine, unless it serves: then that is
    refused.
    """

    vm: str
    """Name of the virtual machine in warm mode; "" in cold."""

    vm_id: pulumi.Output[str | None]
    """Azure's unique id of the machine; None in cold."""

    digest: pulumi.Output[str | None]
    """Changes when anything that the machine is told changes; None in cold."""

    ready: pulumi.Output[str | None]
    """Known once the machine itself has said that it is ready; None in cold."""

    def __init__(self, name: str, args: ColdWarmVmArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = ColdWarmVmIntent.of(args)
        super().__init__("ColdWarmVm", name, known, opts)
        store = handle_of(args["store"])
        absent: pulumi.Output[str | None] = pulumi.Output.from_input(None)
        self.vm, self.vm_id, self.digest, self.ready = "", absent, absent, absent
        active, latch_urls = known.site_is_active, args.get("latch_urls", [])
        # In cold, too: they let the engine take a machine away that was there before.
        hooks = host_hooks(
            f"{name}-{args['host']}", args["host"], "the standby's application machine", active, latch_urls
        )
        for operator in args.get("operators", []):
            azure_roles.assign(
                f"{name}-runs-{operator['principal_id']}",
                azure_roles.VM_CONTRIBUTOR,
                operator["principal_id"],
                pulumi.Output.from_input(store["account_id"]).apply(lambda found: found.partition("/providers/")[0]),
                pulumi.ResourceOptions(parent=self),
                operator["principal_type"],
            )
        first = restorable_of(args["store"], self).hooks(f"{name}-{args['host']}", known.which)
        if keeps(DrMode(known.dr_mode)).application:
            host = AzureHost(
                f"{name}-{args['host']}",
                {
                    "host": args["host"],
                    "role": "standby",
                    "hooks": hooks,
                    "config": _config(args),
                    "secret": None,
                    "resource_group": args["resource_group"],
                    "location": args["location"],
                    "subnet_id": args["subnet_id"],
                    "private_address": "",
                    "public_address_id": args["public_address_id"],
                    "store": store,
                    "vault": handle_of(args["vault"]),
                    "size": known.size,
                    "image": known.image,
                    "site_is_active": active,
                    "gate_timeout_seconds": known.gate_timeout_seconds,
                    "tags": args.get("tags", {}),
                },
                # Nothing of it is asked for before it is there itself.
                pulumi.ResourceOptions(parent=self, hooks=first),
            )
            self.vm = args["host"]
            self.vm_id = host.vm_id.apply(lambda found: found)
            self.digest = host.digest.apply(lambda found: found)
            self.ready = host.ready.apply(lambda found: found)
        # Not declared above: no output.
        self.inventory = place_of(store).apply(lambda place: _entry(args, place, self.vm))
        self.register_outputs({"vm": self.vm, "vm_id": self.vm_id, "digest": self.digest, "ready": self.ready})


def _entry(args: ColdWarmVmArgs, place: tuple[str, str], vm: str) -> inventory.Entry:
    host, way = args["host"], inventory.AzureRunCommand(*place, vm)
    status = f"azblob://{handle_of(args['store'])['account_name']}/{STATUS}/{host}/status.json"
    return inventory.Entry(hosts=(inventory.Host(host, "azure", "", ("standby",), way, status=status),))


def _config(args: ColdWarmVmArgs) -> pulumi.Output[dict[str, Any]]:
    """standby.json (guest/standby/config.py reads it)."""
    store, vault, database = handle_of(args["store"]), handle_of(args["vault"]), handle_of(args["database"])
    application, origin = args["application"], args["origin"]
    used = [
        database["password_secret"],
        database["application_password_secret"],
        origin["certificate_secret"],
        origin["header_secret"],
    ]
    return pulumi.Output.all(
        client_id=store["reader_client_id"],
        address=database["address"],
        tls_ca=database["tls_ca"],
        # Not used by the machine: a changed secret changes the document, and so is fetched at once.
        secret_versions={name: vault["versions"][name] for name in used},
        # The machine is told to restore only when there is something to restore into.
        database_ready=database["ready"],
    ).apply(
        lambda known: {
            "site": "azure",
            "application": {
                "kind": "unit" if "unit" in application else "war",
                **{key: value for key, value in application.items() if key != "packages"},
            },
            "packages": application.get("packages", []),
            "database": {
                "address": known["address"],
                "port": database["port"],
                "user": database["user"],
                "password_secret": reference(vault, database["password_secret"]),
                "application": {
                    "user": database["application_user"],
                    "password_secret": reference(vault, database["application_password_secret"]),
                },
                "schema": database["schema"],
                "settings": database["settings"],
                "managed": database["managed"],
                "tls_ca": known["tls_ca"],
            },
            "backups": store["backups"],
            "which": args.get("which", "latest"),
            "streams": args.get("streams", 4),
            "origin": {
                "host": origin["host"],
                "header": origin.get("header", "X-Twinsite-Origin"),
                "secret": reference(vault, origin["header_secret"]),
                "certificate": reference(vault, origin["certificate_secret"]),
                "direct_hosts": origin.get("direct_hosts", []),
            },
            "identity": {"client_id": known["client_id"]},
            # The newest may be there as well.
            "elsewhere": [store["failback"], store["standby_backups"]],
            **_own_backups(args),
            "secret_versions": known["secret_versions"],
        }
    )


def _own_backups(args: ColdWarmVmArgs) -> dict[str, Any]:
    own, store = args.get("backups"), handle_of(args["store"])
    if own is None:
        return {}
    return {
        "writer": {"store": store["operations"], "home": own["primary_site"]},
        "own": {"store": store["standby_backups"], "schedule": own["schedule"], "keep_days": store["keep_days"]},
    }
