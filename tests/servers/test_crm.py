"""The small CRM against a real PostgreSQL with the gate of the product, and a Valkey that is there, slow or gone."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workloads.crm.__main__ import Crm
from workloads.crm.database import settings

from .postgres import Postgres
from .valkey import Valkey

TREE = Path(__file__).resolve().parents[2]
GATE = (TREE / "components/guest/logical/gate.sql").read_text()
PUT_UP = (
    "INSERT INTO twinsite.gate VALUES ('crm', 1, true); CREATE TRIGGER twinsite_gate BEFORE INSERT OR UPDATE OR DELETE "
    "OR TRUNCATE ON customers FOR EACH STATEMENT EXECUTE FUNCTION twinsite.gate('crm')"
)
SHUT, OPEN = (f"UPDATE twinsite.gate SET writes = {word}" for word in ("false", "true"))


class Site:
    """One database with its application."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name
        server.sql(f"DROP DATABASE IF EXISTS {name}")
        server.sql(f"CREATE DATABASE {name}")
        self.sql((TREE / "workloads/crm/schema.sql").read_text())
        self.sql("GRANT SELECT, INSERT, UPDATE ON customers TO crm_app")

    def sql(self, text: str) -> str:
        return self.server.sql(text, self.name)

    def crm(self, role: str = "writer", **more: str) -> Crm:
        return Crm(
            {
                "DATABASE_HOST": str(self.server.folder), "DATABASE_PORT": str(self.server.port), "SITE": "aws",
                "DATABASE_NAME": self.name, "DATABASE_USER": "crm_app", "ROLE": role, **more,
            }
        )  # fmt: skip


@pytest.fixture
def site(servers: tuple[Postgres, Postgres]) -> Iterator[Site]:
    made = Site(servers[1], "crm_page")
    yield made
    servers[1].sql("DROP DATABASE crm_page WITH (FORCE)")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path, "pass word").running() as one:
        yield one


def write(crm: Crm, key: str) -> "tuple[int, dict[str, Any]]":
    status, _, text = crm.answer("POST", "/customers", f"key={key}&name=Kim&email=kim%40example.com")
    return status, json.loads(text) if status < 300 else {"said": text}


def test_each_write_is_acknowledged_by_its_key_and_asked_again_it_is_the_same(site: Site) -> None:
    crm = site.crm()
    status, made = write(crm, "w-1")
    assert status == 201
    assert made == {
        "site": "aws",
        "customer": {"id": 1, "key": "w-1", "name": "Kim", "email": "kim@example.com", "site": "aws"},
    }
    assert write(crm, "w-1") == (200, made)
    assert write(crm, "w-2")[0] == 201
    listed = json.loads(crm.answer("GET", "/customers?after=1&limit=10", "")[2])
    assert [one["key"] for one in listed["customers"]] == ["w-2"]
    status, kind, page = crm.answer("GET", "/", "")
    assert (status, kind) == (200, "text/html")
    assert "2 customers" in page
    assert "served by site aws" in page
    crm.database.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/customers", "key=a&name=b", 400),
        ("POST", "/customers", f"key={'a' * 201}&name=b&email=c", 400),
        ("GET", "/customers?after=x", "", 400),
        ("GET", "/customers/x", "", 400),
        ("GET", "/customers/77", "", 404),
        ("POST", "/customers/77", "name=b", 404),
        ("GET", "/elsewhere", "", 404),
    ],
)
def test_what_is_wrong_is_said(site: Site, method: str, path: str, body: str, status: int) -> None:
    crm = site.crm()
    assert crm.answer(method, path, body)[0] == status
    crm.database.close()


def test_a_shut_gate_makes_a_reader_of_a_writer_within_one_request_and_an_open_one_a_writer_again(site: Site) -> None:
    crm = site.crm()
    assert [crm.answer("GET", path, "")[0] for path in ("/health", "/ready", "/writer")] == [200, 200, 200]
    site.sql(GATE + PUT_UP)
    assert crm.answer("GET", "/writer", "") == (200, "text/plain", "this site may write\n")
    site.sql(SHUT)
    assert [crm.answer("GET", path, "")[0] for path in ("/health", "/ready", "/writer")] == [200, 503, 503]
    status, said = write(crm, "w-1")
    assert status == 503
    assert "reader: this site takes no writes" in said["said"]
    assert "customers takes no writes here: flow crm is written at its other end" in said["said"]
    assert crm.answer("GET", "/", "")[0] == 200, "readers are served"
    site.sql(OPEN)
    assert write(crm, "w-1")[0] == 201
    assert site.sql("SELECT count(*) FROM customers") == "1"
    crm.database.close()


def test_a_reader_is_ready_where_nothing_may_be_written_and_never_a_writer(site: Site) -> None:
    site.sql(GATE + PUT_UP)
    crm = site.crm("reader")
    assert crm.answer("GET", "/writer", "")[0] == 503, "the gate is open, and it is not this site's turn"
    site.sql(SHUT)
    assert crm.answer("GET", "/ready", "")[:2] == (200, "text/plain")
    site.sql("REVOKE INSERT, UPDATE ON customers FROM crm_app")
    assert crm.answer("GET", "/ready", "")[0] == 200
    assert write(crm, "w-1")[0] == 503, "rights that are missing are a reader's, too"
    crm.database.close()


def test_an_ended_session_is_one_clear_refusal_and_the_next_request_has_another(site: Site) -> None:
    crm = site.crm()
    assert write(crm, "w-1")[0] == 201
    site.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'crm_app'")
    status, said = write(crm, "w-2")
    assert status == 503
    assert "the database does not answer: " in said["said"]
    assert write(crm, "w-2")[0] == 201
    gone = Crm({"DATABASE_HOST": str(site.server.folder), "DATABASE_PORT": "5599", "DATABASE_NAME": "x",
                "DATABASE_USER": "crm_app"})  # fmt: skip
    assert [gone.answer("GET", path, "")[0] for path in ("/health", "/ready", "/writer", "/")] == [200, 503, 503, 503]
    crm.database.close()


