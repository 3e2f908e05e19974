"""What a repair may do: each kind of step with what runs as root on which host. Decided in plan.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from twinsite.inventory import Host

from ..guest import AGENT, GUEST, TOOLS, Guests
from ..steps import Outcome, Plane, Say, Step, data_plane, wait
from ..transport import RemoteFailed

SELF_SECONDS = 3.0
RESEED_SECONDS = 3600.0

SQL = ("mysql", "--no-defaults", "--protocol=socket", "--user=root")
"""A user or host in ~/.mylogin.cnf, which is read all the same, does not win over these."""


@dataclass(frozen=True)
class Action(Step[Guests]):
    """One step on one host, and why."""

    on: Host
    why: str
    command: tuple[str, ...]
    stdin: str = ""

    kind: ClassVar[str]
    seconds: ClassVar[float] = 90.0
    needs = "what was seen a moment ago still holds: the lock keeps other operations away"

    @property
    def host(self) -> str:
        """Its name."""
        return self.on.name

    @property
    def name(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return f"{self.kind} on {self.host}"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (data_plane(f"SSH to {self.host}", self.on.site),)

    def __str__(self) -> str:
        return f"{self.title}: {self.why}"

    def do(self, hands: Guests, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.call(self.host, list(self.command), self.stdin, self.seconds)
        return Outcome(self.why)


class UndoFault(Action):
    """What a drill has broken, and nobody needs broken any more."""

    kind = "end a drill's fault"

    @classmethod
    def of(cls, host: Host, why: str) -> "UndoFault":
        return cls(host, why, ("python3", f"{TOOLS}/fault.py", "undo"))


class Apply(Action):
    """A role puts right what is its own."""

    kind = "apply the role again"
    mends = "apply"
    """As a host's complaint names it."""

    @classmethod
    def of(cls, host: Host, role: str, why: str) -> "Apply":
        return cls(host, why, (GUEST, role, "apply"))


class StartAgent(Action):
    """What fetches a host's settings."""

    kind = "start the agent"
    mends = "agent"
    """As a host's complaint names it."""

    @classmethod
    def of(cls, host: Host, role: str, why: str) -> "StartAgent":
        return cls(host, why, ("systemctl", "enable", "--now", AGENT))


class Terminate(Action):
    """An SA goes, and with it its peer's."""

    kind = "end a superfluous SA"

    @classmethod
    def of(cls, host: Host, which: tuple[str, ...], why: str) -> "Terminate":
        return cls(host, why, ("swanctl", "--terminate", *which, "--timeout", "5"))

    def do(self, hands: Guests, choices: Mapping[str, str], say: Say) -> Outcome:
        try:
            hands.call(self.host, list(self.command))
        except RemoteFailed as problem:
            # The other end's DELETE was faster.
            if "no matching" not in problem.words:
                raise
            return Outcome("it was gone already")
        return Outcome(self.why)


@dataclass(frozen=True)
class Initiate(Action):
    """One end of a tunnel begins; the other never does."""

    connection: str = ""
    kind = "initiate the tunnel"

    @classmethod
    def of(cls, host: Host, connection: str) -> "Initiate":
        command = ("swanctl", "--initiate", "--child", connection, "--timeout", "20")
        return cls(host, "one end of a tunnel initiates, this one", command, connection=connection)

    def do(self, hands: Guests, choices: Mapping[str, str], say: Say) -> Outcome:
        # What was done before may have brought it back: the initiator starts by itself.
        def up() -> bool:
            found = hands.tool(self.host, "probe", "look", "--gateway", self.connection)
            return any(child["state"] == "INSTALLED" for child in found["sa"]["children"])

        try:
            wait("the initiator", up, SELF_SECONDS)
            return Outcome("it had come back by itself")
        except TimeoutError:
            pass
        try:
            hands.call(self.host, list(self.command), timeout_seconds=60)
        except RemoteFailed as problem:
            # An attempt of charon's own may be under way; whether it helped is seen at the end.
            return Outcome(f"charon says: {problem.words}")
        return Outcome(self.why)


class Fence(Action):
    """A replica takes no writes of its own."""

    kind = "close the replica for writing"

    @classmethod
    def of(cls, host: Host) -> "Fence":
        return cls(host, "a write there would part the two", SQL, "SET PERSIST super_read_only = ON;\n")


class Start(Action):
    """Both threads of a replica."""

    kind = "start replication"

    @classmethod
    def of(cls, host: Host, why: str) -> "Start":
        return cls(host, why, SQL, "START REPLICA;\n")


class Restart(Action):
    """The receiver alone: the applier goes on with what it has."""

    kind = "restart the receiver"

    @classmethod
    def of(cls, host: Host, why: str) -> "Restart":
        return cls(host, why, SQL, "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD;\n")


class Empty(Action):
    """Transactions that hold nothing, so that the source's history has what only the replica's had."""

    kind = "give the source empty transactions"
    undo = "none: a number is used once"

    @classmethod
    def of(cls, source: Host, gtids: tuple[str, ...], why: str) -> "Empty":
        sql = "".join(f"SET GTID_NEXT = '{gtid}'; BEGIN; COMMIT;\n" for gtid in gtids)
        # MySQL skips a number that the source has by now, so this may be run again.
        return cls(source, why, SQL, f"{sql}SET GTID_NEXT = 'AUTOMATIC';\n")


class Reseed(Action):
    """The replica's data are replaced by the source's, on a person's word."""

    kind = "seed the replica again"
    undo = "none: the replica's data are gone"
    seconds = RESEED_SECONDS

    @classmethod
    def of(cls, host: Host, why: str, given_up: str = "") -> "Reseed":
        discard = ("--discard", given_up) if given_up else ()
        return cls(host, why, (GUEST, "database", "reseed", *discard))


KINDS: tuple[type[Action], ...] = (
    UndoFault,
    Apply,
    StartAgent,
    Terminate,
    Initiate,
    Fence,
    Start,
    Restart,
    Empty,
    Reseed,
)
