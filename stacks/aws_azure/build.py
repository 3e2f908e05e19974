"""Topology aws-azure: a primary site that exists in AWS, a standby on Azure from backups (source document 002).

AWS (exists): ALB, EKS, RDS ─CronJob──▶ backups ─┐       Azure: network, vault, identities; in warm database, machine
www.DOMAIN  PRIMARY ALB · SECONDARY notice page   └──▶ BackupStore ──restore──▶ StandbyDatabase ◀── ColdWarmVm
dr.DOMAIN   PRIMARY ALB · SECONDARY CloudFront before the machine; both names move by one latch (two objects on Azure)
or one name: www.DOMAIN  PRIMARY ALB · SECONDARY the machine's address

cold ⊂ warm; what warm adds is on Azure alone, so that it works while AWS is dead.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as azure

from twinsite import (
    Alarms,
    BackupJob,
    BackupStore,
    FrontDoor,
    Latch,
    Observer,
    SecretVault,
    StaticSite,
    inventory,
)
from twinsite.database.standby_database import StandbyDatabase
from twinsite.machine.cold_warm_vm import ColdWarmVm
from twinsite.network.azure_network import AzureNetwork
from twinsite.rules import require
from twinsite.rules.standby import GATE_LIMIT_SECONDS

from ..asked import Intents, problems, stack_digest
from ..promise import promised
from .args import (
    CERTIFICATE_SECRET,
    ORIGIN_HEADER_SECRET,
    Arguments,
    arguments,
    joined,
    machine_gate_seconds,
)
from .estimate import estimate
from .needs import needs
from .settings import MODES, NAME, PACKAGES, SITES, Settings, Site, read
from .users import Users, reach

__all__ = ["MODES", "NAME", "PACKAGES", "SITES", "Settings", "build", "estimate", "needs", "read", "refusals"]


@dataclass(frozen=True)
class Ground:
    """What everything else on Azure stands on: the same in every mode."""

    network: AzureNetwork
    page_site: StaticSite
    latch_site: StaticSite
    latch: Latch
    latch_urls: list[pulumi.Input[str]]
    store: BackupStore


def refusals(settings: Settings) -> list[str]:
    """What components would refuse, with the one that would."""
    return problems(arguments(settings, _tags()).intents())


def build(settings: Settings) -> dict[str, Any]:
    """Create the components; returns the stack's exports. Refused before the first resource exists."""
    plain = arguments(settings, _tags())
    intents = plain.intents()
    require(f"topology {NAME}", problems(intents))
    _warn(settings)
    ground = _ground(plain)
    users = reach(settings, plain, ground.network, ground.page_site, ground.latch)
    vault = _vault(plain, ground, users.front)
    database, machine = _standby(plain, ground, vault)
    job = _backup_job(plain, ground)
    _monitoring(settings, plain, ground, users)
    region = pulumi.Config("aws").get("region") or ""
    published = pulumi.Output.all(
        entries=[machine.inventory, database.inventory, job.inventory, *(name.inventory for name in users.names)],
        told=[machine.digest, database.digest, job.digest, ground.store.payload_keys],
    ).apply(lambda known: inventory.to_dict(_inventory(settings, intents, ground, region, known)))
    azure.storage.Blob(
        f"{NAME}-inventory",
        resource_group_name=ground.network.resource_group,
        account_name=ground.store.account,
        container_name="operations",
        blob_name="inventory.json",
        content_type="application/json",
        source=pulumi.Output.json_dumps(published, indent=1, sort_keys=True).apply(pulumi.StringAsset),
    )
    return {
        "inventory": published,
        "dr_mode": settings.dr_mode.value,
        "names": [name.fqdn for name in users.names],
        "latch_urls": ground.latch.urls,
        "standby_address": ground.network.public_address,
        "standby_machine": machine.vm,
        "standby_verdict": machine.ready.apply(lambda seen: seen or ""),  # an output that is None would not be there
        "backup_by_hand": job.by_hand,
    }


def _tags() -> dict[str, str]:
    # No colon: Azure's DNS zones drop such tags (components/rules/standby.py).
    return {"twinsite-stack": pulumi.get_stack(), "twinsite-topology": NAME}


