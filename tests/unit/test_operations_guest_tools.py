"""The drill's programs on the hosts, as far as they run without a tunnel: rules, lock, vici, packets, probes."""

import base64
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from twinsite.guest.drill import fault, probe, sql, store, vici, wire
from twinsite.guest.errors import Failed, Refused

DRILL = pathlib.Path(fault.__file__).parent


def test_a_cut_drops_ipsec_of_the_peer_in_both_directions_before_anything_else_sees_it() -> None:
    text = fault.rules("203.0.113.128", frozenset({"in", "out"}))
    assert text.count("policy accept;") == 2
    assert "hook prerouting priority -310" in text
    assert "hook output priority -310" in text
    for side in ("saddr", "daddr"):
        assert f"ip {side} 203.0.113.128 udp sport {{ 500, 4500 }} counter drop" in text
        assert f"ip {side} 203.0.113.128 udp dport {{ 500, 4500 }} counter drop" in text
        assert f"ip {side} 203.0.113.128 meta l4proto esp counter drop" in text


@pytest.mark.parametrize(("way", "hook", "other"), [("in", "prerouting", "output"), ("out", "output", "prerouting")])
def test_a_one_way_cut_touches_one_direction(way: str, hook: str, other: str) -> None:
    text = fault.rules("203.0.113.128", frozenset({way}))
    assert hook in text
    assert other not in text


def test_a_cut_leaves_the_operators_way_alone() -> None:
    for line in fault.rules("203.0.113.128", frozenset({"in", "out"})).splitlines():
        if "drop" in line:
            assert "udp" in line or "esp" in line
            assert "203.0.113.128" in line


def test_an_ipv6_peer_is_cut_as_ipv6() -> None:
    assert "ip6 saddr 2001:db8::1 " in fault.rules("2001:db8::1", frozenset({"in"}))


