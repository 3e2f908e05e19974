"""The ledger off the hosts against a real MySQL server: by its socket, and over TCP and TLS as a pod has it."""

import dataclasses
import json
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lab.paths import TREE
from operations.guest import Guests
from operations.ledger.direct import DirectEnd
from operations.ledger.end import End
from operations.ledger.host import HostEnd
from operations.transport import Done, Nobody
from tests.operations_world import INVENTORY

from .two_servers import NAME, PASSWORD, SOURCE, START_SECONDS, TARGET, Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

RATE, SESSIONS = 200.0, 4
HEARTBEAT = "CREATE DATABASE IF NOT EXISTS beat; CREATE TABLE IF NOT EXISTS beat.at (ts TIMESTAMP(6))"


@pytest.fixture
def end(servers: Servers) -> Iterator[DirectEnd]:
    made = DirectEnd("source", servers.place(SOURCE))
    yield made
    made.clean()
    made.close()
    for server in (SOURCE, TARGET):
        servers.clear(server)


def wrote(end: DirectEnd, transactions: int, prepare: bool = True) -> str:
    """Acknowledgements of at least so many."""
    if prepare:
        end.prepare(SESSIONS)
    end.start("test", START_SECONDS, RATE, SESSIONS)
    deadline = time.monotonic() + START_SECONDS
    while end.acked() < transactions:
        assert time.monotonic() < deadline, f"{end.acked()} acknowledged"
        time.sleep(0.01)
    end.stop()
    return end.acknowledgements()


def test_what_was_acknowledged_is_there_and_the_controls_are_found(end: DirectEnd) -> None:
    text = wrote(end, 40)
    found = end.verify(text)
    assert found["acked"] == len(text.splitlines()) >= 40
    spoilt = ("missing", "duplicated", "reordered", "childless", "updates_missing", "unacknowledged", "in_doubt")
    assert {name: found[name] for name in spoilt if found[name]} == {}
    assert found["controls_found"]
    assert {json.loads(line)["session"] for line in text.splitlines()} == set(range(1, SESSIONS + 1))


def test_a_row_that_was_taken_away_is_named(end: DirectEnd, servers: Servers) -> None:
    text = wrote(end, 20)
    taken = "DELETE FROM twinsite_drill.entries WHERE session = 2 AND seq = 3"
    servers.ask(SOURCE, "SET foreign_key_checks = 0", taken)
    assert end.verify(text)["missing"] == ((2, 3),)
    assert end.gaps() == 1


@dataclasses.dataclass
class Room(Nobody):
    """A transport into the servers' room, where nobody needs sudo."""

    servers: Servers

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        done = self.servers.on(shlex.join(command).removeprefix("sudo -n "), stdin.encode(), timeout_seconds)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_host_and_a_desk_are_the_same_ledger_of_one_server(end: DirectEnd, servers: Servers) -> None:
    # Where the program on a host looks for its own server.
    servers.must("mkdir -p /run/mysqld && ln -sf /srv/source.sock /run/mysqld/mysqld.sock")
    host = HostEnd(Guests(INVENTORY, Room(servers)), "aws-source")
    before = end.executed()
    host.prepare(SESSIONS)
    text = wrote(end, 20, prepare=False)
    host.write("test", "by the host")
    end.write("test", "by the desk")
    assert end.rows() == ["by the host", "by the desk"]
    assert end.verify(text)["acked"] >= 20

    def read(one: End) -> list[object]:
        other = f"{uuid.UUID(int=1)}:1-3"
        found = json.loads(json.dumps(one.verify(text)))
        return [found, one.gaps(), one.executed(), one.lacking(before), one.lacking(other)]

    assert read(host) == read(end)
    assert host.clean() == ["twinsite_drill", "testdb"]
    assert end.clean() == ["twinsite_drill"]


def test_a_connection_that_is_killed_leaves_one_commit_in_doubt_and_the_session_goes_on(
    end: DirectEnd, servers: Servers
) -> None:
    end.prepare(1)
    end.start("test", START_SECONDS, RATE, 1)
    while end.acked() < 10:
        time.sleep(0.01)
    # Held by a lock, so that it is killed in a transaction.
    servers.ask(
        SOURCE,
        "BEGIN",
        "SELECT * FROM twinsite_drill.sessions FOR UPDATE",
        "SELECT SLEEP(0.3)",
        "SELECT CONCAT('KILL ', id) INTO @kill FROM information_schema.processlist "
        "WHERE db = 'twinsite_drill' AND id != CONNECTION_ID() LIMIT 1",
        "PREPARE kill_it FROM @kill",
        "EXECUTE kill_it",
        "ROLLBACK",
    )
    before = end.acked()
    while end.acked() < before + 10:
        time.sleep(0.01)
    end.stop()
    text = end.acknowledgements()
    outcomes = [json.loads(line) for line in text.splitlines()]
    doubt = [one["seq"] for one in outcomes if one["outcome"] == "in-doubt"]
    assert len(doubt) == 1
    assert [one["seq"] for one in outcomes] == list(range(1, len(outcomes) + 1)), "no number twice"
    assert end.verify(text)["missing"] == ()


