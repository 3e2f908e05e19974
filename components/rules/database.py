"""Refusals for a MySQL source and its replica (FACTS K10–K17, K19), and the arithmetic that they rest on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..guest import ownership
from ..guest.database.seeding import cloning_problems, replicating_problems
from . import addresses, twice_problems
from .hosts import Login, delivery_problems, gate_problems, generation_problems, machine_problems
from .intent import Intent, Part
from .my_cnf import settings_problems

PASSWORD_LIMIT = 32
"""SOURCE_PASSWORD holds at most 32 characters (MySQL manual, CHANGE REPLICATION SOURCE TO)."""

HEARTBEAT_PERIOD_SECONDS = 1.0
NET_TIMEOUT_SECONDS = 5
CONNECT_RETRY_SECONDS = 1
RETRY_COUNT = 0
"""0 = no limit. Upstream: 10 tries, 60 s apart, then the receiver stops for good."""

REPLICA_BIND_ADDRESS = "127.0.0.1"
SOURCE_SERVER_ID = 1
REPLICA_SERVER_ID = 2
TOLERATED_OUTAGE_HOURS = 36
DATA_VOLUME_FLOOR_GIB = 10
# The heartbeat's own share of the binary log: one transaction a second, about 340 bytes (measured on 9.7).
HEARTBEAT_LOG_MIB_PER_HOUR = 1.2


def resume_seconds(
    net_timeout_seconds: float = NET_TIMEOUT_SECONDS, connect_retry_seconds: float = CONNECT_RETRY_SECONDS
) -> float:
    """Worst time from the path's return to a running receiver: one attempt that hangs for the timeout, one retry."""
    return net_timeout_seconds + connect_retry_seconds


def retention_hours(tolerated_outage_hours: int) -> int:
    """How long the source keeps binary logs: twice the outage to be tolerated, at least 72 h (F 3.1)."""
    return max(72, 2 * tolerated_outage_hours)


def retry_seconds(retry_count: int, connect_retry_seconds: float) -> float:
    """Shortest outage after which a receiver with these settings gives up; infinite without a limit."""
    return float("inf") if retry_count == 0 else retry_count * connect_retry_seconds


@dataclass(frozen=True, kw_only=True)
class ExistingSource(Part):
    """A source that twinsite did not create."""

    server_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class MySqlReplicaPairIntent(Intent):
    """What a MySqlReplicaPair is meant to be."""

    region: str | None = None
    availability_zone: str | None = None
    vpc_range: str | None = None
    subnet_range: str | None = None
    source_address: str | None = None
    ami: str | None = None
    instance_type: str | None = None
    data_volume_gib: int | None = None
    source_generation: int = 1
    onprem_range: str | None = None
    replica_address: str | None = None
    onprem_connection: Login | None = None
    gateway_address: str | None = None
    source_gateway_address: str | None = None
    delivery: str = "ssh"
    gate: str = "wait"
    gate_timeout_seconds: int | None = None
    tolerated_outage_hours: int = TOLERATED_OUTAGE_HOURS
    binlog_retention_hours: int | None = None
    """None: twice tolerated_outage_hours, at least 72."""
    binlog_gib_per_day: float = 0.0
    source_server_id: int = SOURCE_SERVER_ID
    replica_server_id: int = REPLICA_SERVER_ID
    heartbeat_period_seconds: float = HEARTBEAT_PERIOD_SECONDS
    net_timeout_seconds: int = NET_TIMEOUT_SECONDS
    connect_retry_seconds: int = CONNECT_RETRY_SECONDS
    retry_count: int = RETRY_COUNT
    source_settings: dict[str, str] = field(default_factory=dict)
    replica_settings: dict[str, str] = field(default_factory=dict)
    replica_bind_address: str = REPLICA_BIND_ADDRESS
    client_ranges: tuple[str, ...] = ()
    password_generation: int = 1
    source_version: str | None = None
    replica_version: str | None = None
    existing_source: ExistingSource | None = None
    site_is_active: bool = True

    @property
    def kept_hours(self) -> int:
        """How long the source keeps its binary logs."""
        given = self.binlog_retention_hours
        return retention_hours(self.tolerated_outage_hours) if given is None else given

    @property
    def timers(self) -> dict[str, float]:
        """Replication's own times, in seconds, and its tries."""
        names = ("heartbeat_period_seconds", "net_timeout_seconds", "connect_retry_seconds", "retry_count")
        return {name: getattr(self, name) for name in names}

    def problems(self) -> list[str]:
        """Why there must be no such pair."""
        created = self.existing_source is None
        return [
            *_addresses(self, created),
            *_identities(self),
            *_timers(self),
            *_retention(self),
            *_versions(self, created),
            *(_volume(self) if created else ()),
            *_generation(self),
            *(machine_problems(self.ami, self.instance_type, self.region, self.availability_zone) if created else ()),
            *(_operator(self) if created else ()),
            *_settings(self, created),
            *gate_problems(self.gate_timeout_seconds),
            *generation_problems("password_generation", self.password_generation),
            *delivery_problems(self.delivery, self.gate, self.onprem_connection is not None),
        ]


