"""What aws-gcp costs in each of its modes: its components' shares, put together. How long a recovery takes is unknown
where a backup is restored by hand, and where nothing replicates; what is lost, while neither brings the data."""

from dataclasses import replace

from twinsite.estimate import aws, cloudflare, gcp, gke, rates, writer
from twinsite.estimate.answer import Estimate, Mode
from twinsite.estimate.figures import SECONDS, Basis, Item, Kind, step, unknown
from twinsite.estimate.ground import CLOUD, Ground
from twinsite.estimate.path import Path, parallel, serial
from twinsite.estimate.prices import Prices, table
from twinsite.guest.writer.rule import Rule
from twinsite.modes import DrMode, StandbyData, keeps
from twinsite.rules.cloud_sql import CloudSqlStandbyIntent
from twinsite.rules.cloudflare import CloudflareFailoverIntent
from twinsite.rules.dms import NOT_PROMISED, DmsCdcTaskIntent
from twinsite.rules.gcs_backup import GcsBackupStoreIntent, PostgresBackupJobIntent
from twinsite.rules.gke import GkeStandbyIntent
from twinsite.rules.link_alarms import AwsLinkAlarmsIntent, GcpAlarmsIntent
from twinsite.rules.logical import LogicalReplicaIntent
from twinsite.rules.vpn import AwsGcpVpnIntent
from twinsite.rules.workload import WorkloadIntent
from twinsite.rules.writer import WriterRegistersIntent
from twinsite.schedule import longest_gap_seconds

from .args import Arguments, arguments, registers
from .settings import MODES, Settings, Site

NO_DATA = "nothing backs PostgreSQL up into the other cloud: in cold all data die with AWS"
BY_HAND = "a backup is restored by hand (page postgres-backup-job), and nobody has measured it"
LOOK_SECONDS = 20.0
"""A look of the job at a source that does not answer: two ways to it, each with its patience."""
PROMOTE_SECONDS = 10.0
"""It asks once more whether the source answers (4 s), and parts; the database's own part was 0.1 s by hand."""
LEASE_SECONDS = Rule().wait_seconds
NO_REPLICATION = "replication is by hand, or was taken away"


def estimate(settings: Settings, prices: Prices | None = None, ground: Ground = CLOUD) -> Estimate:
    """Of all modes. The primary site's cost is not in it, and nothing that a `ground` has measured."""
    known = prices or table()
    return Estimate(
        {mode.value: _mode(replace(settings, dr_mode=mode), known) for mode in MODES},
        cost_without=(
            "the primary site",
            "users' traffic, and what goes over the tunnels beside the rows",
            "backups and logs of the database at Google",
            "Cloudflare's plan, monitors more often than once a minute, queries",
            "the third register of who may write, and registers that somebody else made",
            "taxes",
        ),
        notes=(
            "no account has run this topology: every price of Google and Cloudflare is remembered",
            "the cluster's way out and what brings users in cost by use",
            *(f"not promised by flow dms: {words}" for words in NOT_PROMISED if settings.task is not None),
        ),
    )


def _mode(settings: Settings, prices: Prices) -> Mode:
    plain = arguments(settings, {})
    vpn, database = AwsGcpVpnIntent.of(plain.vpn), CloudSqlStandbyIntent.of(plain.database)
    cluster = GkeStandbyIntent.of(plain.cluster)
    costs = [
        *gcp.vpn(prices, vpn),
        *gcp.cloud_sql(prices, database),
        *gke.cluster(prices, cluster),
        gcp.address(prices, settings.location),
        cloudflare.failover(prices),
        *aws.link_alarms(prices, AwsLinkAlarmsIntent.of(plain.aws_alarms)),
        *gcp.alarms(prices, GcpAlarmsIntent.of(plain.gcp_alarms)),
        *_carried(plain, prices),
    ]
    if plain.replica is not None:
        costs += gcp.replica_traffic(prices, LogicalReplicaIntent.of(plain.replica), settings.region)
    if plain.writers is not None:
        costs += writer.registers(prices, WriterRegistersIntent.of(plain.writers.registers), cluster.exists)
    if plain.backups is not None:
        job = PostgresBackupJobIntent.of(plain.backups.job)
        store = GcsBackupStoreIntent.of(plain.backups.store)
        costs += gcp.backups(prices, store, job, settings.region, database.disk_gib)
    return Mode(costs, _path(plain, settings.dr_mode, bool(registers(settings))), _lost(plain))


