"""Hosts over the OpenSSH client: one master connection a host, in a private folder, host keys pinned by the inventory.

A master is a child process whose standard input we hold: when this process dies, however it dies, the pipe closes and
the master ends. It has its own session, so that Ctrl-C at the terminal does not cut what the rollback needs.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence

from twinsite.inventory import Inventory, Ssh

from . import Done, Unreachable

CONNECT_SECONDS = 8
# A dead host is noticed after 3 × 3 s, sooner than most deadlines here, later than a busy one hesitates.
ALIVE_SECONDS, ALIVE_COUNT = 3, 3
_READY = "twinsite-ready"
# OpenSSH's own exit code for "the connection failed"; a remote program's codes are passed on.
_SSH_FAILED = 255


def config_text(hosts: Mapping[str, Ssh], folder: pathlib.Path, identities: Sequence[pathlib.Path]) -> str:
    """The ssh_config for `hosts`. Pure."""
    general = [
        "Host *",
        "  BatchMode yes",
        f"  ConnectTimeout {CONNECT_SECONDS}",
        f"  ServerAliveInterval {ALIVE_SECONDS}",
        f"  ServerAliveCountMax {ALIVE_COUNT}",
        "  StrictHostKeyChecking yes",
        f"  UserKnownHostsFile {folder}/known_hosts",
        "  GlobalKnownHostsFile none",
        "  ControlMaster no",
        "  ForwardAgent no",
        "  ForwardX11 no",
        "  PermitLocalCommand no",
        "  LogLevel ERROR",
        *(f"  IdentityFile {path}" for path in identities),
    ]
    lines: list[str] = []
    for number, (name, way) in enumerate(hosts.items()):
        lines += [
            f"Host {name}",
            f"  HostName {way.address}",
            f"  Port {way.port}",
            # An empty one would make the whole file invalid, and with it every host.
            *([f"  User {way.user}"] if way.user else []),
            f"  HostKeyAlias {name}",
            # A unix socket's path has at most 107 bytes, and OpenSSH adds 17 while it binds it.
            f"  ControlPath {folder}/{number}",
        ]
        if way.jump:
            # Through the jump host's own master, with this very configuration.
            lines.append(f"  ProxyCommand ssh -F {folder}/config -W [%h]:%p {way.jump}")
    return "\n".join([*lines, *general, ""])


def known_hosts_text(hosts: Mapping[str, Ssh]) -> str:
    """Pinned host keys. Pure."""
    return "".join(f"{name} {' '.join(way.host_key.split()[:2])}\n" for name, way in hosts.items() if way.host_key)


def default_identities() -> list[pathlib.Path]:
    """The user's keys. OpenSSH looks in the password database's home, not in $HOME, which may be another."""
    named = os.environ.get("TWINSITE_SSH_KEY")
    if named:
        return [pathlib.Path(named)]
    home = pathlib.Path(os.path.expanduser("~/.ssh"))
    return [path for kind in ("ed25519", "ecdsa", "rsa") if (path := home / f"id_{kind}").exists()]


def _kill(process: subprocess.Popen[str]) -> None:
    """With its children: a ProxyCommand holds the same pipes, and would keep whoever reads them waiting."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _abandon(process: subprocess.Popen[str]) -> None:
    """Kill it and read no further: the master holds the same pipes until the remote program ends, whenever that is."""
    _kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError, ValueError):
                pipe.close()


