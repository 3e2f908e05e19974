"""The primary site of topology aws-azure as the customer has it before twinsite: load balancer, application, RDS, zone.

    198.51.100.80  ALB ──▶ 10.30.1.10  aws-application (an EKS node: Tomcat with the clinic, and the cluster's jobs)
                           10.30.2.20  aws-database (RDS: MySQL, and nothing else: nobody logs in)

Here: what exists, as records and machines, and the values a user would write for it. Not here: how any of it works
(lab/box, lab/services). Passwords are made at each `up`.
"""

import dataclasses
import functools
import json
import secrets
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.client import LabError
from lab.methods import INSTANCE_TOKEN
from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Vpc, World
from lab.paths import TREE, cache
from lab.providers.aws.acm_certificate import validation
from lab.services.alb import LoadBalancer
from lab.services.authority import Authority
from lab.services.netns import inside
from lab.services.zones import RECORD_TOKEN, ZONE_TOKEN, Balancer
from lab.state import State

DOMAIN = "example.com"
ZONE_ID = "Z0TWINSITE0LAB0ZONE00"
HOST = f"aws.{DOMAIN}"
"""A name of the primary's own, in front of its load balancer."""
REGION = "ap-northeast-2"
ALB = Balancer(f"petclinic-1234567890.{REGION}.elb.amazonaws.com", "ZWKZPGTI48KDX", "198.51.100.80", "2001:db8::80")
DATABASE_HOST = f"petclinic.c0twinsite00.{REGION}.rds.amazonaws.com"
NAMESPACE = "petclinic"
SCHEMA = "petclinic"
OIDC_ISSUER = f"https://oidc.eks.{REGION}.amazonaws.com/id/1AB0C1A55E5000000000000000000001"
CLUSTER_HOST = f"1AB0C1A55E5000000000000000000001.gr7.{REGION}.eks.amazonaws.com"
HEALTH_PATH = "/petclinic/"

VPC = Vpc("vpc-0a00000000000a001", "10.30.0.0/16", internet=True)
APPLICATION, DATABASE = "i-0a00000000000a010", "i-0a00000000000a020"
NAMES = {APPLICATION: "aws-application", DATABASE: "aws-database"}
ADDRESSES = {APPLICATION: "10.30.1.10", DATABASE: "10.30.2.20"}
PUBLIC_ADDRESS = "203.0.113.253"
"""From the end of the lab's elastic addresses: the node's way out, as through a NAT gateway."""
PORT = 8080
KUBELET = "/usr/local/lib/lab/pod.py"

USER = "ubuntu"
_TRUST = "/usr/local/share/ca-certificates/twinsite-lab.crt"


@dataclass(frozen=True)
class Passwords:
    """Of the database's users."""

    admin: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    application: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    backup: str = field(default_factory=lambda: secrets.token_urlsafe(18))


def put(state: State, authority: Authority, operator_key: str, passwords: Passwords) -> None:
    """All of it into the box's memory: machines and networks to be made, zone and names to be answered."""
    anywhere = (Rule("-1", -1, -1, "0.0.0.0/0"),)
    inside_vpc = Rule("tcp", 3306, 3306, VPC.cidr)
    world = World(
        vpcs=(VPC,),
        subnets=tuple(
            Subnet(f"subnet-0a00000000000a00{at}", VPC.id, f"10.30.{at}.0/24",
                   (Route(VPC.cidr, "local"), Route("0.0.0.0/0", "igw")))
            for at in (1, 2)
        ),
        groups=(
            # The load balancer's own connections start inside the VPC's router, which no group stands before.
            SecurityGroup("sg-0a00000000000a001", VPC.id, (), anywhere),
            SecurityGroup("sg-0a00000000000a002", VPC.id, (inside_vpc,), ()),
        ),
        interfaces=(
            Interface("eni-0a00000000000a001", "subnet-0a00000000000a001", ADDRESSES[APPLICATION],
                      ("sg-0a00000000000a001",), public_address=PUBLIC_ADDRESS),
            Interface("eni-0a00000000000a002", "subnet-0a00000000000a002", ADDRESSES[DATABASE],
                      ("sg-0a00000000000a002",)),
        ),
        machines=(
            Machine(APPLICATION, "eni-0a00000000000a001", application_data(operator_key, passwords),
                    hostname=NAMES[APPLICATION], region=REGION),
            Machine(DATABASE, "eni-0a00000000000a002", database_data(authority.pem(DATABASE_HOST), passwords),
                    hostname=NAMES[DATABASE], region=REGION),
        ),
    )  # fmt: skip
    for kind in ("vpcs", "subnets", "groups", "interfaces", "machines"):
        for record in getattr(world, kind):
            state.world_put(kind, _plain(record))
    state.world_put("names", {"id": DATABASE_HOST, "address": ADDRESSES[DATABASE]})
    for identity, name in NAMES.items():
        state.records_put(INSTANCE_TOKEN, identity, {"tags": {"Name": name}, "region": REGION})
    state.records_put(
        ZONE_TOKEN, ZONE_ID, {"name": DOMAIN, "nameServers": ["ns-1131.awsdns-13.org", "ns-376.awsdns-47.com"]}
    )
    alias = [{"name": f"dualstack.{ALB.name}", "zoneId": ALB.zone_id, "evaluateTargetHealth": False}]
    for kind in ("A", "AAAA"):
        record = {"zoneId": ZONE_ID, "name": HOST, "fqdn": HOST, "type": kind, "aliases": alias}
        state.records_put(RECORD_TOKEN, f"{ZONE_ID}_{HOST}_{kind}", record)
    for fqdn in (f"www.{DOMAIN}", f"dr.{DOMAIN}"):
        # The load balancer's certificate was proven, so the zone has what proves every other one of this account.
        proof = validation(fqdn)
        name = proof["resourceRecordName"].rstrip(".")
        record = {"zoneId": ZONE_ID, "name": name, "fqdn": name, "type": proof["resourceRecordType"], "ttl": 300}
        state.records_put(
            RECORD_TOKEN, f"{ZONE_ID}_{name}_{record['type']}", record | {"records": [proof["resourceRecordValue"]]}
        )
    namespace = {"metadata": {"name": NAMESPACE}, "apiVersion": "v1", "kind": "Namespace"}
    state.records_put("kubernetes:core/v1:Namespace", NAMESPACE, namespace)


