"""A database machine and a standby machine on one wire, a backup of the clinic in a folder, nothing applied yet."""

import contextlib
import dataclasses
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509

from lab.paths import TREE, cache

from .database_pair import REPLICA, SOURCE, Pair, eventually, running_pair

STANDBY, DATABASE = REPLICA, SOURCE
ORIGIN = "origin-dr.example.com"
SECRET = "s" * 31 + "1"
PASSWORD = "p" * 31 + "1"
APPLICATION = "a" * 31 + "1"
GUEST = "/usr/local/sbin/twinsite-guest"
MORE_OWNERS = 20_000

# Runs the role with one of its steps ended by a kill after its work and before its mark: the worst moment.
KILLER = """
import os, signal, sys
sys.path.insert(0, "/opt/twinsite")
from current.standby import command
step = sys.argv[1]
if step == "amid-restore":
    seen = []
    def progress(self, event):
        seen.append(event)
        if len(seen) == 6:
            os.kill(os.getpid(), signal.SIGKILL)
    command.Work._progress = progress
elif step.startswith("restore-"):
    def progress(self, event):
        if event["event"] == step.removeprefix("restore-"):
            os.kill(os.getpid(), signal.SIGKILL)
    command.Work._progress = progress
else:
    action = getattr(command.Work, step)
    def killed(self):
        action(self)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(command.Work, step, killed)
sys.exit(command.main(["apply"]))
"""


def war() -> bytes:
    """The clinic, built when it is not there."""
    place = cache() / "petclinic" / "current" / "petclinic.war"
    if not place.exists():
        subprocess.run([TREE / "scripts" / "setup", "--for", "petclinic"], check=True, timeout=900)
    return place.read_bytes()


@dataclasses.dataclass
class Clinic:
    """The two machines. `config` is what the next apply is told."""

    pair: Pair
    artefact: bytes
    config: dict[str, Any] = dataclasses.field(default_factory=dict)

    def reset(self) -> None:
        """Back to the plain configuration."""
        self.config = {
            "site": "azure",
            "application": {
                "kind": "war",
                "artefact": "file:///srv/petclinic.war",
                "sha256": hashlib.sha256(self.artefact).hexdigest(),
                "context": "/petclinic",
                "health_path": "/petclinic/",
            },
            "packages": [],
            "database": {
                "address": DATABASE,
                "port": 3306,
                "user": "dbadmin",
                "password_secret": "file:///srv/secrets/password",
                "application": {"user": "application", "password_secret": "file:///srv/secrets/application"},
                "schema": "petclinic",
                "managed": True,
                "tls_ca": self.pair.signer.pem,
            },
            "backups": "file:///srv/backups",
            "which": "latest",
            "streams": 2,
            "origin": {
                "host": ORIGIN,
                "header": "X-Twinsite-Origin",
                "secret": "file:///srv/secrets/header",
                "certificate": "file:///srv/secrets/certificate",
                "direct_hosts": [],
            },
            "identity": {"client_id": ""},
            "secret_versions": {},
        }

    def sql(self, statement: str) -> str:
        return self.pair.sql(DATABASE, statement)

    def must(self, command: str, stdin: bytes = b"") -> str:
        return self.pair.must(STANDBY, command, stdin)

    def put(self, path: str, content: "bytes | str", mode: str = "600") -> None:
        raw = content if isinstance(content, bytes) else content.encode()
        self.must(f"install -D -m {mode} /dev/stdin {path}", raw)

    def certificate(self, *also: str) -> str:
        """Renew the origin's certificate in the "vault", for these names, too; its PEM."""
        chain, key = self.pair.signer.certificate_for(*(x509.DNSName(name) for name in (ORIGIN, *also)))
        self.put("/srv/secrets/certificate", chain + key)
        return chain

    def tell(self) -> None:
        """Put the configuration in place, as the agent does."""
        text = json.dumps(self.config)
        self.put("/etc/twinsite/standby.json", text)
        self.put("/etc/twinsite/standby.told", hashlib.sha256(text.encode()).hexdigest()[:16])

    def role(self, words: str, seconds: float = 240) -> "subprocess.CompletedProcess[str]":
        return self.pair.on(STANDBY, f"{GUEST} standby {words}", seconds=seconds)

    def apply(self) -> dict[str, Any]:
        """Tell and apply; the status document."""
        self.tell()
        done = self.role("apply")
        assert done.returncode == 0, done.stderr + done.stdout[-2000:]
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.must(f"{GUEST} standby report").splitlines()[-1])
        return found

    def killed(self, step: str) -> None:
        """One run that is killed in this step."""
        self.tell()
        self.put("/srv/killer.py", KILLER)
        done = self.pair.on(STANDBY, f"python3 /srv/killer.py {step}", seconds=240)
        assert done.returncode != 0, f"{step} was not killed: {done.stdout}"

    def page(self, header: str = SECRET, path: str = "/petclinic/", name: str = ORIGIN) -> "tuple[int, str]":
        """(status, text) of a page as the front door gets it, or a user of another name, over the wire."""
        ask = ["ip", "netns", "exec", f"{self.pair.prefix}-adhoc", "curl", "-s", "-m", "10"]
        ask += ["--cacert", str(self.pair.folder / "authority.pem"), "--resolve", f"{name}:443:{STANDBY}"]
        ask += ["-H", f"X-Twinsite-Origin: {header}", "-w", "\n%{http_code}", f"https://{name}{path}"]
        done = subprocess.run(ask, capture_output=True, text=True, check=False)
        text, _, code = done.stdout.rpartition("\n")
        return int(code or 0), text

    def backup(self) -> str:
        """Take a backup of what the database holds now; its id."""
        told = {
            "store": "file:///srv/backups",
            "schema": "petclinic",
            "database": {"address": DATABASE, "port": 3306, "user": "dbadmin", "tls_ca": self.pair.signer.pem},
            "streams": 2,
            # Small, so that there are many: a kill lands between two.
            "chunk_mib": 1,
        }
        self.put("/srv/backup.json", json.dumps(told))
        self.put("/srv/backup.secrets.json", json.dumps({"password": PASSWORD}))
        words = "run --config /srv/backup.json --secrets /srv/backup.secrets.json"
        made = json.loads(self.must(f"/opt/twinsite/current/backup/apply.py {words}").splitlines()[-1])
        return str(made["id"])

    def empty(self) -> None:
        """Take everything away that a run has made, on both machines."""
        self.must("rm -f /etc/twinsite/standby.closed; systemctl stop nginx tomcat11")
        self.must("systemctl disable -q nginx tomcat11; rm -rf /var/lib/twinsite /var/log/dr-vm-init.log")
        self.must(
            "rm -rf /var/lib/tomcat11/webapps/petclinic* /etc/nginx/conf.d/twinsite.conf /var/tmp/twinsite-backup"
        )
        self.must("rm -f /etc/twinsite/application* /etc/twinsite/origin.pem /etc/twinsite/backup*")
        self.sql("DROP DATABASE IF EXISTS petclinic; DROP DATABASE IF EXISTS twinsite_standby")
        self.sql("DROP DATABASE IF EXISTS twinsite_restore; DROP USER IF EXISTS application@'%'")

    def state(self) -> dict[str, str]:
        """What counts of a finished machine: the data, the files, what runs now and after a reboot."""
        tables = self.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'petclinic'").split()
        sums = self.sql("CHECKSUM TABLE " + ", ".join(f"petclinic.`{name}`" for name in sorted(tables)))
        files = "/etc/nginx/conf.d/twinsite.conf /etc/tomcat11/server.xml /etc/twinsite/application.env"
        files += " /etc/twinsite/application.password /etc/twinsite/backup.json /etc/twinsite/origin.pem"
        files += " /var/lib/tomcat11/webapps/petclinic.war /etc/systemd/system/tomcat11.service.d/twinsite.conf"
        units = "nginx tomcat11 twinsite-standby-certificate.timer"
        return {
            "sums": sums,
            "files": self.must(f"sha256sum {files}"),
            "active": self.must(f"systemctl is-active {units}"),
            "enabled": self.must(f"systemctl is-enabled {units}"),
            "marker": self.sql("SELECT state FROM twinsite_standby.data"),
            "half": self.sql("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'twinsite_restore'"),
        }

    def reboot(self) -> None:
        """Pull the standby's plug and boot it again."""
        self.pair.on(STANDBY, "systemctl --no-block reboot -ff", seconds=20)
        self.pair.forget(STANDBY)
        eventually(lambda: self.pair.on(STANDBY, "true", seconds=10).returncode == 0, 90, "the standby's reboot")


