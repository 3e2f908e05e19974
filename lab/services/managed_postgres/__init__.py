"""What managed PostgreSQL gives its customers: roles of RDS and of Cloud SQL on a server of the community.

Here: the roles, as SQL that the server's own superuser runs once. Not here: servers. No machine of the lab has it yet;
tests/servers does.
"""

from pathlib import Path

SERVICES = ("rds", "cloud_sql")


def rights(service: str, master: str, password: str) -> str:
    """A script for psql: the service's roles, and the user that the customer is given."""
    said = Path(__file__).with_name(f"{service}.sql").read_text()
    return f"\\set master {_quoted(master)}\n\\set password {_quoted(password)}\n{said}"


def follow() -> str:
    """A script for psql, after rights were given at RDS."""
    return Path(__file__).with_name("follow.sql").read_text()


def _quoted(text: str) -> str:
    """For psql's \\set."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
