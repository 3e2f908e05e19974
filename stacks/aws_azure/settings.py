"""Settings of topology aws-azure: read, checked, all problems at once. Descriptions and defaults: settings.yaml."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pulumi

from twinsite import GateMode, Operator
from twinsite.database.standby_database import StandbyDatabaseKind
from twinsite.modes import DrMode, Keeps, StandbyData, keeps
from twinsite.rules.adoption import RecordSet
from twinsite.rules.backup import grants
from twinsite.rules.home import artefact_problems, context_problem, home_problems
from twinsite.rules.hosts import GATE_LIMITS_SECONDS, region_problems
from twinsite.rules.rds import authority_problems
from twinsite.rules.standby import GATE_LIMIT_SECONDS, version_for
from twinsite.schedule import longest_gap_seconds

from ..declared import declared
from ..home import see
from ..settings import Reader

NAME = "aws-azure"
MODES = (DrMode.COLD, DrMode.WARM)
DATA = (StandbyData.BACKUP,)
PACKAGES = ("aws", "azure-native", "kubernetes", "random", "tls")
GRACE_SECONDS = 2 * 3600
"""A backup may be this late before anybody is told."""
RUN_COMMAND_SECONDS = range(60, GATE_LIMIT_SECONDS + 1)
"""How long Azure's run-command may wait on a machine."""

NO_WAY = "; nothing joins AWS's network with Azure's, so that no replica, by a task of DMS either, could follow"


class Site(str, Enum):
    """The two sites."""

    AWS = "aws"
    AZURE = "azure"


SITES = tuple(site.value for site in Site)


class Names(str, Enum):
    """How many names users know."""

    TWO = "two"
    """www.DOMAIN with a notice page as its secondary, dr.DOMAIN with the application behind CloudFront."""

    ONE = "one"
    """www.DOMAIN with the application at both ends: the load balancer, and the machine's plain address."""


class Accepting(str, Enum):
    """What to do about a thing that a rule would refuse."""

    REFUSE = "refuse"
    ACCEPT = "accept"


@dataclass(frozen=True)
class Settings:
    """Settings of this topology."""

    dr_mode: DrMode
    standby_data: StandbyData
    active_site: Site
    gate: GateMode
    domain: str
    names: Names
    notice_name: str
    """Empty with one name."""
    application_name: str
    zone_id: str
    primary_alb_name: str
    primary_alb_zone_id: str
    primary_has_ipv6: bool
    primary_host: str
    primary_database_address: str
    primary_database_user: str
    primary_database_version: str
    primary_database_ca: str
    primary_oidc_issuer: str
    primary_namespace: str
    primary_marker: str
    kubernetes_context: str
    subscription: str
    location: str
    public_location: str
    resource_group: str
    vnet_range: str
    application_range: str
    database_range: str
    backup_account: str
    standby_backup_account: str
    """Empty: the standby's own backups rest in backup_account."""
    public_account: str
    latch_account: str
    vault: str
    origin_host: str
    schema: str
    database_kind: StandbyDatabaseKind
    database_server: str
    database_user: str
    database_version: str
    database_settings: dict[str, str]
    database_size: str
    database_storage_gib: int
    database_gib: int
    machine_size: str
    machine_image: str
    application_artefact: str
    application_sha256: str
    application_context: str
    application_path: str
    standby_marker: str
    backup: str
    backup_image: str
    backup_schedule: str
    backup_interval_seconds: int
    keep_days: int
    operators: tuple[Operator, ...]
    alarm_emails: tuple[str, ...]
    previous_records: Mapping[str, Sequence[RecordSet]]
    standby_client_ranges: tuple[str, ...]
    database_client_ranges: tuple[str, ...]
    password_generation: int
    checks_gate_timeout_seconds: int | None
    database_gate_timeout_seconds: int | None
    machine_gate_timeout_seconds: int | None
    """None: the component's own."""

    @property
    def standby_serves(self) -> bool:
        """Whether the Azure site is the active one: what it holds is then the only copy."""
        return self.active_site == Site.AZURE

    @property
    def one_name(self) -> bool:
        """Whether users know one name only."""
        return self.names == Names.ONE

    @property
    def managed_database(self) -> bool:
        return self.database_kind == StandbyDatabaseKind.FLEXIBLE

    @property
    def backup_max_age_hours(self) -> int:
        """Older than this is an alarm: the schedule's longest gap, and some grace."""
        return math.ceil((self.backup_interval_seconds + GRACE_SECONDS) / 3600)