def _seed(clinic: Clinic) -> None:
    folder = TREE / "workloads" / "petclinic" / "database"
    clinic.sql("DROP DATABASE IF EXISTS petclinic; CREATE DATABASE petclinic")
    for name in ("schema.sql", "data.sql"):
        clinic.pair.must(DATABASE, "mysql --no-defaults petclinic", (folder / name).read_bytes())
    more = (
        "INSERT INTO petclinic.owners (first_name, last_name, address, city, telephone) "
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MORE_OWNERS}) "
        "SELECT CONCAT('First', i), CONCAT('Last', i), REPEAT(MD5(i), 3), 'City', LPAD(i, 10, '0') FROM n"
    )
    clinic.sql(f"SET SESSION cte_max_recursion_depth = 1000000; {more.replace('MD5(i)', 'HEX(i * 7919)')}")


@contextlib.contextmanager
def running_clinic(folder: Path, prefix: str) -> Iterator[Clinic]:
    """The database seeded, one backup taken and the database emptied; the standby has the payload and nothing else."""
    artefact = war()
    with running_pair(folder, prefix) as pair:
        (folder / "authority.pem").write_text(pair.signer.pem)
        certificate, key = pair.signer.certificate(DATABASE)
        pair.config[DATABASE] = {
            "role": "standalone",
            "server_id": 3,
            "user": "dbadmin",
            "tls_ca": pair.signer.pem,
            "tls_cert": certificate,
        }
        pair.secrets[DATABASE] = {"password": PASSWORD, "tls_key": key}
        pair.apply(DATABASE)
        assert pair.role(DATABASE, "gate --timeout 20").returncode == 0
        clinic = Clinic(pair, artefact)
        clinic.reset()
        clinic.put("/srv/secrets/password", PASSWORD)
        clinic.put("/srv/secrets/application", APPLICATION)
        clinic.put("/srv/secrets/header", SECRET)
        clinic.put("/srv/petclinic.war", artefact, "644")
        # The authority of this test stands for a public one.
        clinic.put("/usr/local/share/ca-certificates/test.crt", pair.signer.pem, "644")
        clinic.must("update-ca-certificates")
        clinic.certificate()
        _seed(clinic)
        clinic.backup()
        clinic.empty()
        yield clinic
