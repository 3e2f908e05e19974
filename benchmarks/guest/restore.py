"""On a machine with MySQL: backups and restores of generated data, twinsite's and the document's recipe in turn.

    restore.py MIB PAIRS      prints one JSON object

The server has its defaults (128 MiB of buffer pool, full durability) with GTIDs and the binary log on. A restore's
clock stops when the command has ended and every file is synced: ours has then proved every row, the recipe nothing.
CHECKSUM TABLE, by which this program checks both, is in neither clock and has its own.
"""

import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import time

SOCKET = "/run/mysqld/mysqld.sock"
PLACE = pathlib.Path("/srv/bench")
TOOL = [sys.executable, "/opt/twinsite/current/backup/apply.py"]
SOURCE, OURS, PEER = "bench", "bench_ours", "bench_peer"
SED = "sed -e '/@@GLOBAL.GTID_PURGED/d' -e '/@@SESSION.SQL_LOG_BIN/d'"
WORDS = "'the','owner','of','cat','dog','visit','north','river','seven','bridge','lamp','green','quiet','stone','old'"

# Rows per MiB of .ibd, found by trial; what each table is like follows PetClinic, with more to index.
TABLES = {
    "owners": (
        490,
        "id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60), email VARCHAR(80), city VARCHAR(30), made DATETIME, "
        "KEY (name), UNIQUE KEY (email), KEY (city, name)",
        "i, CONCAT({w}, ' ', {w}, ' ', i), CONCAT({w}, '.', i, '@example.com'), {w}, "
        "'2020-01-01' + INTERVAL FLOOR(RAND() * 2e8) SECOND",
        "",
    ),
    "pets": (
        700,
        "id BIGINT AUTO_INCREMENT PRIMARY KEY, owner BIGINT, name VARCHAR(40), born DATE, weight DOUBLE, about JSON, "
        "KEY (owner), KEY (name), KEY (born)",
        "i, 1 + FLOOR(RAND() * {owners}), CONCAT({w}, ' ', {w}), '2000-01-01' + INTERVAL FLOOR(RAND() * 9000) DAY, "
        "RAND() * 50, JSON_OBJECT('colour', {w}, 'chip', FLOOR(RAND() * 1e12), 'notes', CONCAT({w}, ' ', {w}, {w}))",
        "FOREIGN KEY (owner) REFERENCES owners (id)",
    ),
    "visits": (
        1680,
        "id BIGINT AUTO_INCREMENT PRIMARY KEY, pet BIGINT, at DATETIME(3), price DECIMAL(10,2), words VARCHAR(300), "
        "KEY (pet, at), KEY (at), KEY (price)",
        "i, 1 + FLOOR(RAND() * {pets}), '2020-01-01' + INTERVAL FLOOR(RAND() * 2e8) SECOND, RAND() * 900, "
        "CONCAT_WS(' ', {w}, {w}, {w}, {w}, {w}, {w}, HEX(FLOOR(RAND() * 1e15)), {w}, {w}, {w})",
        "FOREIGN KEY (pet) REFERENCES pets (id)",
    ),
    "journal": (
        840,
        "id BIGINT AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP NULL, what VARCHAR(20), words TEXT, KEY (what, at)",
        f"i, '2020-01-01' + INTERVAL FLOOR(RAND() * 2e8) SECOND, {{w}}, CONCAT_WS(' ', {', '.join(['{w}'] * 16)})",
        "",
    ),
}


def mysql(statements: str) -> str:
    command = ["mysql", "--no-defaults", "-uroot", f"--socket={SOCKET}", "-N"]
    done = subprocess.run(command, input=statements, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"mysql: {done.stderr}")
    return done.stdout


def generate(mib: int) -> None:
    """The source schema."""
    # Text that gzip makes about a third of, as it does of real ones: a word and up to three letters of its own.
    word = f"CONCAT(ELT(1 + FLOOR(RAND() * 15), {WORDS}), LOWER(CONV(FLOOR(RAND() * 46656), 10, 36)))"
    counts = {name: per * mib for name, (per, *_) in TABLES.items()}
    mysql(f"DROP DATABASE IF EXISTS {SOURCE}; CREATE DATABASE {SOURCE}")
    for name, (_, columns, values, foreign) in TABLES.items():
        expressions = values.replace("{w}", word)
        for other, count in counts.items():
            expressions = expressions.replace(f"{{{other}}}", str(count))
        mysql(f"USE {SOURCE}; CREATE TABLE {name} ({columns}{', ' if foreign else ''}{foreign})")
        step = 100_000
        for first in range(1, counts[name] + 1, step):
            last = min(first + step - 1, counts[name])
            mysql(
                f"USE {SOURCE}; SET cte_max_recursion_depth = {step + 1}, foreign_key_checks = 0, unique_checks = 0; "
                f"INSERT INTO {name} WITH RECURSIVE n (i) AS "
                f"(SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) SELECT {expressions} FROM n"
            )
    mysql(
        f"USE {SOURCE}; CREATE VIEW recent AS SELECT v.id, p.name FROM visits v JOIN pets p ON p.id = v.pet; "
        "CREATE TRIGGER noted AFTER INSERT ON visits FOR EACH ROW INSERT INTO journal (what) VALUES ('visit'); "
        "CREATE PROCEDURE nothing () SELECT 1"
    )


