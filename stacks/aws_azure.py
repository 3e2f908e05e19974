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

from components import inventory
from components.database.standby import StandbyDatabase
from components.estimate import aws_azure_estimate
from components.machine.cold_warm_vm import ColdWarmVm
from components.machine.documents import digest
from components.monitoring import Alarms, Observer
from components.network.azure import AzureNetwork
from components.rules import require
from components.storage import BackupStore, SecretVault
from components.traffic import FrontDoor, Latch, Route53FailoverPair, StaticSite
from components.traffic.failover_pair import FAILURES, INTERVAL_SECONDS
from components.workload import BackupJob

from .aws_azure_refusals import STANDBY_HOST, refusals, second_account
from .aws_azure_settings import MODES, NAME, Names, Settings, Site, read
from .aws_azure_users import Users, reach

__all__ = ["MODES", "NAME", "Settings", "build", "read"]

CRONJOB = "rds-backup"
ORIGIN_HEADER_SECRET = "origin-header"
CERTIFICATE_SECRET = "origin-certificate"
PASSWORD_SECRET = "database-password"
APPLICATION_SECRET = "application-password"

AWS_CHECKS = {Names.TWO: 8, Names.ONE: 5}
"""Route 53 checks that are calculated, or ask a site: of latch and names. A test counts them."""

AZURE_CHECKS = 6
"""Of the two latch objects: each absent, present, and its store at all."""


@dataclass(frozen=True)
class Ground:
    """What everything else on Azure stands on: the same in every mode."""

    network: AzureNetwork
    page_site: StaticSite
    latch_site: StaticSite
    latch: Latch
    latch_urls: list[pulumi.Input[str]]
    store: BackupStore


def build(settings: Settings) -> dict[str, Any]:
    """Create the components; returns the stack's exports. Refused before the first resource exists."""
    require(f"topology {NAME}", refusals(settings))
    if not settings.standby_backup_account:
        pulumi.log.warn(
            "while the standby serves, its own backups rest in the account that it restores from: that helps against a "
            "lost database, not against a lost account or region: `pulumi config set standby_backup_account NAME`"
        )
    tags = {"twinsite:stack": pulumi.get_stack(), "twinsite:topology": NAME}
    ground = _ground(settings, tags)
    users = reach(settings, ground.network, ground.page_site, ground.latch, tags)
    vault = _vault(settings, ground, users.front, tags)
    database, machine = _standby(settings, ground, vault, tags)
    job = _backup_job(settings, ground, tags)
    _monitoring(settings, ground, users, tags)
    published = pulumi.Output.all(
        marker=users.page.marker if users.page else "",
        page=users.page.distribution_domain if users.page else "",
        # Without a front the machine answers for itself.
        front=users.front.distribution_domain if users.front else settings.origin_host,
        latch=ground.latch.urls,
        database=database.address if settings.raised else "",
        digests=[machine.digest],
    ).apply(lambda known: inventory.to_dict(_inventory(settings, ground, users, database, machine, known)))
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
        "estimate": _estimate(settings, users),
    }


def _ground(settings: Settings, tags: dict[str, str]) -> Ground:
    network = AzureNetwork(
        NAME,
        {
            "location": settings.location,
            "resource_group": settings.resource_group,
            "vnet_range": settings.vnet_range,
            "application_range": settings.application_range,
            "database_range": settings.database_range,
            "managed_database": settings.managed_database,
            "tags": tags,
        },
    )
    operators: list[pulumi.Input[str]] = [one["principal_id"] for one in settings.operators]
    # The page and one latch object stand in another region and account than the backups; the other object beside them.
    page_site, latch_site = (
        StaticSite(
            f"{NAME}-{what}",
            {
                "account_name": account,
                "resource_group_name": network.resource_group,
                "location": location,
                "operator_principal_ids": operators,
                "tags": tags,
            },
        )
        for what, account, location in (
            ("public", settings.public_account, settings.public_location),
            ("latch", settings.latch_account, settings.location),
        )
    )
    latch = Latch(
        NAME,
        {
            "stores": [{"site": page_site}, {"site": latch_site}],
            "zone_id": settings.zone_id,
            "zone_name": settings.domain,
            "previous_records": settings.previous_records,
            "gate": settings.gate,
            "tags": tags,
        },
    )
    urls: list[pulumi.Input[str]] = [latch.urls.apply(lambda both, at=at: both[at]) for at in (0, 1)]  # type: ignore[misc]
    store = BackupStore(
        NAME,
        {
            "resource_group": network.resource_group,
            "location": settings.location,
            "account": settings.backup_account,
            "public_accounts": [settings.public_account, settings.latch_account],
            "writer": {
                "issuer": settings.primary_oidc_issuer,
                "namespace": settings.primary_namespace,
                "service_account": CRONJOB,
            },
            "operators": list(settings.operators),
            "keep_days": settings.keep_days,
            "second": second_account(settings),
            "site_is_active": settings.standby_serves,
            "latch_urls": urls,
            "tags": tags,
        },
    )
    return Ground(network, page_site, latch_site, latch, urls, store)


