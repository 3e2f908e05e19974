"""What the components of aws-azure would refuse, asked before any of them exists.

Each refuses in its constructor, too; but a mistake in the last one would be told after ninety resources. Here: the
plain values that the rules read, taken from the settings.
"""

from collections.abc import Iterator
from typing import Any

from components.rules import backup, rds, standby, traffic
from components.storage import SecondAccount

from .aws_azure_settings import Settings

STANDBY_HOST = "azure-standby"


def refusals(settings: Settings) -> list[str]:
    """Every problem, with the component that has it."""
    return [f"{component}: {problem}" for component, problems in _asked(settings) for problem in problems]


def second_account(settings: Settings) -> SecondAccount | None:
    """Beside the page and one latch object, in another region than the standby."""
    account = settings.standby_backup_account
    return {"account": account, "location": settings.public_location} if account else None


def _asked(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    yield (
        "AzureNetwork",
        standby.network_problems(
            {
                "resource_group": settings.resource_group,
                "vnet_range": settings.vnet_range,
                "application_range": settings.application_range,
                "database_range": settings.database_range,
                "managed_database": settings.managed_database,
            }
        ),
    )
    yield (
        "BackupStore",
        backup.store_problems(
            {
                "account": settings.backup_account,
                "public_accounts": [settings.public_account, settings.latch_account],
                "writer": {
                    "issuer": settings.primary_oidc_issuer,
                    "namespace": settings.primary_namespace,
                    "service_account": "rds-backup",
                },
                "operators": list(settings.operators),
                "keep_days": settings.keep_days,
                "location": settings.location,
                "second": second_account(settings),
            }
        ),
    )
    yield (
        "SecretVault",
        backup.vault_problems({"vault": settings.vault, "generated": [], "given": {}, "readers": {"standby": ""}}),
    )
    yield (
        "StandbyDatabase",
        standby.database_problems(
            {
                "kind": settings.database_kind,
                "server": settings.database_server,
                "user": settings.database_user,
                "schema": settings.schema,
                "version": settings.database_version,
                "source_version": settings.primary_database_version,
                "settings": settings.database_settings,
                "storage_gib": settings.database_storage_gib,
                "subnet_range": settings.database_range,
                "image": settings.machine_image,
            }
        ),
    )
    yield (
        "ColdWarmVm",
        standby.machine_problems(
            {
                "host": STANDBY_HOST,
                "image": settings.machine_image,
                "application": {
                    "artefact": settings.application_artefact,
                    "sha256": settings.application_sha256,
                    "context": settings.application_context,
                    "health_path": settings.application_path,
                },
                "origin": {"host": settings.origin_host, "certificate_secret": "x", "header_secret": "x"},
                "which": settings.backup,
            }
        ),
    )
    yield (
        "BackupJob",
        backup.job_problems(
            {
                "namespace": settings.primary_namespace,
                "image": settings.backup_image,
                "schedule": settings.backup_schedule,
                "database": {"user": settings.primary_database_user, "schema": settings.schema},
            }
        ),
    )
    yield (
        "BackupJob",
        list(
            rds.authority_problems(
                "primary_database_ca",
                settings.primary_database_address,
                settings.primary_database_ca,
                " | pulumi config set primary_database_ca",
            )
        ),
    )
    yield from _traffic(settings)


def _traffic(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    yield (
        "Latch",
        traffic.latch_problems(
            {
                "stores": [
                    (settings.public_account, settings.public_location),
                    (settings.latch_account, settings.location),
                ],
                "zone_name": settings.domain,
            }
        ),
    )
    if not settings.one_name:
        yield (
            "FrontDoor",
            traffic.front_problems(
                {
                    "fqdn": settings.application_name,
                    "origin_host": settings.origin_host,
                    "origin_certificate_names": [settings.origin_host],
                }
            ),
        )
    ends: dict[str, Any] = {
        "primary": {
            "dns_name": settings.primary_alb_name,
            "zone_id": settings.primary_alb_zone_id,
            "has_ipv6": settings.primary_has_ipv6,
        },
        "secondary": {"ipv4": None} if settings.one_name else {"distribution_domain": None},
    }
    primary = {"host": settings.primary_host, "path": settings.application_path}
    page = {"path": settings.application_path, "text": settings.standby_marker}
    pairs: list[tuple[str, bool, dict[str, Any]]] = [(settings.application_name, True, {"secondary_check": page})]
    if settings.one_name:
        pairs[0][2]["primary_check"] = {**primary, "text": settings.primary_marker}
    else:
        pairs.insert(0, (settings.notice_name, False, {"primary_check": primary, "secondary_check": {}}))
    for fqdn, stateful, checks in pairs:
        yield (
            f"Route53FailoverPair {fqdn}",
            traffic.pair_problems({"fqdn": fqdn, "stateful": stateful, **ends, **checks}),
        )
    yield (
        "Observer",
        traffic.observer_problems(
            {
                "location": settings.location,
                "primary_url": f"https://{settings.primary_host}{settings.application_path}",
                "failover_names": [name for name in (settings.notice_name, settings.application_name) if name],
                "backup_max_age_hours": settings.backup_max_age_hours,
                "emails": list(settings.alarm_emails),
            }
        ),
    )
