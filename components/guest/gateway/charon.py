"""Talks to charon through swanctl: what it holds, what it was told, what it said last."""

import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

from ..drill.vici import Vici, ViciError
from ..errors import Failed

SERVICE = "strongswan.service"
"""Of package charon-systemd, in Debian and Ubuntu alike."""


def swanctl(*arguments: str, timeout_seconds: float = 30.0) -> str:
    """Standard output of one swanctl call; Failed with its own words when it does not succeed."""
    try:
        done = subprocess.run(
            ["swanctl", *arguments], capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"swanctl {' '.join(arguments)}: {error}") from None
    if done.returncode:
        raise Failed(f"swanctl {' '.join(arguments)}: {(done.stderr + done.stdout).strip()}")
    return done.stdout


def parse_raw(text: str) -> list[tuple[str, dict[str, Any]]]:
    """(label, message) of each message in swanctl's --raw output: `label {key=value name {…} list=[a b]}`.

    swanctl prints one message a line and quotes nothing: a word that is neither `key=` nor a section's name belongs to
    the value before it (`class=pre-shared key`). A line that does not follow the grammar raises ValueError.
    """
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        label, brace, rest = line.partition("{")
        if not brace:
            raise ValueError(f"no message in {line!r}")
        tokens = _tokens("{" + rest)
        message, end = _section(tokens, 1)
        if end != len(tokens):
            raise ValueError(f"text after the message in {line!r}")
        found.append((label.strip(), message))
    return found


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    word = ""
    for letter in text:
        if letter in "{}[] ":
            if word:
                tokens.append(word)
            word = ""
            if letter != " ":
                tokens.append(letter)
        else:
            word += letter
    return [*tokens, word] if word else tokens


def _section(tokens: list[str], at: int) -> tuple[dict[str, Any], int]:
    section: dict[str, Any] = {}
    last = ""
    while at < len(tokens):
        token = tokens[at]
        if token == "}":
            return section, at + 1
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        if after == "{":
            section[token], at = _section(tokens, at + 2)
            last = ""
        elif after == "[" and token.endswith("="):
            end = tokens.index("]", at)
            section[token[:-1]] = tokens[at + 2 : end]
            at, last = end + 1, ""
        elif "=" in token:
            name, _, value = token.partition("=")
            section[name] = value
            last = name
            at += 1
        elif last and token not in "[]":
            section[last] = f"{section[last]} {token}".strip()
            at += 1
        else:
            raise ValueError(f"{token!r} is neither a value nor a section")
    raise ValueError("the message ends inside a section")


@dataclass(frozen=True)
class Child:
    """One CHILD_SA."""

    name: str
    state: str
    bytes_in: int
    bytes_out: int
    installed_seconds: int
    local_ranges: tuple[str, ...] = ()
    remote_ranges: tuple[str, ...] = ()
    """What it carries: traffic selectors."""


@dataclass(frozen=True)
class Sa:
    """One IKE_SA of this role's connection."""

    unique_id: int
    state: str
    established_seconds: int
    initiator: bool
    remote_host: str
    children: list[Child] = field(default_factory=list)


def _number(section: dict[str, Any], name: str) -> int:
    return int(section.get(name, 0))


def sas(connection: str) -> list[Sa]:
    """Every IKE_SA of `connection`, whatever its state."""
    found = []
    for label, message in parse_raw(swanctl("--list-sas", "--ike", connection, "--raw", timeout_seconds=5)):
        if not label.startswith("list-sa event"):
            continue
        for name, sa in message.items():
            if name != connection:
                continue
            children = [
                Child(
                    child.get("name", ""), child.get("state", ""), _number(child, "bytes-in"),
                    _number(child, "bytes-out"), _number(child, "install-time"),
                    tuple(child.get("local-ts", ())), tuple(child.get("remote-ts", ())),
                )
                for child in sa.get("child-sas", {}).values()
            ]  # fmt: skip
            found.append(
                Sa(
                    _number(sa, "uniqueid"), sa.get("state", ""), _number(sa, "established"),
                    sa.get("initiator") == "yes", sa.get("remote-host", ""), children,
                )
            )  # fmt: skip
    return found


def connections() -> dict[str, dict[str, Any]]:
    """The connections that charon has loaded: name -> what it shows of it."""
    return {
        name: shown
        for label, message in parse_raw(swanctl("--list-conns", "--raw", timeout_seconds=5))
        if label.startswith("list-conn event")
        for name, shown in message.items()
    }


def trapped(connection: str) -> bool:
    """Whether a packet that finds no SA asks for one: the connection's trap is set."""
    return any(
        label.startswith("list-policy event") and f"{connection}/{connection}" in message
        for label, message in parse_raw(swanctl("--list-pols", "--trap", "--raw", timeout_seconds=5))
    )


def key_names() -> list[str]:
    """Names of the keys in charon's memory, of every connection. Failed when it cannot be asked."""
    vici = None
    try:
        vici = Vici()
        return vici.shared()
    except ViciError as error:
        raise Failed(f"charon does not tell its keys: {error}") from None
    finally:
        if vici:
            vici.close()


def version() -> tuple[int, ...]:
    """Of the swanctl tool, for instance (6, 1, 0)."""
    try:  # with the version it prints its usage and exits 2
        done = subprocess.run(["swanctl", "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"swanctl --version: {error}") from None
    for word in (done.stdout + done.stderr).split():
        parts = word.split(".")
        if len(parts) >= 2 and all(part.isdigit() for part in parts):
            return tuple(int(part) for part in parts)
    raise Failed(f"swanctl does not tell its version: {(done.stdout + done.stderr).strip()[:300]}")


_CHATTER = ("sending packet", "received packet", "sending DPD", "sending keep alive", "INFORMATIONAL", "retransmit ")


def last_words(count: int = 15) -> list[str]:
    """charon's last log lines without its routine chatter; what could not be read is said instead."""
    try:
        done = subprocess.run(
            ["journalctl", "--unit", SERVICE, "--lines", "200", "--output", "cat", "--no-pager", "--quiet"],
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"charon's log could not be read: {error}"]
    lines = [line for line in done.stdout.splitlines() if not any(word in line for word in _CHATTER)]
    return lines[-count:] or ["charon has logged nothing"]


def terminate(connection: str) -> None:
    """End the SAs that it has now; a peer that does not answer is not waited for. Failed when one outlives that."""
    standing = {sa.unique_id for sa in sas(connection)}
    try:
        swanctl("--terminate", "--ike", connection, "--force", "--timeout", "2")
    except Failed:
        # --force ends an unanswered SA when the time is up, which is also when swanctl gives up: look, do not believe.
        deadline = time.monotonic() + 20
        while standing & {sa.unique_id for sa in sas(connection)}:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
