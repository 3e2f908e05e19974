"""The source's accounts: made with twinsite's mark, and changed or dropped only where they bear it."""

import hashlib

from .. import ownership
from ..errors import Refused
from . import server
from .config import Config, Secrets
from .server import quote

_DRILL = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES"
_OPERATOR = (
    "PROCESS, REPLICATION CLIENT ON *.*",
    "SELECT ON performance_schema.*",
    "SELECT ON twinsite.*",
    f"{_DRILL} ON twinsite_drill.*",
    f"{_DRILL} ON testdb.*",
)
_SOCKET = "auth_socket"


def refuse_system_names(config: Config) -> None:
    """Before anything else: an `undo` may still read such a configuration, and then leaves those accounts alone."""
    named = [("replication_user", config.replication_user), ("clone_user", config.clone_user)]
    named += [("user", config.user)] if config.user else []
    named += [("operator user", user) for user in config.operator_users]
    problems = [ownership.system_problem(what, user) for what, user in named if ownership.is_system(user)]
    if problems:
        raise Refused(problems)


def accounts(config: Config, secrets: Secrets) -> list[str]:
    """The replication, clone and operator accounts, each with exactly its grants; replication carries them on."""
    wanted = [
        (config.replication_user, secrets.replication_password, "REPLICATION SLAVE ON *.*"),
        (config.clone_user, secrets.clone_password, "BACKUP_ADMIN ON *.*"),
    ]
    changed = []
    for user, password, grant in wanted:
        changed += password_account(user, config.replica_address, password)
        changed += _grants(user, config.replica_address, (grant,))
    for user in config.operator_users:
        changed += _operator(user)
    # A replica that moved: its old address must not open anything any more.
    for user, host in _named([config.replication_user, config.clone_user]):
        if host != config.replica_address and _ours(user, host):
            server.sql(f"DROP USER {_name(user, host)}")
            changed.append(f"dropped account {user}@{host}: the replica is at {config.replica_address}")
    return changed


def drop(config: Config) -> list[str]:
    """For undo: drop twinsite's accounts; what was done, and what bears their names and stays."""
    dropped, kept = 0, []
    for user, host in _named([config.replication_user, config.clone_user, *config.operator_users]):
        if _ours(user, host):
            server.sql(f"DROP USER {_name(user, host)}")
            dropped += 1
        else:
            kept.append(f"{user}@{host}")
    return [f"dropped {dropped} accounts"] + ([f"left {', '.join(kept)}: not made by twinsite"] if kept else [])


def password_account(user: str, host: str, password: str) -> list[str]:
    """An account with this password, over TLS only; what was changed. Refused for one that twinsite did not make."""
    name = _name(user, host)
    row = _user(user, host)
    how = f"IDENTIFIED BY {quote(password)}"
    attribute = f"ATTRIBUTE {quote(ownership.attribute(_fingerprint(password)))}"
    if row is None:
        server.sql(f"CREATE USER {name} {how} REQUIRE SSL {attribute}")
        return [f"account {user}@{host}"]
    if not row["f"]:
        raise Refused([ownership.not_ours(user, host)])
    if row["f"] != _fingerprint(password):
        # The old password stays valid until the next rotation: a replica that is cut off just now can still return.
        server.sql(f"ALTER USER {name} {how} RETAIN CURRENT PASSWORD REQUIRE SSL ACCOUNT UNLOCK {attribute}")
        return [f"new password of {user}@{host}; the former one stays valid until the next rotation"]
    if row["s"] != "ANY" or row["l"] != "N":
        server.sql(f"ALTER USER {name} REQUIRE SSL ACCOUNT UNLOCK")
        return [f"account {user}@{host} requires TLS again"]
    return []


def _operator(user: str) -> list[str]:
    host, name = "localhost", _name(user, "localhost")
    mark = f"ATTRIBUTE {quote(ownership.attribute('operator'))}"
    row = _user(user, host)
    if row is None:
        server.sql(f"CREATE USER {name} IDENTIFIED WITH {_SOCKET} {mark}")
        return [f"account {user}@{host}, by its operating-system login", *_grants(user, host, _OPERATOR)]
    if row["p"] != _SOCKET:
        raise Refused([f"account {user}@{host} exists with a password: drop it, or name another operator user"])
    if not _ours(user, host):
        raise Refused([ownership.not_ours(user, host)])
    changed = []
    if not row["f"]:
        server.sql(f"ALTER USER {name} {mark}")
        changed.append(f"account {user}@{host} of an earlier twinsite bears its mark now")
    return changed + _grants(user, host, _OPERATOR)


def _ours(user: str, host: str) -> bool:
    """Marked; or, as versions before the mark left an operator's, with exactly twinsite's grants and no password."""
    row = _user(user, host)
    if row is None or ownership.is_system(user):
        return False
    if row["f"]:
        return True
    wanted = [f"GRANT {grant} TO {_name(user, host)}" for grant in _OPERATOR]
    return row["p"] == _SOCKET and host == "localhost" and ownership.same_grants(_shown(user, host), wanted)


def _named(users: list[str]) -> list[tuple[str, str]]:
    names = ", ".join(quote(user) for user in users)
    rows = server.sql(f"SELECT user AS u, host AS h FROM mysql.user WHERE user IN ({names}) ORDER BY 1, 2")[0]
    return [(str(row["u"]), str(row["h"])) for row in rows]


def _user(user: str, host: str) -> server.Row | None:
    rows = server.sql(
        "SELECT plugin AS p, ssl_type AS s, account_locked AS l, JSON_UNQUOTE(JSON_EXTRACT(user_attributes, "
        f"'$.metadata.{ownership.MARK}')) AS f FROM mysql.user WHERE user = {quote(user)} AND host = {quote(host)}"
    )[0]
    return rows[0] if rows else None


def _shown(user: str, host: str) -> list[str]:
    return [str(next(iter(row.values()))) for row in server.sql(f"SHOW GRANTS FOR {_name(user, host)}")[0]]


def _grants(user: str, host: str, grants: tuple[str, ...]) -> list[str]:
    name = _name(user, host)
    wanted = [f"GRANT {grant} TO {name}" for grant in grants]
    if ownership.same_grants(_shown(user, host), wanted):
        return []
    server.sql(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {name};" + ";".join(wanted))
    return [f"grants of {user}@{host}"]


def _name(user: str, host: str) -> str:
    return f"{quote(user)}@{quote(host)}"


def _fingerprint(password: str) -> str:
    # Generated passwords carry 190 bits, so a plain digest gives nothing away.
    return hashlib.sha256(password.encode()).hexdigest()[:32]
