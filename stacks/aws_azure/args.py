"""The plain arguments of aws-azure's components, each made once: asked of every rule, then given to its constructor.

`build` adds what other components give. Where a rule asks whether there will be such a thing, LATER stands for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twinsite.estimate.rates import restore_patience_seconds
from twinsite.machine.gate import GATE_SECONDS
from twinsite.rules.backup import BackupJobIntent, BackupStoreIntent, SecretVaultIntent
from twinsite.rules.intent import Intent
from twinsite.rules.pages import FrontDoorIntent, MaintenancePageIntent, StaticSiteIntent
from twinsite.rules.standby import (
    GATE_LIMIT_SECONDS,
    AzureNetworkIntent,
    ColdWarmVmIntent,
    StandbyDatabaseIntent,
)
from twinsite.rules.traffic import LatchIntent, Route53FailoverPairIntent
from twinsite.rules.watching import AlarmsIntent, ObserverIntent
from twinsite.storage.backup_store import SecondAccount
from twinsite.traffic.settling import DEADLINE_SECONDS

from ..asked import Intents
from .settings import Settings, Site

STANDBY_HOST = "azure-standby"
CRONJOB = "rds-backup"
ORIGIN_HEADER_SECRET = "origin-header"
CERTIFICATE_SECRET = "origin-certificate"
PASSWORD_SECRET = "database-password"
APPLICATION_SECRET = "application-password"

Args = Any
"""A dictionary, part of a component's arguments: no type says that others will follow."""
LATER = None


@dataclass(frozen=True)
class Arguments:
    """Of each component. None is what one name does without."""

    network: Args
    public_site: Args
    latch_site: Args
    latch: Args
    store: Args
    vault: Args
    database: Args
    machine: Args
    job: Args
    front: Args | None
    page: Args | None
    notice: Args | None
    application: Args
    alarms: Args
    observer: Args

    def intents(self) -> Intents:
        """What each component is meant to be."""
        return dict(self._intents())

    def _intents(self) -> Iterator[tuple[str, Intent]]:
        yield "AzureNetwork", AzureNetworkIntent.of(self.network)
        sites = (self.public_site, self.latch_site)
        for which, site in zip(("public", "latch"), sites, strict=True):
            yield f"StaticSite {which}", StaticSiteIntent.of(site)
        stores = [{"account": site["account_name"], "region": site["location"]} for site in sites]
        yield "Latch", LatchIntent.of({**self.latch, "stores": stores})
        yield "BackupStore", BackupStoreIntent.of(self.store)
        yield "SecretVault", SecretVaultIntent.of(self.vault)
        yield "StandbyDatabase", StandbyDatabaseIntent.of(self.database)
        yield "ColdWarmVm", ColdWarmVmIntent.of(self.machine)
        yield "BackupJob", BackupJobIntent.of(self.job)
        if self.front is not None:
            yield "FrontDoor", FrontDoorIntent.of(self.front)
        if self.page is not None:
            account = self.public_site["account_name"]
            yield "MaintenancePage", MaintenancePageIntent.of({**self.page, "account_name": account})
        pairs = [pair for pair in (self.notice, self.application) if pair is not None]
        for pair in pairs:
            yield f"Route53FailoverPair {pair['fqdn']}", Route53FailoverPairIntent.of(pair)
        names = [{"fqdn": pair["fqdn"], "latch": "one"} for pair in pairs]
        yield "Alarms", AlarmsIntent.of({**self.alarms, "names": names})
        yield "Observer", ObserverIntent.of(self.observer)


def arguments(settings: Settings, tags: dict[str, str]) -> Arguments:
    """Of every component, from settings; `tags` are on all of them."""
    front, page, notice, application = _users(settings, tags)
    active = {"site_is_active": settings.standby_serves, "tags": tags}
    here = {"location": settings.location}
    told = {"emails": list(settings.alarm_emails), "tags": tags}
    return Arguments(
        network={
            **here,
            "resource_group": settings.resource_group,
            "vnet_range": settings.vnet_range,
            "application_range": settings.application_range,
            "database_range": settings.database_range,
            "managed_database": settings.managed_database,
            "client_ranges": list(settings.standby_client_ranges),
            "database_client_ranges": list(settings.database_client_ranges),
            "tags": tags,
        },
        # The page and one latch object stand in another region and account than the backups; the other beside them.
        public_site=_site(settings, settings.public_account, settings.public_location, tags),
        latch_site=_site(settings, settings.latch_account, settings.location, tags),
        latch={
            "zone_id": settings.zone_id,
            "zone_name": settings.domain,
            "previous_records": settings.previous_records,
            "gate": settings.gate,
            "gate_timeout_seconds": settings.checks_gate_timeout_seconds or int(DEADLINE_SECONDS),
            "tags": tags,
        },
        store={
            **here,
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
            **active,
        },
        vault={
            **here,
            "vault": settings.vault,
            # Without a front nobody sends the header: the origin's own name then answers nobody.
            "generated": [PASSWORD_SECRET, APPLICATION_SECRET, *([ORIGIN_HEADER_SECRET] if front is None else [])],
            "given": {CERTIFICATE_SECRET: LATER, **({} if front is None else {ORIGIN_HEADER_SECRET: LATER})},
            "readers": {"standby": LATER},
            "generation": settings.password_generation,
            "operators": list(settings.operators),
            **active,
        },
        database=_database(settings) | here | active,
        machine=_machine(settings) | here | active,
        job={
            "namespace": settings.primary_namespace,
            "image": settings.backup_image,
            "schedule": settings.backup_schedule,
            "database": {
                "address": settings.primary_database_address,
                "user": settings.primary_database_user,
                "schema": settings.schema,
                "tls_ca": settings.primary_database_ca,
            },
            "site": Site.AWS.value,
            "job": CRONJOB,
            "max_age_hours": float(settings.backup_max_age_hours),
            "context": settings.kubernetes_context,
            "tags": tags,
        },
        front=front,
        page=page,
        notice=notice,
        application=application,
        alarms=told,
        observer={
            **here,
            **told,
            "primary_url": f"https://{settings.primary_host}{settings.application_path}",
            "failover_names": [pair["fqdn"] for pair in (notice, application) if pair is not None],
            "backup_max_age_hours": settings.backup_max_age_hours,
        },
    )


