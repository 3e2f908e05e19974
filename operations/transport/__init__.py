"""How operations reach hosts: run a program, stream its lines, hand it standard input, ask whether a host answers.

Here: the interface, and one module a kind of transport (ssh, azure: Run Command; ssm would be a further one). Not
here: what is run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from twinsite.inventory import AzureRunCommand, Inventory, Pod, Ssh, Ssm

WAYS = (Ssh.kind, AzureRunCommand.kind, Pod.kind)
"""Ways in that operations have."""


class Unreachable(Exception):
    """A host cannot be reached; the sentence names the host and the transport's own words."""

    def __init__(self, host: str, words: str) -> None:
        self.host = host
        self.words = words
        super().__init__(f"{host} cannot be reached: {words}")


class RemoteFailed(Exception):
    """A program on a host failed. `code` is its exit code, `words` its standard error."""

    def __init__(self, host: str, program: str, code: int, words: str) -> None:
        self.host, self.program, self.code, self.words = host, program, code, words
        super().__init__(f"{program} on {host} failed with exit code {code}: {words or 'no message'}")


@dataclass(frozen=True)
class Done:
    """A program that ended."""

    code: int
    stdout: str
    stderr: str


class Stream(Protocol):
    """A program that runs on a host while we read its lines."""

    def lines(self) -> Iterator[str]:
        """Each line without its line break, until the program or the connection ends."""

    def write(self, text: str) -> None:
        """To its standard input. Unreachable when it ended."""

    def close(self) -> None:
        """End it; the remote program's standard input ends, too. Any number of times, from any thread."""


class Transport(Protocol):
    """One command's way to all hosts of an inventory. Safe to use from several threads."""

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        """Run to the end. Unreachable when the host is, or when it takes longer."""

    def stream(self, host: str, command: Sequence[str]) -> Stream:
        """Start, and read as it goes. Unreachable when the host is."""

    def answers(self, host: str, timeout_seconds: float = 1.0) -> bool:
        """Whether the host's own end of the transport answers now, without a login."""

    def reset(self, host: str) -> None:
        """Forget what is known of the host: it restarted. Next use connects anew."""

    def close(self) -> None:
        """End everything. Any number of times."""


class Nobody:
    """The transport of an inventory whose hosts nobody logs in to."""

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        raise Unreachable(host, "the inventory has no host of that name")

    def stream(self, host: str, command: Sequence[str]) -> Stream:
        raise Unreachable(host, "the inventory has no host of that name")

    def answers(self, host: str, timeout_seconds: float = 1.0) -> bool:
        return False

    def reset(self, host: str) -> None:
        return

    def close(self) -> None:
        return


def connect(inventory: Inventory) -> Transport:
    """The transport for the hosts that are logged in to. ValueError when a host has a way in that this twinsite has
    not."""
    strange = sorted({host.way.kind for host in inventory.hosts if isinstance(host.way, Ssm)})
    if strange:
        raise ValueError(
            f"way in {' and '.join(strange)}: this twinsite has {', '.join(WAYS)}; install a newer one, or run `pulumi "
            "up` with this one"
        )
    if not inventory.logins:
        # All of its machines are reached in other ways; then no SSH client is needed either.
        return Nobody()
    from .ssh import SshTransport

    return SshTransport(inventory)
