"""Settings of topology aws-gcp: read, checked, all problems at once. Descriptions and defaults: settings.yaml."""

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import pulumi

from twinsite import GateMode
from twinsite.modes import DrMode, StandbyData, keeps
from twinsite.rules.home import Home, context_problem, home_problems
from twinsite.rules.hosts import region_problems
from twinsite.rules.vpn import INSIDE_RANGES, TUNNELS

from ..declared import declared
from ..home import see
from ..settings import Reader
from . import backups, replica, task, writers
from .backups import Backups
from .replica import Replica
from .task import Task
from .writers import Gates, Writers

NAME = "aws-gcp"
MODES = (DrMode.COLD, DrMode.PILOT_LIGHT, DrMode.WARM)
DATA = (StandbyData.REPLICA,)
PACKAGES = ("aws", "cloudflare", "gcp", "kubernetes", "random")
SECRETS = {
    "application_password": "`pulumi config set --secret application_password`, of the application's login at the "
    "standby's database",
    "standby_certificate": "`pulumi config set --secret standby_certificate < CHAIN.pem`, of a public authority for "
    "standby_host; without it Cloudflare's checks never find the standby healthy",
    "standby_certificate_key": "`pulumi config set --secret standby_certificate_key < KEY.pem`",
}
"""Key → what follows "not set"."""
REGISTERS = 3
"""Of which two decide (ADR 44)."""
REGISTER = re.compile(r"(s3|gs)://[^/]+/.+|azblob://[^/]+/[^/]+/.+")
HOT = ("hot", "active-active")
"""What the source document calls a mode in which both sites take writes."""


class Site(str, Enum):
    """The two sites."""

    AWS = "aws"
    GCP = "gcp"


SITES = tuple(site.value for site in Site)


class Accepting(str, Enum):
    """What to do about a thing that a rule would refuse."""

    REFUSE = "refuse"
    ACCEPT = "accept"


class Plan(str, Enum):
    """As CloudflarePlan, whose module a reader of settings need not load."""

    PRO = "pro"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True)
class Settings:
    """Settings of this topology."""

    dr_mode: DrMode
    standby_data: StandbyData
    active_site: Site
    gate: GateMode
    region: str
    project: str
    location: str
    """Google's region."""
    prefix: str
    vpc_id: str
    vpc_range: str
    route_table_ids: dict[str, str]
    nodes_range: str
    pods_range: str
    cluster_services_range: str
    zones: tuple[str, ...]
    operator_ranges: tuple[str, ...]
    machine_type: str
    warm_nodes: int
    serving_nodes: int
    application: str
    application_namespace: str
    application_repository: str
    application_digest: str
    application_port: int
    application_user: str
    serving_replicas: int
    warm_replicas: int
    service_range: str
    aws_asn: int
    gcp_asn: int
    inside_ranges: tuple[str, ...]
    psk_generations: tuple[int, ...]
    primary_database_address: str
    primary_database_version: str
    primary_database_settings: dict[str, str]
    database: str
    database_charset: str
    database_collation: str
    database_version: str
    database_generation: int
    database_tier: str
    database_availability: str
    database_disk_gib: int
    database_flags: dict[str, str]
    fqdn: str
    cloudflare_account_id: str
    cloudflare_zone_id: str
    cloudflare_plan: Plan
    check_regions: tuple[str, ...]
    check_timeout_seconds: int
    primary_alb_name: str
    primary_host: str
    standby_host: str
    notice_address: str
    notice_host: str
    notice_text: str
    writer_path: str
    writer_text: str
    application_path: str
    primary_marker: str
    standby_marker: str
    primary_cluster: str
    alarm_emails: tuple[str, ...]
    alarm_urls: tuple[str, ...]
    """Names; where each is, is secret."""
    replica: Replica | None
    """None: somebody else replicates."""
    task: Task | None
    """None: PostgreSQL brings the rows itself, or somebody else replicates."""
    system_machine_type: str
    cache_image: str
    cache_memory_mib: int
    cache_holds: tuple[str, ...]
    backups: Backups | None
    """None: nothing is backed up at Google."""
    writer_registers: tuple[str, ...]
    """Three that somebody made, or none."""
    writer_register_regions: tuple[str, ...]
    writers: Writers | None
    """None: this stack makes no registers and no agents."""
    writer_gates: Gates
    primary_role_config: str
    """Empty: the primary's pods are told nothing."""
    primary_namespace: str
    primary_cluster_context: str

    @property
    def standby_serves(self) -> bool:
        """Whether Google is the active site: what it holds is then the only copy."""
        return self.active_site == Site.GCP


