"""A box of a test's own (other names than the real one, so both can run), its world, and SSH to its machines."""

import contextlib
import dataclasses
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import scenes
from lab.box import Box
from lab.box.image import ensure_image
from lab.model import Interface, Machine, Route, Rule, SecurityGroup, SiteMachine, Subnet, Volume, Vpc, World
from lab.paths import cache

EVERYWHERE = "0.0.0.0/0"
ALL_OUT = (Rule("-1", 0, 0, EVERYWHERE),)

GATEWAY, DATABASE = "i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2"
GATEWAY_FACE, DATABASE_FACE = "eni-0aaaaaaaaaaaaaaa1", "eni-0aaaaaaaaaaaaaaa2"
GATEWAY_ADDRESS, DATABASE_ADDRESS, PUBLIC = "10.20.1.10", "10.20.2.20", "203.0.113.128"


def prepare(folder: Path) -> str:
    """A key pair; the public line."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    return (folder / "key.pub").read_text().strip()


def authority(folder: Path) -> str:
    """A certificate for 198.51.100.60 that signs itself (authority.pem, authority.key); its PEM text."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=lab"
    files = ["-addext", "subjectAltName=IP:198.51.100.60", "-keyout", "authority.key", "-out", "authority.pem"]
    subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True, cwd=folder)
    return (folder / "authority.pem").read_text()


def user_data(key: str) -> str:
    return f"#cloud-config\nusers: [default]\nssh_authorized_keys: ['{key}']\n"


def site(key: str) -> dict[SiteMachine, str]:
    """The on-prem machines with their user data."""
    return dict.fromkeys(scenes.named().machines, user_data(key))


def world(key: str) -> World:
    """One VPC: a gateway in a public subnet, a database in a private one whose way out is the gateway."""
    local = Route("10.20.0.0/16", "local")
    through_gateway = f"nic:{GATEWAY_FACE}"
    return World(
        vpcs=(Vpc("vpc-0a", "10.20.0.0/16", internet=True),),
        subnets=(
            Subnet("subnet-0public", "vpc-0a", "10.20.1.0/24", (local, Route(EVERYWHERE, "igw"))),
            Subnet(
                "subnet-0private",
                "vpc-0a",
                "10.20.2.0/24",
                (local, Route("192.168.64.0/24", through_gateway), Route(EVERYWHERE, through_gateway)),
            ),
        ),
        groups=(
            SecurityGroup(
                "sg-0gateway",
                "vpc-0a",
                ingress=(
                    Rule("tcp", 22, 22, "203.0.113.10/32"),
                    Rule("udp", 4500, 4500, EVERYWHERE),
                    Rule("-1", 0, 0, "10.20.2.0/24"),
                ),
                egress=ALL_OUT,
            ),
            SecurityGroup(
                "sg-0database",
                "vpc-0a",
                ingress=(Rule("tcp", 22, 22, group="sg-0gateway"), Rule("icmp", -1, -1, group="sg-0gateway")),
                egress=ALL_OUT,
            ),
        ),
        interfaces=(
            Interface(GATEWAY_FACE, "subnet-0public", GATEWAY_ADDRESS, ("sg-0gateway",), False, PUBLIC),
            Interface(DATABASE_FACE, "subnet-0private", DATABASE_ADDRESS, ("sg-0database",)),
        ),
        volumes=(Volume("vol-0aaaaaaaaaaaaaaa1", 1),),
        machines=(
            Machine(GATEWAY, GATEWAY_FACE, user_data(key)),
            Machine(DATABASE, DATABASE_FACE, user_data(key), (("/dev/sdf", "vol-0aaaaaaaaaaaaaaa1"),)),
        ),
    )


@dataclasses.dataclass(frozen=True)
class Bench:
    """A running box with the world above."""

    box: Box
    folder: Path
    key: str

    def command(self, machine: str, command: str) -> list[str]:
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        options += ["-o", "ConnectTimeout=3", "-o", "BatchMode=yes", "-i", str(self.folder / "key")]
        enter = ["ip", "netns", "exec", self.box.names.operator]
        ways = {
            "onprem-gateway": ["-p", "2210", "ubuntu@203.0.113.64"],
            "onprem-database": ["-p", "2220", "ubuntu@203.0.113.64"],
            GATEWAY: [f"ubuntu@{PUBLIC}"],
            DATABASE: [
                "-o",
                f"ProxyCommand=ssh {' '.join(options)} -W %h:%p ubuntu@{PUBLIC}",
                f"ubuntu@{DATABASE_ADDRESS}",
            ],
        }
        return [*enter, "ssh", *options, *ways[machine], command]

    def on(self, machine: str, command: str, seconds: float = 30.0) -> subprocess.CompletedProcess[str]:
        """A shell command on a machine, over SSH from the operator's namespace."""
        return subprocess.run(
            self.command(machine, command), capture_output=True, text=True, timeout=seconds, check=False
        )

    def must(self, machine: str, command: str) -> str:
        done = self.on(machine, command)
        assert done.returncode == 0, f"{machine}: `{command}` ended with {done.returncode}: {done.stderr} {done.stdout}"
        return done.stdout

    def start(self, machine: str, command: str) -> "subprocess.Popen[str]":
        """The same, running on."""
        return subprocess.Popen(
            self.command(machine, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def operator(self, *words: str) -> subprocess.CompletedProcess[str]:
        enter = ["ip", "netns", "exec", self.box.names.operator]
        return subprocess.run([*enter, *words], capture_output=True, text=True, timeout=60, check=False)

    def booted(self, machine: str) -> bool:
        return bool(self.box.machine_state(machine)["booted"])

    def reachable(self, machine: str) -> bool:
        try:
            return self.on(machine, "true", seconds=8).returncode == 0
        except subprocess.TimeoutExpired:  # through a jump host, ssh itself gives up much later
            return False


def eventually(seen: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until `seen`; fails after `seconds`."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - began


@contextlib.contextmanager
def box_of_our_own(folder: Path, prefix: str) -> Iterator[Bench]:
    """A box whose names begin with `prefix`, nothing in it yet; taken down at the end."""
    box = Box(folder, ensure_image(cache(), print), print, prefix=prefix)
    box.down()
    bench = Bench(box, folder, prepare(folder))
    try:
        yield bench
    finally:
        box.down()


@contextlib.contextmanager
def running_world(folder: Path, prefix: str) -> Iterator[Bench]:
    """The same with the on-prem site and the world above, all four machines booted and reachable."""
    with box_of_our_own(folder, prefix) as bench:
        bench.box.up_site(site(bench.key), trust=authority(folder))
        bench.box.apply(world(bench.key))
        for machine in (*bench.box.site_machines(), GATEWAY, DATABASE):
            eventually(lambda machine=machine: bench.booted(machine), 90, f"the first boot of {machine}")
            eventually(lambda machine=machine: bench.reachable(machine), 20, f"SSH to {machine}")
        yield bench
