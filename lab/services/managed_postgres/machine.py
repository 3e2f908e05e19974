"""The machine behind a managed PostgreSQL: nobody logs in to it; SQL over TLS, by password, with the service's rights.

Its server is the lab image's. Settings are given as the service's customer would; the superuser is the service's own.
"""

from collections.abc import Mapping, Sequence

from lab.cloud_config import File, cloud_config

VERSION = 18
"""The lab image's (lab/box/recipe/packages.txt)."""
PORT = 5432
FOLDER = f"/etc/postgresql/{VERSION}/main"
_OWN = "/etc/lab-postgres"
_BASE = {
    "listen_addresses": "*",
    "ssl": "on",
    "ssl_cert_file": f"{_OWN}/server.pem",
    "ssl_key_file": f"{_OWN}/server.pem",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "32MB",
}
_RULES = """local all {superuser} trust
hostssl all all all scram-sha-256
"""
"""Nothing without TLS: rds.force_ssl of RDS 15 and later, ssl_mode ENCRYPTED_ONLY of Cloud SQL."""


def user_data(hostname: str, superuser: str, pem: str, settings: Mapping[str, str], scripts: Sequence[str]) -> str:
    """cloud-config. `pem`: key and certificate; `scripts`: for psql, run in order by the superuser at first boot."""
    files: dict[str, File] = {
        f"{_OWN}/server.pem": (pem, "postgres:postgres", "0600"),
        f"{_OWN}/pg_hba.conf": (_RULES.format(superuser=superuser), "postgres:postgres", "0640"),
        f"{_OWN}/settings.conf": (conf({**_BASE, **settings}), "root:root", "0644"),
    }
    files |= {f"/root/sql/{at:02}.sql": (text, "root:root", "0600") for at, text in enumerate(scripts)}
    psql = f"runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -U {superuser} -d postgres"
    made = ["pg_createcluster", str(VERSION), "main", "--locale=en_US.UTF-8", "--encoding=UTF8", "--"]
    commands = [
        [*made, f"--username={superuser}", "--no-sync"],
        ["cp", "--preserve", f"{_OWN}/pg_hba.conf", f"{FOLDER}/pg_hba.conf"],
        ["cp", f"{_OWN}/settings.conf", f"{FOLDER}/conf.d/managed.conf"],
        ["systemctl", "disable", "--now", "ssh.service"],
        ["systemctl", "enable", "--now", f"postgresql@{VERSION}-main.service"],
        ["sh", "-c", f'for one in /root/sql/*.sql; do {psql} <"$one" || exit 1; done; rm -r /root/sql'],
    ]
    return cloud_config(hostname, files=files, commands=commands)


def conf(settings: Mapping[str, str]) -> str:
    """Lines of postgresql.conf."""
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
