"""The primary site of topology aws-azure as the customer has it before twinsite: load balancer, application, RDS, zone.

    198.51.100.80  ALB ──▶ 10.30.1.10  aws-application (an EKS node: Tomcat with the clinic, and the cluster's jobs)
                           10.30.2.20  aws-database (RDS: MySQL, and nothing else: nobody logs in)

Here: what exists, as records and machines, and the values a user would write for it.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.client import LabError
from lab.cloud_config import cloud_config
from lab.methods import INSTANCE_TOKEN
from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Vpc, World
from lab.paths import TREE, cache
from lab.providers.aws.acm_certificate import validation
from lab.scenes import Existing, ExistingBalancer, ExistingCluster, Given
from lab.services.zones import RECORD_TOKEN, ZONE_TOKEN, Balancer

SITE = "aws"
CONTEXT = "lab"
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

_TRUST = "/usr/local/share/ca-certificates/twinsite-lab.crt"


PASSWORDS = ("admin", "application", "backup")
"""Of the database's users."""


def exists(given: Given) -> Existing:
    """All of it."""
    operator_key, passwords = given.operator.public, given.passwords
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
            Machine(DATABASE, "eni-0a00000000000a002", database_data(given.authority.pem(DATABASE_HOST), passwords),
                    hostname=NAMES[DATABASE], region=REGION),
        ),
        names={DATABASE_HOST: ADDRESSES[DATABASE]},
    )  # fmt: skip
    return Existing(
        world=world,
        records=tuple(records()),
        files=((APPLICATION, "/var/lib/tomcat11/webapps/petclinic.war", war()),),
        balancers=(ExistingBalancer(SITE, ALB, DOMAIN, APPLICATION, PORT, HEALTH_PATH),),
        clusters=(ExistingCluster(SITE, CONTEXT, CLUSTER_HOST, OIDC_ISSUER, APPLICATION),),
    )


def records() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What AWS and the cluster know besides networks and machines."""
    for identity, name in NAMES.items():
        yield INSTANCE_TOKEN, identity, {"tags": {"Name": name}, "region": REGION}
    servers = ["ns-1131.awsdns-13.org", "ns-376.awsdns-47.com"]
    yield ZONE_TOKEN, ZONE_ID, {"name": DOMAIN, "nameServers": servers}
    alias = [{"name": f"dualstack.{ALB.name}", "zoneId": ALB.zone_id, "evaluateTargetHealth": False}]
    for kind in ("A", "AAAA"):
        yield _record(HOST, kind, aliases=alias)
    for fqdn in (f"www.{DOMAIN}", f"dr.{DOMAIN}"):
        # The load balancer's certificate was proven, so the zone has what proves every other one of this account.
        proof = validation(fqdn)
        name = proof["resourceRecordName"].rstrip(".")
        kind, shown = proof["resourceRecordType"], [proof["resourceRecordValue"]]
        yield _record(name, kind, ttl=300, records=shown)
    namespace = {"metadata": {"name": NAMESPACE}, "apiVersion": "v1", "kind": "Namespace"}
    yield "kubernetes:core/v1:Namespace", NAMESPACE, namespace


def _record(name: str, kind: str, **rest: Any) -> tuple[str, str, dict[str, Any]]:
    return (
        RECORD_TOKEN,
        f"{ZONE_ID}_{name}_{kind}",
        {"zoneId": ZONE_ID, "name": name, "fqdn": name, "type": kind, **rest},
    )


def war(say: Callable[[str], None] = lambda line: None) -> Path:
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


def settings(given: Given) -> dict[str, Any]:
    """What a user would write into the stack's configuration for this site."""
    return {
        "kubernetes:context": CONTEXT,
        "primary_database_ca": given.authority.certificate,
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


def application_data(operator_key: str, passwords: Mapping[str, str]) -> str:
    """cloud-config of the node: Tomcat with the clinic's settings. The WAR is put into webapps from outside."""
    environment = {
        "DATABASE_ADDRESS": DATABASE_HOST,
        "DATABASE_PORT": "3306",
        "DATABASE_USER": "petclinic",
        "DATABASE_PASSWORD_FILE": "/etc/petclinic.password",
        "DATABASE_SCHEMA": SCHEMA,
        "DATABASE_CA": _TRUST,
        "SITE": SITE,
    }
    return cloud_config(
        NAMES[APPLICATION],
        operator_key,
        files={
            "/etc/petclinic.env": ("".join(f"{one}={of}\n" for one, of in environment.items()), "root:tomcat", "0640"),
            "/etc/petclinic.password": (passwords["application"] + "\n", "root:tomcat", "0640"),
            "/etc/systemd/system/tomcat11.service.d/petclinic.conf": (
                "[Service]\nEnvironmentFile=/etc/petclinic.env\nRestart=always\n", "root:root", "0644",
            ),
        },
        commands=[["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "tomcat11.service"]],
    )  # fmt: skip


def database_data(certificate: str, passwords: Mapping[str, str]) -> str:
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
    return cloud_config(
        NAMES[DATABASE],
        files={
            "/etc/mysql/mysql.conf.d/zz-rds.cnf": (settings, "root:root", "0644"),
            "/etc/mysql/server.pem": (certificate, "mysql:mysql", "0400"),
            "/root/users.sql": (users_sql(passwords), "root:root", "0600"),
            "/root/master.cnf": (
                f"[client]\nhost=127.0.0.1\nuser=admin\npassword={passwords['admin']}\nssl-mode=REQUIRED\n",
                "root:root",
                "0600",
            ),
            "/root/clinic.sql": (f"CREATE DATABASE {SCHEMA};\nUSE {SCHEMA};\n{tables}\n", "root:root", "0600"),
        },
        commands=[
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
    )


def users_sql(passwords: Mapping[str, str]) -> str:
    """RDS's master user has no SUPER, and neither has anybody else; `backup` may also restore, for a failback."""
    master = (
        "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
        "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
        "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
    )
    return f"""CREATE USER 'admin'@'%' IDENTIFIED BY '{passwords["admin"]}' REQUIRE SSL;
GRANT {master} ON *.* TO 'admin'@'%' WITH GRANT OPTION;
GRANT CONNECTION_ADMIN, ROLE_ADMIN, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SHOW_ROUTINE, XA_RECOVER_ADMIN
    ON *.* TO 'admin'@'%' WITH GRANT OPTION;
CREATE USER 'petclinic'@'%' IDENTIFIED BY '{passwords["application"]}' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON {SCHEMA}.* TO 'petclinic'@'%';
CREATE USER 'backup'@'%' IDENTIFIED BY '{passwords["backup"]}' REQUIRE SSL;
GRANT PROCESS, SHOW_ROUTINE, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER ON *.* TO 'backup'@'%';
GRANT ALL ON `{SCHEMA}%`.* TO 'backup'@'%';
GRANT ALL ON `twinsite\\_%`.* TO 'backup'@'%';
"""
