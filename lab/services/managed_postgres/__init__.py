"""What managed PostgreSQL gives its customers: roles of RDS and of Cloud SQL on a server of the community.

Here: the roles, as SQL that the server's own superuser runs; the machine that it is on; what the service does in it.
Not here: which servers there are (lab/scenes, lab/providers/gcp).
"""

from pathlib import Path

SERVICES = ("rds", "cloud_sql")
SUPERUSERS = {"rds": "rdsadmin", "cloud_sql": "cloudsqladmin"}
"""Roles of the services' own."""


def roles(service: str) -> str:
    """A script for psql, once: the service's roles, and for RDS its master user by psql's `master` and `password`."""
    return Path(__file__).with_name(f"{service}.sql").read_text()


def rights(service: str, master: str, password: str) -> str:
    """A script for psql: the service's roles, and the user that the customer is given."""
    if service == "cloud_sql":
        return roles(service) + user(master, password)
    return f"\\set master {_set(master)}\n\\set password {_set(password)}\n{roles(service)}"


def user(name: str, password: str) -> str:
    """SQL: a user as Cloud SQL's API makes it, in cloudsqlsuperuser and with its attributes."""
    role = identifier(name)
    made = f"CREATE ROLE {role} LOGIN PASSWORD {literal(password)} CREATEDB CREATEROLE;"
    return f"{made}\nGRANT cloudsqlsuperuser TO {role};\n"


def follow() -> str:
    """A script for psql, after rights were given at RDS."""
    return Path(__file__).with_name("follow.sql").read_text()


def identifier(text: str) -> str:
    """A name of SQL's."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string of SQL's."""
    return "'" + text.replace("'", "''") + "'"


def _set(text: str) -> str:
    """For psql's \\set."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
