"""The machine behind a MySQL flexible server: Azure's own, which gives SQL with Azure's privileges and nothing else.

Its MySQL is the lab image's, whatever version the program asks for; its settings are Azure's defaults where they differ
from MySQL's and a restore would notice.
"""

import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from lab.model import Machine
from lab.providers.azure_native import topology
from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal

READY_SECONDS = 180
SETTINGS = """[mysqld]
bind_address = 0.0.0.0
server_id = {number}
skip_name_resolve = ON
require_secure_transport = ON
sql_generate_invisible_primary_key = ON
local_infile = OFF
log_bin_trust_function_creators = OFF
ssl_cert = /etc/mysql/server.pem
ssl_key = /etc/mysql/server.pem
"""
"""[Microsoft Learn, flexible server: limitations and server parameters]"""
ADMINISTRATOR = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE ROLE, DROP ROLE"
)
"""No SUPER, and no right to make another user a definer [Microsoft Learn, flexible server: limitations]."""
_WAIT = (
    "until mysqladmin -u root ping >/dev/null 2>&1 && [ -e /var/lib/cloud/instance/boot-finished ]; do sleep 0.2; done"
)


def user_data(server: str, login: str, password: str, pem: str) -> str:
    """cloud-config of the machine. `pem`: key and certificate for the server's name."""
    settings = SETTINGS.format(number=1 + secrets.randbelow(2**31))
    files = {
        "/etc/mysql/mysql.conf.d/zz-azure.cnf": (settings, "root:root", "0644"),
        "/etc/mysql/server.pem": (pem, "mysql:mysql", "0400"),
        "/root/users.sql": (users(login, password), "root:root", "0600"),
    }
    config = {
        "hostname": server,
        "manage_etc_hosts": True,
        "users": [],
        "write_files": [
            {"path": path, "content": content, "owner": owner, "permissions": mode}
            for path, (content, owner, mode) in files.items()
        ],
        "runcmd": [
            ["sh", "-c", "[ -d /var/lib/mysql/mysql ] || mysqld --initialize-insecure --user=mysql"],
            ["systemctl", "disable", "--now", "ssh.service"],
            ["systemctl", "enable", "--now", "mysql.service"],
            ["sh", "-c", "mysql -u root </root/users.sql && rm /root/users.sql"],
        ],
    }
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"


def users(login: str, password: str) -> str:
    """The administrator, and nobody else."""
    who = f"{literal(login)}@'%'"
    return (
        f"CREATE USER {who} IDENTIFIED BY {literal(password)};\n"
        f"GRANT {ADMINISTRATOR} ON *.* TO {who} WITH GRANT OPTION;\n"
        f"GRANT ROLE_ADMIN, XA_RECOVER_ADMIN, CONNECTION_ADMIN, SHOW_ROUTINE ON *.* TO {who} WITH GRANT OPTION;\n"
    )


def literal(text: str) -> str:
    """A string of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def put_machine(box: Box, identity: str, record: Mapping[str, Any]) -> None:
    """The machine of a server whose record is complete."""
    given = record["__inputs"]
    name = str(record["serverName"])
    pem = box.client.call("certificate", name=record["fullyQualifiedDomainName"])
    text = user_data(name, given["administratorLogin"], given["administratorLoginPassword"], pem)
    box.world(
        "machines",
        Machine(
            id=record["__machine"],
            interface=topology.short("nic", identity),
            user_data=text,
            hostname=name,
            region=str(record["location"]),
            agent=True,
        ),
    )


def wait(box: Box, record: Mapping[str, Any]) -> None:
    """Until it answers SQL. Refusal when it does not."""
    run(box, record, _WAIT, READY_SECONDS)


def sql(box: Box, record: Mapping[str, Any], statement: str) -> None:
    """A statement of Azure's own, as root inside the machine. Refusal with MySQL's words."""
    run(box, record, f"{_WAIT}\nmysql -u root <<'END_OF_STATEMENT'\n{statement}\nEND_OF_STATEMENT\n", READY_SECONDS)


def run(box: Box, record: Mapping[str, Any], script: str, seconds: float) -> None:
    """A script inside the server's machine, by its agent."""
    command = box.client.call("agent_run", machine=record["__machine"], script=script, parameters=[], timeout=seconds)
    deadline = time.monotonic() + seconds + 60
    while (result := box.client.call("agent_result", id=command, wait=5.0)) is None:
        if time.monotonic() > deadline:
            raise Refusal('Status=500 Code="InternalServerError" Message="the server does not come up"')
    if result["exit_code"] != 0:
        said = (result["stderr"] or result["stdout"]).strip()
        raise Refusal(f'Status=400 Code="InvalidParameterValue" Message="{said or "it ended without a word"}"')


def setting(name: str, value: str) -> str:
    """The statement that sets a server parameter for good. Refusal for a name that is none."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Refusal(f'Status=400 Code="InvalidConfigurationName" Message="{name!r} is no server parameter"')
    plain = re.fullmatch(r"-?\d+(\.\d+)?|[A-Za-z_]+", value) is not None
    return f"SET PERSIST {name} = {value if plain else literal(value)};"