class SshStream:
    """A remote program's lines."""

    def __init__(self, host: str, process: subprocess.Popen[str]) -> None:
        self._host, self._process = host, process

    def lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # closed by another thread while reading
            for line in self._process.stdout:
                yield line.rstrip("\n")

    def write(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise Unreachable(self._host, f"the connection ended: {error}") from None

    def close(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            # Its output is left to whoever reads it: closing it here would wait for them.
            _kill(self._process)
            self._process.wait()


def _why(words: Sequence[str]) -> str:
    """The client's complaint as a sentence."""
    text = " ".join(words)
    if "Host key verification failed" in text:
        return (
            "another host key answers than the one that the inventory pins: a machine that boots for the first time "
            "has the pinned one within a minute; after it was replaced by hand run `pulumi up`; otherwise somebody "
            "else answers at its address"
        )
    return text[-400:]


def _remove_abandoned() -> None:
    """Folders of commands that were killed. Their masters ended with them."""
    for folder in pathlib.Path("/tmp").glob("tws-*-*"):
        pid = folder.name.split("-")[1]
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid() and not pathlib.Path(f"/proc/{pid}").exists():
                shutil.rmtree(folder)


class _Master:
    """One host's login, shared by everything that runs there."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[str] | None = None
        self.ready = False


class SshTransport:
    """Transport over the OpenSSH client."""

    def __init__(self, inventory: Inventory, program: str = "ssh") -> None:
        if shutil.which(program) is None:
            raise ValueError("the OpenSSH client `ssh` is not installed: `apt-get install openssh-client`")
        self._ssh = program
        self._hosts = inventory.reached_by(Ssh)
        # Not $TMPDIR, which may be long: see ControlPath.
        _remove_abandoned()
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix=f"tws-{os.getpid()}-", dir="/tmp"))
        self._config = self._folder / "config"
        self._config.write_text(config_text(self._hosts, self._folder, default_identities()), encoding="utf-8")
        (self._folder / "known_hosts").write_text(known_hosts_text(self._hosts), encoding="utf-8")
        self._masters = {name: _Master() for name in self._hosts}
        self._streams: set[SshStream] = set()
        self._closed = False

    def _popen(
        self, host: str, *command: str, options: Sequence[str] = (), merge: bool = False
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._ssh, "-F", str(self._config), *options, host, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def _login(self, name: str) -> None:
        """Make sure that the host's master is there."""
        if self._closed:
            raise Unreachable(name, "this command is ending")
        way = self._hosts[name]
        if not way.user:
            raise Unreachable(
                name,
                "the stack has no SSH login for it: if you have one, set its keys `…_ssh` and `…_host_key` with "
                "`pulumi config set`, then run `pulumi up`",
            )
        if not way.host_key:
            raise Unreachable(
                name,
                "its host key is not in the inventory, so nobody could tell it from another host: "
                f"compare `ssh-keyscan -t ed25519 -p {way.port} {way.address}` with "
                "the host's console, "
                "set it in the stack's config and run `pulumi up`",
            )
        if way.jump:
            self._login(way.jump)
        master = self._masters[name]
        with master.lock:
            if master.ready and master.process is not None and master.process.poll() is None:
                return
            self._end(master)
            process = self._popen(
                name, f"echo {_READY}; exec cat >/dev/null", options=["-o", "ControlMaster=yes"], merge=True
            )
            # Known from now on, so that a login that hangs can be ended.
            master.process = process
            assert process.stdout is not None
            watch = threading.Timer(CONNECT_SECONDS + 4, _kill, [process])
            watch.daemon = True
            watch.start()
            words = []
            for line in process.stdout:
                if line.strip() == _READY:
                    watch.cancel()
                    master.ready = True
                    return
                words.append(line.strip())
            watch.cancel()
            _kill(process)
            process.wait()
            raise Unreachable(name, _why(words) or f"no answer within {CONNECT_SECONDS} s")

    def _end(self, master: _Master) -> None:
        process, master.process, master.ready = master.process, None, False
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        self._login(host)
        process = self._popen(host, shlex.join(command))
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            _abandon(process)
            raise Unreachable(host, f"`{shlex.join(command)[:120]}` took longer than {timeout_seconds:g} s") from None
        except BaseException:
            _abandon(process)
            raise
        if process.returncode == _SSH_FAILED:
            raise Unreachable(host, stderr.strip()[-400:] or "the connection ended")
        return Done(process.returncode, stdout, stderr)

    def stream(self, host: str, command: Sequence[str]) -> SshStream:
        self._login(host)
        stream = SshStream(host, self._popen(host, shlex.join(command), merge=True))
        self._streams.add(stream)
        return stream

    def answers(self, host: str, timeout_seconds: float = 1.0) -> bool:
        """Whether its SSH server greets. For a host behind a jump host the greeting comes through that one's login."""
        place = self._hosts[host]
        if not place.jump:
            try:
                with socket.create_connection((place.address, place.port), timeout=timeout_seconds) as link:
                    link.settimeout(timeout_seconds)
                    return link.recv(4) == b"SSH-"
            except OSError:
                return False
        try:
            self._login(place.jump)
        except Unreachable:
            return False
        process = self._popen(place.jump, options=["-W", f"[{place.address}]:{place.port}"])
        watch = threading.Timer(timeout_seconds, _kill, [process])
        watch.start()
        try:
            assert process.stdout is not None
            return process.stdout.read(4) == "SSH-"
        finally:
            watch.cancel()
            _kill(process)
            process.communicate()

    def reset(self, host: str) -> None:
        for name, place in self._hosts.items():
            if name == host or place.jump == host:
                master = self._masters[name]
                # Without the lock: a login that hangs holds it, and ends when its process does.
                process = master.process
                if process is not None:
                    _kill(process)
                    process.wait()

    def close(self) -> None:
        self._closed = True
        for stream in list(self._streams):
            stream.close()
        # Hosts behind others first: their connections run through the others' masters.
        for name in sorted(self._hosts, key=lambda each: not self._hosts[each].jump):
            self._end(self._masters[name])
        shutil.rmtree(self._folder, ignore_errors=True)
