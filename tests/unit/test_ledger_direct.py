"""The ledger off the hosts: which end an inventory holds, what a lost server does to it, and a drill over such ends.

Against a real server: tests/lab/test_ledger_direct.py.
"""

import io
import itertools
import json
import pathlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pymysql.constants import CLIENT

from operations import host_facts, sql
from operations.console import Plain
from operations.drill import command, tunnel_cut
from operations.drill.tunnel_cut import Refusal, Request, plan
from operations.guest import Guests
from operations.ledger import choice
from operations.ledger.__main__ import main
from operations.ledger.direct import DirectEnd
from operations.ledger.host import HostEnd
from operations.repair import command as repair
from operations.sql import Gone, Place, Refused, Untrusted
from operations.sql.server import place
from operations.stack import Stack
from operations.subjects import mysql_replica
from tests.operations_hosts import UUID, FakeTransport, HostWorld
from tests.operations_world import INVENTORY
from twinsite.inventory import Endpoint, Inventory, from_dict, to_dict

PEM = "-----BEGIN CERTIFICATE-----"
WORD = "the password"
SERVERS = ("aws-source", "onprem-database")


def endpoint(name: str, **changes: Any) -> Endpoint:
    site = name.partition("-")[0]
    made = Endpoint(name, site, "mysql", f"{name}.example", 3306, "drill", f"azkv://vault/{name}", "app", "", PEM)
    return replace(made, **changes)


def managed(**changes: Any) -> Inventory:
    """The stack of the other tests with servers that nobody logs in to."""
    return replace(
        INVENTORY,
        hosts=tuple(host for host in INVENTORY.hosts if host.name not in SERVERS),
        endpoints=tuple(endpoint(name, **changes) for name in SERVERS),
        store="ssh://onprem-gateway/var/lib/twinsite",
    )


def guests(inventory: Inventory) -> Guests:
    return Guests(inventory, FakeTransport(HostWorld()))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://ann:secret@db.example", "a password stands in it"),
        ("postgres://ann@db.example", "'postgres' is none of mysql"),
        ("mysql://db.example", "it names no user"),
        ("mysql://ann@", "neither a host nor a socket"),
        ("mysql://ann@db.example:99999", "its port is no number from 1 to 65535"),
        ("mysql://ann@db.example/app?ssl=false", "more behind the server than is read"),
    ],
)
def test_a_url_that_is_not_understood_is_refused_without_showing_a_password(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        place(url)
    assert "secret" not in str(refusal.value)


def test_a_url_names_a_server_or_a_socket_of_this_machine() -> None:
    assert place("mysql://ann@db.example", WORD, PEM) == Place("mysql", "db.example", "ann", 3306, WORD, PEM)
    assert place("mysql://a%40b@[::1]:3307") == Place("mysql", "::1", "a@b", 3307)
    assert place("mysql://root@/run/x.sock") == Place("mysql", "/run/x.sock", "root", 0)
    assert (WORD in repr(place("mysql://ann@db.example", WORD)), str(place("mysql://ann@h"))) == (
        False, "mysql://ann@h:3306",
    )  # fmt: skip


def test_nobody_there_is_gone_and_another_engine_or_authority_is_refused() -> None:
    with pytest.raises(Gone, match=r"mysql://root@/nowhere/x\.sock does not answer"):
        sql.connect(place("mysql://root@/nowhere/x.sock"))
    with pytest.raises(Refused, match="speaks to mysql, not to oracle"):
        sql.connect(Place("oracle", "h", "u"))
    with pytest.raises(Refused, match="no PEM certificate"):
        sql.connect(place("mysql://u@h.example", authority=PEM))


def greeting(capabilities: int) -> bytes:
    """A server's first packet, of protocol 10."""
    low, high = capabilities.to_bytes(4, "little")[:2], capabilities.to_bytes(4, "little")[2:]
    body = b"\x0a8.4.6\0" + bytes(4) + b"12345678\0" + low + b"\xff\x02\0" + high + b"\x15" + bytes(10)
    body += b"123456789012\0caching_sha2_password\0"
    return len(body).to_bytes(3, "little") + b"\0" + body


def test_a_server_without_tls_gets_neither_password_nor_name() -> None:
    without = 0xFFFFFFFF & ~CLIENT.SSL
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            channel, _ = server.accept()
            with channel:
                channel.sendall(greeting(without))
                got.append(channel.recv(1024))

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(Untrusted, match="SSL is required but the server doesn't support it"):
            sql.connect(place(f"mysql://ann@127.0.0.1:{server.getsockname()[1]}", WORD))
        thread.join(30)
    assert got == [b""]


def test_a_host_is_asked_by_its_guest_and_an_endpoint_by_sql() -> None:
    assert isinstance(choice.end(guests(INVENTORY), "aws-source"), HostEnd)
    asked: list[str] = []
    found = choice.end(guests(managed()), "aws-source", lambda reference: asked.append(reference) or WORD)  # type: ignore[func-returns-value]
    assert isinstance(found, DirectEnd)
    assert found.place == Place("mysql", "aws-source.example", "drill", 3306, WORD, PEM)
    assert asked == ["azkv://vault/aws-source"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": ""}, "aws-source does not exist in mode pilot-light: raise dr_mode first"),
        ({"engine": "postgres"}, "aws-source is postgres, and this twinsite speaks SQL to mysql"),
        ({"through": "aws-standby"}, "is asked from aws-standby only"),
    ],
)
def test_a_drill_that_could_not_ask_an_end_is_refused_before_anything_is_touched(
    changes: dict[str, str], words: str
) -> None:
    with pytest.raises(Refusal, match=words):
        plan(managed(**changes), Request())
    plan(managed(), Request())