def _vault(settings: Settings, ground: Ground, front: FrontDoor | None, tags: dict[str, str]) -> SecretVault:
    generated = [PASSWORD_SECRET, APPLICATION_SECRET]
    given: dict[str, pulumi.Input[str]] = {
        CERTIFICATE_SECRET: pulumi.Config().require_secret("origin_certificate"),
    }
    if front is not None:
        given[ORIGIN_HEADER_SECRET] = front.origin_secret
    else:
        generated.append(ORIGIN_HEADER_SECRET)  # nobody sends it: the origin's own name then answers nobody
    return SecretVault(
        NAME,
        {
            "resource_group": ground.network.resource_group,
            "location": settings.location,
            "vault": settings.vault,
            "tenant_id": ground.store.tenant_id,
            "generated": generated,
            "given": given,
            "readers": {"standby": ground.store.reader_principal_id},
            "operators": list(settings.operators),
            "site_is_active": settings.standby_serves,
            "latch_urls": ground.latch_urls,
            "tags": tags,
        },
    )


def _standby(
    settings: Settings, ground: Ground, vault: SecretVault, tags: dict[str, str]
) -> tuple[StandbyDatabase, ColdWarmVm]:
    """What exists by mode."""
    database = StandbyDatabase(
        NAME,
        {
            "dr_mode": settings.dr_mode,
            "kind": settings.database_kind,
            "server": settings.database_server,
            "resource_group": ground.network.resource_group,
            "location": settings.location,
            "vnet_id": ground.network.vnet_id,
            "subnet_id": ground.network.database_subnet_id,
            "subnet_range": settings.database_range,
            "user": settings.database_user,
            "password_secret": PASSWORD_SECRET,
            "application_password_secret": APPLICATION_SECRET,
            "schema": settings.schema,
            "vault": vault,
            "store": ground.store,
            "version": settings.database_version,
            "source_version": settings.primary_database_version,
            "settings": settings.database_settings,
            "size": settings.database_size,
            "storage_gib": settings.database_storage_gib,
            "image": settings.machine_image,
            "which": settings.backup,
            "site_is_active": settings.standby_serves,
            "latch_urls": ground.latch_urls,
            "tags": tags,
        },
    )
    machine = ColdWarmVm(
        NAME,
        {
            "dr_mode": settings.dr_mode,
            "host": STANDBY_HOST,
            "resource_group": ground.network.resource_group,
            "location": settings.location,
            "subnet_id": ground.network.application_subnet_id,
            "public_address_id": ground.network.public_address_id,
            "store": ground.store,
            "vault": vault,
            "database": database,
            "application": {
                "artefact": settings.application_artefact,
                "sha256": settings.application_sha256,
                "context": settings.application_context,
                "health_path": settings.application_path,
                "environment": {"SITE": Site.AZURE.value},
            },
            "origin": {
                "host": settings.origin_host,
                "certificate_secret": CERTIFICATE_SECRET,
                "header_secret": ORIGIN_HEADER_SECRET,
                "direct_hosts": [settings.application_name] if settings.one_name else [],
            },
            "size": settings.machine_size,
            "image": settings.machine_image,
            "which": settings.backup,
            "backups": {"schedule": settings.backup_schedule, "primary_site": Site.AWS.value},
            "site_is_active": settings.standby_serves,
            "latch_urls": ground.latch_urls,
            "tags": tags,
        },
    )
    return database, machine


def _backup_job(settings: Settings, ground: Ground, tags: dict[str, str]) -> BackupJob:
    return BackupJob(
        NAME,
        {
            "namespace": settings.primary_namespace,
            "image": settings.backup_image,
            "schedule": settings.backup_schedule,
            "database": {
                "address": settings.primary_database_address,
                "user": settings.primary_database_user,
                "password": pulumi.Config().require_secret("primary_database_password"),
                "schema": settings.schema,
                "tls_ca": settings.primary_database_ca,
            },
            "store": ground.store,
            "site": Site.AWS.value,
            "job": CRONJOB,
            "tags": tags,
        },
    )


