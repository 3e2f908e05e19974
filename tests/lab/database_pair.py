"""Two machines on one wire, a source and a replica, with the guest payload and certificates of their own."""

import contextlib
import dataclasses
import datetime
import ipaddress
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.box import adhoc
from lab.box.image import ensure_image
from lab.paths import cache
from twinsite.payload import payload

SOURCE, REPLICA = "192.0.2.11", "192.0.2.12"
# As agent/install.py leaves it, of one tree.
UNPACK = """mkdir -p /opt/twinsite/current && tar xz -C /opt/twinsite/current && cd /opt/twinsite &&
for program in current/*/apply.py; do ln -sfn current "$(basename "${program%/apply.py}")"; done &&
install -m 755 current/agent/twinsite-guest /usr/local/sbin/"""
LEDGER = "/opt/twinsite/current/drill/ledger.py"
ACKED = "/var/lib/twinsite/drill/acked.jsonl"


@dataclasses.dataclass(frozen=True)
class Authority:
    """Signs certificates for IP addresses."""

    key: ec.EllipticCurvePrivateKey
    pem: str

    def certificate(self, address: str) -> tuple[str, str]:
        """(certificate, key), PEM, for one address."""
        return self.certificate_for(x509.IPAddress(ipaddress.ip_address(address)))

    def certificate_for(self, *subjects: x509.GeneralName) -> tuple[str, str]:
        """The same for anything that a certificate can name."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(subjects)
        signed = _builder("aws-source", "authority", key.public_key()).add_extension(names, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        return _pem(signed.sign(self.key, hashes.SHA256())), private.decode()


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=400))
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def authority() -> Authority:
    """A new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    basic = x509.BasicConstraints(ca=True, path_length=0)
    own = _builder("authority", "authority", key.public_key()).add_extension(basic, critical=True)
    return Authority(key, _pem(own.sign(key, hashes.SHA256())))


