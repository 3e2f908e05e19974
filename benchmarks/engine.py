"""The real Pulumi engine over the lab's stand-ins, recorded only, with every process measured."""

import dataclasses
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.client import LabError
from lab.operator import stack
from lab.operator.desk import Desk
from lab.paths import TREE, Paths
from lab.scenes import Scene, named
from lab.services.credentials import operator_credentials

from .context import Context, NotMeasured

PROBE = Path(__file__).parent / "probe"
EXECUTOR = "pulumi-language-python-exec"
"""Pulumi's own script that runs a Python program; the process that is measured."""


@dataclass(frozen=True)
class Measured:
    """One `pulumi` command."""

    seconds: float
    """Wall time, from start to exit."""
    cpu_seconds: float
    """Of Pulumi, the program and the stand-ins together: what other work on the machine hardly disturbs."""
    peak_mib: float
    """Peak resident memory of the program's process."""
    modules: frozenset[str]
    """Provider SDK modules that the program had imported at its end, dotted."""
    stdout: str


class Engine:
    """A desk of its own, in a folder that goes away with the run; the box, if one is up, is not touched."""

    def __init__(self, context: Context, scene: Scene | None = None) -> None:
        scene = scene or named()
        self._context = context
        self.stack = scene.stack
        """Name of the stack that the desk has for the topology."""
        self._folder = Path(tempfile.mkdtemp(prefix="twinsite-bench-"))
        context.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._desk = Desk(Paths(run=self._folder / "desk"), live=False)
        self._box = "bench"
        context.say("preparing a desk of the benchmarks' own")
        try:
            self._desk.prepare_identity(scene, operator_credentials())
            self._desk.prepare(scene, self._box, stack.machine_image("bec4"))
            self._environment = self._desk.environment(self._box)
        except (LabError, OSError, subprocess.SubprocessError) as problem:
            raise NotMeasured(f"the desk cannot be prepared: {problem}") from None
        self._pulumi = self._environment["TWINSITE_LAB_PULUMI"]

    @property
    def project(self) -> Path:
        """The stack under measurement."""
        return self._desk.project

    def another_project(self, name: str, program: str) -> Path:
        """A project beside it with the same configuration and runtime, a program of one file, and its stack."""
        folder = self._folder / name
        folder.mkdir()
        (folder / "Pulumi.yaml").write_bytes((self.project / "Pulumi.yaml").read_bytes())
        (folder / f"Pulumi.{self.stack}.yaml").write_bytes((self.project / f"Pulumi.{self.stack}.yaml").read_bytes())
        (folder / ".venv").symlink_to(TREE / ".venv")
        (folder / "__main__.py").write_text(program, encoding="utf-8")
        # The backend has one stack of a name per project; this one is a project of its own.
        backend = self._folder / f"{name}-backend"
        backend.mkdir()
        return folder

    def environment(self, project: Path) -> dict[str, str]:
        """Of a command in `project`."""
        if project == self.project:
            return dict(self._environment)
        backend = f"file://{self._folder / f'{project.name}-backend'}"
        return self._environment | {"PULUMI_BACKEND_URL": backend}

    def pulumi(self, project: Path, *words: str, name: str = "") -> str:
        """Run `pulumi`; its stdout. NotMeasured with its words when it fails."""
        done = self._context.command(
            name or f"pulumi {words[0]}",
            [self._pulumi, "--non-interactive", *words],
            environment=self.environment(project),
            cwd=project,
        )
        return done.stdout

    def export(self, project: Path) -> dict[str, object]:
        """The stack's state with secrets in plain: the stand-ins' own, of no use anywhere else."""
        file = self._folder / "state.json"
        self.pulumi(project, "stack", "export", "--show-secrets", "--stack", self.stack, "--file", str(file))
        found: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
        return found

    def measure(self, project: Path, words: Sequence[str], name: str) -> Measured:
        """Run one `pulumi` command and measure it."""
        probes = Path(tempfile.mkdtemp(dir=self._folder, prefix="probe-"))
        environment = self.environment(project) | {
            "PYTHONPATH": os.pathsep.join([str(PROBE), str(TREE)]),
            "TWINSITE_BENCH_PROBE": str(probes),
        }
        began, used = time.monotonic(), _children()
        done = self._context.command(
            name, [self._pulumi, "--non-interactive", *words], environment=environment, cwd=project
        )
        seconds, cpu = time.monotonic() - began, _children() - used
        programs = [
            found
            for found in (json.loads(path.read_text(encoding="utf-8")) for path in probes.glob("*.json"))
            if any(Path(word).name == EXECUTOR for word in found["argv"])
        ]
        if len(programs) != 1:
            raise NotMeasured(f"{name}: {len(programs)} processes ran {EXECUTOR}, expected one")
        peak, modules = programs[0]["peak_kib"] / 1024, frozenset(programs[0]["modules"])
        return Measured(seconds, cpu, peak, modules, done.stdout)


def imported(context: Context, code: str, first: bool = False) -> tuple[float, float]:
    """MiB at most, and seconds of CPU, of a Python that does only this; of three the least. `first`: with no module
    compiled yet, as in a fresh environment; once."""
    ends = "import resource; print(*(open('/proc/self/status').read().split('VmHWM:')[1].split()[:1]), "
    ends += "resource.getrusage(resource.RUSAGE_SELF).ru_utime + resource.getrusage(resource.RUSAGE_SELF).ru_stime)"
    with tempfile.TemporaryDirectory(prefix="twinsite-bench-") as nothing:
        environment = os.environ | {"PYTHONPATH": str(TREE)} | ({"PYTHONPYCACHEPREFIX": nothing} if first else {})
        words = [sys.executable, "-c", f"{code}\n{ends}"]
        runs = [
            context.command("import", words, environment=environment).stdout.splitlines()[-1].split()
            for _ in range(1 if first else 3)
        ]
    return min(int(peak) / 1024 for peak, _ in runs), min(float(cpu) for _, cpu in runs)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def least(runs: Sequence[Measured], field: str) -> float:
    """Smallest of a field over runs: what else the machine does can only add."""
    return float(min(getattr(run, field) for run in runs))


def shown(runs: Sequence[Measured], field: str) -> list[float]:
    """The single values, rounded for a reader."""
    assert field in {one.name for one in dataclasses.fields(Measured)}
    return [round(getattr(run, field), 2) for run in runs]