def balancer(authority: Authority, vpc_namespace: str) -> LoadBalancer:
    """The load balancer; its connections to the node start in the VPC."""

    def dial(seconds: float) -> socket.socket:
        where = (ADDRESSES[APPLICATION], PORT)
        return inside(vpc_namespace, functools.partial(socket.create_connection, where, seconds))

    return LoadBalancer(ALB.name, DOMAIN, authority, dial, HEALTH_PATH)


def node(vpc_namespace: str, key: Path) -> Callable[[str], tuple[int, str]]:
    """Runs a pod on the node, over SSH from the VPC's router: its description → exit code and output."""
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=10",
               "ServerAliveInterval=15"]  # fmt: skip
    words = ["ip", "netns", "exec", vpc_namespace, "ssh", "-i", str(key)]
    for option in options:
        words += ["-o", option]
    words += [f"{USER}@{ADDRESSES[APPLICATION]}", f"sudo python3 {KUBELET}"]

    def run(description: str) -> tuple[int, str]:
        done = subprocess.run(
            words, input=description, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.returncode, done.stdout

    return run


def war(say: Callable[[str], None]) -> Path:
    """The clinic's WAR; built first when this machine has none. LabError when that fails."""
    built = cache() / "petclinic" / "current" / "petclinic.war"
    if not built.exists():
        say("building the clinic (./scripts/setup --for petclinic)")
        done = subprocess.run(
            [TREE / "scripts" / "setup", "--for", "petclinic"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not built.exists():
            raise LabError(f"the clinic could not be built: {(done.stderr or done.stdout).strip()[-500:]}")
    return built


def values() -> dict[str, Any]:
    """What a user would write into the stack's configuration for this site; secrets are not among them."""
    return {
        "domain": DOMAIN,
        "zone_id": ZONE_ID,
        "primary_alb_name": ALB.name,
        "primary_alb_zone_id": ALB.zone_id,
        "primary_has_ipv6": True,
        "primary_host": HOST,
        "primary_database_address": DATABASE_HOST,
        "primary_database_user": "backup",
        # What this database plays; it is the lab image's MySQL, as the flexible server's is.
        "primary_database_version": "8.4.6",
        "primary_oidc_issuer": OIDC_ISSUER,
        "primary_namespace": NAMESPACE,
        "schema": SCHEMA,
    }


def application_data(operator_key: str, passwords: Passwords) -> str:
    """cloud-config of the node: Tomcat with the clinic's settings. The WAR is put into webapps from outside."""
    environment = {
        "DATABASE_ADDRESS": DATABASE_HOST,
        "DATABASE_PORT": "3306",
        "DATABASE_USER": "petclinic",
        "DATABASE_PASSWORD_FILE": "/etc/petclinic.password",
        "DATABASE_SCHEMA": SCHEMA,
        "DATABASE_CA": _TRUST,
        "SITE": "aws",
    }
    return _cloud_config(
        NAMES[APPLICATION],
        {
            "/etc/petclinic.env": ("".join(f"{one}={of}\n" for one, of in environment.items()), "root:tomcat", "0640"),
            "/etc/petclinic.password": (passwords.application + "\n", "root:tomcat", "0640"),
            "/etc/systemd/system/tomcat11.service.d/petclinic.conf": (
                "[Service]\nEnvironmentFile=/etc/petclinic.env\nRestart=always\n", "root:root", "0644",
            ),
        },
        [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "tomcat11.service"]],
        operator_key,
    )  # fmt: skip


def database_data(certificate: str, passwords: Passwords) -> str:
    """cloud-config of the machine behind RDS's name: SQL with RDS's privileges, no login for anybody."""
    workload = TREE / "workloads" / "petclinic" / "database"
    tables = "\n".join((workload / name).read_text() for name in ("schema.sql", "data.sql"))
    settings = """[mysqld]
bind_address = 0.0.0.0
server_id = 101
gtid_mode = ON
enforce_gtid_consistency = ON
skip_name_resolve = ON
# Its owner's parameter group, as docs/aws-azure.md asks: without the two no data could come home.
log_bin_trust_function_creators = ON
local_infile = ON
ssl_cert = /etc/mysql/server.pem
ssl_key = /etc/mysql/server.pem
ssl_ca = /usr/local/share/ca-certificates/twinsite-lab.crt
"""
    return _cloud_config(
        NAMES[DATABASE],
        {
            "/etc/mysql/mysql.conf.d/zz-rds.cnf": (settings, "root:root", "0644"),
            "/etc/mysql/server.pem": (certificate, "mysql:mysql", "0400"),
            "/root/users.sql": (users_sql(passwords), "root:root", "0600"),
            "/root/master.cnf": (
                f"[client]\nhost=127.0.0.1\nuser=admin\npassword={passwords.admin}\nssl-mode=REQUIRED\n",
                "root:root",
                "0600",
            ),
            "/root/clinic.sql": (f"CREATE DATABASE {SCHEMA};\nUSE {SCHEMA};\n{tables}\n", "root:root", "0600"),
        },
        [
            ["sh", "-c", "[ -d /var/lib/mysql/mysql ] || mysqld --initialize-insecure --user=mysql"],
            ["systemctl", "enable", "--now", "mysql.service"],
            # By the master user, as at RDS: what root defined, nobody there could drop.
            [
                "sh",
                "-c",
                "mysql -u root </root/users.sql && mysql --defaults-extra-file=/root/master.cnf </root/clinic.sql "
                "&& rm /root/*.sql /root/master.cnf",
            ],
        ],
        "",
    )


def users_sql(passwords: Passwords) -> str:
    """RDS's master user has no SUPER, and neither has anybody else; `backup` may also restore, for a failback."""
    master = (
        "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
        "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
        "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
    )
    return f"""CREATE USER 'admin'@'%' IDENTIFIED BY '{passwords.admin}' REQUIRE SSL;
GRANT {master} ON *.* TO 'admin'@'%' WITH GRANT OPTION;
GRANT CONNECTION_ADMIN, ROLE_ADMIN, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SHOW_ROUTINE, XA_RECOVER_ADMIN
    ON *.* TO 'admin'@'%' WITH GRANT OPTION;
CREATE USER 'petclinic'@'%' IDENTIFIED BY '{passwords.application}' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON {SCHEMA}.* TO 'petclinic'@'%';
CREATE USER 'backup'@'%' IDENTIFIED BY '{passwords.backup}' REQUIRE SSL;
GRANT PROCESS, SHOW_ROUTINE, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER ON *.* TO 'backup'@'%';
GRANT ALL ON `{SCHEMA}%`.* TO 'backup'@'%';
GRANT ALL ON `twinsite\\_%`.* TO 'backup'@'%';
"""


def _cloud_config(
    hostname: str, files: dict[str, tuple[str, str, str]], commands: list[list[str]], operator_key: str
) -> str:
    person = {
        "name": USER, "groups": "adm, sudo", "shell": "/bin/bash", "lock_passwd": True,
        "sudo": "ALL=(ALL) NOPASSWD:ALL", "ssh_authorized_keys": [operator_key],
    }  # fmt: skip
    config = {
        "hostname": hostname,
        "manage_etc_hosts": True,
        "ssh_genkeytypes": ["ed25519"],
        "users": [person] if operator_key else [],
        "write_files": [
            {"path": path, "content": content, "owner": owner, "permissions": mode}
            for path, (content, owner, mode) in files.items()
        ],
        "runcmd": commands,
    }
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"


def _plain(record: Any) -> Any:
    return dataclasses.asdict(record)
