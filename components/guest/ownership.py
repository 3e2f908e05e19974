"""Whose a MySQL account is: twinsite changes and drops only what bears its mark. Pure; the roles ask and act."""

import hashlib
import json
from collections.abc import Iterable

MARK = "twinsite"
"""Key in an account's attribute (`CREATE USER … ATTRIBUTE`); information_schema.user_attributes shows it."""

# MySQL's own, the distributions', and those that RDS, Azure and Cloud SQL keep in a customer's server.
_SYSTEM = frozenset(
    {"root", "mysql", "debian-sys-maint", "event_scheduler", "rdsrepladmin", "rdstopmgr", "rds_superuser_role"}
)
_SYSTEM_PREFIXES = ("mysql.", "mariadb.", "rdsadmin", "azure_", "cloudsql")


def is_system(user: str) -> bool:
    """Whether this is the name of an account that belongs to MySQL, a distribution or a cloud; "" is the anonymous."""
    name = user.strip().lower()
    return not name or name in _SYSTEM or name.startswith(_SYSTEM_PREFIXES)


def system_problem(what: str, user: str) -> str:
    """The refusal of such a name; `what` says where it stands."""
    return (
        f"{what} is {user!r}, the name of an account that belongs to MySQL or its host, and whose rights twinsite "
        "would replace: give a name of its own"
    )


def attribute(value: str) -> str:
    """The mark as JSON, for ATTRIBUTE; what else the attribute holds stays."""
    return json.dumps({MARK: value})


def fingerprint(password: str) -> str:
    """The mark of an account with this password. Generated ones carry 190 bits, so a digest gives nothing away."""
    return hashlib.sha256(password.encode()).hexdigest()[:32]


def same_grants(shown: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether SHOW GRANTS says exactly these; both as statements."""
    found = {_normal(grant) for grant in shown if not grant.startswith("GRANT USAGE ON ")}
    return found == {_normal(grant) for grant in wanted}


def _normal(grant: str) -> str:
    head, _, tail = grant.replace("`", "").replace("'", "").partition(" ON ")
    privileges = sorted(word.strip() for word in head.removeprefix("GRANT ").split(","))
    return f"{','.join(privileges)} ON {tail}"


def not_ours(user: str, host: str) -> str:
    """The refusal to touch an account that twinsite did not make; the way out is a person's own word."""
    return (
        f"account {user}@{host} exists and twinsite did not make it, so neither its password nor its rights are "
        f"changed: name another login, or give it to twinsite with ALTER USER '{user}'@'{host}' ATTRIBUTE "
        f"'{attribute('given')}', which then replaces both"
    )
