"""One machine: a systemd-nspawn container on an overlay of the image; a supervisor restarts it when it reboots.

    machine = Machine(Spec(...), folder, image, log)
    machine.create(); machine.start(); machine.wait_booted(60); machine.stop(); machine.remove()

The network namespace and what is plugged into it are made by the caller before `start`. Machines share the host's
clock and kernel: no capability beyond nspawn's own set and the network's, and nobody runs commands in them by nsenter
(it has set the host's clock). Commands go over SSH, as to any machine.
"""

import contextlib
import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.box import process
from lab.box.host import BoxError, run

REBOOT = 133
"""nspawn's exit code when the machine's inside asked for a reboot."""

STOP_SECONDS = 30.0
"""A clean stop takes under 1 s, with a busy MySQL some more; after this the machine is cut off and that is logged."""

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    # Without it /proc/sys/net is read-only inside: IKE comes up and nothing is forwarded.
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
}

AGENT_UNIT = """[Unit]
Description=Azure agent (the lab's stand-in)
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/bin/python3 -u /usr/sbin/waagent
Restart=always
RestartSec=1
KillMode=process

[Install]
WantedBy=multi-user.target
"""

Log = Callable[[str], None]


def logins(root: Path) -> list[str]:
    """People of a machine's file system who have a key, in the order in which they were made; nobody while it boots."""
    try:
        lines = (root / "etc/passwd").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    people = [line.split(":") for line in lines if line.count(":") == 6]
    return [
        name
        for name, _, uid, _, _, home, _ in people
        if int(uid) >= 1000 and _has_key(root / home.lstrip("/") / ".ssh/authorized_keys")
    ]


