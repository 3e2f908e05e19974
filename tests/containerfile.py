"""components/workload/Containerfile, read for tests of two layers."""

import re
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "components" / "workload" / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its text on one line; comments are left out."""
    lines = [line for line in FILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(kind, text.strip()) for kind, _, text in (line.partition(" ") for line in joined.splitlines())]


def script() -> str:
    """What the one RUN runs."""
    (found,) = (text for kind, text in instructions() if kind == "RUN")
    return found


def packages() -> list[str]:
    """What it installs."""
    words = re.search(r"apt-get install ([^;]*);", script())
    assert words is not None
    return [word for word in words[1].split() if not word.startswith("-")]


def checks() -> str:
    """What it asks of the programs once they are installed."""
    return script().partition("rm -rf /var/lib/apt/lists/*;")[2]