@dataclasses.dataclass
class Pair:
    """The two machines. `config` and `secrets` are what the next apply is told; change them, apply, look."""

    prefix: str
    folder: Path
    signer: Authority
    config: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Back to the configuration of a plain pair."""
        certificate, key = self.signer.certificate(SOURCE)
        common = {
            "source_address": SOURCE,
            "replica_address": REPLICA,
            "tls_ca": self.signer.pem,
            "binlog_retention_hours": 72,
            "operator_users": ["ubuntu"],
            "source_wait_seconds": 20,
        }
        self.config = {
            SOURCE: {**common, "role": "source", "server_id": 1, "tls_cert": certificate},
            REPLICA: {**common, "role": "replica", "server_id": 2, "bind_address": "127.0.0.1"},
        }
        words = {"replication_password": "r" * 31 + "1", "clone_password": "c" * 31 + "1"}
        self.secrets = {SOURCE: {**words, "tls_key": key}, REPLICA: dict(words)}

    def on(
        self, host: str, command: str, stdin: bytes = b"", seconds: float = 180
    ) -> "subprocess.CompletedProcess[str]":
        """A shell command on a machine, over SSH, as root."""
        done = subprocess.run(self._ssh(host, command), input=stdin, capture_output=True, timeout=seconds, check=False)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, host: str, command: str) -> "subprocess.Popen[bytes]":
        """The same, running on."""
        return subprocess.Popen(self._ssh(host, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def _ssh(self, host: str, command: str) -> list[str]:
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        options += ["ControlMaster=auto", "ControlPersist=60", f"ControlPath={self.folder}/%h"]
        words = [word for option in options for word in ("-o", option)]
        enter = ["ip", "netns", "exec", f"{self.prefix}-adhoc", "ssh", "-i", str(self.folder / "key")]
        return [*enter, *words, f"ubuntu@{host}", f"sudo sh -c {_quoted(command)}"]

    def forget(self, host: str) -> None:
        """Drop the kept connection, for a machine that goes down."""
        subprocess.run(
            [*self._ssh(host, "true")[:-2], "-O", "exit", f"ubuntu@{host}"], capture_output=True, check=False
        )

    def must(self, host: str, command: str, stdin: bytes = b"") -> str:
        done = self.on(host, command, stdin)
        assert done.returncode == 0, f"{host}: `{command}` ended with {done.returncode}: {done.stderr}{done.stdout}"
        return done.stdout

    def sql(self, host: str, statement: str) -> str:
        """The answer of the mysql client, without column names."""
        return self.must(host, "mysql --no-defaults --user=root -N", statement.encode()).strip()

    def own(self) -> str:
        """Transactions that the replica has and the source has not."""
        here, there = (self.sql(host, "SELECT @@global.gtid_executed").replace("\\n", "") for host in (REPLICA, SOURCE))
        return self.sql(REPLICA, f"SELECT GTID_SUBTRACT('{here}', '{there}')").replace("\\n", "")

    def decoded(self, gtids: str) -> list[dict[str, str]]:
        """What the replica's guest says of them."""
        answer = json.loads(self.must(REPLICA, f"/usr/local/sbin/twinsite-guest database decode --gtids '{gtids}'"))
        assert answer["problem"] == ""
        found: list[dict[str, str]] = answer["transactions"]
        return found

    def accounts(self) -> dict[str, str]:
        """Of every account of the source what it is and what it may."""
        names = self.sql(SOURCE, "SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user").splitlines()
        return {name: self.sql(SOURCE, f"SHOW CREATE USER {name}; SHOW GRANTS FOR {name}") for name in names}

    def tell(self, host: str) -> None:
        """Put the host's configuration and secrets in place."""
        for name, told in (("database.json", self.config[host]), ("database.secrets.json", self.secrets[host])):
            self.must(host, f"install -D -m 600 /dev/stdin /etc/twinsite/{name}", json.dumps(told).encode())

    def role(self, host: str, verb: str, seconds: float = 180) -> "subprocess.CompletedProcess[str]":
        """A verb of the role."""
        return self.on(host, f"/usr/local/sbin/twinsite-guest database {verb}", seconds=seconds)

    def apply(self, host: str) -> dict[str, Any]:
        """Tell and apply; the outcome's JSON."""
        self.tell(host)
        done = self.role(host, "apply")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def report(self, host: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.must(host, "/usr/local/sbin/twinsite-guest database report"))
        return found

    def gate(self, seconds: int = 40) -> None:
        done = self.role(REPLICA, f"gate --timeout {seconds}")
        assert done.returncode == 0, done.stderr

    def started(self, host: str) -> str:
        """Changes when mysqld was started anew."""
        return self.must(host, "systemctl show mysql -p ExecMainStartTimestampMonotonic -p MainPID")

    def path(self, works: bool) -> None:
        """The way between the two machines, at the switch; the way to each of them stays."""
        # Adding first makes the deletion right whether it was there or not (`destroy` is newer than nft 1.0.6).
        rules = "add table bridge cut\ndelete table bridge cut\n"
        if not works:
            rules += "table bridge cut {\n chain c {\n type filter hook forward priority 0; policy drop;\n }\n}\n"
        load = ["ip", "netns", "exec", f"{self.prefix}-adhoc", "nft", "-f", "-"]
        subprocess.run(load, input=rules, text=True, check=True)

    def kill_mysqld(self, host: str) -> None:
        self.must(host, "systemctl kill --signal=KILL mysql")

    def drop(self, name: str) -> None:
        """Forget the replica's data and everything that twinsite knows about it, as on a new host."""
        self.must(
            name, "systemctl stop mysql; rm -rf /var/lib/mysql/* /var/lib/mysql/.t* /var/lib/twinsite/database.json"
        )

    def copy_acked(self) -> None:
        """The acknowledgements, to the replica."""
        self.must(REPLICA, f"install -D /dev/stdin {ACKED}", self.must(SOURCE, f"cat {ACKED}").encode())

    def verified(self) -> tuple[int, dict[str, Any]]:
        """Exit code and answer of the ledger's verify on the replica."""
        self.copy_acked()
        done = self.on(REPLICA, f"{LEDGER} verify --acked {ACKED} --json")
        return done.returncode, json.loads(done.stdout)


def _quoted(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"


def eventually(seen: Callable[[], bool], seconds: float, what: Callable[[], object] | str) -> float:
    """Seconds until `seen`; fails after `seconds` with what was last there."""
    began = time.monotonic()
    while not seen():
        last = what if isinstance(what, str) else what()
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {last}"
        time.sleep(0.1)
    return time.monotonic() - began


@contextlib.contextmanager
def running_pair(folder: Path, prefix: str) -> Iterator[Pair]:
    """Both machines booted, the payload on them, nothing applied; taken away at the end."""
    machines_folder = cache() / "lab" / f"adhoc-{prefix}"
    image = ensure_image(cache(), print)
    adhoc.clear(prefix, machines_folder)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    pair = Pair(prefix, folder, authority())
    machines = []
    try:
        machines = adhoc.up(prefix, 2, machines_folder, image, (folder / "key.pub").read_text().strip(), [])
        for machine in machines:
            machine.wait_booted(120)
        for host in (SOURCE, REPLICA):
            eventually(lambda host=host: pair.on(host, "true").returncode == 0, 30, f"SSH to {host}")  # type: ignore[misc]
            for role in ("database", "standby"):
                pair.must(host, UNPACK, payload(role))
        yield pair
    finally:
        for host in (SOURCE, REPLICA):
            pair.forget(host)
        for machine in machines:
            machine.crash()
        adhoc.clear(prefix, machines_folder)