def sums(schema: str) -> str:
    """CHECKSUM TABLE of every table."""
    lines = mysql(f"CHECKSUM TABLE {', '.join(f'{schema}.{name}' for name in TABLES)}")
    return lines.replace(f"{schema}.", "")


class Clock:
    """Seconds of wall time and of CPU of what ran here and, from its cgroup, of the server."""

    def __enter__(self) -> "Clock":
        os.sync()
        self._wall, self._cpu = time.monotonic(), self._used()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._wall
        self.cpu_seconds = self._used() - self._cpu

    @staticmethod
    def _used() -> float:
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        pid = subprocess.run(["pidof", "mysqld"], capture_output=True, text=True, check=True).stdout.split()[0]
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return own.ru_utime + own.ru_stime + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shell(command: str) -> None:
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")


def tool(*words: str) -> "subprocess.Popen[str]":
    files = ["--config", str(PLACE / "backup.json"), "--secrets", str(PLACE / "secrets.json")]
    return subprocess.Popen([*TOOL, *words, *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True)  # fmt: skip


def must(*words: str) -> dict[str, object]:
    running = tool(*words)
    out, said = running.communicate()
    if running.returncode:
        sys.exit(f"backup {' '.join(words)}: {said}")
    found: dict[str, object] = json.loads(out)
    return found


def fresh() -> None:
    """No restored schema, and no binary log of the run before."""
    for schema in (OURS, PEER, "twinsite_restore"):
        mysql(f"DROP DATABASE IF EXISTS {schema}")
    mysql("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
    os.sync()


def check(schema: str, expected: str) -> float:
    """Seconds that CHECKSUM TABLE of what was restored took."""
    with Clock() as clock:
        if sums(schema) != expected:
            sys.exit(f"{schema} is not what was backed up")
    return clock.seconds


def pair(number: int, expected: str) -> dict[str, dict[str, float]]:
    """One of each; which is first changes."""
    found: dict[str, dict[str, float]] = {"ours": {}, "peer": {}}
    dump = PLACE / "peer.sql.gz"
    options = f"--no-defaults -uroot --socket={SOCKET}"

    def backup(side: str) -> None:
        with Clock() as clock:
            if side == "ours":
                found[side]["bytes"] = float(str(must("run")["bytes_total"]))
            else:
                shell(f"mysqldump {options} --single-transaction --routines --events {SOURCE} | gzip > {dump}")
                found[side]["bytes"] = float(dump.stat().st_size)
        found[side] |= {"backup": clock.seconds, "backup_cpu": clock.cpu_seconds}

    def restore(side: str) -> None:
        fresh()
        with Clock() as clock:
            if side == "ours":
                must("restore")
            else:
                mysql(f"CREATE DATABASE {PEER}")
                shell(f"gunzip -c {dump} | {SED} | mysql {options} {PEER}")
            os.sync()
        found[side] |= {"restore": clock.seconds, "restore_cpu": clock.cpu_seconds}
        found[side]["check"] = check(OURS if side == "ours" else PEER, expected)

    sides = ("ours", "peer") if number % 2 else ("peer", "ours")
    for act in (backup, restore):
        for side in sides:
            act(side)
    # Killed once, somewhere, and run again: only the work counts, not the pause.
    fresh()
    with Clock() as clock:
        running = tool("restore")
        time.sleep(random.Random(number).uniform(0.3, 0.8) * found["ours"]["restore"])
        os.killpg(running.pid, 9)
        running.communicate()
        found["ours"]["killed_after"] = time.monotonic() - clock._wall
        must("restore")
        os.sync()
    found["ours"]["kill_and_resume"] = clock.seconds
    check(OURS, expected)
    fresh()
    return found


def main() -> None:
    mib, pairs = int(sys.argv[1]), int(sys.argv[2])
    PLACE.mkdir(parents=True, exist_ok=True)
    server = {"address": SOCKET, "user": "root"}
    config = {"store": f"file://{PLACE}/store", "schema": SOURCE, "database": server, "spool": f"{PLACE}/spool"}
    (PLACE / "backup.json").write_text(json.dumps(config | {"target": server | {"schema": OURS}}))
    (PLACE / "secrets.json").write_text("{}")
    (PLACE / "store").mkdir(exist_ok=True)
    generate(mib)
    expected = sums(SOURCE)
    size = mysql(f"SELECT SUM(file_size) FROM information_schema.innodb_tablespaces WHERE name LIKE '{SOURCE}/%'")
    rows = {name: int(mysql(f"SELECT COUNT(*) FROM {SOURCE}.{name}")) for name in TABLES}
    done = []
    for number in range(pairs):
        done.append(pair(number, expected))
        print(f"pair {number + 1} of {pairs}: {json.dumps(done[-1])}", file=sys.stderr, flush=True)
    about = {"ibd_bytes": int(size), "rows": rows, "version": mysql("SELECT @@version").strip()}
    print(json.dumps(about | {"pairs": done}))


if __name__ == "__main__":
    main()