def test_gtids_that_another_server_lacks_are_named(end: DirectEnd, servers: Servers) -> None:
    before = end.executed()
    end.prepare(1)
    other = DirectEnd("target", servers.place(TARGET))
    assert end.lacking(before) == ""
    assert other.lacking(end.executed()) != ""
    other.close()


def test_a_look_is_that_of_a_source_and_says_that_it_is_no_replica(end: DirectEnd, servers: Servers) -> None:
    servers.ask(SOURCE, HEARTBEAT, "INSERT INTO beat.at VALUES (NOW(6))")
    found = end.look("source", "beat.at")
    assert (found["writable"], abs(found["heartbeat"] - end.clock()) < START_SECONDS) == (True, True)
    assert found["gtid"] == end.executed() != ""
    assert "no replica" in end.look("replica", "beat.at")["error"]


def test_a_row_comes_later_or_is_forgotten(end: DirectEnd) -> None:
    end.write("one", "later", after_seconds=0.05)
    end.write("two", "never", after_seconds=START_SECONDS)
    end.forget("two")
    deadline = time.monotonic() + START_SECONDS
    while end.rows() != ["later"]:
        assert time.monotonic() < deadline, end.rows()
        time.sleep(0.01)


@pytest.fixture
def account(servers: Servers, tmp_path: Path) -> Iterator[dict[str, Path]]:
    """A user that comes by TLS only; files with its password and the authority."""
    word = PASSWORD.replace("'", "''")
    servers.ask(
        SOURCE,
        f"CREATE USER ledger@'%' IDENTIFIED BY '{word}' REQUIRE SSL",
        "GRANT ALL ON twinsite_drill.* TO ledger@'%'",
        "GRANT ALL ON testdb.* TO ledger@'%'",
    )
    files = {"password": tmp_path / "password", "authority": tmp_path / "authority.pem"}
    files["password"].write_text(PASSWORD + "\n")
    files["authority"].write_text(servers.authority.pem)
    yield files
    servers.ask(SOURCE, "DROP USER ledger@'%'", "DROP DATABASE IF EXISTS twinsite_drill")


def program(files: dict[str, Path], verb: str, *more: str, host: str = NAME, known: bool = True) -> list[str]:
    authority = ["--ca", str(files["authority"])] if known else []
    url = [f"mysql://ledger@{host}", verb, "--password-file", str(files["password"])]
    return [sys.executable, "-m", "operations.ledger", *url, *authority, *more]


def test_the_program_of_a_desk_or_a_pod_writes_and_checks_over_verified_tls(
    servers: Servers, account: dict[str, Path], tmp_path: Path
) -> None:
    acked = ["--acked", str(tmp_path / "acked.jsonl")]
    done = servers.on_its_network(*program(account, "run", "--seconds", "1", "--rate", "50", *acked))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["acked"] >= 10
    checked = servers.on_its_network(*program(account, "check", *acked))
    assert (checked.returncode, json.loads(checked.stdout)["missing"]) == (0, [])
    servers.ask(
        SOURCE, "SET foreign_key_checks = 0", "DELETE FROM twinsite_drill.entries WHERE session = 1 AND seq = 2"
    )
    checked = servers.on_its_network(*program(account, "check", *acked))
    assert (checked.returncode, json.loads(checked.stdout)["missing"]) == (1, [[1, 2]])
    assert json.loads(servers.on_its_network(*program(account, "clean")).stdout) == {"dropped": ["twinsite_drill"]}


def test_the_program_stops_when_it_is_told_and_its_file_is_whole(
    servers: Servers, account: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "acked.jsonl"
    command = program(account, "run", "--seconds", str(START_SECONDS), "--acked", str(file))
    running = subprocess.Popen(
        ["nsenter", f"--target={servers.process}", "--net", *command], cwd=TREE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + START_SECONDS
    while not file.exists() or not file.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    said, _ = running.communicate(timeout=START_SECONDS)
    answer = json.loads(said)
    assert (running.returncode, answer["stopped"]) == (0, True)
    assert answer["acked"] == len(file.read_text().splitlines())


@pytest.mark.parametrize(
    ("host", "known", "words"),
    [
        (NAME, False, "certificate"),  # by an authority that nobody here knows
        ("127.0.0.1", True, "certificate"),  # for another name
    ],
)
def test_a_server_that_cannot_prove_who_it_is_gets_no_password(
    servers: Servers, account: dict[str, Path], host: str, known: bool, words: str
) -> None:
    done = servers.on_its_network(*program(account, "clean", host=host, known=known))
    assert done.returncode == 2
    assert words in done.stderr and "does not answer" not in done.stderr