def _warn(settings: Settings) -> None:
    if not settings.standby_backup_account:
        pulumi.log.warn(
            "while the standby serves, its own backups rest in the account that it restores from: that helps against a "
            "lost database, not against a lost account or region: `pulumi config set standby_backup_account NAME`"
        )
    wanted = machine_gate_seconds(settings)
    if wanted > GATE_LIMIT_SECONDS and not settings.machine_gate_timeout_seconds:
        pulumi.log.warn(
            f"{settings.database_gib} GiB of tables on {settings.database_size} may take {wanted // 60} min until the "
            f"standby is ready, and Run Command ends after {GATE_LIMIT_SECONDS // 60}: `up` would then fail while the "
            "restore goes on, and the next `up` waits for it again; a database_size with more IOPS is faster"
        )


def _ground(plain: Arguments) -> Ground:
    network = AzureNetwork(NAME, plain.network)
    public, second = (
        StaticSite(f"{NAME}-{what}", joined(site, resource_group_name=network.resource_group))
        for what, site in (("public", plain.public_site), ("latch", plain.latch_site))
    )
    latch = Latch(NAME, joined(plain.latch, stores=[{"site": public}, {"site": second}]))
    urls: list[pulumi.Input[str]] = [latch.urls.apply(lambda both, at=at: both[at]) for at in (0, 1)]  # type: ignore[misc]
    store = BackupStore(NAME, joined(plain.store, resource_group=network.resource_group, latch_urls=urls))
    return Ground(network, public, second, latch, urls, store)


def _vault(plain: Arguments, ground: Ground, front: FrontDoor | None) -> SecretVault:
    given: dict[str, pulumi.Input[str]] = {CERTIFICATE_SECRET: pulumi.Config().require_secret("origin_certificate")}
    if front is not None:
        given[ORIGIN_HEADER_SECRET] = front.origin_secret
    return SecretVault(
        NAME,
        joined(
            plain.vault,
            resource_group=ground.network.resource_group,
            tenant_id=ground.store.tenant_id,
            given=given,
            readers={"standby": ground.store.reader_principal_id},
            latch_urls=ground.latch_urls,
        ),
    )


def _standby(plain: Arguments, ground: Ground, vault: SecretVault) -> tuple[StandbyDatabase, ColdWarmVm]:
    """What exists by mode."""
    network = ground.network
    around = {
        "resource_group": network.resource_group,
        "store": ground.store,
        "vault": vault,
        "latch_urls": ground.latch_urls,
    }
    database = StandbyDatabase(
        NAME,
        joined(plain.database, **around, vnet_id=network.vnet_id, subnet_id=network.database_subnet_id),
    )
    machine = ColdWarmVm(
        NAME,
        joined(
            plain.machine,
            **around,
            subnet_id=network.application_subnet_id,
            public_address_id=network.public_address_id,
            database=database,
        ),
    )
    return database, machine


def _backup_job(plain: Arguments, ground: Ground) -> BackupJob:
    password = pulumi.Config().require_secret("primary_database_password")
    return BackupJob(
        NAME, joined(plain.job, database={**plain.job["database"], "password": password}, store=ground.store)
    )


def _monitoring(settings: Settings, plain: Arguments, ground: Ground, users: Users) -> None:
    certificates: dict[str, pulumi.Input[str]] = {
        fqdn: edge.certificate_arn
        for fqdn, edge in ((settings.notice_name, users.page), (settings.application_name, users.front))
        if edge is not None
    }
    Alarms(NAME, joined(plain.alarms, latch=ground.latch, names=users.names, certificate_arns=certificates))
    Observer(
        NAME,
        joined(
            plain.observer, resource_group_name=ground.network.resource_group, backup_account_id=ground.store.account_id
        ),
    )


def _inventory(
    settings: Settings, intents: Intents, ground: Ground, region: str, known: dict[str, Any]
) -> inventory.Inventory:
    return inventory.together(
        inventory.Inventory(
            topology=NAME,
            dr_mode=settings.dr_mode.value,
            sites=(
                inventory.Site(Site.AWS.value, ("aws", "kubernetes"), region),
                inventory.Site(Site.AZURE.value, ("azure-native",), settings.location),
            ),
            home=Site.AWS.value,
            away=Site.AZURE.value,
            active_site=settings.active_site.value,
            promise=promised(estimate, settings),
            store=ground.store.operations,
            digest=stack_digest(intents, known["told"]),
        ),
        known["entries"],
    )