class Tools:
    """Records what fault.py runs; `table` says whether a fault is active."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.table = False
        self.broken = ""
        monkeypatch.setattr(fault, "STATE", folder / "state.json")
        monkeypatch.setattr(fault, "ENDED", folder / "ended")
        monkeypatch.setattr(fault.shutil, "which", lambda name: f"/usr/sbin/{name}")
        monkeypatch.setattr(fault.subprocess, "run", self.run)

    def run(self, command: Any, **_: Any) -> subprocess.CompletedProcess[str]:
        words = tuple(str(word) for word in command)
        self.ran.append(words)
        if words[1:3] == ("list", "table") or words[1:4] == ("-j", "list", "table"):
            return subprocess.CompletedProcess(words, 0 if self.table else 1, '{"nftables": []}', "")
        if self.broken and self.broken in (words[0], " ".join(words[1:3])):
            return subprocess.CompletedProcess(words, 1, "", f"{self.broken} failed")
        if words[1:3] == ("--file", "-"):
            self.table = True
        if words[1:3] == ("delete", "table"):
            self.table = False
        return subprocess.CompletedProcess(words, 0, "", "")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Tools:
    return Tools(monkeypatch, tmp_path)


def test_the_timer_that_ends_a_cut_exists_before_the_cut(tools: Tools) -> None:
    fault.cut("link-down", "203.0.113.128", frozenset({"in"}), 30)
    kinds = [words[0].rpartition("/")[2] + " " + " ".join(words[1:3]) for words in tools.ran]
    timer = next(at for at, words in enumerate(tools.ran) if words[0] == "systemd-run")
    assert timer < kinds.index("nft --file -")
    command = tools.ran[timer]
    assert "--on-active=30.000" in command
    assert "--timer-property=AccuracySec=20ms" in command
    assert "nft delete table inet twinsite_fault && date" in command[-1]


def test_no_cut_without_its_timer(tools: Tools) -> None:
    tools.broken = "systemd-run"
    with pytest.raises(Failed, match="systemd-run failed"):
        fault.cut("link-down", "203.0.113.128", frozenset({"in"}), 30)
    assert tools.table is False


def test_rules_that_cannot_be_loaded_stop_the_timer_again(tools: Tools) -> None:
    tools.broken = "--file -"
    with pytest.raises(Failed):
        fault.cut("link-down", "203.0.113.128", frozenset({"in"}), 30)
    assert tools.ran[-1] == ("systemctl", "stop", "twinsite-fault-undo.timer")


@pytest.mark.parametrize(
    "act",
    [
        lambda: fault.cut("link-down", "1.2.3.4", frozenset({"in"}), 5),
        lambda: fault.terminate("x"),
        lambda: fault.restart("crash"),
    ],
)
def test_a_second_fault_is_refused(tools: Tools, act: Callable[[], object]) -> None:
    tools.table = True
    with pytest.raises(Refused, match=r"active already .* `fault.py undo`"):
        act()


@pytest.mark.parametrize("seconds", [0.5, 7201])
def test_a_cut_without_an_end_is_refused(tools: Tools, seconds: float) -> None:
    with pytest.raises(Refused, match="outside 1 to 7200"):
        fault.cut("link-down", "203.0.113.128", frozenset({"in"}), seconds)


def test_undoing_twice_is_one_undoing(tools: Tools) -> None:
    fault.cut("link-down", "203.0.113.128", frozenset({"in"}), 30)
    assert fault.undo()["undone"] is True
    assert fault.undo()["undone"] is False


def test_a_crash_writes_nothing_and_a_reboot_is_orderly(tools: Tools) -> None:
    fault.restart("crash")
    assert tools.ran[-1][-4:] == ("systemctl", "reboot", "--force", "--force")
    fault.restart("reboot")
    assert tools.ran[-1][-2:] == ("systemctl", "reboot")


def test_of_many_that_create_at_once_exactly_one_is_told_so(tmp_path: pathlib.Path) -> None:
    won: list[str] = []

    def compete(name: str) -> None:
        if store.create(tmp_path, "lock.json", name.encode()):
            won.append(name)

    threads = [threading.Thread(target=compete, args=(f"id{number}",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    found = store.read(tmp_path, "lock.json")
    assert found is not None and base64.b64decode(found["content"]).decode() == won[0]


def test_what_is_changed_behind_the_programs_back_is_neither_replaced_nor_removed(tmp_path: pathlib.Path) -> None:
    store.write(tmp_path, "journal/a.json", b"1")
    seen = store.read(tmp_path, "journal/a.json")
    assert seen is not None
    store.write(tmp_path, "journal/a.json", b"2")
    assert store.replace(tmp_path, "journal/a.json", b"3", seen["tag"]) is False
    assert store.remove(tmp_path, "journal/a.json", seen["tag"]) is False
    assert store.names(tmp_path, "journal/") == ["journal/a.json"]
    now = store.read(tmp_path, "journal/a.json")
    assert now is not None and store.remove(tmp_path, "journal/a.json", now["tag"]) is True


def test_names_cannot_leave_the_store(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SystemExit, match="no name for the store"):
        store.main([str(tmp_path), "read", "../../etc/shadow"])


def _value(name: str, text: str) -> bytes:
    return bytes([3, len(name)]) + name.encode() + struct.pack("!H", len(text)) + text.encode()


def _section(name: str, *content: bytes) -> bytes:
    return bytes([1, len(name)]) + name.encode() + b"".join(content) + b"\x02"


CHILD = _section(
    "onprem-aws-7",
    _value("name", "onprem-aws"),
    _value("uniqueid", "7"),
    _value("state", "INSTALLED"),
    _value("bytes-in", "9"),
)
LIST = bytes([4, 5]) + b"hosts" + b"\x05" + struct.pack("!H", 1) + b"a" + b"\x06"
SA = _section(
    "onprem-aws",
    _value("uniqueid", "3"),
    _value("state", "ESTABLISHED"),
    _value("initiator", "yes"),
    LIST,
    _section("child-sas", CHILD),
)


def test_charons_answer_is_understood() -> None:
    found = vici.decode(SA)
    assert found["onprem-aws"]["hosts"] == ["a"]
    summary = vici.summary([{**found["onprem-aws"], "name": "onprem-aws"}], "onprem-aws")
    assert summary["ike"][0]["unique_id"] == 3
    assert summary["ike"][0]["initiator"] is True
    assert summary["children"] == [
        {
            "unique_id": 7,
            "ike": 3,
            "name": "onprem-aws",
            "state": "INSTALLED",
            "installed_seconds": 0,
            "bytes_in": 9,
            "bytes_out": 0,
        }
    ]


def test_other_connections_of_the_host_are_none_of_ours() -> None:
    sa = {**vici.decode(SA)["onprem-aws"], "name": "somebody-else"}
    assert vici.summary([sa], "onprem-aws") == {"ike": [], "children": []}


@pytest.mark.parametrize("data", [SA[:-1], SA[:20], b"\x02", b"\x09", b"\x03\x01a"])
def test_a_torn_answer_is_an_error_and_never_half_an_answer(data: bytes) -> None:
    with pytest.raises(vici.ViciError):
        vici.decode(data)


def _accepts(program: list[tuple[int, int, int, int]], packet: bytes, kind: int, protocol: int) -> bool:
    """Classic BPF, as far as our filter uses it."""
    accumulator, at = 0, 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code in (0x20, 0x28, 0x30):
            special = {0xFFFFF000: protocol, 0xFFFFF004: kind}
            accumulator = special[k] if k in special else struct.unpack("!I", packet[k : k + 4])[0]
        elif code == 0x54:
            accumulator &= k
        elif code == 0x15:
            at += yes if accumulator == k else no
        else:
            return k > 0


def _packet(source: str, target: str) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20, 0, 0, 64, 6, 0)
    return head + bytes(map(int, source.split("."))) + bytes(map(int, target.split(".")))


@pytest.mark.parametrize(
    ("source", "target", "kind", "protocol", "leak"),
    [
        ("192.168.64.20", "10.20.2.10", 4, 0x800, True),
        ("192.168.64.20", "10.20.255.1", 4, 0x800, True),
        ("192.168.64.20", "10.20.2.10", 0, 0x800, False),  # arriving: the tap shows it after decryption
        ("10.20.2.10", "192.168.64.20", 4, 0x800, False),  # what the tunnel brought, on its way into the LAN
        ("192.168.64.10", "203.0.113.128", 4, 0x800, False),  # the tunnel itself
        ("192.168.65.20", "10.20.2.10", 4, 0x800, False),
        ("192.168.64.20", "10.21.2.10", 4, 0x800, False),
        ("192.168.64.20", "10.20.2.10", 4, 0x86DD, False),
    ],
)
def test_the_sniffer_takes_what_leaves_for_the_peers_range_and_nothing_else(
    source: str, target: str, kind: int, protocol: int, leak: bool
) -> None:
    program = wire.leak_filter("192.168.64.0/24", "10.20.0.0/16")
    assert _accepts(program, _packet(source, target), kind, protocol) is leak


def test_checksums_are_those_of_the_internet() -> None:
    # RFC 1071, section 3.
    assert wire.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D
    head = struct.pack("!BBHHH", 8, 0, 0, 1, 1)
    assert wire.checksum(struct.pack("!BBHHH", 8, 0, wire.checksum(head), 1, 1)) == 0


def test_cells_of_the_mysql_client_are_read_back() -> None:
    assert sql.cells("a\tNULL\tone\\ntwo\\\\three\\t") == ["a", None, "one\ntwo\\three\t"]


def test_a_session_answers_many_questions_and_says_why_it_ended(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "mysql"
    client.write_text(
        "#!/bin/sh\nwhile read line; do case $line in\n"
        "*twinsite-end*) echo twinsite-end; echo twinsite-end ;;\n"
        "*broken*) echo 'ERROR 1064: no such thing' >&2; exit 1 ;;\n"
        "*empty*) ;;\n"
        "*) printf 'a\\tb\\n1\\tNULL\\n' ;; esac; done\n"
    )
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    session = sql.Sql()
    assert session.ask("SELECT 1") == [{"a": "1", "b": None}]
    assert session.ask("SELECT empty") == []
    assert session.ask("SELECT 1") == [{"a": "1", "b": None}]
    with pytest.raises(sql.SqlGone, match="no such thing"):
        session.ask("broken")
    session.close()


def test_a_server_that_hangs_does_not_hang_the_observer(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "mysql"
    client.write_text("#!/bin/sh\nexec sleep 60\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    session = sql.Sql(timeout_seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(sql.SqlGone):
        session.ask("SELECT 1")
    assert time.monotonic() - begun < 5
    session.close()


def test_a_follower_goes_on_where_it_left_off(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "FOLDER", tmp_path)
    lines = [json.dumps({"t": 1.0, "k": kind}) + "\n" for kind in ("sa", "ping", "end")]
    (tmp_path / "x.jsonl").write_text("".join(lines))

    class Out:
        buffer = io.BytesIO()

    read, write = os.pipe()
    monkeypatch.setattr(probe.sys, "stdout", Out)
    with os.fdopen(read) as never:
        monkeypatch.setattr(probe.sys, "stdin", never)
        probe.follow("x", len(lines[0]))
        os.close(write)
    assert Out.buffer.getvalue().decode() == lines[1] + lines[2]


def test_a_probe_needs_to_know_what_to_watch(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe.main(["look"]) == 2
    assert probe.main(["look", "--gateway", "a", "--database", "source"]) == 2
    assert "--gateway CONNECTION or --database source|replica" in capsys.readouterr().err


@pytest.mark.parametrize("gtids", ["x'; DROP", "a$b", '"'])
def test_only_a_gtid_set_goes_into_a_statement(gtids: str) -> None:
    with pytest.raises(Refused, match="no GTID set"):
        probe.gtids(gtids)


@pytest.mark.parametrize("tool", ["fault", "probe", "store", "ledger"])
def test_each_tool_runs_alone_with_the_systems_python(tool: str, tmp_path: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(DRILL / f"{tool}.py"), "--help"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