def read(reader: Reader) -> Settings:
    """Settings from the stack's configuration; what is wrong is collected in the reader."""
    reader.declared = declared(NAME)
    _hot(reader)
    mode, data = reader.offered("dr_mode", DrMode, MODES, NAME), reader.offered("standby_data", StandbyData, DATA, NAME)
    active = reader.choice("active_site", Site)
    location = _provider(reader, "gcp", "region", "asia-northeast3")
    kept = backups.read(reader, reader.text("primary_database_version", required=False), location)
    abandoned = reader.text("replication") == replica.Replication.ABANDONED.value
    _cold(reader, mode, data, active, kept is not None, abandoned)
    region = _provider(reader, "aws", "region", "ap-northeast-2")
    reader.problems += region_problems(region) if region else ()
    accepted = reader.choice("home_in_aws", Accepting) == Accepting.ACCEPT
    home = see(pulumi.get_stack(), Path(pulumi.runtime.get_root_directory() or "."))
    # The one provider of a cluster is the standby's, which passes over one that is away by itself.
    reader.problems += home_problems(replace(home, skips_cluster=True), accepted)
    context = _context(reader, home)
    for key, why in SECRETS.items():
        reader.secret(key, why)
    fqdn, version = reader.text("fqdn"), reader.text("primary_database_version")
    address = reader.text("primary_database_address")
    flow, registers = replica.read(reader, address), _registers(reader)
    return Settings(
        dr_mode=mode,
        standby_data=data,
        active_site=active,
        gate=_gate(reader),
        region=region,
        project=_provider(reader, "gcp", "project", "PROJECT"),
        location=location,
        prefix=reader.text("prefix"),
        vpc_id=reader.text("vpc_id"),
        vpc_range=reader.text("vpc_range"),
        route_table_ids=reader.texts("route_table_ids"),
        nodes_range=reader.text("nodes_range"),
        pods_range=reader.text("pods_range"),
        cluster_services_range=reader.text("cluster_services_range"),
        zones=reader.strings("zones"),
        operator_ranges=reader.strings("operator_ranges"),
        machine_type=reader.text("machine_type"),
        warm_nodes=reader.integer("warm_nodes"),
        serving_nodes=reader.integer("serving_nodes"),
        application=reader.text("application"),
        application_namespace=reader.text("application_namespace"),
        application_repository=reader.text("application_repository"),
        application_digest=reader.text("application_digest"),
        application_port=reader.integer("application_port"),
        application_user=reader.text("application_user"),
        serving_replicas=reader.integer("serving_replicas"),
        warm_replicas=reader.integer("warm_replicas"),
        service_range=reader.text("service_range"),
        aws_asn=reader.integer("aws_asn"),
        gcp_asn=reader.integer("gcp_asn"),
        inside_ranges=reader.strings("inside_ranges") or INSIDE_RANGES,
        psk_generations=_generations(reader),
        primary_database_address=address,
        primary_database_version=version,
        primary_database_settings=reader.texts("primary_database_settings"),
        database=reader.text("database"),
        database_charset=reader.text("database_charset"),
        database_collation=reader.text("database_collation"),
        database_version=reader.text("database_version", required=False) or f"POSTGRES_{version.partition('.')[0]}",
        database_generation=reader.integer("database_generation"),
        database_tier=reader.text("database_tier"),
        database_availability=reader.text("database_availability"),
        database_disk_gib=reader.integer("database_disk_gib"),
        database_flags=reader.texts("database_flags"),
        fqdn=fqdn,
        cloudflare_account_id=reader.text("cloudflare_account_id"),
        cloudflare_zone_id=reader.text("cloudflare_zone_id"),
        cloudflare_plan=reader.choice("cloudflare_plan", Plan),
        check_regions=reader.strings("check_regions"),
        check_timeout_seconds=reader.integer("check_timeout_seconds"),
        primary_alb_name=reader.text("primary_alb_name"),
        primary_host=reader.text("primary_host"),
        standby_host=reader.text("standby_host", required=False) or fqdn,
        notice_address=reader.text("notice_address"),
        notice_host=reader.text("notice_host"),
        notice_text=reader.text("notice_text"),
        writer_path=reader.text("writer_path"),
        writer_text=reader.text("writer_text"),
        application_path=reader.text("application_path"),
        primary_marker=reader.text("primary_marker"),
        standby_marker=reader.text("standby_marker"),
        primary_cluster=reader.text("primary_cluster", required=False),
        alarm_emails=reader.strings("alarm_emails"),
        alarm_urls=_urls(reader),
        replica=flow,
        task=task.read(reader, flow),
        system_machine_type=reader.text("system_machine_type"),
        cache_image=_cache(reader),
        cache_memory_mib=reader.integer("cache_memory_mib"),
        cache_holds=reader.strings("cache_holds"),
        backups=kept,
        writer_registers=registers,
        writer_register_regions=_register_regions(reader, registers),
        writers=writers.read(reader, registers, flow),
        writer_gates=reader.choice("writer_gates", Gates),
        primary_role_config=reader.text("primary_role_config", required=False),
        primary_namespace=reader.text("primary_namespace"),
        primary_cluster_context=context,
    )


def _context(reader: Reader, home: Home) -> str:
    """Of the primary's cluster. Where this stack has something in it, the desk's current one will not do: step by step
    it becomes the standby's, in which things of the same names are."""
    key = "primary_cluster_context"
    within = [one for one in ("backup_bucket", "writer_bucket") if reader.text(one, required=False)]
    context = reader.text(key, required=False)
    if within and not context:
        reader.problems.append(
            f"{' and '.join(within)} puts something into the primary's cluster, and {key} is empty, which is whatever "
            f"cluster this desk's kubectl is at: `pulumi config set {key} CONTEXT` (`kubectl config get-contexts`)"
        )
    if within and (passed_over := context_problem(context, home.contexts, key)):
        reader.problems.append(passed_over)
    return context