def password_problems(args: Mapping[str, Any]) -> Iterator[str]:
    """Why these passwords of the arguments are none that MySQL takes. A secret is no part of an intent."""
    for name in ("replication_password", "clone_password"):
        value = args.get(name)
        if isinstance(value, str) and not 1 <= len(value) <= PASSWORD_LIMIT:
            yield (
                f"{name} has {len(value)} characters, and MySQL takes 1 to {PASSWORD_LIMIT} for a replication source: "
                "let one be generated by leaving it out"
            )


def _addresses(known: MySqlReplicaPairIntent, created: bool) -> list[str]:
    problems: list[str] = []
    ranges = {
        name: addresses.parse_range(name, text, problems)
        for name in ("vpc_range", "subnet_range", "onprem_range")
        if (text := getattr(known, name)) is not None
    }
    hosts = {
        name: addresses.parse_address(name, text, problems)
        for name in ("source_address", "replica_address", "gateway_address", "source_gateway_address")
        if (text := getattr(known, name)) is not None
    }
    vpc, subnet, onprem = (ranges.get(name) for name in ("vpc_range", "subnet_range", "onprem_range"))
    source = hosts.get("source_address")
    problems += addresses.vpc_problems(vpc, subnet if created else None)
    if vpc and onprem:
        problems += addresses.overlap_problems({"vpc_range": vpc, "onprem_range": onprem})
    if source and vpc and source not in vpc:
        problems.append(f"source_address {source} is outside vpc_range {vpc}: choose one inside it")
    elif source and subnet and created:
        problems += addresses.subnet_address_problems("source_address", source, subnet)
    for name in ("replica_address", "gateway_address"):
        host = hosts.get(name)
        if host and onprem:
            problems += addresses.host_address_problems(name, host, "onprem_range", onprem)
    for text in known.client_ranges:
        found = addresses.parse_range("client_ranges", text, problems)
        if found is not None:
            problems += addresses.open_range_problems("client_ranges", found, "MySQL")
    problems += twice_problems("client_ranges", known.client_ranges)
    return [*problems, *_twice(hosts)]


def _twice(hosts: Mapping[str, addresses.Address | None]) -> Iterator[str]:
    names = list(hosts)
    for at, name in enumerate(names):
        for other in names[at + 1 :]:
            if hosts[name] is None or hosts[name] != hosts[other]:
                continue
            if (name, other) == ("source_address", "replica_address"):
                yield f"source and replica are both {hosts[name]}, but a replica cannot be its own source: choose two"
            else:
                yield f"{name} and {other} are both {hosts[name]}: set each machine's own address"


def _identities(known: MySqlReplicaPairIntent) -> Iterator[str]:
    ids = {"source_server_id": known.source_server_id, "replica_server_id": known.replica_server_id}
    for name, value in ids.items():
        if not 1 <= value <= 2**32 - 1:
            yield f"{name} is {value}, and MySQL replicates with ids from 1 to 4294967295 only: set it to one of them"
    first, second = ids.values()
    if first == second:
        yield (
            f"source_server_id and replica_server_id are both {first}, and a replica ignores what carries its "
            f"own id (K14): set replica_server_id to {first % (2**32 - 1) + 1}"
        )


