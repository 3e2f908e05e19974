"""Two PostgreSQL servers behind the routers of a bed, in AWS's network and at Google's services, with TLS; and the
guest role `logical`, which runs beside the second as it does in the standby's cluster."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from lab.box.host import ip, run, sysctl
from lab.box.internet import QUIET
from lab.box.vpn.room import Room
from lab.model import VpnRouter
from lab.paths import TREE
from tests.servers.postgres import SETTINGS

from .box_world import eventually
from .cloud_vpn_bed import Bed

SOURCE, TARGET = "10.10.0.20", "10.31.0.20"
ADMINISTRATOR = "postgres"
PASSWORD = "a word of the lab"
GUEST = "components/guest"
START_SECONDS = 60
_NEXT_HOP = "100.64.0.1"
"""Each router's face to its server: nobody else sees it."""


class Server:
    """One, in a namespace of its own behind a router. The bed's end takes it away."""

    def __init__(self, bed: Bed, router: VpnRouter, name: str, address: str, folder: Path) -> None:
        self.address = address
        namespace = bed.box.names.vpn(name)
        run("ip", "netns", "add", namespace)
        sysctl(QUIET, namespace)
        at_router, device = bed.namespace(router), f"to-{name}"
        ip(
            [
                f"link add {device} type veth peer name wan netns {namespace}",
                f"addr add {_NEXT_HOP}/32 dev {device}",
                f"link set {device} up",
                f"route add {address}/32 dev {device}",
            ],
            at_router,
        )
        ip(
            [
                "link set lo up",
                f"addr add {address}/32 dev wan",
                "link set wan up",
                f"route add {_NEXT_HOP}/32 dev wan",
                f"route add default via {_NEXT_HOP} src {address}",
            ],
            namespace,
        )
        self.room = Room(namespace, bed.image, folder)
        told = {**SETTINGS, "listen_addresses": "*", "ssl": "on", "unix_socket_directories": "/srv"}
        self.room.write("settings.conf", "".join(f"{key} = '{value}'\n" for key, value in told.items()))
        self.room.write("postgres.sh", Path(__file__).with_name("postgres.sh").read_text())
        folder.chmod(0o777)  # the socket, of a server that is not root

    def start(self, certificate: Path) -> None:
        """Make its data and wait until it answers. `certificate`: a folder with authority.pem and authority.key."""
        for name, of in (("server.pem", "pem"), ("server.key", "key"), ("authority.pem", "pem")):
            self.room.write(name, (certificate / f"authority.{of}").read_text())
        (self.room.folder / "authority.pem").chmod(0o644)
        self.room.start("/bin/sh", "/srv/postgres.sh")
        eventually(lambda: self.sql("SELECT 1", check=False).strip() == "1", START_SECONDS, "a PostgreSQL")
        self.sql(f"ALTER ROLE {ADMINISTRATOR} PASSWORD '{PASSWORD}'")

    def sql(self, text: str, database: str = "postgres", check: bool = True) -> str:
        """Answers, unaligned; over its socket. BoxError with the server's words."""
        return self.room.ask(*_psql(database), "-c", text, check=check).strip()

    def client(self, database: str) -> "subprocess.Popen[str]":
        """A session that stays, beside the server."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self.room.words(*_psql(database)), stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def _psql(database: str) -> list[str]:
    words = "psql -X -q -A -t -v ON_ERROR_STOP=1 -h /srv -U postgres -d"
    return [*words.split(), database]


class Replicated:
    """A database at both, and the role between them."""

    def __init__(self, bed: Bed, folder: Path, name: str, schema: str) -> None:
        self.name = name
        self.source = Server(bed, bed.aws, "source", SOURCE, folder / "source")
        self.target = Server(bed, bed.google, "target", TARGET, folder / "target")
        certificate(folder)
        for one in (self.source, self.target):
            one.start(folder)
            one.sql(f"CREATE DATABASE {name}")
            one.sql(f"CREATE ROLE repl LOGIN REPLICATION PASSWORD '{PASSWORD}'")
        reads = "GRANT USAGE ON SCHEMA public TO repl; GRANT SELECT ON ALL TABLES IN SCHEMA public TO repl"
        self._reads = reads
        self.source.sql(f"{schema}; {reads}", name)
        authority = (folder / "authority.pem").read_text()
        ends = {
            end: {"address": address, "database": name, "user": ADMINISTRATOR, "tls_ca": authority}
            for end, address in (("source", SOURCE), ("target", TARGET))
        }
        told = {
            "name": name,
            **ends,
            "replication_user": "repl",
            "schemas": ["public"],
            "slot_wal_keep_mib": 64,
            "authority_at_target": "/srv/authority.pem",
            "back_user": "repl",
            "authority_at_source": "/srv/authority.pem",
        }
        passwords = ("source_password", "target_password", "replication_password", "back_password")
        words = dict.fromkeys(passwords, PASSWORD)
        self.target.room.write("logical.json", json.dumps(told))
        self.target.room.write("secrets.json", json.dumps(words))
        shutil.copytree(TREE / GUEST, self.target.room.folder / "twinsite-guest")

    def set_up(self) -> None:
        """The flow, its first copy, and what the way back reads."""
        said = self.guest("set-up")
        assert said.get("copied"), f"set-up: {said}"
        self.target.sql(self._reads, self.name)

    def guest(self, *verb: str) -> dict[str, Any]:
        """What a verb of the role answers, also when it found problems."""
        entry = "/srv/twinsite-guest/logical/apply.py"
        words = (entry, *verb, "--config", "/srv/logical.json", "--secrets", "/srv/secrets.json")
        said = self.target.room.ask("python3", *words, check=False)
        assert said.strip(), f"{' '.join(verb)} said nothing"
        found: dict[str, Any] = json.loads(said)
        return found


def certificate(folder: Path) -> None:
    """Of both servers: one that signs itself, in authority.pem and authority.key."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=servers"
    names = ["-addext", f"subjectAltName=IP:{SOURCE},IP:{TARGET}", "-keyout", "authority.key", "-out", "authority.pem"]
    subprocess.run(["openssl", *words.split(), *names], check=True, capture_output=True, cwd=folder)
