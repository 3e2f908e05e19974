"""A database host judges itself: what differs from what the role applies is a problem with its fix; nothing else is."""

import dataclasses
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.database_pair import Authority, authority
from tests.unit.test_database_seeding import ADDRESS, EMPTY_REPLICA, FULL_SOURCE, REPLICA, RUNNING, sets
from tests.unit.test_database_seeding import SOURCE as UUID
from tests.unit.test_database_settings import SECRETS, SOURCE, rendered
from twinsite.guest.database import handshake, health, replica, settings
from twinsite.guest.database.config import parse
from twinsite.guest.database.seeding import decide
from twinsite.guest.errors import SqlError
from twinsite.guest.health import APPLY, Problem

WANTED = rendered(SOURCE)


def variables(role: str = "source", **live: str) -> list[Problem]:
    changes = settings.changes(WANTED, WANTED, WANTED | live, frozenset())
    return list(health.variable_problems(changes, role))


def test_a_server_that_is_as_its_file_says_has_no_problem() -> None:
    assert variables() == []


@pytest.mark.parametrize(("name", "value"), [("sync_binlog", "0"), ("binlog_expire_logs_seconds", "600")])
def test_each_variable_that_differs_is_named_with_both_values_and_mended_by_the_role(name: str, value: str) -> None:
    (found,) = variables(**{name: value})
    assert found.problem == f"{name} is {value} in the running server instead of {WANTED[name]}"
    assert found.mends == APPLY


def test_what_only_a_restart_mends_is_left_to_a_person() -> None:
    (found,) = variables(log_replica_updates="OFF")
    assert found.mends == ""
    assert "when writers may be out" in found.fix


def test_an_override_that_the_server_rounds_is_no_problem() -> None:
    wanted = WANTED | {"innodb_buffer_pool_size": "100M"}
    live = WANTED | {"innodb_buffer_pool_size": "134217728"}
    assert settings.changes(wanted, wanted, live, frozenset({"innodb_buffer_pool_size"})) == []


def test_another_option_file_is_told_before_the_next_start() -> None:
    (found,) = health.start_problems({"sync_binlog": "0", "port": "3306"}, WANTED, frozenset())
    assert "the next start would get sync_binlog = 0 from another option file instead of 1" in found.problem
    assert "grep -rn sync_binlog" in found.fix


@pytest.mark.parametrize("name", ["skip_log_bin", "skip_networking", "skip_replica_start"])
def test_an_option_that_takes_the_pair_apart_at_the_next_start_is_named(name: str) -> None:
    (found,) = health.start_problems({name: "ON"}, WANTED, frozenset())
    assert name in found.problem
    assert list(health.start_problems({name: "OFF"}, WANTED, frozenset())) == []


def test_the_options_of_the_next_start_are_read_as_mysqld_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "mysqld would have been started with the following arguments:\n--sync-binlog=1 --sync_binlog=0 --skip-log-bin"
    )
    monkeypatch.setattr(settings, "run", lambda *_: said)
    assert settings.started_with() == {"sync_binlog": "0", "skip_log_bin": "ON"}


def test_a_source_that_closes_itself_at_its_next_start_is_told_before() -> None:
    (found,) = health.closed_problems({"super_read_only": "OFF"}, {"super_read_only": "ON"})
    assert "will be closed for writers after its next start" in found.problem
    assert "RESET PERSIST super_read_only" in found.fix


def test_a_fenced_source_is_judged_at_the_desk_only() -> None:
    fenced = {"super_read_only": "ON", "read_only": "ON"}
    assert list(health.closed_problems(fenced, fenced)) == []


@pytest.mark.parametrize("name", ["read_only", "offline_mode"])
def test_a_source_closed_in_another_way_is_named(name: str) -> None:
    (found,) = health.closed_problems({name: "ON"}, {})
    assert f"{name} is ON" in found.problem
    assert f"SET GLOBAL {name} = OFF" in found.fix


@pytest.mark.parametrize(("days", "words"), [(-3.0, "has expired 3 days ago"), (29.0, "expires in 29 days")])
def test_a_certificates_end_is_told_before_and_after(days: float, words: str) -> None:
    (found,) = health.expiry_problems("the server's certificate", days)
    assert words in found.problem
    assert "`pulumi up`" in found.fix


def test_a_certificate_with_time_left_is_no_problem() -> None:
    assert list(health.expiry_problems("the server's certificate", 31.0)) == []


DAY, GIB = 86400.0, 2**30


def logs(gib_a_day: int, days: int) -> list[tuple[int, float]]:
    """One file a day, the newest written to just now."""
    return [(gib_a_day * GIB, DAY * (number + 1)) for number in range(days + 1)]


def test_binary_logs_that_fill_their_volume_before_the_oldest_go_are_told_before() -> None:
    (found,) = health.growth_problems(logs(10, 2), 3 * DAY, 7 * DAY, free=30 * GIB)
    assert "grow by 10.0 GiB a day" in found.problem
    assert "168 hours of them are to be kept" in found.problem
    assert "full in 3.0 days" in found.problem


def test_binary_logs_that_reach_their_retention_in_time_are_no_problem() -> None:
    assert list(health.growth_problems(logs(10, 2), 3 * DAY, 7 * DAY, free=41 * GIB)) == []


def test_an_hour_of_load_says_nothing_of_the_days_to_come() -> None:
    hour = [(GIB, 0.0), (50 * GIB, 3600.0)]
    assert list(health.growth_problems(hour, 3600.0, 7 * DAY, free=GIB)) == []
    assert list(health.growth_problems([], 0.0, 7 * DAY, free=GIB)) == []