def _hot(reader: Reader) -> None:
    wanted = reader.text("dr_mode", required=False)
    if wanted in HOT:
        reader.problems.append(
            f"dr_mode {wanted} would have both sites take writes, and replication goes one way: what is written at "
            "the standby is lost, or meets another row of the same key: `pulumi config set dr_mode warm`, in which "
            "the standby reads and one site writes"
        )


def _cold(reader: Reader, mode: DrMode, data: StandbyData, active: Site, backed_up: bool, abandoned: bool) -> None:
    accepted = reader.choice("cold_without_data", Accepting) == Accepting.ACCEPT
    if keeps(mode, data).database:
        return
    if active == Site.GCP:
        reader.problems.append(
            "dr_mode cold would delete the database at Google while active_site is gcp, that is, while it serves users "
            "and holds the only copy: bring users and data back to AWS first, then `pulumi config set active_site aws`"
        )
    elif abandoned and not accepted:
        reader.problems.append(
            "replication abandoned says that AWS is gone for good, and dr_mode cold would delete the database at "
            "Google, the one that is left: `pulumi config set dr_mode pilot-light`; if AWS is alive `pulumi config set "
            "replication taken-away`; or, knowing this, `pulumi config set cold_without_data accept`"
        )
    if not accepted and not backed_up:
        reader.problems.append(
            "dr_mode cold keeps no data outside AWS while backup_bucket is empty, so a dead AWS would take them all: "
            "`pulumi config set backup_bucket NAME` (page aws-gcp says what else), `pulumi config set dr_mode "
            "pilot-light`, or, knowing this, `pulumi config set cold_without_data accept`"
        )


def _urls(reader: Reader) -> tuple[str, ...]:
    found = reader.texts("alarm_urls")
    if found:
        reader.secret("alarm_urls", "")
    return tuple(found)


def _registers(reader: Reader) -> tuple[str, ...]:
    found = reader.strings("writer_registers")
    strange = [one for one in found if not REGISTER.fullmatch(one)]
    if found and (strange or len(set(found)) != REGISTERS):
        reader.problems.append(
            f"writer_registers are {', '.join(found)}: name {REGISTERS} places that fail apart, each s3://BUCKET/NAME, "
            "gs://BUCKET/NAME or azblob://ACCOUNT/CONTAINER/NAME: `pulumi config set --path 'writer_registers[0]' "
            "PLACE`"
        )
    return found


def _register_regions(reader: Reader, registers: tuple[str, ...]) -> tuple[str, ...]:
    found = reader.strings("writer_register_regions")
    strange = [
        place
        for place, region in zip(registers, found, strict=False)
        if region and (not place.startswith("s3://") or any(region_problems(region)))
    ]
    if found and (strange or len(found) != len(registers)):
        reader.problems.append(
            f"writer_register_regions are {', '.join(map(repr, found))} beside {len(registers)} writer_registers: give "
            "one for each in their order, '' where it is in aws:region or not at AWS: `pulumi config set --path "
            "'writer_register_regions[0]' ''`"
        )
    return found


def _cache(reader: Reader) -> str:
    image = reader.text("cache_image", required=False)
    if reader.strings("cache_holds") and not image:
        reader.problems.append(
            "cache_holds says what is in a cache, and there is none without an image: `pulumi config set cache_image "
            "IMAGE@sha256:…` with a Valkey, or `pulumi config rm cache_holds`"
        )
    return image


def _gate(reader: Reader) -> GateMode:
    gate = reader.choice("gate", GateMode)
    if gate == GateMode.WAIT:
        reader.problems.append(
            "gate wait cannot be kept: whether the tunnels' sessions are up, no desk outside both clouds can see: "
            "`pulumi config set gate handover`, and ask the clouds after the `up`"
        )
    return gate


def _generations(reader: Reader) -> tuple[int, ...]:
    names = [f"tunnel-{at}" for at in range(1, TUNNELS + 1)]
    said = reader.texts("psk_generations")
    if unknown := sorted(set(said) - set(names)):
        reader.problems.append(
            f"psk_generations has {', '.join(unknown)}, and the tunnels are {', '.join(names)}: "
            "`pulumi config set --path psk_generations.tunnel-1 2`"
        )
    for name in names:
        if not said.get(name, "1").isdecimal():
            reader.problems.append(
                f"psk_generations.{name} is {said[name]!r}, not a whole number: "
                f"`pulumi config set --path psk_generations.{name} 1`"
            )
    return tuple(int(said[name]) if said.get(name, "").isdecimal() else 1 for name in names)


def _provider(reader: Reader, provider: str, key: str, example: str) -> str:
    value = pulumi.Config(provider).get(key) or ""
    if not value:
        reader.lacks(f"{provider}:{key} is not set: `pulumi config set {provider}:{key} {example}`")
    return value
