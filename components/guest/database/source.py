"""The source's contents: accounts, heartbeat, and what a replica must know about its history."""

import hashlib
import json
import uuid

from ..errors import Refused, SqlError
from . import server
from .config import Config, Secrets
from .server import quote
from .settings import FOLDER

SYSTEM_SCHEMAS = ("information_schema", "mysql", "performance_schema", "sys")
OURS = ("twinsite", "twinsite_drill")
# Part of the event's comment: a changed definition is created again.
HEARTBEAT_VERSION = "twinsite heartbeat 1"

_DRILL = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES"


def schemas(besides: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the schemas that are not the system's nor in `besides`."""
    rows = server.sql("SELECT schema_name AS s FROM information_schema.schemata ORDER BY 1")[0]
    return tuple(str(row["s"]) for row in rows if row["s"] not in SYSTEM_SCHEMAS + besides)


def refuse_unfit() -> None:
    """Refuse what replicates wrongly or clones emptily."""
    problems = []
    if server.value("@@global.super_read_only") == "1":
        problems.append(
            "this server is read-only: it was fenced, or it was a replica; make sure that no other source is in use, "
            "then run `SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF` here"
        )
    if server.value("@@global.log_bin") != "1":
        problems.append("binary logging is off here: remove skip_log_bin / disable_log_bin from MySQL's configuration")
    if server.value("@@global.binlog_format") != "ROW":
        problems.append("binlog_format is not ROW: remove the setting (ROW is the default) and restart MySQL")
    rows = server.sql(
        "SELECT CONCAT(table_schema, '.', table_name) AS t, engine AS e FROM information_schema.tables "
        "WHERE table_type = 'BASE TABLE' AND engine <> 'InnoDB' "
        f"AND table_schema NOT IN ({', '.join(quote(name) for name in SYSTEM_SCHEMAS)})"
    )[0]
    problems += [
        f"table {row['t']} uses {row['e']}: a crash or a clone loses rows; run ALTER TABLE {row['t']} ENGINE = InnoDB"
        for row in rows
    ]
    if problems:
        raise Refused(problems)


def baseline() -> list[str]:
    """Data from before GTIDs is in no binary log that a replica could follow; say so in the way that MySQL checks.

    A transaction number that was "purged" makes every replica without it ask for a copy of the data (clone); no log is
    deleted. Only where user data exist and not one GTID does, so a new server is not concerned.
    """
    if server.value("@@global.gtid_executed") or not schemas():
        return []
    marker = f"{uuid.uuid4()}:1"
    server.sql(f"SET GLOBAL gtid_purged = {quote('+' + marker)}")
    return [f"data from before GTIDs is marked by {marker}: a new replica starts with a clone"]


def accounts(config: Config, secrets: Secrets) -> list[str]:
    """The replication, clone and operator accounts, each with exactly its grants; replication carries them on."""
    wanted = [
        (config.replication_user, config.replica_address, secrets.replication_password, ["REPLICATION SLAVE ON *.*"]),
        (config.clone_user, config.replica_address, secrets.clone_password, ["BACKUP_ADMIN ON *.*"]),
    ]
    operator = ["PROCESS, REPLICATION CLIENT ON *.*", "SELECT ON performance_schema.*", "SELECT ON twinsite.*"]
    operator += [f"{_DRILL} ON {schema}.*" for schema in ("twinsite_drill", "testdb")]
    wanted += [(user, "localhost", "", operator) for user in config.operator_users]
    changed = []
    for user, host, password, grants in wanted:
        changed += _account(user, host, password, grants)
    # A replica that moved: its old address must not open anything any more.
    rows = server.sql(
        f"SELECT user AS u, host AS h FROM mysql.user WHERE user IN ({quote(config.replication_user)}, "
        f"{quote(config.clone_user)}) AND host <> {quote(config.replica_address)}"
    )[0]
    for row in rows:
        server.sql(f"DROP USER {_name(str(row['u']), str(row['h']))}")
        changed.append(f"dropped account {row['u']}@{row['h']}: the replica is at {config.replica_address}")
    return changed


def _name(user: str, host: str) -> str:
    return f"{quote(user)}@{quote(host)}"


def _fingerprint(password: str) -> str:
    # Generated passwords carry 190 bits, so a plain digest gives nothing away.
    return hashlib.sha256(password.encode()).hexdigest()[:32]


def password_account(user: str, host: str, password: str) -> list[str]:
    """An account with this password, over TLS only; what was changed."""
    name = _name(user, host)
    row = _user(user, host)
    how = f"IDENTIFIED BY {quote(password)}"
    attribute = f"ATTRIBUTE {quote(json.dumps({'twinsite': _fingerprint(password)}))}"
    if row is None:
        server.sql(f"CREATE USER {name} {how} REQUIRE SSL {attribute}")
        return [f"account {user}@{host}"]
    if row["f"] != _fingerprint(password):
        # The old password stays valid until the next rotation: a replica that is cut off just now can still return.
        server.sql(f"ALTER USER {name} {how} RETAIN CURRENT PASSWORD REQUIRE SSL ACCOUNT UNLOCK {attribute}")
        return [f"new password of {user}@{host}; the former one stays valid until the next rotation"]
    if row["s"] != "ANY" or row["l"] != "N":
        server.sql(f"ALTER USER {name} REQUIRE SSL ACCOUNT UNLOCK")
        return [f"account {user}@{host} requires TLS again"]
    return []


def _user(user: str, host: str) -> server.Row | None:
    rows = server.sql(
        "SELECT plugin AS p, ssl_type AS s, account_locked AS l, JSON_UNQUOTE(JSON_EXTRACT(user_attributes, "
        f"'$.metadata.twinsite')) AS f FROM mysql.user WHERE user = {quote(user)} AND host = {quote(host)}"
    )[0]
    return rows[0] if rows else None


def _account(user: str, host: str, password: str, grants: list[str]) -> list[str]:
    if password:
        return password_account(user, host, password) + _grants(user, host, grants)
    row, changed = _user(user, host), []
    if row is None:
        server.sql(f"CREATE USER {_name(user, host)} IDENTIFIED WITH auth_socket")
        changed.append(f"account {user}@{host}, by its operating-system login")
    elif row["p"] != "auth_socket":
        raise Refused([f"account {user}@{host} exists with a password: drop it, or name another operator user"])
    return changed + _grants(user, host, grants)


def _grants(user: str, host: str, grants: list[str]) -> list[str]:
    name = _name(user, host)
    shown = [str(next(iter(row.values()))) for row in server.sql(f"SHOW GRANTS FOR {name}")[0]]
    found = {_normal(grant) for grant in shown if not grant.startswith("GRANT USAGE ON ")}
    if found == {_normal(f"GRANT {grant} TO {name}") for grant in grants}:
        return []
    server.sql(
        f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {name};" + ";".join(f"GRANT {grant} TO {name}" for grant in grants)
    )
    return [f"grants of {user}@{host}"]


def _normal(grant: str) -> str:
    head, _, tail = grant.replace("`", "").replace("'", "").partition(" ON ")
    privileges = sorted(word.strip() for word in head.removeprefix("GRANT ").split(","))
    return f"{','.join(privileges)} ON {tail}"


def heartbeat() -> list[str]:
    """The row that is written each second, so that lag is true also while the link is cut."""
    rows = server.sql(
        "SELECT status AS s, event_comment AS c FROM information_schema.events WHERE event_schema = 'twinsite' "
        "AND event_name = 'heartbeat'; "
        "SELECT 1 AS t FROM information_schema.tables WHERE table_schema = 'twinsite' AND table_name = 'heartbeat'"
    )
    event, table = rows
    if table and event and event[0]["s"] == "ENABLED" and event[0]["c"] == HEARTBEAT_VERSION:
        return []
    server.sql((FOLDER / "heartbeat.sql").read_text(encoding="utf-8").replace("$version", HEARTBEAT_VERSION))
    return ["heartbeat twinsite.heartbeat, each second"]


def tell(digest: str) -> list[str]:
    """Write down which documents this source has applied. It replicates, so the replica's gate can wait for it."""
    if not digest or told_here() == digest:
        return []
    server.sql(
        "CREATE TABLE IF NOT EXISTS twinsite.applied (id TINYINT UNSIGNED PRIMARY KEY, digest CHAR(16) NOT NULL);"
        f"REPLACE INTO twinsite.applied VALUES (1, {quote(digest)})"
    )
    return [f"told the replica that {digest} is applied"]


def told_here() -> str:
    """Digest of what the source has applied, as far as this server knows; "" when it knows nothing."""
    try:
        rows = server.sql("SELECT digest AS d FROM twinsite.applied WHERE id = 1")[0]
    except SqlError as error:
        if error.number in (1146, 1049):
            return ""
        raise
    return str(rows[0]["d"]) if rows else ""
