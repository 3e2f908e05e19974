"""The plain arguments of aws-gcp's components, each made once: asked of every rule, then given to its constructor.

`build` adds what other components give; LATER stands for it where a rule asks whether there will be such a thing.
"""

from dataclasses import dataclass
from typing import Any

from twinsite.rules.cloud_sql import CloudSqlStandbyIntent
from twinsite.rules.cloudflare import CloudflareFailoverIntent
from twinsite.rules.vpn import AwsGcpVpnIntent

from ..asked import Intents
from .settings import Settings, Site

POSTGRES_PORT = 5432

Args = dict[str, Any]


@dataclass(frozen=True)
class Arguments:
    """Of each component."""

    vpn: Args
    database: Args
    name: Args

    def intents(self) -> Intents:
        """What each component is meant to be."""
        return {
            "AwsGcpVpn": AwsGcpVpnIntent.of(self.vpn),
            "CloudSqlStandby": CloudSqlStandbyIntent.of(self.database),
            "CloudflareFailover": CloudflareFailoverIntent.of(self.name),
        }


def arguments(settings: Settings, tags: dict[str, str]) -> Arguments:
    """Of every component, from settings; `tags` are on all of them, at Google as labels."""
    return Arguments(
        vpn={
            "dr_mode": settings.dr_mode,
            "prefix": settings.prefix,
            "aws_region": settings.region,
            "vpc_id": settings.vpc_id,
            "vpc_range": settings.vpc_range,
            "route_table_ids": settings.route_table_ids,
            "gcp_region": settings.location,
            "gcp_ranges": [settings.standby_range],
            "service_range": settings.service_range,
            "aws_asn": settings.aws_asn,
            "gcp_asn": settings.gcp_asn,
            "inside_ranges": list(settings.inside_ranges),
            "psk_generations": list(settings.psk_generations),
            "aws_tcp_ports": [POSTGRES_PORT],
            "tags": tags,
            "labels": tags,
        },
        database={
            "dr_mode": settings.dr_mode,
            "instance": settings.prefix,
            "generation": settings.database_generation,
            "region": settings.location,
            "database_version": settings.database_version,
            "source_version": settings.primary_database_version,
            "source_settings": settings.primary_database_settings,
            "flags": settings.database_flags,
            "tier": settings.database_tier,
            "availability_type": settings.database_availability,
            "disk_gib": settings.database_disk_gib,
            "database": settings.database,
            "charset": settings.database_charset,
            "collation": settings.database_collation,
            "site_is_active": settings.standby_serves,
            "labels": tags,
        },
        name={
            "fqdn": settings.fqdn,
            "account_id": settings.cloudflare_account_id,
            "zone_id": settings.cloudflare_zone_id,
            "plan": settings.cloudflare_plan.value,
            "primary": _end(Site.AWS.value, settings.primary_alb_name, settings.primary_host),
            "standby": _end(Site.GCP.value, None, settings.standby_host),
            "notice": _end("notice", settings.notice_address, settings.notice_host),
            "writer_path": settings.writer_path,
            "writer_text": settings.writer_text,
            "notice_text": settings.notice_text,
            "check_regions": list(settings.check_regions),
            "timeout_seconds": settings.check_timeout_seconds,
            "pages": {
                "path": settings.application_path,
                "primary_marker": settings.primary_marker,
                "standby_marker": settings.standby_marker,
            },
        },
    )


def _end(site: str, address: str | None, host: str) -> Args:
    """`address` is None where Google chooses it."""
    return {"site": site, "address": address, "host": host}


def joined(plain: Args, **handles: Any) -> Any:
    """Arguments, whole."""
    return {**plain, **handles}