def joined(plain: Args, **handles: Any) -> Any:
    """Arguments, whole."""
    return {**plain, **handles}


def second_account(settings: Settings) -> SecondAccount | None:
    """Beside the page and one latch object, in another region than the standby."""
    account = settings.standby_backup_account
    return {"account": account, "location": settings.public_location} if account else None


def machine_gate_seconds(settings: Settings) -> int:
    """How long the standby machine may take, its restore included. Run Command ends earlier when this is more than
    GATE_LIMIT_SECONDS."""
    restore = restore_patience_seconds(settings.database_gib, settings.database_size, settings.managed_database)
    return ColdWarmVmIntent.gate_timeout_seconds + restore


def _site(settings: Settings, account: str, location: str, tags: dict[str, str]) -> Args:
    return {
        "account_name": account,
        "location": location,
        "operator_principal_ids": [one["principal_id"] for one in settings.operators],
        "tags": tags,
    }


def _database(settings: Settings) -> Args:
    return {
        "dr_mode": settings.dr_mode,
        "kind": settings.database_kind,
        "server": settings.database_server,
        "asked_from": STANDBY_HOST,
        "subnet_range": settings.database_range,
        "user": settings.database_user,
        "password_secret": PASSWORD_SECRET,
        "application_password_secret": APPLICATION_SECRET,
        "schema": settings.schema,
        "version": settings.database_version,
        "source_version": settings.primary_database_version,
        "settings": settings.database_settings,
        "size": settings.database_size,
        "storage_gib": settings.database_storage_gib,
        "image": settings.machine_image,
        "which": settings.backup,
        "gate_timeout_seconds": settings.database_gate_timeout_seconds or GATE_SECONDS,
    }


def _machine(settings: Settings) -> Args:
    own = min(machine_gate_seconds(settings), GATE_LIMIT_SECONDS)
    return {
        "dr_mode": settings.dr_mode,
        "host": STANDBY_HOST,
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
        "operators": list(settings.operators),
        "backups": {"schedule": settings.backup_schedule, "primary_site": Site.AWS.value},
        "gate_timeout_seconds": settings.machine_gate_timeout_seconds or own,
    }


def _users(settings: Settings, tags: dict[str, str]) -> tuple[Args | None, Args | None, Args | None, Args]:
    """Front, notice page, the notice's name (moves by health or latch) and the application's (by the latch only)."""
    common = {"zone_id": settings.zone_id, "tags": tags}
    ends = {
        **common,
        "primary": {
            "dns_name": settings.primary_alb_name,
            "zone_id": settings.primary_alb_zone_id,
            "has_ipv6": settings.primary_has_ipv6,
        },
    }
    own = {"host": settings.primary_host, "path": settings.application_path}
    standby = {"path": settings.application_path, "text": settings.standby_marker}
    if settings.one_name:
        check = {"host": settings.application_name, "address": LATER, **standby}
        application: Args = {
            **ends,
            "fqdn": settings.application_name,
            "stateful": True,
            "primary_check": {**own, "text": settings.primary_marker},  # for the alarm; it moves nobody
            "secondary": {"ipv4": LATER},
            "secondary_check": check,
        }
        return None, None, None, application
    front = {
        **common,
        "fqdn": settings.application_name,
        "origin_host": settings.origin_host,
        "origin_certificate_names": [settings.origin_host],
    }
    page = {
        **common,
        "fqdn": settings.notice_name,
        "backup_account_name": settings.backup_account,
        "standby_url": f"https://{settings.application_name}{settings.application_path}",
    }
    at_the_edge = {"secondary": {"distribution_domain": LATER}}
    notice = {
        **ends,
        **at_the_edge,
        "fqdn": settings.notice_name,
        "stateful": False,
        "primary_check": own,
        "secondary_check": {"path": "/healthz"},
    }
    application = {
        **ends,
        **at_the_edge,
        "fqdn": settings.application_name,
        "stateful": True,
        "secondary_check": standby,
    }
    return front, page, notice, application
