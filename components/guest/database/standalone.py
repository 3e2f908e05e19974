"""A standby's database: one login, over TLS, that restores and that the application works with."""

from . import accounts, server
from .config import Config, Secrets
from .server import quote

ADMINISTRATOR = "ALL PRIVILEGES ON *.*"
"""The restore makes schemas, and sets settings for its session only; a managed server's administrator may less."""


def account(config: Config, secrets: Secrets) -> list[str]:
    """The login, with the password that the vault has now."""
    changed = accounts.password_account(config.user, "%", secrets.password)
    shown = [str(next(iter(row.values()))) for row in server.sql(f"SHOW GRANTS FOR {quote(config.user)}@'%'")[0]]
    if not any("WITH GRANT OPTION" in grant and " ON *.* " in grant for grant in shown):
        server.sql(f"GRANT {ADMINISTRATOR} TO {quote(config.user)}@'%' WITH GRANT OPTION")
        changed.append(f"grants of {config.user}")
    return changed


def there(config: Config) -> bool:
    """Whether the login exists."""
    return bool(server.sql(f"SELECT 1 AS x FROM mysql.user WHERE user = {quote(config.user)} AND host = '%'")[0])
