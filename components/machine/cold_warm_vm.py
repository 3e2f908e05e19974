"""ColdWarmVm: a standby application machine on Azure that exists by mode."""

from typing import NotRequired, TypedDict

import pulumi

from ..database.standby import StandbyDatabase
from ..modes import DrMode
from ..storage import BackupStore, SecretVault


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
    """Environment of the application besides DATABASE_ADDRESS, DATABASE_PORT, DATABASE_USER, DATABASE_PASSWORD,
    DATABASE_SCHEMA, DATABASE_URL and DATABASE_CA; nothing secret."""

    packages: NotRequired[list[str]]
    """The distribution's packages that run it. Defaults to Tomcat 10, nginx, the MySQL client and zstd; a golden image
    has them already, which saves their time."""

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

    store: BackupStore
    """Backups, documents, payload; its reader identity is the machine's."""

    vault: SecretVault
    """Database password, origin certificate and header."""

    database: StandbyDatabase
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


class ColdWarmVm(pulumi.ComponentResource):
    """The standby's application machine: interface, machine, desired document, gate.

    cold: nothing. warm: the machine bootstraps from its custom data, restores the newest complete backup into the
    standby database, proves it, serves the application on 443, and `up` waits for its own verdict. The bootstrap's
    change replaces the machine, unless it serves: then it is refused.
    """

    vm: str
    """Name of the virtual machine in warm mode; "" in cold."""

    vm_id: pulumi.Output[str | None]
    """Azure's unique id of the machine; None in cold."""

    digest: pulumi.Output[str | None]
    """Changes when anything that the machine is told changes; None in cold."""

    ready: pulumi.Output[str | None]
    """What the gate saw: the machine's verdict; None in cold."""