def read(reader: Reader) -> Settings:
    """Settings from the stack's configuration; what is wrong is collected in the reader."""
    reader.declared = declared(NAME)
    domain = reader.text("domain")
    mode = reader.offered("dr_mode", DrMode, MODES, NAME)
    data = reader.offered("standby_data", StandbyData, DATA, NAME, NO_WAY)
    active = _active(reader, keeps(mode, data))
    if region := pulumi.Config("aws").get("region"):
        # CloudFront's certificates and Route 53's metrics are in us-east-1, which no other partition has.
        reader.problems += region_problems(region, ("aws",))
    schedule = reader.text("backup_schedule")
    names = reader.choice("names", Names)
    both = " and for www.DOMAIN, which the machine serves itself" if names == Names.ONE else ""
    reader.secret(
        "origin_certificate",
        "`cat CHAIN.pem KEY.pem | pulumi config set --secret origin_certificate`, a certificate of a public authority "
        f"for origin_host{both}; without it {'browsers refuse the page' if both else 'CloudFront answers 502'}",
    )
    reader.secret(
        "primary_database_password",
        "`pulumi config set --secret primary_database_password`, of a user made by "
        f"{'; '.join(grants(*(reader.text(key, required=False) for key in ('schema', 'primary_database_user'))))}",
    )
    address = reader.text("primary_database_address")
    authority = reader.text("primary_database_ca", required=False)
    pipe = " | pulumi config set primary_database_ca"
    reader.problems += authority_problems("primary_database_ca", address, authority, pipe)
    primary_version = reader.text("primary_database_version")
    artefact = reader.text("application_artefact")
    reader.problems += artefact_problems(artefact)
    accepted = reader.choice("home_in_aws", Accepting) == Accepting.ACCEPT
    home = see(pulumi.get_stack(), Path(pulumi.runtime.get_root_directory() or "."))
    reader.problems += home_problems(home, accepted)
    if passed_over := context_problem(home.context, home.contexts):
        # Raised, it may be a disaster, and another desk than the usual one: nothing may stand in its way.
        if not keeps(mode, data).application:
            reader.problems.append(passed_over)
        else:
            pulumi.log.warn(passed_over)
    return Settings(
        dr_mode=mode,
        standby_data=data,
        active_site=active,
        gate=reader.choice("gate", GateMode),
        domain=domain,
        names=names,
        notice_name="" if names == Names.ONE else f"www.{domain}",
        application_name=f"www.{domain}" if names == Names.ONE else f"dr.{domain}",
        zone_id=reader.text("zone_id"),
        primary_alb_name=reader.text("primary_alb_name"),
        primary_alb_zone_id=reader.text("primary_alb_zone_id"),
        primary_has_ipv6=reader.boolean("primary_has_ipv6"),
        primary_host=reader.text("primary_host"),
        primary_database_address=address,
        primary_database_user=reader.text("primary_database_user"),
        primary_database_version=primary_version,
        primary_database_ca=authority,
        primary_oidc_issuer=reader.text("primary_oidc_issuer"),
        primary_namespace=reader.text("primary_namespace"),
        primary_marker=reader.text("primary_marker"),
        kubernetes_context=pulumi.Config("kubernetes").get("context") or "",
        subscription=_provider(reader, "azure-native", "subscriptionId", "00000000-0000-0000-0000-000000000000"),
        location=_provider(reader, "azure-native", "location", "koreacentral"),
        public_location=reader.text("public_location"),
        resource_group=reader.text("resource_group"),
        vnet_range=reader.text("vnet_range"),
        application_range=reader.text("application_range"),
        database_range=reader.text("database_range"),
        backup_account=reader.text("backup_account"),
        standby_backup_account=reader.text("standby_backup_account", required=False),
        public_account=reader.text("public_account"),
        latch_account=reader.text("latch_account"),
        vault=reader.text("vault"),
        origin_host=reader.text("origin_host", required=False) or f"origin-dr.{domain}",
        schema=reader.text("schema"),
        database_kind=reader.choice("database_kind", StandbyDatabaseKind),
        database_server=reader.text("database_server"),
        database_user=reader.text("database_user"),
        database_version=reader.text("database_version", required=False) or version_for(primary_version),
        database_settings=reader.texts("database_settings"),
        database_size=reader.text("database_size"),
        database_storage_gib=reader.integer("database_storage_gib"),
        database_gib=reader.integer("database_gib"),
        machine_size=reader.text("machine_size"),
        machine_image=reader.text("machine_image"),
        application_artefact=artefact,
        application_sha256=reader.text("application_sha256"),
        application_context=reader.text("application_context"),
        application_path=reader.text("application_path"),
        standby_marker=reader.text("standby_marker"),
        backup=reader.text("backup"),
        backup_image=reader.text("backup_image"),
        backup_schedule=schedule,
        backup_interval_seconds=_interval(reader, schedule),
        keep_days=reader.integer("keep_days"),
        operators=_operators(reader),
        alarm_emails=reader.strings("alarm_emails"),
        previous_records=_previous(reader),
        standby_client_ranges=reader.strings("standby_client_ranges"),
        database_client_ranges=reader.strings("database_client_ranges"),
        password_generation=reader.integer("password_generation"),
        checks_gate_timeout_seconds=reader.seconds("checks_gate_timeout_seconds", GATE_LIMITS_SECONDS),
        database_gate_timeout_seconds=reader.seconds("database_gate_timeout_seconds", RUN_COMMAND_SECONDS),
        machine_gate_timeout_seconds=reader.seconds("machine_gate_timeout_seconds", RUN_COMMAND_SECONDS),
    )