def _timers(known: MySqlReplicaPairIntent) -> Iterator[str]:
    heartbeat = known.heartbeat_period_seconds
    timeout = known.net_timeout_seconds
    retry = known.connect_retry_seconds
    count = known.retry_count
    outage = known.tolerated_outage_hours
    if timeout < 1:
        yield f"net_timeout_seconds is {timeout}: set it to 1 or more ({NET_TIMEOUT_SECONDS} by default)"
    elif not 0 < heartbeat < timeout / 2:
        yield (
            f"heartbeat_period_seconds {heartbeat:g} is not below half of net_timeout_seconds {timeout}, so a quiet "
            f"source would look dead and be reconnected for ever (K12): set heartbeat_period_seconds to {timeout / 4:g}"
        )
    if retry < 1:
        yield f"connect_retry_seconds is {retry}: set it to 1 or more ({CONNECT_RETRY_SECONDS} by default)"
    elif count < 0:
        yield f"retry_count is {count}: set it to 0, which means no limit"
    elif retry_seconds(count, retry) < outage * 3600:
        yield (
            f"retry_count {count} lets the receiver give up for good after {retry_seconds(count, retry):g} s, but "
            f"{outage} h of outage are to be tolerated (K10): set retry_count to 0, which means no limit"
        )


def _retention(known: MySqlReplicaPairIntent) -> Iterator[str]:
    outage = known.tolerated_outage_hours
    retention = known.binlog_retention_hours
    if outage < 1:
        yield f"tolerated_outage_hours is {outage}: set it to 1 or more; binary logs are kept twice as long"
    elif retention is not None and retention < 2 * outage:
        yield (
            f"binlog_retention_hours {retention} is less than twice tolerated_outage_hours {outage}, so after a long "
            f"outage the replica would need a new copy: set binlog_retention_hours to {2 * outage} or leave it out"
        )


def _operator(known: MySqlReplicaPairIntent) -> Iterator[str]:
    """The login of the replica's host gets an account of its name on the source, which reaches the replica, too."""
    user = known.onprem_connection.user if known.onprem_connection is not None else None
    if user is not None and ownership.is_system(user):
        yield (
            f"the replica's host is logged in to as {user} (onprem_database_ssh), and twinsite gives that login an "
            "account of its name with few rights, while MySQL's own account of that name has all: set it to a login of "
            "your own that has sudo, like ubuntu@HOST"
        )


def _versions(known: MySqlReplicaPairIntent, created: bool) -> list[str]:
    source, replica = known.source_version, known.replica_version
    if source is None or replica is None:
        return []
    problems = replicating_problems(source, replica)
    # What a new source holds, its binary logs hold, too; an existing one has to be copied.
    return problems or ([] if created else cloning_problems(source, replica))


def _generation(known: MySqlReplicaPairIntent) -> Iterator[str]:
    generation = known.source_generation
    if generation < 1:
        yield f"source_generation is {generation}: set it to 1, or to one more than it was to have the source rebuilt"


def _volume(known: MySqlReplicaPairIntent) -> Iterator[str]:
    size, hours = known.data_volume_gib, known.kept_hours
    if size is None:
        return
    logs = hours * HEARTBEAT_LOG_MIB_PER_HOUR / 1024 + hours / 24 * known.binlog_gib_per_day
    if size < DATA_VOLUME_FLOOR_GIB:
        yield (
            f"data_volume_gib {size} is too small for MySQL's own files and {logs:.1f} GiB of binary logs: "
            f"set it to {DATA_VOLUME_FLOOR_GIB} or more"
        )
    elif logs > size / 2:
        yield (
            f"{hours} h of binary logs come to {logs:.0f} GiB, more than half of data_volume_gib {size}, and a full "
            f"volume stops every write: set data_volume_gib to {int(2 * logs) + 1} or lower tolerated_outage_hours"
        )


def _settings(known: MySqlReplicaPairIntent, created: bool) -> Iterator[str]:
    yield from settings_problems("source_settings", known.source_settings)
    yield from settings_problems("replica_settings", known.replica_settings)
    if known.source_settings and not created:
        yield (
            "source_settings are given for a source that twinsite did not create, and never changes: remove them, and "
            "set them on the source yourself"
        )
    bind = known.replica_bind_address
    if bind not in ("*", REPLICA_BIND_ADDRESS, known.replica_address):
        yield (
            f"replica_bind_address is {bind!r}: set it to {REPLICA_BIND_ADDRESS} (nobody reads there before a "
            f"promotion), {known.replica_address} (the site's hosts), or * (every interface)"
        )
