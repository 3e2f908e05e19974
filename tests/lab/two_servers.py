"""Two MySQL servers of the machine image, a source and a target as strict as a managed one, for many small schemas.

No machine is booted: the servers run in namespaces of their own on an overlay of the image in memory, beside the guest
files of this tree, and the backup role's program works there as on a host. All of it ends with its first process.
"""

import contextlib
import dataclasses
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509

from lab.box.image import ensure_image
from lab.paths import TREE, cache
from operations import sql

from .backup_world import ADMINISTRATOR
from .database_pair import authority

ROOM = """set -eu
image=$1 guest=$2 place=$3
mount -t tmpfs -o mode=755 two-servers "$place"
mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay -o "lowerdir=$image,upperdir=$place/upper,workdir=$place/work" two-servers "$place/root"
cd "$place/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs tmp
mkdir -p opt/twinsite/current etc/twinsite srv
chroot . chown mysql: srv
mount --bind "$guest" opt/twinsite/current
mount -o remount,bind,ro opt/twinsite/current
ip link set lo up
exec chroot . sh -c "echo ready; exec sleep infinity"
"""
SERVER = """[mysqld]
user = mysql
datadir = /srv/{name}
socket = /srv/{name}.sock
pid_file = /srv/{name}.pid
log_error = /srv/{name}.log
skip_networking = ON
mysqlx = OFF
server_id = {number}
log_bin = /srv/{name}/binlog
gtid_mode = ON
enforce_gtid_consistency = ON
local_infile = ON
log_bin_trust_function_creators = ON
innodb_buffer_pool_size = 64M
innodb_redo_log_capacity = 16M
innodb_flush_log_at_trx_commit = 0
sync_binlog = 0
{more}
"""
PROGRAM = (
    "python3 /opt/twinsite/current/backup/apply.py {} --config /etc/twinsite/backup.json "
    "--secrets /etc/twinsite/backup.secrets.json"
)
SOURCE, TARGET, LOW = "source", "target", "low"
"""The third is a target with lower_case_table_names = 1, as Azure's flexible server has it; started when asked for."""

JOB = "SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES"
PASSWORD = "pass'word"
NETWORK = """skip_networking = OFF
bind_address = 127.0.0.1
ssl_ca = /srv/authority.pem
ssl_cert = /srv/server.pem
ssl_key = /srv/server-key.pem
"""
"""Of the source, which answers on the room's own loopback, too: as NAME, by an authority of the room's."""
NAME = "localhost"
START_SECONDS = 120
VERB_SECONDS = 60
"""Of one small schema; a verb that takes longer hangs."""

# mysqldump cannot show an object whose definer is gone; a backup can.
_GONE = re.compile(r"as a definer \(('.*?'@'.*?')\) does not exist")
# A routine of ANSI_QUOTES is shown with them.
_DEFINER = re.compile(r'DEFINER=(?:`(?:[^`]|``)*`@`(?:[^`]|``)*`|"(?:[^"]|"")*"@"(?:[^"]|"")*")')
_STATE = re.compile(r"(ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE(?: ON (?:SLAVE|REPLICA))?)\b")


@dataclasses.dataclass(frozen=True)
class Done:
    """What a verb of the backup role came to; `code` is None when it hung."""

    code: int | None
    found: dict[str, Any]
    said: str