def _has_key(file: Path) -> bool:
    """cloud-init leaves an empty file with the image's own user where the cloud gives no key."""
    try:
        return any(line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    except OSError:
        return False


@dataclass(frozen=True)
class Spec:
    """What a machine is made of. `name` is its nspawn name (unique on the host), `identity` what the cloud calls it."""

    name: str
    identity: str
    hostname: str
    namespace: str
    device: str
    """Name of the network device inside."""
    address: str
    """With prefix length: 10.20.1.20/24."""
    gateway: str
    resolver: str
    user_data: str = ""
    trust: str = ""
    """PEM certificates that the machine trusts besides the distribution's."""
    agent: str = ""
    """Program of the cloud's agent, which the image carries; empty: none."""


class Machine:
    """Methods may be called from any thread; the caller keeps two calls on one machine apart."""

    def __init__(
        self, spec: Spec, folder: Path, image: Path, log: Log, on_boot: Callable[[int], None] | None = None
    ) -> None:
        """`folder` holds the machine's disk and console. `on_boot` gets the init's process id at each boot, early."""
        self.spec = spec
        self.folder = folder
        self._image = image
        self._log = log
        self._on_boot = on_boot
        self._wanted = False
        self._supervisor: threading.Thread | None = None
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.boots = 0

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def console(self) -> Path:
        """Everything that the machine printed, over all its boots."""
        return self.folder / "console.log"

    def create(self) -> None:
        """Make the disk, with the seed that cloud-init reads at first boot. Does nothing to a disk that is there."""
        fresh = not (self.folder / "upper").exists()
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        if not self.root.is_mount():
            options = f"lowerdir={self._image},upperdir={self.folder}/upper,workdir={self.folder}/work"
            run("mount", "-t", "overlay", f"twinsite-{self.spec.name}", "-o", options, self.root)
        if fresh:
            self._seed()

    def start(self) -> None:
        """Boot. Returns at once; `wait_booted` waits for cloud-init."""
        if self.running:
            return
        self._wanted = True
        self._nspawn = self._spawn()
        self._supervisor = threading.Thread(target=self._supervise, name=f"supervisor-{self.spec.name}", daemon=True)
        self._supervisor.start()

    def stop(self) -> None:
        """Shut down as the power button would; after STOP_SECONDS as pulling the plug would."""
        self._wanted = False
        nspawn = self._nspawn
        if nspawn is not None and nspawn.poll() is None:
            deadline = time.monotonic() + 5.0
            while self.leader is None and nspawn.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)  # a signal before init exists would end nspawn only
            nspawn.send_signal(signal.SIGTERM)
            try:
                nspawn.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._log(f"{self.spec.identity} did not shut down within {STOP_SECONDS:g} s, its power was cut")
                self.crash()
        self._join()

    def crash(self) -> None:
        """Cut the power: its init is killed, and everything with it. It stays off until `start`."""
        self._wanted = False
        nspawn = self._nspawn
        if nspawn is None or nspawn.poll() is not None:
            return
        deadline = time.monotonic() + 10.0
        while nspawn.poll() is None:
            leader = self.leader
            # Killing nspawn itself would leave the machine running.
            process.kill_and_wait([leader] if leader is not None else [])
            if time.monotonic() > deadline:
                raise BoxError(f"{self.spec.identity} does not die; its console is {self.console}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                nspawn.wait(0.05)
        self._join()

    def remove(self) -> None:
        """Cut the power and delete the disk."""
        self.crash()
        clean(self.spec.name, self.folder)

    @property
    def running(self) -> bool:
        return self._nspawn is not None and self._nspawn.poll() is None

    @property
    def leader(self) -> int | None:
        """Process id of its init on this host."""
        return process.leader(self._nspawn.pid) if self._nspawn is not None and self.running else None

    @property
    def logins(self) -> list[str]:
        """Who can log in over SSH now; empty while it is off."""
        leader = self.leader
        return [] if leader is None else logins(Path(f"/proc/{leader}/root"))

    @property
    def booted(self) -> bool:
        """cloud-init has ended in this boot, well or badly."""
        leader = self.leader
        return leader is not None and Path(f"/proc/{leader}/root/run/cloud-init/result.json").exists()

    def wait_booted(self, seconds: float) -> None:
        """BoxError with the console's last line when cloud-init does not end within `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.booted:
            if time.monotonic() > deadline or not self.running:
                state = "is running" if self.running else "is not running"
                raise BoxError(
                    f"{self.spec.identity} {state} and its cloud-init has not ended after {seconds:g} s; "
                    f"its console ({self.console}) ends with: {self.last_words()}"
                )
            time.sleep(0.05)

    def last_words(self) -> str:
        """The end of the console, on one line."""
        try:
            lines = self.console.read_text(errors="replace").strip().splitlines()
        except OSError:
            return "nothing"
        return " / ".join(line.strip() for line in lines[-3:]) or "nothing"

    def _spawn(self) -> "subprocess.Popen[bytes]":
        spec = self.spec
        groups = process.group(spec.name)
        command = [
            *("systemd-nspawn", "-q", "-D", str(self.root), f"--machine={spec.name}", f"--hostname={spec.hostname}"),
            *("--boot", "--register=no", "--keep-unit", f"--network-namespace-path=/run/netns/{spec.namespace}"),
            *("--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--bind=/dev/net/tun", "--resolv-conf=off", "--timezone=off"),
        ]
        # The shell enters the group and becomes nspawn: code between fork and exec is not safe in a threaded parent.
        enter = "; ".join(f"echo $$ >{path}/cgroup.procs" for path in groups)
        with self.console.open("ab") as console:
            spawned = subprocess.Popen(
                ["/bin/sh", "-ec", f'{enter}; exec "$@"', "nspawn", *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        self.boots += 1
        return spawned

    def _supervise(self) -> None:
        """Runs in its own thread from `start` until the machine is off for good."""
        nspawn = self._nspawn
        while nspawn is not None:
            self._announce(nspawn)
            code = nspawn.wait()
            if code != REBOOT or not self._wanted:
                if self._wanted and code != 0:
                    self._log(f"{self.spec.identity} ended with {code}; its console ends with: {self.last_words()}")
                self._wanted = False
                return
            self._log(f"{self.spec.identity} reboots")
            self._nspawn = nspawn = self._spawn()

    def _announce(self, nspawn: "subprocess.Popen[bytes]") -> None:
        """Tell `on_boot` of the init as soon as there is one: devices must be there before units look for them."""
        if self._on_boot is None:
            return
        while nspawn.poll() is None:
            leader = process.leader(nspawn.pid)
            if leader is not None:
                try:
                    self._on_boot(leader)
                except (BoxError, OSError) as error:
                    self._log(f"{self.spec.identity}: {error}")
                return
            time.sleep(0.005)

    def _join(self) -> None:
        if self._supervisor is not None and self._supervisor is not threading.current_thread():
            self._supervisor.join(5.0)

    def _seed(self) -> None:
        spec, root = self.spec, self.root
        seed = root / "var/lib/cloud/seed/nocloud"
        seed.mkdir(parents=True)
        meta = {"instance-id": spec.identity, "local-hostname": spec.hostname}
        # cloud-init wants a known first line; a machine without user data gets an empty configuration.
        (seed / "user-data").write_text(spec.user_data or "#cloud-config\n{}\n")
        (seed / "user-data").chmod(0o600)
        (seed / "meta-data").write_text(json.dumps(meta))
        device = {
            "dhcp4": False,
            "dhcp6": False,
            "addresses": [spec.address],
            "routes": [{"to": "0.0.0.0/0", "via": spec.gateway}],
        }
        (seed / "network-config").write_text(json.dumps({"version": 2, "ethernets": {spec.device: device}}))
        # A cloud hands the resolver out by DHCP; without it nobody inside writes this file.
        (root / "etc/resolv.conf").write_text(f"nameserver {spec.resolver}\n")
        if spec.agent:
            _put(root / "usr/sbin/waagent", spec.agent, 0o755)
            _put(root / "etc/systemd/system/walinuxagent.service", AGENT_UNIT, 0o644)
            wants = root / "etc/systemd/system/multi-user.target.wants"
            wants.mkdir(parents=True, exist_ok=True)
            (wants / "walinuxagent.service").symlink_to("../walinuxagent.service")
        if spec.trust:
            own = root / "usr/local/share/ca-certificates/twinsite-lab.crt"
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(spec.trust)
            with (root / "etc/ssl/certs/ca-certificates.crt").open("a") as bundle:
                bundle.write(spec.trust)


def _put(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def clean(name: str, folder: Path) -> None:
    """Take away what a machine leaves on the host. Its processes must be gone."""
    root = folder / "root"
    if root.is_mount():
        process.forget_nspawn_files(name, root)
        run("umount", root)
    for path in process.groups(name):
        if path.name == name:
            process.remove_group(path)
    if folder.exists():
        shutil.rmtree(folder)