def _monitoring(settings: Settings, ground: Ground, users: Users, tags: dict[str, str]) -> None:
    certificates: dict[str, pulumi.Input[str]] = {
        fqdn: edge.certificate_arn
        for fqdn, edge in ((settings.notice_name, users.page), (settings.application_name, users.front))
        if edge is not None
    }
    Alarms(
        NAME,
        {
            "latch": ground.latch,
            "names": users.names,
            "certificate_arns": certificates,
            "emails": list(settings.alarm_emails),
            "tags": tags,
        },
    )
    Observer(
        NAME,
        {
            "resource_group_name": ground.network.resource_group,
            "location": settings.location,
            "primary_url": f"https://{settings.primary_host}{settings.application_path}",
            "failover_names": [name.fqdn for name in users.names],
            "backup_account_id": ground.store.account_id,
            "backup_max_age_hours": settings.backup_max_age_hours,
            "emails": list(settings.alarm_emails),
            "tags": tags,
        },
    )


def _inventory(
    settings: Settings,
    ground: Ground,
    users: Users,
    database: StandbyDatabase,
    machine: ColdWarmVm,
    known: dict[str, Any],
) -> inventory.Inventory:
    account = settings.backup_account
    machines = [
        inventory.AzureMachine(
            STANDBY_HOST,
            Site.AZURE.value,
            ("standby",),
            settings.subscription,
            settings.resource_group,
            machine.vm,
            status=f"azblob://{account}/status/{STANDBY_HOST}/status.json",
        )
    ]
    if database.vm:
        machines.append(
            inventory.AzureMachine(
                "azure-database",
                Site.AZURE.value,
                ("database",),
                settings.subscription,
                settings.resource_group,
                database.vm,
            )
        )
    return inventory.Inventory(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        active_site=settings.active_site.value,
        standby_site=(Site.AWS if settings.standby_serves else Site.AZURE).value,
        hosts=(),
        azure_machines=tuple(machines),
        names=tuple(_named(settings, pair, known) for pair in users.names),
        latch=inventory.Latch(stores=tuple(ground.latch.objects), urls=tuple(known["latch"])),
        backups=inventory.Backups(
            store=ground.store.backups,
            schema=settings.schema,
            schedule=settings.backup_schedule,
            max_age_hours=float(settings.backup_max_age_hours),
            failback=f"azblob://{account}/failback",
            standby=ground.store.standby_backups,
        ),
        databases=(
            inventory.Database(
                Site.AZURE.value,
                known["database"],
                database.port,
                database.user,
                database.password_reference,
                database.schema,
            ),
        ),
        jobs=(
            inventory.KubernetesJob(Site.AWS.value, settings.kubernetes_context, settings.primary_namespace, CRONJOB),
        ),
        store=ground.store.operations,
        digest=digest(known["digests"]),
    )


def _named(settings: Settings, pair: Route53FailoverPair, known: dict[str, Any]) -> inventory.Name:
    """A name for operations: its two ends, and the text that tells one from the other."""
    end = f"https://{known['front'] or ''}{settings.application_path}"
    return inventory.Name(
        fqdn=pair.fqdn,
        stateful=pair.stateful,
        primary_url=f"https://{settings.primary_host}{settings.application_path}",
        secondary_url=end if pair.stateful else f"https://{known['page'] or ''}/",
        path=settings.application_path,
        primary_marker=settings.primary_marker,
        secondary_marker=settings.standby_marker if pair.stateful else known["marker"],
        ttl_seconds=pair.ttl_seconds,
        failover_seconds=pair.failover_seconds,
    )


def _estimate(settings: Settings, users: Users) -> dict[str, Any]:
    return aws_azure_estimate(
        machine_size=settings.machine_size,
        database_size=settings.database_size,
        managed_database=settings.managed_database,
        database_storage_gib=settings.database_storage_gib,
        database_gib=settings.database_gib,
        keep_days=settings.keep_days,
        backup_interval_seconds=float(settings.backup_interval_seconds),
        detect_seconds=float(INTERVAL_SECONDS * FAILURES),  # of the check of the primary's page
        latch_seconds=users.application.latch_seconds,
        failover_checks=AWS_CHECKS[settings.names],
        checks_of_azure=AZURE_CHECKS,
    )
