"""The real Pulumi CLI on projects of a test's own, with nothing of the user's and nothing of another test's."""

import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

PYTHON = Path(sys.prefix)
"""The virtual environment that runs the tests, and the programs of the tests."""

SECONDS = 600
"""For one command, beside whatever else the machine does: it ends a hang, and measures nothing."""


@dataclass
class Desk:
    """A folder with a Pulumi home, a file backend and room for projects; nothing in it is shared with another test."""

    folder: Path
    tools: Path
    """Folder of the `pulumi` and `pulumi-language-python` to use."""
    extra: dict[str, str] = field(default_factory=dict)
    checkpoints: bool = True
    """False: the state is written at the end of an update, not at each of its steps, which is most of the engine's own
    time. For tests that end no update amid its work."""
    python: Path = PYTHON
    """The virtual environment of its programs."""

    def __post_init__(self) -> None:
        # A file where the engine would make the folder of its automatic logs, which have no switch: it goes without.
        # Encrypted and megabytes a command, they are a sixth of an `up`'s CPU time [pulumi pkg/logging, StartLogging].
        (self.folder / "home").mkdir()
        (self.folder / "home" / "logs").touch()

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATH": f"{self.tools}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            # Both keep it off the network.
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            **({} if self.checkpoints else {"PULUMI_EXPERIMENTAL": "1", "PULUMI_SKIP_CHECKPOINTS": "1"}),
            **self.extra,
        }

    def project(self, name: str, program: str, options: str = "") -> Path:
        """A Pulumi project with a stack `test`."""
        options = options or f"virtualenv: {self.python}"
        folder = self.folder / name
        folder.mkdir()
        (self.folder / "state").mkdir(exist_ok=True)
        (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime:\n  name: python\n  options: {{{options}}}\n")
        (folder / "__main__.py").write_text(textwrap.dedent(program))
        self.must(folder, "stack", "init", "test")
        return folder

    def start(self, folder: Path, *words: str) -> subprocess.Popen[str]:
        """`pulumi WORDS…` in a folder, its standard output and error in one stream."""
        return subprocess.Popen(
            [self.tools / "pulumi", *words, "--non-interactive"],
            cwd=folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        running = self.start(folder, *words)
        said, _ = running.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(words, running.returncode, said, "")

    def must(self, folder: Path, *words: str) -> str:
        done = self.run(folder, *words)
        assert done.returncode == 0, f"`pulumi {' '.join(words)}` ended with {done.returncode}:\n{done.stdout}"
        return done.stdout