def pair(executed: str, purged: str = "", receiver: str = "ON", **source: object) -> list[Problem]:
    here = dataclasses.replace(EMPTY_REPLICA, **{**RUNNING, "receiver": receiver}, executed=sets(executed))
    there = dataclasses.replace(FULL_SOURCE, purged=sets(purged), **source)  # type: ignore[arg-type]
    return list(health.pair_problems(here, there, decide(here, there, ADDRESS)))


def test_a_pair_that_fits_has_no_problem() -> None:
    assert pair(f"{UUID}:1-80") == []


def test_errant_transactions_are_subtracted_and_listed() -> None:
    (found,) = pair(f"{UUID}:1-80,{REPLICA}:1-2")
    assert found.problem == f"it holds 2 transactions that its source never had ({REPLICA}:1-2)"
    assert "`twinsite repair`" in found.fix


def test_logs_that_are_gone_are_told_while_the_receiver_still_connects() -> None:
    (found,) = pair(f"{UUID}:1-40", purged=f"{UUID}:1-50", receiver="CONNECTING")
    assert "no longer has the binary logs of 10 transactions" in found.problem
    assert "`twinsite repair --confirm reseed`" in found.fix


def test_what_apply_would_refuse_is_said_with_its_fix() -> None:
    (found,) = pair(f"{UUID}:1-40", gtid_mode="OFF")
    assert "gtid_mode OFF" in found.problem
    assert found.fix == "set gtid_mode and enforce_gtid_consistency to ON there"


@pytest.mark.parametrize(("existing", "words"), [(False, "`password_generation`"), (True, "source_sql")])
def test_a_login_that_is_refused_says_who_gives_it_back_and_never_that_it_comes_back(
    existing: bool, words: str
) -> None:
    found = health.account_problem(dataclasses.replace(parse(SOURCE), existing_source=existing), "Access denied")
    assert words in found.fix
    assert "by itself" not in str(found)


def test_a_look_that_fails_is_a_problem_and_the_others_go_on() -> None:
    def broken() -> Iterator[Problem]:
        raise SqlError(0, "MySQL did not answer within 5 s")
        yield

    (found,) = health._look("accounts", broken)
    assert "accounts could not be looked at (MySQL did not answer within 5 s)" in found.problem


@pytest.mark.parametrize(
    ("said", "clock"), [(100.0, 0.0), (100.4, 0.0), (95.0, -5.0), (103.5, 3.0), (99.9, pytest.approx(-0.1))]
)
def test_a_clock_is_wrong_only_beyond_the_time_that_asking_took(said: float, clock: float) -> None:
    assert replica._clock(said, 100.0, 100.5) == clock


def greeting(capabilities: int) -> bytes:
    body = b"\x0a9.7.4\0" + struct.pack("<I", 7) + b"challeng\0" + struct.pack("<H", capabilities) + b"\xff" * 20
    return struct.pack("<I", len(body)) + body


@pytest.fixture(scope="module")
def signer() -> Authority:
    return authority()


@dataclasses.dataclass
class Greeter:
    """A server's first words on a port of this machine: a greeting or an error, then TLS."""

    first: bytes
    context: "ssl.SSLContext | None" = None

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        port: int = self._listener.getsockname()[1]
        return port

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        with plain:
            plain.sendall(self.first)
            if not self.context:
                return
            request = plain.recv(36)
            assert struct.unpack("<I", request[4:8])[0] & 0x0800, "the client asks for TLS"
            try:
                self.context.wrap_socket(plain, server_side=True).close()
            except (ssl.SSLError, ConnectionError):
                return  # a client that does not trust it hangs up

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._listener.close()


def serving(signer: Authority, folder: Path) -> "tuple[ssl.SSLContext, str]":
    certificate, key = signer.certificate("127.0.0.1")
    (folder / "both.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context, certificate


def test_a_handshake_shows_the_certificate_that_the_server_has_loaded(signer: Authority, tmp_path: Path) -> None:
    context, certificate = serving(signer, tmp_path)
    with Greeter(greeting(0xFFFF), context) as port:
        assert handshake.shown("127.0.0.1", port, signer.pem) == handshake.der(certificate)


def test_a_certificate_of_another_authority_is_not_trusted(signer: Authority, tmp_path: Path) -> None:
    context, _ = serving(signer, tmp_path)
    with Greeter(greeting(0xFFFF), context) as port, pytest.raises(ssl.SSLCertVerificationError):
        handshake.shown("127.0.0.1", port, authority().pem)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (greeting(0xFFFF & ~0x0800), "it offers no TLS"),
        (b"\x0e\0\0\0\xff\x6a\x04not allowed", "error 1130: not allowed"),
        (b"\x05\0\0\0\x0a", "it closes the connection"),
    ],
)
def test_a_server_that_does_not_get_as_far_as_tls_says_why(signer: Authority, first: bytes, words: str) -> None:
    with Greeter(first) as port, pytest.raises(handshake.NoTls, match=words):
        handshake.shown("127.0.0.1", port, signer.pem)


def test_the_days_that_a_certificate_has_left_are_read_from_it(signer: Authority) -> None:
    assert 399 < handshake.days_left(handshake.der(signer.pem)) < 400


def test_no_password_is_in_any_sentence() -> None:
    told = [str(health.account_problem(parse(SOURCE), "Access denied")), *map(str, pair(f"{REPLICA}:1"))]
    assert not [words for words in told if SECRETS.replication_password in words]
