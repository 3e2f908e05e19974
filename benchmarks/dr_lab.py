"""Stack dr on the lab's real machines, driven by the commands that a person would type; left in cold."""

import json
import subprocess
import sys
from typing import IO, Any

from lab.operator.desk import Desk
from lab.paths import Paths
from lab.scenes.aws_azure import SCENE, primary

from .context import TREE, Context, NotMeasured

STACK = SCENE.stack
NODE, STANDBY = primary.NAMES[primary.APPLICATION], "azure-standby"
OPTIONS = "/run/bench.cnf"
"""Options file of the mysql client on a machine."""


class DrLab:
    """The lab up with this scene, and its stack in cold. What this run brought up goes with it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        before = self._status()
        if before["mode"] == "down":
            context.say(f"lab up --topology {SCENE.topology}")
            context.callback(self._take_down)
            context.command("lab up", self._lab("up", "--topology", SCENE.topology))
            before = self._status()
        if before["mode"] != "live" or NODE not in {machine.get("name") for machine in before["machines"]}:
            needed = f"the lab on real machines with topology {SCENE.topology}"
            raise NotMeasured(f"this needs {needed}: `./scripts/lab down` first")
        self.mode("cold")
        password = Desk(Paths(), live=True).passwords()["admin"]
        self.options_file(NODE, primary.DATABASE_HOST, "admin", password)

    @property
    def backup_account(self) -> str:
        """Where the backups are."""
        return self.desk("pulumi", "config", "get", "backup_account", "--stack", STACK).strip()

    def mode(self, wanted: str) -> None:
        """`pulumi config set dr_mode` and `pulumi up`, as a person changes it."""
        on_stack = ["--stack", STACK, "--non-interactive"]
        self.desk("pulumi", "config", "set", "dr_mode", wanted, *on_stack)
        self.desk("pulumi", "up", "--yes", "--skip-preview", *on_stack)

    def front_door(self) -> str:
        """URL of the application's page by the front door's own name."""
        found = json.loads(self.desk("pulumi", "stack", "output", "inventory", "--json", "--stack", STACK))
        names = json.loads(found)["names"] if isinstance(found, str) else found["names"]
        return str(next(name["secondary_url"] for name in names if name["fqdn"].startswith("dr.")))

    def sql(self, script: str) -> str:
        """What the primary's database answers to its master user; one column."""
        return self.on(NODE, f"sudo mysql --defaults-extra-file={OPTIONS} -N", script).strip()

    def options_file(self, machine: str, host: str, user: str, password: str) -> None:
        """Let root's mysql client on a machine log in."""
        text = f'[client]\nhost={host}\nuser={user}\npassword="{password}"\nssl-mode=REQUIRED\n'
        self.on(machine, f"sudo install -m 600 /dev/stdin {OPTIONS}", text)

    def marks(self) -> dict[str, float]:
        """Times since the epoch at the standby: its boot, and the last stage of cloud-init, where scripts run."""
        clock = "date +%s.%N; cut -d' ' -f1 /proc/uptime"
        shown = "systemctl show --value -p UserspaceTimestampMonotonic; "
        shown += "systemctl show --value -p ExecMainStartTimestampMonotonic cloud-final.service"
        now, up, boot, final = (float(line) for line in self.standby(f"{clock}; {shown}").split())
        return {"boot": now - up + boot / 1e6, "cloud-final": now - up + final / 1e6}

    def standby(self, script: str, *arguments: str, seconds: float = 60) -> str:
        """A shell script as root on the standby machine, by Run Command; its stdout."""
        words = self._lab("exec", "--", "python", "-m", "benchmarks.at_desk", "run", STANDBY, str(seconds), *arguments)
        return self._run(words, STANDBY, script)

    def desk(self, *words: str) -> str:
        """A command at the desk; its stdout."""
        return self._context.command(" ".join(words[:2]), self._lab("exec", "--", *words)).stdout

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """The same without waiting for its end."""
        command = self._lab("exec", "--", *words)
        return subprocess.Popen(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def on(self, machine: str, command: str, stdin: str = "") -> str:
        """A shell command on a machine of the primary site; its stdout. NotMeasured with its words when it fails."""
        return self._run(self._lab("shell", machine, "--", command), machine, stdin)

    @staticmethod
    def _run(words: list[str], machine: str, stdin: str) -> str:
        done = subprocess.run(words, cwd=TREE, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotMeasured(f"on {machine}: {' '.join(words[-3:])[:80]}: {done.stderr[-1500:]}")
        return done.stdout

    def stream(self, machine: str, command: str, out: "IO[bytes]") -> None:
        """The same with its output into a file."""
        words = self._lab("shell", machine, "--", command)
        done = subprocess.run(
            words, cwd=TREE, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, check=False
        )
        if done.returncode:
            raise NotMeasured(f"on {machine}: {command[:80]}: {done.stderr.decode(errors='replace')[-1500:]}")

    def _status(self) -> dict[str, Any]:
        done = self._context.command("lab status", self._lab("status", "--json"), allowed=(0, 1))
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _take_down(self) -> None:
        self._context.say("lab down")
        self._context.command("lab down", self._lab("down"))

    @staticmethod
    def _lab(*words: str) -> list[str]:
        return [sys.executable, "-m", "lab.cli", *words]
