"""The text of a setting that may be secret, by Pulumi's own CLI."""

import subprocess

from ..unanswered import CouldNotAsk

PULUMI_SECONDS = 40.0


def text(key: str, stack: str) -> str:
    """As it was set. CouldNotAsk with what Pulumi said."""
    command = ["pulumi", "--non-interactive", "config", "get", key, "--stack", stack]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PULUMI_SECONDS, check=False)
    except FileNotFoundError:
        raise CouldNotAsk("`pulumi` is not on PATH", "install Pulumi's CLI") from None
    except subprocess.TimeoutExpired:
        raise CouldNotAsk(f"`pulumi config get {key}` does not end", "log in: `pulumi login`") from None
    if done.returncode:
        said = " ".join(done.stderr.split())[-200:]
        raise CouldNotAsk(
            f"setting {key} cannot be read: {said or 'no reason given'}",
            "`pulumi login`, and the stack's passphrase (PULUMI_CONFIG_PASSPHRASE)",
        )
    return done.stdout
