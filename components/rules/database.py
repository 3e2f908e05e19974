"""Refusals for a MySQL source and its replica (FACTS K10–K17, K19), and the arithmetic that they rest on."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..guest import ownership
from ..guest.database.seeding import cloning_problems, replicating_problems
from . import addresses
from .hosts import delivery_problems, machine_problems

PASSWORD_LIMIT = 32
"""SOURCE_PASSWORD holds at most 32 characters (MySQL manual, CHANGE REPLICATION SOURCE TO)."""

HEARTBEAT_PERIOD_SECONDS = 1.0
NET_TIMEOUT_SECONDS = 5
CONNECT_RETRY_SECONDS = 1
RETRY_COUNT = 0
"""0 = no limit. Upstream: 10 tries, 60 s apart, then the receiver stops for good."""

SOURCE_SERVER_ID = 1
REPLICA_SERVER_ID = 2
TOLERATED_OUTAGE_HOURS = 36
DATA_VOLUME_FLOOR_GIB = 10
# The heartbeat's own share of the binary log: one transaction a second, about 340 bytes (measured on 9.7).
HEARTBEAT_LOG_MIB_PER_HOUR = 1.2

# What an override would break, with the rule and the right place. Names as in my.cnf.
_GUARDED = {
    "server_id": "set source_server_id and replica_server_id instead",
    "port": "set port instead",
    "bind_address": "leave it to the component, or set replica_bind_address",
    "gtid_mode": "positions must survive a change of source (K16)",
    "enforce_gtid_consistency": "gtid_mode needs it",
    "skip_log_bin": "a source without binary log has no replica",
    "disable_log_bin": "a source without binary log has no replica",
    "log_bin": "the binary log is where the replica reads; its name must not change",
    "log_replica_updates": "the replica must be able to serve others after a switch",
    "binlog_format": "ROW is the default and the only safe format",
    "super_read_only": "a writable replica gets transactions of its own (K13)",
    "read_only": "a writable replica gets transactions of its own (K13)",
    "event_scheduler": "the heartbeat is an event, written on the source only (K11, K13)",
    "require_secure_transport": "the path beyond the tunnel is clear text (K15)",
    "replica_net_timeout": "it must change together with the heartbeat (K12); set net_timeout_seconds instead",
    "relay_log_recovery": "a crash of the replica would need a person",
    "sync_binlog": "a crash of the source would lose acknowledged rows for the replica",
    "innodb_flush_log_at_trx_commit": "a crash would lose acknowledged rows",
    "binlog_expire_logs_seconds": "set tolerated_outage_hours or binlog_retention_hours instead",
    "binlog_expire_logs_auto_purge": "set binlog_retention_hours instead",
    "rpl_semi_sync_source_enabled": "it silently turns asynchronous after 10 s (K19), so nothing here may rely on it",
    "rpl_semi_sync_source_wait_for_replica_count": "semi-synchronous replication is not used here (K19)",
}


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


def database_problems(args: Mapping[str, Any]) -> list[str]:
    """Every reason to refuse these arguments of MySqlReplicaPair. What is no plain value (an Output) is skipped."""
    created = args.get("existing_source") is None
    return [
        *_addresses(args, created),
        *_identities(args),
        *_timers(args),
        *_retention(args),
        *_secrets(args),
        *_versions(args, created),
        *(_volume(args) if created else ()),
        *_generation(args),
        *(machine_problems(args) if created else ()),
        *(_operator(args) if created else ()),
        *_settings(args),
        *delivery_problems(args),
    ]


def _addresses(args: Mapping[str, Any], created: bool) -> list[str]:
    problems: list[str] = []
    ranges = {
        name: addresses.parse_range(name, args[name], problems)
        for name in ("vpc_range", "subnet_range", "onprem_range")
        if isinstance(args.get(name), str)
    }
    hosts = {
        name: addresses.parse_address(name, args[name], problems)
        for name in ("source_address", "replica_address", "gateway_address", "source_gateway_address")
        if isinstance(args.get(name), str)
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
    for text in args.get("client_ranges", []):
        found = addresses.parse_range("client_ranges", text, problems)
        if found is not None:
            problems += addresses.open_range_problems("client_ranges", found, "MySQL")
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


def _identities(args: Mapping[str, Any]) -> Iterator[str]:
    ids = {
        "source_server_id": args.get("source_server_id", SOURCE_SERVER_ID),
        "replica_server_id": args.get("replica_server_id", REPLICA_SERVER_ID),
    }
    for name, value in ids.items():
        if isinstance(value, int) and not 1 <= value <= 2**32 - 1:
            yield f"{name} is {value}, and MySQL replicates with ids from 1 to 4294967295 only: set it to one of them"
    first, second = ids.values()
    if isinstance(first, int) and first == second:
        yield (
            f"source_server_id and replica_server_id are both {first}, and a replica ignores what carries its "
            f"own id (K14): set replica_server_id to {first % (2**32 - 1) + 1}"
        )


def _timers(args: Mapping[str, Any]) -> Iterator[str]:
    heartbeat = args.get("heartbeat_period_seconds", HEARTBEAT_PERIOD_SECONDS)
    timeout = args.get("net_timeout_seconds", NET_TIMEOUT_SECONDS)
    retry = args.get("connect_retry_seconds", CONNECT_RETRY_SECONDS)
    count = args.get("retry_count", RETRY_COUNT)
    outage = args.get("tolerated_outage_hours", TOLERATED_OUTAGE_HOURS)
    if isinstance(timeout, int) and timeout < 1:
        yield f"net_timeout_seconds is {timeout}: set it to 1 or more ({NET_TIMEOUT_SECONDS} by default)"
    elif isinstance(heartbeat, (int, float)) and isinstance(timeout, int) and not 0 < heartbeat < timeout / 2:
        yield (
            f"heartbeat_period_seconds {heartbeat:g} is not below half of net_timeout_seconds {timeout}, so a quiet "
            f"source would look dead and be reconnected for ever (K12): set heartbeat_period_seconds to {timeout / 4:g}"
        )
    if isinstance(retry, int) and retry < 1:
        yield f"connect_retry_seconds is {retry}: set it to 1 or more ({CONNECT_RETRY_SECONDS} by default)"
    elif isinstance(count, int) and isinstance(retry, int) and isinstance(outage, int):
        if count < 0:
            yield f"retry_count is {count}: set it to 0, which means no limit"
        elif retry_seconds(count, retry) < outage * 3600:
            yield (
                f"retry_count {count} lets the receiver give up for good after {retry_seconds(count, retry):g} s, but "
                f"{outage} h of outage are to be tolerated (K10): set retry_count to 0, which means no limit"
            )


def _retention(args: Mapping[str, Any]) -> Iterator[str]:
    outage = args.get("tolerated_outage_hours", TOLERATED_OUTAGE_HOURS)
    retention = args.get("binlog_retention_hours")
    if not isinstance(outage, int):
        return
    if outage < 1:
        yield f"tolerated_outage_hours is {outage}: set it to 1 or more; binary logs are kept twice as long"
    elif isinstance(retention, int) and retention < 2 * outage:
        yield (
            f"binlog_retention_hours {retention} is less than twice tolerated_outage_hours {outage}, so after a long "
            f"outage the replica would need a new copy: set binlog_retention_hours to {2 * outage} or leave it out"
        )


def _secrets(args: Mapping[str, Any]) -> Iterator[str]:
    for name in ("replication_password", "clone_password"):
        value = args.get(name)
        if isinstance(value, str) and not 1 <= len(value) <= PASSWORD_LIMIT:
            yield (
                f"{name} has {len(value)} characters, and MySQL takes 1 to {PASSWORD_LIMIT} for a replication source: "
                "let one be generated by leaving it out"
            )


def _operator(args: Mapping[str, Any]) -> Iterator[str]:
    """The login of the replica's host gets an account of its name on the source, which reaches the replica, too."""
    user = (args.get("onprem_connection") or {}).get("user")
    if isinstance(user, str) and ownership.is_system(user):
        yield (
            f"the replica's host is logged in to as {user} (onprem_database_ssh), and twinsite gives that login an "
            "account of its name with few rights, while MySQL's own account of that name has all: set it to a login of "
            "your own that has sudo, like ubuntu@HOST"
        )


