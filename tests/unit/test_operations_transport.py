"""The way to the hosts: what the OpenSSH client is told, and what happens when it, a host or a person ends."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from operations import steps
from operations.transport import Unreachable, connect
from operations.transport.ssh import SshTransport, config_text, default_identities, known_hosts_text
from tests.operations_world import INVENTORY
from twinsite.inventory import Ssh, Ssm

# Behaves as `ssh -F CONFIG [-o …] HOST COMMAND`: runs the command here, without sudo. FAKE_DOWN: hosts that refuse.
FAKE = """#!/bin/sh
echo "$@" >> "$FAKE_LOG"
while [ $# -gt 0 ]; do
  case $1 in
    -F|-o|-W) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
host=$1; shift
case " $FAKE_DOWN " in *" $host "*) echo "ssh: connect to host $host port 22: No route to host" >&2; exit 255 ;; esac
exec sh -c "$*"
"""


@pytest.fixture
def log(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "ssh").write_text(FAKE)
    (tools / "ssh").chmod(0o755)
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_LOG", str(path))
    monkeypatch.setenv("FAKE_DOWN", "")
    return path


@pytest.fixture
def transport(log: pathlib.Path) -> Iterator[SshTransport]:
    made = SshTransport(INVENTORY)
    yield made
    made.close()


def config(tmp_path: pathlib.Path) -> str:
    return config_text(INVENTORY.reached_by(Ssh), tmp_path, [pathlib.Path("/keys/id_ed25519")])


def block(text: str, host: str) -> list[str]:
    lines = text.splitlines()
    start = lines.index(f"Host {host}") + 1
    end = next((at for at in range(start, len(lines)) if lines[at].startswith("Host ")), len(lines))
    return [line.strip() for line in lines[start:end]]


def test_a_host_is_reached_as_the_inventory_says(tmp_path: pathlib.Path) -> None:
    found = block(config(tmp_path), "onprem-database")
    assert {"HostName 203.0.113.64", "Port 2220", "User ubuntu", "HostKeyAlias onprem-database"} <= set(found)


def test_a_host_behind_another_is_reached_through_it_with_the_same_configuration(tmp_path: pathlib.Path) -> None:
    found = block(config(tmp_path), "aws-source")
    assert f"ProxyCommand ssh -F {tmp_path}/config -W [%h]:%p aws-gateway" in found


def test_unknown_host_keys_are_never_accepted(tmp_path: pathlib.Path) -> None:
    general = block(config(tmp_path), "*")
    assert "StrictHostKeyChecking yes" in general
    assert f"UserKnownHostsFile {tmp_path}/known_hosts" in general
    assert "GlobalKnownHostsFile none" in general
    assert "BatchMode yes" in general


def test_openssh_itself_reads_the_configuration(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config"
    path.write_text(config(tmp_path))
    done = subprocess.run(
        ["/usr/bin/ssh", "-F", str(path), "-G", "aws-source"], capture_output=True, text=True, check=True
    )
    assert "hostname 10.20.2.10" in done.stdout
    assert "stricthostkeychecking true" in done.stdout
    assert f"controlpath {tmp_path}/1" in done.stdout


def test_host_keys_are_pinned_by_name() -> None:
    assert known_hosts_text(INVENTORY.reached_by(Ssh)).splitlines()[0] == "aws-gateway ssh-ed25519 AAAA1"


def test_keys_are_looked_for_where_home_says(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").touch()
    monkeypatch.delenv("TWINSITE_SSH_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_identities() == [tmp_path / ".ssh" / "id_ed25519"]


def test_a_command_runs_and_its_words_arrive_whole(transport: SshTransport) -> None:
    done = transport.run("onprem-gateway", ["printf", "%s|", "a b", "it's", "$HOME"])
    assert (done.code, done.stdout) == (0, "a b|it's|$HOME|")


def test_standard_input_and_exit_code_pass(transport: SshTransport) -> None:
    done = transport.run("onprem-gateway", ["sh", "-c", "cat; echo no >&2; exit 3"], stdin="rows")
    assert (done.code, done.stdout, done.stderr) == (3, "rows", "no\n")


def test_one_login_serves_many_commands(transport: SshTransport, log: pathlib.Path) -> None:
    for _ in range(3):
        transport.run("onprem-gateway", ["true"])
    assert log.read_text().count("ControlMaster=yes") == 1


def test_a_host_behind_another_needs_the_others_login_first(transport: SshTransport, log: pathlib.Path) -> None:
    transport.run("aws-source", ["true"])
    logins = [
        line.split("ControlMaster=yes ")[1].split()[0]
        for line in log.read_text().splitlines()
        if "ControlMaster=yes" in line
    ]
    assert logins == ["aws-gateway", "aws-source"]


def test_a_dead_host_is_unreachable_with_the_clients_own_words(
    log: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DOWN", "aws-gateway")
    transport = SshTransport(INVENTORY)
    try:
        with pytest.raises(Unreachable, match="No route to host"):
            transport.run("aws-source", ["true"])
    finally:
        transport.close()


def test_another_host_key_is_told_from_a_dead_host(log: pathlib.Path) -> None:
    fake = log.parent / "bin" / "ssh"
    fake.write_text("#!/bin/sh\necho '@@@ WARNING @@@\nHost key verification failed.' >&2\nexit 255\n")
    transport = SshTransport(INVENTORY)
    try:
        with pytest.raises(Unreachable, match="another host key answers than the one that the inventory pins"):
            transport.run("aws-gateway", ["true"])
    finally:
        transport.close()


def test_a_host_without_a_pinned_key_is_refused_with_the_way_to_pin_it(log: pathlib.Path) -> None:
    first = INVENTORY.hosts[0]
    bare = replace(INVENTORY, hosts=(replace(first, way=replace(first.way, host_key="")), *INVENTORY.hosts[1:]))
    transport = SshTransport(bare)
    try:
        with pytest.raises(Unreachable, match=r"ssh-keyscan -t ed25519 -p 22 203\.0\.113\.128"):
            transport.run("aws-gateway", ["true"])
    finally:
        transport.close()


def test_a_host_without_a_login_leaves_the_others_reachable(log: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """As when the on-prem end was handed over to people who let nobody in."""
    last = INVENTORY.hosts[-1]
    strange = replace(last, way=replace(last.way, user="", host_key=""))
    hosts = (*INVENTORY.hosts[:-1], strange)
    path = tmp_path / "config"
    path.write_text(config_text(replace(INVENTORY, hosts=hosts).reached_by(Ssh), tmp_path, []))
    subprocess.run(["/usr/bin/ssh", "-F", str(path), "-G", "aws-gateway"], capture_output=True, check=True)
    transport = SshTransport(replace(INVENTORY, hosts=hosts))
    try:
        with pytest.raises(Unreachable, match="the stack has no SSH login for it"):
            transport.run("onprem-database", ["true"])
        assert transport.run("aws-gateway", ["true"]).code == 0
    finally:
        transport.close()


def test_a_command_that_takes_too_long_is_ended(transport: SshTransport) -> None:
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=r"took longer than 0\.3 s"):
        transport.run("onprem-gateway", ["sleep", "30"], timeout_seconds=0.3)
    assert time.monotonic() - begun < 5


def test_lines_come_as_they_are_written_and_input_goes_in(transport: SshTransport) -> None:
    stream = transport.stream("onprem-gateway", ["sh", "-c", "while read line; do echo got $line; done"])
    lines = stream.lines()
    for word in ("one", "two"):
        stream.write(f"{word}\n")
        assert next(lines) == f"got {word}"
    stream.close()


def test_a_closed_stream_ends_the_remote_program(transport: SshTransport, tmp_path: pathlib.Path) -> None:
    mark = tmp_path / "ended"
    stream = transport.stream("onprem-gateway", ["sh", "-c", f"cat >/dev/null; touch {mark}"])
    stream.close()
    steps.wait("the program to end", mark.exists, 5)


def test_after_close_nothing_is_left(log: pathlib.Path) -> None:
    transport = SshTransport(INVENTORY)
    transport.run("aws-source", ["true"])
    stream = transport.stream("onprem-gateway", ["cat"])
    folder = transport._folder
    masters = [master.process for master in transport._masters.values() if master.process]
    assert len(masters) == 3
    transport.close()
    assert not folder.exists()
    assert all(process.poll() is not None for process in masters)
    assert list(stream.lines()) == []
    with pytest.raises(Unreachable, match="ending"):
        transport.run("onprem-gateway", ["true"])


def test_a_restarted_host_gets_a_new_login_and_so_do_those_behind_it(
    transport: SshTransport, log: pathlib.Path
) -> None:
    transport.run("aws-source", ["true"])
    transport.reset("aws-gateway")
    transport.run("aws-source", ["true"])
    assert log.read_text().count("ControlMaster=yes aws-gateway") == 2
    assert log.read_text().count("ControlMaster=yes aws-source") == 2


def test_a_hanging_login_can_be_ended_from_another_thread(log: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = log.parent / "bin" / "ssh"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    transport = SshTransport(INVENTORY)
    problems: list[str] = []

    def use() -> None:
        try:
            transport.run("onprem-gateway", ["true"])
        except Unreachable as problem:
            problems.append(str(problem))

    thread = threading.Thread(target=use)
    thread.start()
    steps.wait("the login to begin", lambda: transport._masters["onprem-gateway"].process is not None, 5)
    begun = time.monotonic()
    transport.reset("onprem-gateway")
    thread.join(timeout=5)
    assert time.monotonic() - begun < 5
    assert problems
    transport.close()


def test_a_killed_operator_leaves_no_login_behind(log: pathlib.Path, tmp_path: pathlib.Path) -> None:
    program = (
        "import time; from operations.transport.ssh import SshTransport; "
        "from tests.operations_world import INVENTORY; "
        "t = SshTransport(INVENTORY); t.run('onprem-gateway', ['true']); "
        "print(t._masters['onprem-gateway'].process.pid, t._folder, flush=True); time.sleep(60)"
    )
    root = pathlib.Path(__file__).parents[2]
    operator = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root)
    assert operator.stdout is not None
    pid, folder = operator.stdout.readline().split()
    operator.send_signal(signal.SIGKILL)
    operator.wait()
    operator.stdout.close()

    def ended() -> bool:
        stat = pathlib.Path(f"/proc/{pid}/stat")
        return not stat.exists() or ") Z " in stat.read_text()

    steps.wait("the login to end", ended, 5)
    # Its folder goes with the next command.
    assert pathlib.Path(folder).exists()
    SshTransport(INVENTORY).close()
    assert not pathlib.Path(folder).exists()


def test_another_kind_of_transport_is_refused_by_name() -> None:
    first = INVENTORY.hosts[0]
    other = replace(INVENTORY, hosts=(replace(first, way=Ssm("ap-northeast-2", "i-1")), *INVENTORY.hosts[1:]))
    with pytest.raises(ValueError, match="way in ssm: this twinsite has ssh, azure-run-command, pod"):
        connect(other)
