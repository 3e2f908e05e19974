"""Which settings of a my.cnf are twinsite's own, and why. Pure; names as in my.cnf."""

import re
from collections.abc import Iterator, Mapping

_ROWS_LACK = "the replica would lack rows, and nothing would say so"
_LOST = "a crash would lose acknowledged rows"
_WRITABLE = "a writable replica gets transactions of its own (K13)"
_TLS = "both ends verify the certificate that twinsite makes (K15)"
_PLACE = "twinsite looks for MySQL where the distribution has it"
_HOSTS = "a flapping tunnel must not shut the replica out, nor wait for name service"
_SHUT = "nobody could connect"
_PLUGINS = "the clone plugin, which copies data to a new replica, is loaded by it"

GUARDED = {
    "server_id": "each end needs its own (K14); set source_server_id and replica_server_id instead",
    "port": "the tunnel's ends and their firewalls know 3306",
    "bind_address": "the source's security group says who gets there; for the replica set replica_bind_address instead",
    "gtid_mode": "positions must survive a change of source (K16)",
    "enforce_gtid_consistency": "gtid_mode needs it (K16)",
    "log_bin": "the replica reads the binary log, which must be on and keep its name",
    "log_bin_index": "the replica reads the binary log, which must be on and keep its name",
    "binlog_do_db": _ROWS_LACK,
    "binlog_ignore_db": _ROWS_LACK,
    "log_replica_updates": "the replica must be able to serve others after a switch",
    "binlog_format": "ROW is the default and the only safe format",
    "super_read_only": _WRITABLE,
    "read_only": _WRITABLE,
    "event_scheduler": "the heartbeat is an event, written on the source only (K11, K13)",
    "init_file": "what it writes on a replica would be transactions of its own (K13)",
    "require_secure_transport": "the path beyond the tunnel is clear text (K15)",
    "ssl_ca": _TLS,
    "ssl_cert": _TLS,
    "ssl_key": _TLS,
    "replica_net_timeout": "it must change together with the heartbeat (K12); set net_timeout_seconds instead",
    "replica_skip_errors": _ROWS_LACK,
    "replica_preserve_commit_order": "a replica that is promoted must have no gaps",
    "replica_start": "the replica must come back from a reboot by itself",
    "relay_log": "its name must not contain the host's, which may change",
    "relay_log_index": "its name must not contain the host's, which may change",
    "relay_log_recovery": "a crash of the replica would need a person",
    "sync_binlog": _LOST,
    "innodb_flush_log_at_trx_commit": _LOST,
    "innodb_doublewrite": "a crash could leave torn pages",
    "innodb_read_only": "neither end could apply anything",
    "binlog_expire_logs_seconds": "set tolerated_outage_hours or binlog_retention_hours instead",
    "binlog_expire_logs_auto_purge": "set binlog_retention_hours instead",
    "rpl_semi_sync_source_enabled": "it silently turns asynchronous after 10 s (K19), so nothing here may rely on it",
    "rpl_semi_sync_source_wait_for_replica_count": "semi-synchronous replication is not used here (K19)",
    "max_connect_errors": _HOSTS,
    "name_resolve": _HOSTS,
    "mysqlx": "it is a second listener that nothing here uses",
    "plugin_load": _PLUGINS,
    "plugin_load_add": _PLUGINS,
    "networking": _SHUT,
    "offline_mode": _SHUT,
    "grant_tables": "everybody could do everything",
    "datadir": _PLACE,
    "socket": _PLACE,
    "pid_file": _PLACE,
    "log_error": "twinsite quotes MySQL's own words from it",
    "user": "MySQL runs as the distribution has it",
}
"""Setting → why it is not the user's."""

TUNABLE = frozenset({"replica_parallel_workers", "sync_relay_log"})
"""Settings that twinsite's own files have and a user may replace."""

_PREFIXES = ("loose_", "enable_", "maximum_", "skip_", "disable_")
"""mysqld takes each option with these as well (tried on 9.7: skip-gtid-mode, enable_gtid_mode, loose_gtid_mode)."""


def own(name: str) -> str:
    """The setting that mysqld takes `name` for: without dashes, prefixes and the words of before 8.0.26."""
    found = name.replace("-", "_")
    while prefix := next((one for one in _PREFIXES if found.startswith(one)), ""):
        found = found.removeprefix(prefix)
    return re.sub(r"(?<![a-z])master(?![a-z])", "source", re.sub(r"(?<![a-z])slave(?![a-z])", "replica", found))


def settings_problems(where: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Why these must not be in a my.cnf; `where` is the argument that holds them."""
    for name, value in settings.items():
        what = own(str(name))
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", str(name)):
            yield (
                f"{where} has {name!r}, which mysqld does not know: use lower-case letters, digits and _, without a "
                "section or a value in the name"
            )
        elif what.startswith("replicate_"):
            yield f"{where} sets {name}, which twinsite owns ({_ROWS_LACK}): remove it from {where}"
        elif what in GUARDED:
            yield f"{where} sets {name}, which twinsite owns ({GUARDED[what]}): remove it from {where}"
        elif not isinstance(value, str) or "\n" in value or "\r" in value:
            yield f"{where} sets {name} to {value!r}, and a value of my.cnf is one line: write it as one line of text"
        elif re.search(r"#", re.sub(r"'[^']*'|\"[^\"]*\"", "", value)):
            yield (
                f"{where} sets {name} to {value!r}, of which mysqld reads only what stands before # (a comment): "
                f"write it in quotes, like '{value.replace(chr(39), '')}'"
            )
