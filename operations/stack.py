"""Finds the stack's inventory: a file, a host, a blob, or the current Pulumi project; remembers it for when Pulumi
cannot answer."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from twinsite.inventory import Inventory, from_dict

VARIABLE = "TWINSITE_INVENTORY"
HOME = pathlib.Path(".twinsite")
PULUMI_SECONDS = 60


class NoInventory(Exception):
    """There is no inventory to work from; the sentence says what to do."""


@dataclass(frozen=True)
class Stack:
    """A stack as operations see it."""

    name: str
    inventory: Inventory
    folder: pathlib.Path
    """Its evidence, reports and cached inventory."""
    note: str = ""
    """What a reader should know of the inventory's origin; empty when it is fresh."""


def age_words(seconds: float) -> str:
    """`12 s`, `3 min`, `5 h`, `9 days`."""
    for limit, unit, word in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {word}"
    return f"{seconds / 86400:.0f} days"


def _parse(text: str, where: str) -> Inventory:
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"it is {found!r} instead of an object")
        return from_dict(found)
    except ValueError as error:
        raise NoInventory(f"the inventory from {where} cannot be read: {error}") from None


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", name) or "stack"


def _over_ssh(address: str) -> str:
    place = urllib.parse.urlsplit(address)
    if not place.hostname or not place.path or place.path == "/":
        raise NoInventory(f"{address!r} is no ssh://user@host[:port]/path of an inventory file")
    target = f"{place.username}@{place.hostname}" if place.username else place.hostname
    port = ["-p", str(place.port)] if place.port else []
    command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=8", *port, target, f"sudo cat '{place.path}'"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        raise NoInventory("the OpenSSH client `ssh` is not installed: `apt-get install openssh-client`") from None
    except subprocess.TimeoutExpired:
        raise NoInventory(f"{address} does not answer") from None
    if done.returncode:
        raise NoInventory(f"{address} cannot be read: {done.stderr.strip()}")
    return done.stdout


def _from_blob(address: str) -> str:
    from . import azure

    try:
        found = azure.Blobs(azure.Identity()).get(azure.place(address))
    except azure.AzureError as error:
        words = azure.explained(error, address, "Storage Blob Data Reader")
        raise NoInventory(f"{address} cannot be read: {words}") from None
    except ValueError as error:
        raise NoInventory(str(error)) from None
    if found is None:
        raise NoInventory(f"{address} does not exist: `pulumi up` writes it")
    return found[0].decode("utf-8", "replace")


def _from_bucket(address: str) -> str:
    from . import bucket_store, google, store

    folder, _, name = address.rpartition("/")
    try:
        found = bucket_store.BucketStore(google.Api(google.Identity()), bucket_store.place(folder)).read(name)
    except (store.Unavailable, ValueError) as error:
        raise NoInventory(str(error)) from None
    if found is None:
        raise NoInventory(f"{address} does not exist: `pulumi up` writes it")
    return found[0].decode("utf-8", "replace")


def _pulumi(arguments: list[str]) -> str:
    """Pulumi's answer; NoInventory with its own words."""
    if shutil.which("pulumi") is None:
        raise NoInventory("`pulumi` is not on PATH")
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    command = ["pulumi", "--non-interactive", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PULUMI_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise NoInventory(f"`{' '.join(command)}` did not answer within {PULUMI_SECONDS} s") from None
    if done.returncode:
        raise NoInventory(f"`{' '.join(command)}`: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _remembered(name: str) -> pathlib.Path | None:
    if name:
        path = HOME / _safe(name) / "inventory.json"
        return path if path.exists() else None
    found = sorted(HOME.glob("*/inventory.json"))
    return found[0] if len(found) == 1 else None


def locate(
    given: str = "", stack: str = "", now: float | None = None, ask: Callable[[list[str]], str] = _pulumi
) -> Stack:
    """The inventory from `given` (a path or ssh:// address), else $TWINSITE_INVENTORY, else the current Pulumi project.

    Raises NoInventory with every way to give one.
    """
    given = given or os.environ.get(VARIABLE, "")
    if given:
        if given.startswith(("azblob://", "gs://")):
            read = _from_blob if given.startswith("azblob://") else _from_bucket
            text, name = read(given), stack or given.partition("://")[2].partition("/")[0]
        elif given.startswith("ssh://"):
            text, name = _over_ssh(given), pathlib.PurePosixPath(urllib.parse.urlsplit(given).path).stem
        else:
            try:
                text, name = pathlib.Path(given).read_text(encoding="utf-8"), pathlib.Path(given).stem
            except OSError as error:
                raise NoInventory(f"inventory {given} cannot be read: {error}") from None
        inventory = _parse(text, given)
        return Stack(stack or name, inventory, HOME / _safe(stack or name))
    return _from_pulumi(stack, time.time() if now is None else now, ask)


def selected(stack: str = "") -> tuple[str, pathlib.Path]:
    """(name, folder) of a stack that may have published nothing yet. NoInventory when there is no Pulumi project."""
    name = stack or _pulumi(["stack", "--show-name"]).strip()
    return name, HOME / _safe(name)


def _known(text: str) -> None:
    """NoInventory where Pulumi has a text in its place, its mark of what is not known."""
    if text.strip().startswith('"'):
        raise NoInventory(
            "the last `pulumi up` left resources out (--exclude), so the stack does not know its inventory"
        )


def _from_pulumi(stack: str, now: float, ask: Callable[[list[str]], str]) -> Stack:
    try:
        # At once: each call costs a second or more.
        with ThreadPoolExecutor(max_workers=1) as pool:
            asked = pool.submit(ask, ["stack", "--show-name"]) if not stack else None
            text = ask(["stack", "output", "inventory", "--json", *(["--stack", stack] if stack else [])])
            _known(text)
            name = asked.result().strip() if asked else stack
    except NoInventory as problem:
        path = _remembered(stack)
        if path is None:
            raise NoInventory(
                f"there is no inventory: {problem}. Run this in the Pulumi project after `pulumi up`, "
                f"or give --inventory FILE or ssh://user@host/path, or set {VARIABLE}"
            ) from None
        age = age_words(max(0.0, now - path.stat().st_mtime))
        note = f"Pulumi cannot answer ({problem}); working from {path}, which is {age} old"
        return Stack(path.parent.name, _parse(path.read_text(encoding="utf-8"), str(path)), path.parent, note)
    inventory = _parse(text, f"stack {name}")
    folder = HOME / _safe(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inventory.json").write_text(text, encoding="utf-8")
    return Stack(name, inventory, folder)
