"""Two machines with MySQL for backups: a source, and a target that is as strict as a managed one. SQL over TLS only."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .database_pair import REPLICA, SOURCE, Pair, running_pair

TARGET = REPLICA
"""Backups and restores run here, too: the store is a folder of this machine."""

SEED = Path(__file__).with_name("backup_schema.sql")
PASSWORD = "pass'word\"with\\marks"
JOB = "SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES"
# What Azure Database for MySQL flexible server gives its administrator: neither SUPER nor anything near it.
ADMINISTRATOR = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
INIT = """set -e
systemctl stop mysql
rm -rf /var/lib/mysql /srv/binlog && install -d -o mysql -g mysql -m 750 /var/lib/mysql /srv/binlog
mysqld --no-defaults --initialize-insecure --user=mysql --datadir=/var/lib/mysql
systemctl start mysql"""
SETTINGS = """[mysqld]
bind_address = *
skip_name_resolve = ON
mysqlx = OFF
gtid_mode = ON
enforce_gtid_consistency = ON
local_infile = ON
log_bin = /srv/binlog/binlog
ssl_ca = /etc/mysql/ca.pem
ssl_cert = /etc/mysql/cert.pem
ssl_key = /etc/mysql/key.pem
"""
STRICT = "log_bin_trust_function_creators = ON\nsql_generate_invisible_primary_key = ON\n"


class World:
    """The two machines."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        for host in (SOURCE, TARGET):
            certificate, key = pair.signer.certificate(host)
            files = {"ca.pem": pair.signer.pem, "cert.pem": certificate, "key.pem": key}
            files["mysql.conf.d/zz-backup-test.cnf"] = SETTINGS + (STRICT if host == TARGET else "")
            for name, text in files.items():
                pair.must(host, f"install -D -o mysql -m 600 /dev/stdin /etc/mysql/{name}", text.encode())
            pair.must(host, INIT)
        self.sql(
            SOURCE,
            f"CREATE USER job@'%' IDENTIFIED BY '{escaped(PASSWORD)}'; GRANT {JOB} ON clinic.* TO job@'%'; "
            "GRANT SHOW_ROUTINE ON *.* TO job@'%'",
        )
        self.sql(
            TARGET,
            f"CREATE USER administrator@'%' IDENTIFIED BY '{escaped(PASSWORD)}'; "
            f"GRANT {ADMINISTRATOR} ON *.* TO administrator@'%' WITH GRANT OPTION",
        )
        pair.must(SOURCE, "mysql --no-defaults -uroot --default-character-set=utf8mb4", SEED.read_bytes())
        self.tell()
        pair.must(TARGET, "mkdir -p /srv/store")

    def tell(self, **changes: Any) -> None:
        """Write the configuration, plain but for `changes`."""
        ca = self.pair.signer.pem
        told = {
            "store": "file:///srv/store",
            "schema": "clinic",
            "database": {"address": SOURCE, "user": "job", "tls_ca": ca},
            "target": {"address": TARGET, "user": "administrator", "tls_ca": ca},
            "streams": 3,
            "chunk_mib": 1,
        } | changes
        for name, text in (("backup.json", told), ("backup.secrets.json", {"password": PASSWORD})):
            self.pair.must(TARGET, f"install -D -m 600 /dev/stdin /etc/twinsite/{name}", json.dumps(text).encode())

    def sql(self, host: str, statements: str) -> str:
        return self.pair.sql(host, statements)

    def run(self, words: str) -> tuple[int, dict[str, Any], str]:
        """(exit code, the JSON on stdout, stderr) of a verb."""
        done = self.pair.on(TARGET, f"/usr/local/sbin/twinsite-guest backup {words}")
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    def must(self, words: str) -> dict[str, Any]:
        code, found, said = self.run(words)
        assert code == 0, f"backup {words} ended with {code}: {said}"
        return found

    def empty(self) -> None:
        """The target without data, and without a restore."""
        self.sql(TARGET, "DROP DATABASE IF EXISTS clinic; DROP DATABASE IF EXISTS twinsite_restore")
        self.pair.must(TARGET, "rm -rf /var/tmp/twinsite-backup")

    def dump(self, host: str) -> list[str]:
        """What mysqldump says of the schema: a second opinion. Without definers, which a restore replaces."""
        options = "--no-defaults -uroot --skip-dump-date --set-gtid-purged=OFF --routines --events --hex-blob"
        options += " --skip-generated-invisible-primary-key --order-by-primary --skip-extended-insert"
        text = self.pair.must(host, f"mysqldump {options} clinic")
        return re.sub(r"DEFINER=`\w+`@`[^`]+`", "", text).splitlines()

    @contextlib.contextmanager
    def writing(self, statements: str) -> Iterator[None]:
        """The statements again and again on the source meanwhile."""
        loop = f"while :; do echo '{statements}'; done | mysql --no-defaults -uroot"
        self.pair.must(SOURCE, f"systemd-run --quiet --collect --unit=writer sh -c {json.dumps(loop)}")
        try:
            yield
        finally:
            self.pair.must(SOURCE, "systemctl stop writer")


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


@contextlib.contextmanager
def running_world(folder: Path, prefix: str) -> Iterator[World]:
    """Both machines with MySQL and the seed on the source."""
    with running_pair(folder, prefix) as pair:
        yield World(pair)