def test_more_requests_than_connections_wait_for_their_turn(site: Site) -> None:
    crm = site.crm()
    found: list[int] = []
    threads = [threading.Thread(target=lambda at=at: found.append(write(crm, f"w-{at}")[0])) for at in range(40)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [201] * 40
    assert int(site.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'crm_app'")) <= 8
    crm.database.close()


def test_the_servers_certificate_and_name_are_verified_whatever_is_set() -> None:
    told = {"DATABASE_HOST": "db", "DATABASE_NAME": "crm", "DATABASE_USER": "crm_app"}
    assert (settings(told)["sslmode"], settings(told)["sslrootcert"]) == ("verify-full", "system")
    given = settings({**told, "DATABASE_CA": "/etc/ca.pem"})
    assert (given["sslmode"], given["sslrootcert"]) == ("verify-full", "/etc/ca.pem")
    by_address = {**told, "DATABASE_HOST": "10.31.0.3"}
    assert settings({**by_address, "DATABASE_CA": "/etc/ca.pem"})["sslmode"] == "verify-ca", "no address is in it"
    assert settings(by_address)["sslmode"] == "verify-full", "everybody's authorities sign for everybody"


def counted(crm: Crm, seconds: float) -> "tuple[list[int], list[int]]":
    """Customers that were loaded from the database, and how many at once; each takes a while."""
    loads: list[int] = []
    at_once: list[int] = []
    lock, running, whole = threading.Lock(), [0], crm._load

    def load(number: int) -> Any:
        with lock:
            running[0] += 1
            loads.append(number)
            at_once.append(running[0])
        time.sleep(seconds)
        with lock:
            running[0] -= 1
        return whole(number)

    crm._load = load  # type: ignore[method-assign]
    return loads, at_once


def visit(crm: Crm, clients: int, keys: int) -> list[int]:
    found: list[int] = []

    def one(at: int) -> None:
        found.append(crm.answer("GET", f"/customers/{at % keys + 1}", "")[0])

    threads = [threading.Thread(target=one, args=(at,)) for at in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_cold_cache_loads_each_key_once_and_at_most_so_many_at_a_time(site: Site, valkey: Valkey) -> None:
    site.sql("INSERT INTO customers (key, name, email, site) SELECT n, n, n, 'x' FROM generate_series(1, 20) n")
    told = {**valkey.environment, "CACHE_LOADS_AT_ONCE": "4", "CACHE_TIMEOUT_MS": "3000"}
    crm = site.crm(**told)
    loads, at_once = counted(crm, 0.05)
    assert visit(crm, 60, 20) == [200] * 60
    assert sorted(loads) == list(range(1, 21)), "each of 20 keys once, for 60 clients"
    assert max(at_once) <= 4
    # The control: without a cache every client loads, still no more than four at once.
    bare = site.crm(CACHE_LOADS_AT_ONCE="4")
    loads, at_once = counted(bare, 0.01)
    assert visit(bare, 60, 20) == [200] * 60
    assert (len(loads), max(at_once)) == (60, 4)
    for one in (crm, bare):
        one.database.close()


def test_a_change_is_seen_through_the_cache(site: Site, valkey: Valkey) -> None:
    crm = site.crm(**valkey.environment, CACHE_TIMEOUT_MS="3000")
    write(crm, "w-1")
    assert "Kim" in crm.answer("GET", "/customers/1", "")[2]
    site.sql("UPDATE customers SET name = 'Behind'")
    assert "Kim" in crm.answer("GET", "/customers/1", "")[2], "it comes from the cache"
    assert crm.answer("POST", "/customers/1", "name=Lee")[0] == 200
    assert "Lee" in crm.answer("GET", "/customers/1", "")[2]
    assert crm.answer("GET", "/customers/2", "")[0] == 404
    write(crm, "w-2")
    assert crm.answer("GET", "/customers/2", "")[0] == 200, "that there was none is not kept"
    crm.database.close()


def test_without_its_cache_the_application_asks_its_database(site: Site, tmp_path: Path) -> None:
    with contextlib.ExitStack() as held:
        valkey = Valkey(tmp_path, "pass word")
        running = held.enter_context(contextlib.ExitStack())
        running.enter_context(valkey.running())
        crm = site.crm(**valkey.environment, CACHE_TIMEOUT_MS="500")
        write(crm, "w-1")
        assert "cache seen" in crm.answer("GET", "/ready", "")[2]
        assert crm.answer("GET", "/customers/1", "")[0] == 200
        running.close()
        began = time.monotonic()
        assert crm.answer("GET", "/customers/1", "")[0] == 200
        assert crm.answer("POST", "/customers/1", "name=Lee")[0] == 200
        assert "Lee" in crm.answer("GET", "/customers/1", "")[2]
        assert time.monotonic() - began < 3
        status, _, said = crm.answer("GET", "/ready", "")
        assert (status, "cache gone" in said) == (200, True)
        crm.database.close()


def test_a_wrong_word_for_the_cache_is_a_cache_that_is_gone(site: Site, valkey: Valkey) -> None:
    crm = site.crm(**{**valkey.environment, "CACHE_PASSWORD": "guessed", "CACHE_TIMEOUT_MS": "3000"})
    write(crm, "w-1")
    assert "cache gone" in crm.answer("GET", "/ready", "")[2]
    assert crm.answer("GET", "/customers/1", "")[0] == 200
    crm.database.close()
