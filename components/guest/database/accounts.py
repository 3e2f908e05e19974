"""The source's accounts: made with twinsite's mark, and changed or dropped only where they bear it."""

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


def _wanted(config: Config, secrets: Secrets) -> list[tuple[str, str, str]]:
    """(user, password, grant) of those that the replica comes with."""
    return [
        (config.replication_user, secrets.replication_password, "REPLICATION SLAVE ON *.*"),
        (config.clone_user, secrets.clone_password, "BACKUP_ADMIN ON *.*"),
    ]


def accounts(config: Config, secrets: Secrets) -> list[str]:
    """The replication, clone and operator accounts, each with exactly its grants; replication carries them on."""
    changed = []
    for user, password, grant in _wanted(config, secrets):
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


def differences(config: Config, secrets: Secrets) -> list[str]:
    """What of the accounts is not as `accounts` makes it; a clause each, none of them with a password."""
    found = []
    for user, password, grant in _wanted(config, secrets):
        found += _differs(user, config.replica_address, (grant,), ownership.fingerprint(password))
    for user in config.operator_users:
        found += _differs(user, "localhost", _OPERATOR, "")
    return found


def _differs(user: str, host: str, grants: tuple[str, ...], mark: str) -> list[str]:
    """`mark`: the fingerprint of its password; empty for one that needs none."""
    row, account = _user(user, host), f"account {user}@{host}"
    if row is None:
        return [f"{account} is missing"]
    found = []
    if row["l"] != "N":
        found.append(f"{account} is locked")
    if row["x"] != "N":
        found.append(f"the password of {account} is expired")
    if mark and row["s"] != "ANY":
        found.append(f"{account} is let in without TLS")
    if mark and row["f"] != mark:
        found.append(f"{account} bears the mark of another password")
    if not mark and row["p"] != _SOCKET:
        found.append(f"{account} has a password instead of its operating-system login")
    wanted = [f"GRANT {grant} TO {_name(user, host)}" for grant in grants]
    if not ownership.same_grants(_shown(user, host), wanted):
        found.append(f"{account} has not exactly its grants ({'; '.join(grants)})")
    return found


def forget_former(config: Config, told: str) -> list[str]:
    """After a rotation, once the replica works with the present passwords: the former ones open nothing any more.
    `told` is the digest of what this host was told; another one means that passwords may have changed since."""
    changed: list[str] = []
    if not config.replica_knows or config.replica_knows != told:
        return changed
    for user in (config.replication_user, config.clone_user):
        row = _user(user, config.replica_address)
        if row is not None and row["f"] and row["a"] == "1":
            server.sql(f"ALTER USER {_name(user, config.replica_address)} DISCARD OLD PASSWORD")
            changed.append(f"the former password of {user}@{config.replica_address} is not valid any more")
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
    attribute = f"ATTRIBUTE {quote(ownership.attribute(ownership.fingerprint(password)))}"
    if row is None:
        server.sql(f"CREATE USER {name} {how} REQUIRE SSL {attribute}")
        return [f"account {user}@{host}"]
    if not row["f"]:
        raise Refused([ownership.not_ours(user, host)])
    if row["f"] != ownership.fingerprint(password):
        # The old password stays valid until the next rotation: a replica that is cut off just now can still return.
        server.sql(f"ALTER USER {name} {how} RETAIN CURRENT PASSWORD REQUIRE SSL ACCOUNT UNLOCK {attribute}")
        return [f"new password of {user}@{host}; the former one stays valid until the next rotation"]
    if row["x"] != "N":
        server.sql(f"ALTER USER {name} {how}")
        return [f"the password of {user}@{host} is not expired any more", *password_account(user, host, password)]
    if row["s"] != "ANY" or row["l"] != "N":
        server.sql(f"ALTER USER {name} REQUIRE SSL ACCOUNT UNLOCK")
        return [f"account {user}@{host} requires TLS and is not locked again"]
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
    if row["l"] != "N" or row["x"] != "N":
        server.sql(f"ALTER USER {name} IDENTIFIED WITH {_SOCKET} ACCOUNT UNLOCK")
        changed.append(f"account {user}@{host} is not locked any more")
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
        "SELECT plugin AS p, ssl_type AS s, account_locked AS l, password_expired AS x, "
        "JSON_CONTAINS_PATH(user_attributes, 'one', '$.additional_password') AS a, "
        f"JSON_UNQUOTE(JSON_EXTRACT(user_attributes, '$.metadata.{ownership.MARK}')) AS f "
        f"FROM mysql.user WHERE user = {quote(user)} AND host = {quote(host)}"
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