def test_an_end_that_the_inventory_does_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a host nor an endpoint moon: run `pulumi up`"):
        choice.end(guests(INVENTORY), "moon")


def test_an_inventory_of_before_says_no_authority_and_is_read() -> None:
    told = to_dict(managed())
    for one in told["endpoints"]:
        del one["authority"]
    assert [one.authority for one in from_dict(told).endpoints] == ["", ""]


@dataclass
class Flaky:
    """A server whose third transaction, of all connections, ends in `how`."""

    how: str
    served: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    connections: int = 0

    def connect(self, place: Place, seconds: float) -> "Flaky":
        self.connections += 1
        return self

    def script(self, statements: str) -> list[Sequence[Any]]:
        if "COMMIT" not in statements:
            return []
        if next(self.served) == 3:
            if self.how == "dies":
                raise Gone("mysql://… does not answer: Lost connection")
            if self.how == "refuses":
                raise Refused("mysql://…: The MySQL server is running with --read-only (1290)", 1290)
            return [["ack 999"]]
        return [[statements.rpartition("SELECT '")[2].partition("'")[0]]]

    def ask(self, statement: str, *values: object) -> list[dict[str, Any]]:
        raise AssertionError(statement)

    def close(self) -> None:
        return


@pytest.mark.parametrize("how", ["dies", "refuses", "lies"])
def test_a_commit_without_its_own_answer_is_in_doubt_and_its_number_is_not_used_again(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Flaky(how)
    monkeypatch.setitem(sql.ENGINES, "mysql", server.connect)
    monkeypatch.setattr("operations.ledger.direct.AGAIN_SECONDS", 0.0)
    end = DirectEnd("source", Place("mysql", "h", "u"))
    end.start("test", 30, 1000, 1)
    deadline = time.monotonic() + 30
    while end.acked() < 5:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    end.stop()
    found = [json.loads(line) for line in end.acknowledgements().splitlines()]
    end.close()
    assert [one["seq"] for one in found] == list(range(1, len(found) + 1))
    assert [one["seq"] for one in found if one["outcome"] == "in-doubt"] == [3]
    assert server.connections == 2


class MemoryEnd(DirectEnd):
    """A server in memory."""

    def __init__(self, name: str, world: HostWorld) -> None:
        super().__init__(name, Place("mysql", f"{name}.example", "drill"))
        self.world = world
        self.closed = False

    def prepare(self, sessions: int) -> None:
        self.world.tables = True

    def start(self, identity: str, seconds: float, rate: float, sessions: int) -> None:
        self.world.writer_runs = True

    def acked(self) -> int:
        self.world.acked += 40
        return self.world.acked

    def stop(self) -> None:
        self.world.writer_runs = False

    def acknowledgements(self) -> str:
        now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        return json.dumps({"session": 1, "seq": 1, "outcome": "acked", "utc": now})

    def write(self, identity: str, message: str, after_seconds: float = 0.0) -> None:
        self.world.rows.append(message)

    def gaps(self) -> int:
        return 0

    def verify(self, acknowledgements: str) -> dict[str, Any]:
        names = ("missing", "duplicated", "reordered", "childless", "updates_missing")
        return {**{name: [] for name in names}, "acked": 1, "in_doubt": 0, "controls_found": True,
                "pings": list(self.world.rows)}  # fmt: skip

    def executed(self) -> str:
        return f"{UUID}:1-10"

    def lacking(self, gtids: str) -> str:
        return ""

    def look(self, role: str, heartbeat_table: str) -> dict[str, Any]:
        assert heartbeat_table == INVENTORY.flows[0].heartbeat_table
        common = {"gtid": self.executed(), "heartbeat": self.clock() - 0.1, "writable": role == "source"}
        if role == "source":
            return common
        return {"io": "Yes", "sql": "Yes", "lag": 0, "receiver": "ON", "error_number": 0, "io_error": "",
                "applier_error": "", **common}  # fmt: skip

    def ask(self, statement: str, *values: object) -> list[dict[str, Any]]:
        assert statement == "SELECT VERSION() AS version"
        return [{"version": "8.4.6"}]

    def clock(self) -> float:
        return time.time() + 100  # far from the desk's

    def clean(self) -> list[str]:
        self.world.tables, self.world.rows = False, []
        return ["twinsite_drill"]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> tuple[HostWorld, list[MemoryEnd]]:
    world, made = HostWorld(), list[MemoryEnd]()

    def end(guests: Guests, name: str, password: object = None) -> MemoryEnd:
        made.append(MemoryEnd(name, world))
        return made[-1]

    monkeypatch.setattr(choice, "end", end)
    return world, made


def test_a_drill_over_servers_that_nobody_logs_in_to_measures_and_leaves_nothing(
    memory: tuple[HostWorld, list[MemoryEnd]], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, made = memory
    for name in ("WRITE_BEFORE_SECONDS", "WRITE_AFTER_SECONDS", "ROW_SECONDS"):
        monkeypatch.setattr(tunnel_cut, name, 0.05)
    short = replace(plan(managed(), Request(settle=0.0)), longest_seconds=30.0)
    short = replace(short, cut=replace(short.cut, seconds=0.5))
    monkeypatch.setattr(command, "plan", lambda *_: short)
    result = command.run(Stack("dev", managed(), tmp_path), FakeTransport(world), Request(), Plain(io.StringIO()))
    assert [step["name"] for step in result["steps"] if step["outcome"] == "failed"] == []
    assert result["problems"] == []
    assert world.left() == []
    assert all(one.closed for one in made)
    assert not [call for call in world.calls if "ledger.py" in call or any(name in call for name in SERVERS)]
    tape = json.loads(pathlib.Path(str(result["evidence"])).read_text())
    assert {name: round(tape["clocks"][name]["offset"]) for name in SERVERS} == dict.fromkeys(SERVERS, 100)
    passed = {check["name"]: check["passed"] for check in result["checks"]}
    assert passed["no acknowledged write is lost, doubled or out of order"]
    assert result["figures"]["rpo_seconds"] < 100, "the server's clock is not the desk's"


def test_status_shows_a_server_that_is_asked_from_here(memory: tuple[HostWorld, list[MemoryEnd]]) -> None:
    facts = host_facts.read(managed(), choice.gather_all(guests(managed())))
    (seen,) = mysql_replica.seen(facts)
    assert list(seen.problems()) == []
    assert seen.here.version == "8.4.6"
    assert (seen.source.super_read_only, seen.here.super_read_only) == (False, True)
    assert seen.here.heartbeat_age_seconds == pytest.approx(0.1, abs=0.5)


def test_advice_about_a_server_that_nobody_logs_in_to_names_no_command_of_a_host(
    memory: tuple[HostWorld, list[MemoryEnd]], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = host_facts.read(managed(), choice.gather_all(guests(managed())))
    source, here = (facts.servers[name] for name in SERVERS)
    wrong = {
        "aws-source": replace(source, super_read_only=True),
        "onprem-database": replace(here, receiver="OFF", applier_error="1062", heartbeat_age_seconds=None),
    }
    (seen,) = mysql_replica.seen(replace(facts, servers=wrong))
    (of_hosts,) = mysql_replica.seen(replace(facts, servers=wrong, inventory=INVENTORY))
    said, at_hosts = list(seen.problems()), list(of_hosts.problems())
    assert len(said) == len(at_hosts) == 3
    assert [words for words in said if "twinsite repair" in words or "sudo" in words] == []
    assert all("by the means of whoever runs it" in words for words in said)
    assert all("twinsite repair" in words or "sudo" in words for words in at_hosts)


def test_a_repair_leaves_such_a_server_to_those_who_run_it(tmp_path: pathlib.Path) -> None:
    stack, console = Stack("dev", managed(), tmp_path), Plain(io.StringIO())
    found = repair.run(stack, FakeTransport(HostWorld()), console, True, frozenset())
    assert found["verdict"] == "refused"
    assert [words.split(" is asked by SQL only")[0] for words in found["refused"]] == list(SERVERS)


def test_a_server_that_does_not_answer_is_said_to_be_unknown_with_what_to_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(place: Place, seconds: float) -> sql.Session:
        raise Gone(f"{place} does not answer: timed out")

    monkeypatch.setitem(sql.ENGINES, "mysql", gone)
    facts = host_facts.read(managed(), choice.gather_all(guests(managed()), lambda reference: WORD))
    (seen,) = mysql_replica.seen(facts)
    assert list(seen.problems()) == [
        f"{name} does not report (mysql://drill@{name}.example:3306 does not answer: timed out): check its address, "
        "its user and the authority of its certificate"
        for name in SERVERS
    ]


def test_the_program_refuses_in_one_sentence(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mysql://u:p@h", "clean"]) == 2
    assert main(["mysql://u@/nowhere/x.sock", "clean"]) == 2
    assert main(["mysql://u@h", "clean", "--ca", str(tmp_path / "none.pem")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert ["does not answer" in line for line in said.err.splitlines()] == [False, True, False]