class Servers:
    """The room with its servers."""

    def __init__(self, room: "subprocess.Popen[bytes]") -> None:
        self._room = room
        inside = Path(f"/proc/{room.pid}/task/{room.pid}/children").read_text().split()
        self._init = int(inside[0])
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self.authority = authority()
        certificate, key = self.authority.certificate_for(x509.DNSName(NAME))
        files = {"authority": self.authority.pem, "server": certificate, "server-key": key}
        for name, text in files.items():
            self.must(f"install -o mysql -m 400 /dev/stdin /srv/{name}.pem", text.encode())
        self.start(SOURCE)
        self.start(TARGET)

    def _enter(self, command: str) -> list[str]:
        enter = ["nsenter", f"--target={self._init}", "--mount", "--net", "--pid", "--root", "--wd"]
        return [*enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPYCACHEPREFIX=/tmp/pyc", "sh", "-c",
                command]  # fmt: skip

    def on(
        self, command: str, stdin: bytes = b"", seconds: float = START_SECONDS
    ) -> "subprocess.CompletedProcess[bytes]":
        """A shell command in the room. TimeoutExpired when it takes longer."""
        # `timeout` kills its process group, so what the command has started ends with it.
        words = self._enter(f"exec timeout --signal=KILL {seconds:g} sh -c {_quoted(command)}")
        return subprocess.run(words, input=stdin, capture_output=True, check=False, timeout=seconds + 20)

    def must(self, command: str, stdin: bytes = b"") -> str:
        done = self.on(command, stdin)
        words = f"`{command}` ended with {done.returncode}: {(done.stderr + done.stdout).decode(errors='replace')}"
        assert done.returncode == 0, words
        return done.stdout.decode(errors="replace")

    def start(self, name: str) -> None:
        """A server that is not running yet."""
        if name in self._servers:
            return
        more = {LOW: "lower_case_table_names = 1", SOURCE: NETWORK}.get(name, "")
        text = SERVER.format(name=name, number=[SOURCE, TARGET, LOW].index(name) + 1, more=more)
        self.must(f"cat > /srv/{name}.cnf", text.encode())
        if name == TARGET:
            # The source's first files, before it had any of its own: half the time.
            self.must("cp -a /srv/fresh /srv/target")
        else:
            self.must(
                f"mysqld --defaults-file=/srv/{name}.cnf --initialize-insecure --skip-log-bin || cat /srv/{name}.log"
            )
        if name == SOURCE:
            self.must("cp -a /srv/source /srv/fresh && rm /srv/fresh/auto.cnf")
        words = self._enter(f"exec mysqld --defaults-file=/srv/{name}.cnf")
        self._servers[name] = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        while self.on(f"mysqladmin --no-defaults -uroot -S /srv/{name}.sock ping").returncode:
            late = time.monotonic() - began > START_SECONDS or self._servers[name].poll() is not None
            assert not late, f"mysqld did not start: {self.must(f'tail -5 /srv/{name}.log')}"
            time.sleep(0.1)
        if name != SOURCE:
            self.sql(
                name,
                f"CREATE USER administrator@localhost IDENTIFIED BY '{_escaped(PASSWORD)}'; "
                f"GRANT {ADMINISTRATOR} ON *.* TO administrator@localhost WITH GRANT OPTION",
            )

    @property
    def process(self) -> int:
        """The room's first one, by whose id its namespaces are entered."""
        return self._init

    def place(self, server: str) -> sql.Place:
        """The server's socket as it is seen from outside the room."""
        return sql.Place("mysql", f"/proc/{self._init}/root/srv/{server}.sock", "root")

    def on_its_network(self, *words: str, seconds: float = START_SECONDS) -> "subprocess.CompletedProcess[str]":
        """A program of this machine, on the room's loopback."""
        enter = ["nsenter", f"--target={self._init}", "--net", *words]
        return subprocess.run(enter, capture_output=True, text=True, check=False, timeout=seconds, cwd=TREE)

    def ask(self, server: str, *statements: str) -> "list[Sequence[Any]]":
        """The rows of all answers, by the driver: quicker than a client in the room, and NULL is no text there."""
        with contextlib.closing(sql.connect(self.place(server), START_SECONDS)) as session:
            return [row for statement in statements for row in session.script(statement)]

    def sql(self, server: str, statements: "str | bytes", schema: str = "", options: str = "") -> str:
        """The answer of the mysql client as root, without column names."""
        done = self.try_sql(server, statements, schema, options)
        assert done.returncode == 0, f"{server}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode(errors="replace").strip()

    def try_sql(
        self, server: str, statements: "str | bytes", schema: str = "", more: str = ""
    ) -> "subprocess.CompletedProcess[bytes]":
        """The same, whatever the exit code."""
        script = statements.encode() if isinstance(statements, str) else statements
        options = "--no-defaults -uroot -N --comments --default-character-set=utf8mb4"
        return self.on(f"mysql {options} {more} -S /srv/{server}.sock -- {_quoted(schema)}", script)

    def databases(self, server: str) -> set[str]:
        """Schemas that are not the server's own."""
        own = {"information_schema", "mysql", "performance_schema", "sys"}
        return {str(name) for (name,) in self.ask(server, "SHOW DATABASES")} - own

    def clear(self, server: str) -> None:
        """Drop every schema that is not the server's own."""
        drops = [f"DROP DATABASE {name_of(schema)}" for schema in self.databases(server)]
        # One that another one's foreign key points to, too.
        self.ask(server, "SET foreign_key_checks = 0", *drops)

    def tell(self, schema: str, target: str = TARGET, **changes: Any) -> None:
        """Write the role's configuration, and empty its store and spool."""
        told = {
            "store": "file:///srv/store",
            "schema": schema,
            "database": {"address": "/srv/source.sock", "user": "job"},
            "target": {"address": f"/srv/{target}.sock", "user": "administrator"},
            "streams": 2,
            "chunk_mib": 1,
        } | changes
        files = {"backup.json": told, "backup.secrets.json": {"password": PASSWORD}}
        self.must("rm -rf /srv/store /var/tmp/twinsite-backup && mkdir /srv/store")
        for name, text in files.items():
            self.must(f"umask 077; cat > /etc/twinsite/{name}", json.dumps(text).encode())

    def grant_job(self, schema: str, grants: str = "") -> None:
        """The backup's user, anew: with `grants`, or with what the documents say about one schema."""
        name = schema.replace("`", "``").replace("_", r"\_")
        grants = grants or f"GRANT {JOB} ON `{name}`.* TO job@localhost; GRANT SHOW_ROUTINE ON *.* TO job@localhost"
        self.sql(
            SOURCE,
            f"DROP USER IF EXISTS job@localhost; CREATE USER job@localhost IDENTIFIED BY '{_escaped(PASSWORD)}'; "
            + grants,
        )

    def change(self, **changes: Any) -> None:
        """The role's configuration with these changes; its store stays."""
        told = json.loads(self.must("cat /etc/twinsite/backup.json")) | changes
        self.must("cat > /etc/twinsite/backup.json", json.dumps(told).encode())

    def role(self, words: str, environment: str = "") -> Done:
        """A verb of the backup role."""
        done = self.on(f"{environment} {PROGRAM.format(words)}", seconds=VERB_SECONDS)
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode in (124, 137, -9):
            return Done(None, {}, f"{words} did not end within {VERB_SECONDS} s; {said}")
        return Done(done.returncode, json.loads(done.stdout or b"{}"), said)

    def start_role(self, words: str) -> "subprocess.Popen[bytes]":
        """The same, running on."""
        # Below a shell: nsenter stops when its own child is stopped.
        return subprocess.Popen(
            self._enter(f"{PROGRAM.format(words)}; exit $?"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def dump(self, server: str, schema: str) -> list[str]:
        """What mysqldump says of a schema: a second opinion, without definers and the state of events, which a restore
        replaces. Definitions are asked for as text, rows as bytes."""
        common = f"mysqldump --no-defaults -uroot -S /srv/{server}.sock --skip-dump-date --set-gtid-purged=OFF --force "
        common += "--skip-comments --hex-blob --no-tablespaces --skip-opt --create-options --quote-names "
        what = (
            "--default-character-set=utf8mb4 --no-data --routines --events --triggers",
            "--default-character-set=binary --no-create-info --skip-triggers --order-by-primary --complete-insert",
        )
        lines = []
        for options in what:
            command = f"{common} {options} -- {_quoted(schema)}"
            done = self.on(command)
            if gone := ", ".join({*_GONE.findall(done.stderr.decode(errors="replace"))}):
                self.sql(server, f"CREATE USER {gone}; GRANT ALL ON *.* TO {gone}")
                done = self.on(command)
                self.sql(server, f"DROP USER {gone}")
            text = done.stdout.decode(errors="surrogateescape")
            lines += _STATE.sub(r"\1", _DEFINER.sub("", text)).splitlines()
            # What it cannot show (a broken view) is part of what it says.
            lines += [line for line in done.stderr.decode(errors="replace").splitlines() if "[Warning]" not in line]
        return lines + self._members(server, schema)

    def _members(self, server: str, schema: str) -> list[str]:
        """What each ENUM and SET can hold, in bytes: definitions show `?` for what is beyond the BMP."""
        found = self.ask(
            server,
            "SELECT table_name, column_name, CONVERT(column_type USING utf8mb4), data_type "
            f"FROM information_schema.columns WHERE table_schema = '{_escaped(schema)}' "
            "AND data_type IN ('enum', 'set') ORDER BY table_name, ordinal_position",
        )
        lines = []
        for table, column, kind, of in found:
            count = len(re.findall("'(?:[^']|'')*'", kind))
            values = ", ".join(f"({1 << number if of == 'set' else number + 1})" for number in range(count))
            said = self.ask(
                server,
                "CREATE DATABASE probe",
                "SET sql_mode = ''",
                f"CREATE TABLE probe.p AS SELECT {name_of(column)} FROM {name_of(schema)}.{name_of(table)} LIMIT 0",
                f"INSERT INTO probe.p VALUES {values}",
                f"SELECT HEX({name_of(column)}) FROM probe.p",
                "DROP DATABASE probe",
            )
            lines.append(f"{table}.{column}: {[member for (member,) in said]}")
        return lines


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def name_of(text: str) -> str:
    """A name, quoted."""
    return "`" + text.replace("`", "``") + "`"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


@contextlib.contextmanager
def running_servers() -> Iterator[Servers]:
    """Both servers, empty."""
    image = ensure_image(cache(), print)
    words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", ROOM, "room"]
    guest = TREE / "components" / "guest"
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(
            [*words, str(image), str(guest), place], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as room,
    ):
        try:
            assert room.stdout
            assert room.stdout.readline() == b"ready\n", "the room for two servers could not be made"
            yield Servers(room)
        finally:
            room.kill()  # and with it, as its namespace's first process, all that ran there
