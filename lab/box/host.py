"""How the box talks to the kernel: commands whose failure is an error with the tool's own words, never silence."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path


class BoxError(Exception):
    """One sentence for a person."""


def run(*command: str | Path, stdin: str = "", check: bool = True, timeout: float = 60.0) -> str:
    """Run a command, give its output. BoxError with what it said when it fails or takes over `timeout` seconds."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise BoxError(f"{words[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise BoxError(f"`{' '.join(words)}` did not end within {timeout:g} s") from error
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing")[-2000:]
        shown = f"; its input was:\n{_shorten(stdin)}" if stdin else ""
        raise BoxError(f"`{' '.join(words)}` exited with {done.returncode} and said: {said}{shown}")
    return done.stdout


def ip(commands: Iterable[Sequence[str] | str], namespace: str = "") -> None:
    """Run `ip` commands as one batch: one process however many lines. The first failing line stops it and is named."""
    lines = [line if isinstance(line, str) else " ".join(line) for line in commands]
    if lines:
        inside = ("-n", namespace) if namespace else ()
        run("ip", *inside, "-batch", "-", stdin="\n".join(lines) + "\n")


def nft(rules: str, namespace: str) -> None:
    """Load a rule file into a namespace as one transaction: all or nothing, tracked connections live on."""
    run("ip", "netns", "exec", namespace, "nft", "-f", "-", stdin=rules)


def sysctl(settings: dict[str, str], namespace: str) -> None:
    """Write kernel settings inside a namespace; names use `/` because interface names may hold dots."""
    if settings:
        words = [f"{name}={value}" for name, value in settings.items()]
        run("ip", "netns", "exec", namespace, "sysctl", "-q", "-w", *words)


def namespaces() -> list[str]:
    """Names of the network namespaces that `ip netns` knows."""
    folder = Path("/run/netns")
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _shorten(text: str) -> str:
    return text if len(text) < 4000 else text[:2000] + "\n…\n" + text[-1500:]