def _versions(args: Mapping[str, Any], created: bool) -> list[str]:
    source, replica = args.get("source_version"), args.get("replica_version")
    if not isinstance(source, str) or not isinstance(replica, str):
        return []
    problems = replicating_problems(source, replica)
    # What a new source holds, its binary logs hold, too; an existing one has to be copied.
    return problems or ([] if created else cloning_problems(source, replica))


def _generation(args: Mapping[str, Any]) -> Iterator[str]:
    generation = args.get("source_generation", 1)
    if isinstance(generation, int) and generation < 1:
        yield f"source_generation is {generation}: set it to 1, or to one more than it was to have the source rebuilt"


def _volume(args: Mapping[str, Any]) -> Iterator[str]:
    size = args.get("data_volume_gib")
    outage = args.get("tolerated_outage_hours", TOLERATED_OUTAGE_HOURS)
    hours = args.get("binlog_retention_hours", retention_hours(outage) if isinstance(outage, int) else 72)
    daily = args.get("binlog_gib_per_day", 0)
    if not isinstance(size, int) or not isinstance(hours, int) or not isinstance(daily, (int, float)):
        return
    logs = hours * HEARTBEAT_LOG_MIB_PER_HOUR / 1024 + hours / 24 * daily
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


def _settings(args: Mapping[str, Any]) -> Iterator[str]:
    for where in ("source_settings", "replica_settings"):
        settings = args.get(where)
        if not isinstance(settings, Mapping):
            continue
        for name in settings:
            reason = _GUARDED.get(str(name).replace("-", "_").removeprefix("loose_"))
            if reason:
                yield f"{where} sets {name}, which twinsite owns ({reason}): remove it from {where}"
