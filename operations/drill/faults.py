"""Applies one kind of cut and takes it back; the host's own timer would, too, if we could not."""

import subprocess
import threading
import time
from dataclasses import dataclass, replace

from twinsite.inventory import Host, Inventory, Tunnel

from ..guest import Guests
from ..steps import Say, wait
from ..transport import RemoteFailed, Unreachable
from .kinds import RESTART_PATIENCE_SECONDS, Direction, How
from .timeline import Clock, Fault

# The undo timer's accuracy is 20 ms; beyond this it has failed and the operator ends the cut.
TIMER_PATIENCE_SECONDS = 3.0
COMMAND_SECONDS = 60
ANSWER_SECONDS = 0.5


@dataclass(frozen=True)
class Cut:
    """What is to be done."""

    how: How
    at: str
    """Host name of the gateway."""
    connection: str
    seconds: float
    way: str = ""
    """One-way cuts: `in` or `out`, seen from `at`."""
    command: str = ""
    """An operator's own way to cut: run with ` on` and ` off` appended."""


def gateway(inventory: Inventory, tunnel: Tunnel, at: str) -> Host:
    """The gateway that `at` means: a host's name, a site's, or nothing for the initiator. ValueError names the
    choices."""
    hosts = [inventory.host(tunnel.initiator), inventory.host(tunnel.responder)]
    for host in hosts:
        if at in (host.name, host.site):
            return host
    if not at:
        return hosts[0]
    choices = ", ".join(f"{host.site} ({host.name})" for host in hosts)
    raise ValueError(f"--at {at}: this tunnel's gateways are {choices}")


def way(host: Host, direction: Direction) -> str:
    """Which of the host's directions is cut."""
    towards_aws = direction is Direction.TO_AWS
    here_is_aws = host.site.startswith("aws")
    return "in" if towards_aws == here_is_aws else "out"


class Faults:
    """One cut."""

    def __init__(self, guests: Guests, cut: Cut, clock: Clock) -> None:
        self._guests, self._cut, self._clock = guests, cut, clock
        self.fault: Fault | None = None
        self.undone_by = ""
        self.restarted: bool | None = None
        self._boot_id = ""
        self._lock = threading.Lock()

    def apply(self) -> str:
        """Do it; a sentence. RemoteRefused when the host says no."""
        cut = self._cut
        if cut.how.restarts:
            self._boot_id = self._guests.call(cut.at, ["cat", "/proc/sys/kernel/random/boot_id"]).strip()
        if cut.command:
            self._command("on")
            self.fault = Fault(cut.how, time.time())
            return f"`{cut.command} on`"
        arguments = {
            How.TERMINATE: ["terminate", "--connection", cut.connection],
            How.LINK_DOWN: ["link-down", "--connection", cut.connection, "--seconds", f"{cut.seconds:g}"],
            How.ONE_WAY: [
                "one-way",
                "--connection",
                cut.connection,
                "--seconds",
                f"{cut.seconds:g}",
                "--direction",
                cut.way,
            ],
            How.CRASH: ["crash"],
            How.REBOOT: ["reboot"],
        }[cut.how]
        answer = self._guests.tool(cut.at, "fault", *arguments)
        finished = answer.get("finished")
        self.fault = Fault(
            cut.how,
            float(answer["began"]) - self._clock.offset,
            None if finished is None else float(finished) - self._clock.offset,
        )
        return f"{cut.how.value} on {cut.at}" + (f", packets {cut.way}" if cut.way else "")

    def _command(self, state: str) -> None:
        command = f"{self._cut.command} {state}"
        done = subprocess.run(
            command,
            shell=True,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            start_new_session=True,
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip()
            raise RuntimeError(f"`{command}` failed with exit code {done.returncode}: {words}")

    def wait_for_end(self, say: Say) -> str:
        """Until the cut is over by itself; a sentence on how it ended."""
        assert self.fault is not None
        if self._cut.how.cuts_link:
            return self._wait_for_link(say)
        if self._cut.how.restarts:
            return self._wait_for_restart(say)
        return "nothing to end: the SA was closed, the path was never cut"

    def _wait_for_link(self, say: Say) -> str:
        assert self.fault is not None
        end = self.fault.began + self._cut.seconds

        def over() -> bool:
            say(f"{max(0.0, end - time.time()):.0f} s of the cut are left")
            return time.time() >= end

        wait("the end of the cut", over, self._cut.seconds + 5)
        if self._cut.command:
            # Counted from before the command: the link is back somewhere within it.
            self.fault = replace(self.fault, link_back=time.time())
            self._command("off")
            self.undone_by = "command"
            return f"`{self._cut.command} off`"
        deadline = end + TIMER_PATIENCE_SECONDS
        while True:
            status = self._guests.tool(self._cut.at, "fault", "status")
            if not status["active"] and status["ended"] is not None:
                link_back = float(status["ended"]) - self._clock.offset
                self.fault = replace(self.fault, link_back=link_back)
                self.undone_by = "timer"
                return f"the timer on {self._cut.at} ended it after {link_back - self.fault.began:.2f} s"
            if time.time() > deadline:
                break
            time.sleep(0.1)
        return self.undo() or "ended"

    def _wait_for_restart(self, say: Say) -> str:
        assert self.fault is not None
        at, transport = self._cut.at, self._guests.transport
        if self._cut.command:
            self._hold_then_off()
        began = time.monotonic()
        gone_at: float | None = None

        def answers_again() -> bool:
            nonlocal gone_at
            say(f"waiting for {at}, {time.monotonic() - began:.0f} s")
            if not transport.answers(at, ANSWER_SECONDS):
                gone_at = gone_at or time.time()
                return False
            # It still answers for a moment after the order, and an orderly restart for some seconds.
            return gone_at is not None

        wait(f"{at} to go away and to answer again", answers_again, RESTART_PATIENCE_SECONDS)
        self.fault = replace(self.fault, answers_again=time.time())
        transport.reset(at)

        def login() -> bool:
            try:
                boot_id = self._guests.call(at, ["cat", "/proc/sys/kernel/random/boot_id"], timeout_seconds=15).strip()
            except (Unreachable, RemoteFailed):
                transport.reset(at)
                return False
            self.restarted = boot_id != self._boot_id
            return True

        wait(f"a login on {at} after its restart", login, 60)
        self.undone_by = "timer"
        assert self.fault.answers_again is not None
        return f"{at} answered again {self.fault.answers_again - self.fault.began:.1f} s after the order"

    def _hold_then_off(self) -> None:
        end = time.time() + self._cut.seconds
        wait("the end of the outage", lambda: time.time() >= end, self._cut.seconds + 5)
        self._command("off")

    def undo(self) -> str | None:
        """End the cut now, whatever its state; a sentence, or None when nothing had to be done. Unreachable: the
        host's own timer ends it."""
        with self._lock:
            if self.undone_by:
                return None
            if self._cut.command:
                self._command("off")
                self.undone_by = "operator"
                return f"`{self._cut.command} off`"
            if self._cut.how.restarts or self._cut.how is How.TERMINATE:
                return None
            answer = self._guests.tool(self._cut.at, "fault", "undo", timeout_seconds=20)
            if self.fault is not None and answer["ended"] is not None:
                self.fault = replace(self.fault, link_back=float(answer["ended"]) - self._clock.offset)
            self.undone_by = "operator"
            return f"ended the fault on {self._cut.at}" if answer["undone"] else None