def _active(reader: Reader, keeps: Keeps) -> Site:
    active = reader.choice("active_site", Site)
    if active == Site.AZURE and not keeps.database:
        reader.problems.append(
            "dr_mode cold would delete the standby database and machine while active_site is azure, that is, while "
            "they serve users and hold the only copy: `twinsite failback --to aws` first, then "
            "`pulumi config set active_site aws`"
        )
    return active


def _provider(reader: Reader, provider: str, key: str, example: str) -> str:
    value = pulumi.Config(provider).get(key) or ""
    if not value:
        reader.lacks(f"{provider}:{key} is not set: `pulumi config set {provider}:{key} {example}`")
    return value


def _interval(reader: Reader, schedule: str) -> int:
    try:
        return longest_gap_seconds(schedule)
    except ValueError as problem:
        if schedule:
            reader.problems.append(f"backup_schedule {problem}: `pulumi config set backup_schedule '17 18 * * *'`")
        return 86400


def _operators(reader: Reader) -> tuple[Operator, ...]:
    found: list[Operator] = []
    for one in reader.strings("operators"):
        match = re.fullmatch(r"(User|Group|ServicePrincipal):([0-9a-fA-F-]{36})", one)
        if match is None:
            reader.problems.append(
                f"operators has {one!r}, not TYPE:OBJECT_ID with a type of User, Group, ServicePrincipal: "
                "`pulumi config set --path 'operators[0]' User:$(az ad signed-in-user show --query id -o tsv)`"
            )
        else:
            found.append({"principal_type": match[1], "principal_id": match[2]})
    if not found:
        reader.lacks(
            "operators is empty: then nobody could set the latch or read a backup at three in the morning: "
            "`pulumi config set --path 'operators[0]' Group:OBJECT_ID`"
        )
    return tuple(found)


def _previous(reader: Reader) -> Mapping[str, Sequence[RecordSet]]:
    text = reader.text("previous_records", required=False)
    try:
        found = json.loads(text or "{}")
        if isinstance(found, dict) and all(
            isinstance(sets, list) and all({"Name", "Type"} <= set(one) for one in sets) for sets in found.values()
        ):
            return found
    except (ValueError, TypeError):
        pass
    reader.problems.append(
        "previous_records is not what `twinsite adopt-name` writes (names, each with its record sets): take it "
        "from the stack file's history, or from the journal that adopt-name named"
    )
    return {}
