"""What operations ask of a host: its roles' reports, its drill tools, the store. All of it through one Transport."""

import json
import urllib.parse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from twinsite.inventory import Host, Inventory, Ssh

from .transport import RemoteFailed, Stream, Transport, Unreachable

TOOLS = "/opt/twinsite/current/drill"
AGENT = "twinsite-agent.service"
"""What fetches a cloud machine's settings (components/guest/health.py)."""
GUEST = "/usr/local/sbin/twinsite-guest"
"""By its path: sudo's secure_path need not hold /usr/local/sbin."""


class RemoteRefused(RemoteFailed):
    """A program on a host said no (exit 2): its sentence names the fix."""


class OtherGuest(RemoteFailed):
    """A host has no guest, or one of another version than this command."""

    def __init__(self, host: Host, program: str, code: int, words: str) -> None:
        super().__init__(host.name, program, code, words)
        self.args = (f"{words}: {host.delivery}",)


def _other_guest(host: str, code: int, words: str) -> str:
    """The sentence for a host that does not know what it is asked; empty when it does."""
    if f"{GUEST}: command not found" in words or ("can't open file" in words and TOOLS in words):
        return f"there is no guest of this version on {host}"
    # argparse complains of what operations wrote, never of what a person did: their options were checked here.
    if code == 2 and words.startswith("usage:"):
        return f"the guest on {host} is of another version"
    return ""


def brief(words: str) -> str:
    """The line of a program's complaint that says it: the last one that is an error, else the last one."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (errors or lines or [""])[-1][:300]


class Guests:
    """The hosts of one inventory that are logged in to."""

    def __init__(self, inventory: Inventory, transport: Transport) -> None:
        self.inventory = inventory
        self.transport = transport
        self.hosts = inventory.logins

    def call(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> str:
        """Standard output of a program run as root. RemoteFailed or RemoteRefused with its own words."""
        done = self.transport.run(host, ["sudo", "-n", *command], stdin, timeout_seconds)
        if done.code == 0:
            return done.stdout
        words = done.stderr.strip() or done.stdout.strip()
        program = " ".join(word.rpartition("/")[2] for word in command[:2])
        other = _other_guest(host, done.code, words)
        if other:
            raise OtherGuest(self.inventory.host(host), program, done.code, other)
        if done.code == 2:
            raise RemoteRefused(host, program, done.code, words)
        raise RemoteFailed(host, program, done.code, brief(words))

    def tool(self, host: str, tool: str, *arguments: str, stdin: str = "", timeout_seconds: float = 30) -> Any:
        """The JSON that a drill tool prints."""
        text = self.call(host, ["python3", f"{TOOLS}/{tool}.py", *arguments], stdin, timeout_seconds)
        try:
            return json.loads(text)
        except ValueError:
            raise RemoteFailed(host, tool, 0, f"it printed no JSON: {text[-200:]!r}") from None

    def watch(self, host: str, tool: str, *arguments: str) -> Stream:
        """A drill tool whose lines are read as they come."""
        return self.transport.stream(host, ["sudo", "-n", "python3", f"{TOOLS}/{tool}.py", *arguments])

    def report(self, host: str, role: str) -> dict[str, Any]:
        """The role's live state."""
        text = self.call(host, [GUEST, role, "report"], timeout_seconds=20)
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError:
            raise RemoteFailed(
                host, f"twinsite-guest {role} report", 0, f"it printed no JSON: {text[-200:]!r}"
            ) from None
        return found

    def store(self, *arguments: str, stdin: str = "") -> str:
        """The store on the standby site."""
        host, folder = store_place(self.inventory)
        return self.call(host, ["python3", f"{TOOLS}/store.py", folder, *arguments], stdin)


def store_place(inventory: Inventory) -> tuple[str, str]:
    """(host, directory) of the store. ValueError says what is wrong with it."""
    place = urllib.parse.urlsplit(inventory.store)
    if place.scheme != "ssh" or not place.path or place.netloc not in inventory.reached_by(Ssh):
        raise ValueError(
            f"the inventory's store is {inventory.store!r}, expected ssh://HOST/directory of a known host: run "
            "`pulumi up`"
        )
    return place.netloc, place.path


@dataclass(frozen=True)
class Reports:
    """What every role of every host reported, by (host, role), and why the others did not."""

    reports: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    """Host → the transport's words."""
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    """(host, role) → the report program's own words."""


def gather(guests: Guests) -> Reports:
    """Every role's report of every host, in parallel."""
    seen = Reports()
    asked = [(host.name, role) for host in guests.hosts for role in host.roles]

    def ask(place: tuple[str, str]) -> None:
        try:
            seen.reports[place] = guests.report(*place)
        except Unreachable as problem:
            seen.unreachable[place[0]] = problem.words
        except RemoteFailed as problem:
            seen.failed[place] = problem.words

    if asked:
        with ThreadPoolExecutor(max_workers=min(16, len(asked))) as pool:
            list(pool.map(ask, asked))
    return seen