def _carried(plain: Arguments, prices: Prices) -> list[Item]:
    """By a task of DMS, where one brings the rows."""
    known = DmsCdcTaskIntent.of(plain.task or {})
    return [*aws.migration(prices, known), *aws.logins(prices, known)]


def _lost(plain: Arguments) -> list[Item]:
    """Of what was written. A backup is of the moment at which it began, and counts once it has ended."""
    flow = LogicalReplicaIntent.of(plain.replica) if plain.replica is not None else None
    if plain.task is not None and flow is not None and flow.follows:
        return [aws.migration_loss(DmsCdcTaskIntent.of(plain.task))]
    if flow is not None and flow.follows:
        return [gcp.replica_loss(flow, GcpAlarmsIntent.of(plain.gcp_alarms))]
    if plain.backups is None:
        runs = CloudSqlStandbyIntent.of(plain.database).runs
        return [unknown("writes that had not come over", SECONDS, NO_REPLICATION if runs else NO_DATA)]
    known = PostgresBackupJobIntent.of(plain.backups.job)
    words = "at most: a run that takes longer is ended (active_deadline_seconds)"
    own = Item("a backup's own time", known.active_deadline_seconds, SECONDS, Basis.COMPUTED, words)
    return [rates.between_backups(longest_gap_seconds(known.schedule)), own]


def _path(plain: Arguments, mode: DrMode, registers: bool) -> Path:
    known = CloudflareFailoverIntent.of(plain.name)
    words = f"interval {known.interval} s, {known.retries} retries of {known.timeout_seconds} s each"
    noticed = step(
        "Cloudflare takes the primary's pool down", Kind.DETECTION, known.detection_seconds, Basis.COMPUTED, words
    )
    role = {"site": Site.GCP.value, "role": "reader", "ingress_host": ""}
    capacity = serial(gke.nodes(), gke.pods(WorkloadIntent.of({**plain.workload, **role})))
    if mode == DrMode.COLD:
        data = unknown("the data are brought", SECONDS, BY_HAND if plain.backups else NO_DATA, Kind.RESTORE)
        return serial(noticed, rates.decision(), rates.update(), gke.made(), data, capacity)
    if plain.replica is None or not LogicalReplicaIntent.of(plain.replica).follows:
        lost = unknown("the database at Google is promoted", SECONDS, NO_REPLICATION, Kind.PROMOTION)
        return serial(noticed, rates.decision(), parallel(lost, capacity))
    # A failover by DMS has these steps, too: the job opens the gate, and nobody asks a task whose site is gone.
    seen = step("Cloudflare takes Google's pool up", Kind.DNS, known.detection_seconds, Basis.COMPUTED, words)
    look = gke.job("the job looks at both databases", LOOK_SECONDS, Kind.DECISION)
    # As the failover's plan has it: in warm readers run, and more of them come after users.
    before: list[Path] = [] if keeps(mode, StandbyData.REPLICA).application else [capacity]
    before += [_lease()] if registers else []
    promoted = gke.job("the database at Google is promoted", PROMOTE_SECONDS, Kind.PROMOTION)
    ready = [parallel(*before)] if before else []
    return serial(noticed, rates.decision(), look, *ready, promoted, gke.writers(), seen)


def _lease() -> Item:
    """Of a site that says nothing (ADR 44)."""
    words = "a lease of 30 s, 10 s to close, 1 s for clocks; less where the old site says that it stopped"
    return step("the old site's lease ends", Kind.TRANSFER, LEASE_SECONDS, Basis.COMPUTED, words)
