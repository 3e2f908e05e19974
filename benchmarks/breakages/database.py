"""Breakages of a pair's two database hosts."""

from .table import Breakage, Mended

_REPAIR = "twinsite repair"

DATABASE = (
    # What the running server does.
    Breakage("sync-binlog-off", "source", ("sync_binlog is 0", _REPAIR)),
    Breakage("binlog-expiry-cut", "source", ("binlog_expire_logs_seconds is 600", _REPAIR)),
    Breakage("redo-flush-off", "source", ("innodb_flush_log_at_trx_commit is 2", _REPAIR)),
    Breakage("tls-optional", "source", ("require_secure_transport", _REPAIR)),
    Breakage("redo-log-off", "source", ("redo log is disabled", "ENABLE INNODB REDO_LOG"), Mended.PERSON),
    Breakage("source-read-only", "source", ("read_only is ON", "SET GLOBAL read_only = OFF"), Mended.PERSON),
    Breakage("scheduler-off", "source", ("event_scheduler is OFF", _REPAIR)),
    Breakage("heartbeat-event-off", "source", ("event twinsite.heartbeat is DISABLED", _REPAIR)),
    Breakage("heartbeat-event-slow", "source", ("event twinsite.heartbeat", "15 MINUTE", _REPAIR)),
    Breakage("replica-writable", "replica", ("is a replica, but writable", _REPAIR)),
    Breakage("replica-net-timeout", "replica", ("replica_net_timeout is 600", _REPAIR)),
    Breakage("channel-gives-up", "replica", ("SOURCE_RETRY_COUNT", _REPAIR)),
    Breakage("channel-unverified", "replica", ("SOURCE_SSL_VERIFY_SERVER_CERT", _REPAIR)),
    Breakage("delayed", "replica", ("holds everything back for 3600 s", "SOURCE_DELAY = 0"), Mended.PERSON),
    Breakage("applier-stopped", "replica", ("the applier does not run", _REPAIR)),
    # Histories.
    Breakage("errant-row", "replica", ("transactions that its source never had", _REPAIR), Mended.RESEED),
    Breakage("errant-flush", "replica", ("1 transactions that its source never had", _REPAIR), Mended.EMPTY),
    Breakage("table-without-crash-safety", "source", ("uses MyISAM", "ENGINE = InnoDB"), Mended.PERSON),
    # Who is let in, over which way.
    Breakage("account-revoked-and-locked", "source", ("twinsite_repl", "is locked", _REPAIR)),
    Breakage("account-password-changed", "source", ("Access denied", "password_generation"), Mended.PERSON),
    Breakage("clone-account-gone", "source", ("account twinsite_clone@", "is missing", _REPAIR)),
    Breakage("account-without-tls", "source", ("is let in without TLS", _REPAIR)),
    Breakage("port-closed", "source", ("cannot be reached", "firewalls"), Mended.PERSON, promises_nothing=False),
    Breakage("other-certificate-loaded", "source", ("shows another certificate", _REPAIR)),
    Breakage("certificate-file-replaced", "source", ("twinsite-cert.pem is not as twinsite wrote it", _REPAIR)),
    Breakage("key-of-somebody-else", "source", ("twinsite-key.pem does not belong to mysql", _REPAIR)),
    Breakage("authority-replaced", "replica", ("twinsite-ca.pem is not as twinsite wrote it", _REPAIR)),
    # Now, and the next boot.
    Breakage("mysql-stopped", "source", ("mysql.service does not run", _REPAIR), promises_nothing=False),
    Breakage("mysql-disabled", "source", ("mysql.service would not start at the next boot", _REPAIR)),
    Breakage("mysql-masked", "replica", ("mysql.service is masked", "systemctl unmask"), Mended.PERSON),
    Breakage("expiry-persisted", "source", ("binlog_expire_logs_seconds = 600 is persisted", _REPAIR)),
    Breakage(
        "closed-after-next-start", "source", ("super_read_only = ON is persisted", "RESET PERSIST"), Mended.PERSON
    ),
    Breakage("other-option-file", "source", ("from another option file", "sync_binlog = 0"), Mended.PERSON),
    Breakage("settings-file-changed", "replica", ("twinsite.cnf is not as twinsite wrote it", _REPAIR)),
    Breakage("restart-limit-back", "source", ("mysql.service.d/twinsite.conf is missing", _REPAIR)),
    Breakage("upgrades-unguarded", "replica", ("52twinsite-mysql is missing", _REPAIR)),
    # Room.
    Breakage("volume-full", "source", ("% full", "/var/lib/mysql", "grow its volume"), Mended.PERSON),
)
"""On the hosts of stack dev and of any pair."""

SAMPLE = (
    "account-revoked-and-locked",
    "binlog-expiry-cut",
    "errant-flush",
    "mysql-disabled",
    "other-certificate-loaded",
)
"""Five cheap ones, of five kinds, for a test of minutes."""
NEEDS_A_VOLUME = ("volume-full",)
"""Not on a machine whose data are on the disk of whoever lends it."""
