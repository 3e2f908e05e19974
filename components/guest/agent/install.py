#!/usr/bin/env python3
"""Installs the guest payload on a host and applies its role. The same on every machine, cloud or on-prem.

install.py install FOLDER     FOLDER holds payload.tar.gz, desired.json, secrets.json and, optionally, followup.json
install.py followup ROLE      merges the JSON object on standard input into the role's configuration, then applies
install.py remove ROLE        undoes the role; takes the payload away when no other role is left

desired.json: {"payload_sha256", "role", "config", "operators": {"user": …, "keys": […]} or null}
secrets.json: {"role": {…}, "ssh_host_key": PEM or absent}. Exit codes are the role's: 0 done, 1 failed, 2 refused.
"""

import hashlib
import io
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tarfile
from typing import Any

HOME = pathlib.Path("/opt/twinsite")
ETC = pathlib.Path("/etc/twinsite")
WRAPPER = pathlib.Path("/usr/local/sbin/twinsite-guest")
AGENT = pathlib.Path("/usr/local/lib/twinsite")
"""A cloud machine's agent, as its bootstrap put it there; no other host has it."""


def write(path: "str | pathlib.Path", text: str, mode: int = 0o644) -> bool:
    """Atomically; True when the content was not there before."""
    path = pathlib.Path(path)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(draft, mode)
    os.replace(draft, path)
    return True


def unpack(content: bytes, sha256: str, role: str) -> None:
    """Put the payload where the role's programs are run from. A half unpacked one never is."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"payload has SHA-256 {found}, expected {sha256}: fetch or copy it again")
    place = HOME / sha256[:12]
    if not place.exists():
        draft = HOME / f".{sha256[:12]}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            # Debian 12's Python 3.11.2 knows no filters; what is unpacked has just been verified.
            safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            archive.extractall(draft, **safely)
        draft.rename(place)
    serve(role, place)


def installed() -> "list[str]":
    """Roles that this host has been told."""
    return sorted(path.name[: -len(".desired.json")] for path in ETC.glob("*.desired.json"))


def point(name: str, place: str) -> None:
    """HOME/name → place, in one step."""
    link = HOME / name
    if not link.is_symlink() or os.readlink(link) != place:
        draft = HOME / f".{name}.draft"
        draft.unlink(missing_ok=True)
        draft.symlink_to(place)
        draft.rename(link)


def serve(role: str, place: pathlib.Path) -> None:
    """Run this role from `place`, and what it brings for roles that are not told here; the others keep their own.

    `current` is what is newest: the tools of drills, and this file.
    """
    others = [other for other in installed() if other != role]
    for other in others:
        # A version before packed all roles into one.
        if not (HOME / other).is_symlink() and (HOME / "current" / other).is_dir():
            point(other, os.readlink(HOME / "current"))
    for program in place.glob("*/apply.py"):
        if program.parent.name not in others:
            point(program.parent.name, place.name)
    point("current", place.name)
    write(WRAPPER, (place / "agent/twinsite-guest").read_text(encoding="utf-8"), 0o755)


def operators(wanted: Any) -> None:
    """A login for operators with sudo, their keys and nothing else; only on machines that twinsite created."""
    user, keys = wanted["user"], wanted["keys"]
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", user], check=True)
        entry = pwd.getpwnam(user)
    write(f"/etc/sudoers.d/90-{user}", f"{user} ALL=(ALL) NOPASSWD:ALL\n", 0o440)
    folder = pathlib.Path(entry.pw_dir) / ".ssh"
    write(folder / "authorized_keys", "".join(f"{key}\n" for key in keys), 0o600)
    for path in (folder, folder / "authorized_keys"):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    os.chmod(folder, 0o700)


def ssh_host_key(key: str) -> None:
    """The host key that the inventory publishes, so that operators verify it from the first login on."""
    if not write("/etc/ssh/ssh_host_ed25519_key", key, 0o600):
        return
    public = subprocess.run(
        ["ssh-keygen", "-y", "-f", "/etc/ssh/ssh_host_ed25519_key"], check=True, capture_output=True, text=True
    ).stdout
    write("/etc/ssh/ssh_host_ed25519_key.pub", public)
    subprocess.run(["systemctl", "try-reload-or-restart", "ssh.service"], check=False)


def renew_agent(place: pathlib.Path) -> None:
    """The agent becomes the payload's, once that has asked for the machine's document; it starts itself anew then.

    One that fails here is not taken: it could bring nothing any more, its own successor included.
    """
    mine = [path for path in sorted(AGENT.glob("*.py")) if (place / "agent" / path.name).exists()]
    later = {path: (place / "agent" / path.name).read_text(encoding="utf-8") for path in mine}
    changed = {path: text for path, text in later.items() if path.read_text(encoding="utf-8") != text}
    if not changed:
        return
    tried = subprocess.run(
        [sys.executable, place / "agent/agent.py", "check"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        print(f"the agent stays as it was, the later one fails here: {tried.stderr.strip()[-500:]}", file=sys.stderr)
        return
    for path, text in reversed(changed.items()):  # what is imported, then what imports it
        write(path, text)


def apply(role: str) -> int:
    """Run the role's apply with its merged configuration; its exit code."""
    return subprocess.run([WRAPPER, role, "apply"], check=False).returncode


def merge(role: str) -> None:
    """<role>.json = what was desired, overlaid with the followup."""
    merged: dict[str, Any] = {}
    for part in ("desired", "followup"):
        path = ETC / f"{role}.{part}.json"
        if path.exists():
            merged |= json.loads(path.read_text(encoding="utf-8"))
    write(ETC / f"{role}.json", json.dumps(merged, indent=1, sort_keys=True), 0o600)


def install(place: str) -> int:
    """Everything, from the documents in the folder `place`."""
    folder = pathlib.Path(place)
    desired = json.loads((folder / "desired.json").read_text(encoding="utf-8"))
    secrets = json.loads((folder / "secrets.json").read_text(encoding="utf-8"))
    unpack((folder / "payload.tar.gz").read_bytes(), desired["payload_sha256"], desired["role"])
    if desired.get("operators"):
        operators(desired["operators"])
    if secrets.get("ssh_host_key"):
        ssh_host_key(secrets["ssh_host_key"])
    role = desired["role"]
    write(ETC / f"{role}.secrets.json", json.dumps(secrets["role"]), 0o600)
    write(ETC / f"{role}.desired.json", json.dumps(desired["config"], indent=1, sort_keys=True), 0o600)
    followup = folder / "followup.json"
    if followup.exists():
        write(ETC / f"{role}.followup.json", followup.read_text(encoding="utf-8"), 0o600)
    # What a gate elsewhere waits for (components/machine/documents.py, `digest`): the role tells it once it is applied.
    told = hashlib.sha256(json.dumps(desired, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
    write(ETC / f"{role}.told", told)
    merge(role)
    code = apply(role)
    renew_agent(HOME / role)
    return code


def remove(role: str) -> int:
    """Undo the role; leaves the host as it was before twinsite once the last role is gone."""
    if not WRAPPER.exists():
        return 0
    code = subprocess.run([WRAPPER, role, "undo"], check=False).returncode
    if code:
        return code
    for part in (".json", ".desired.json", ".followup.json", ".secrets.json", ".told"):
        (ETC / f"{role}{part}").unlink(missing_ok=True)
    # Where there is no link, a version before served all roles from one place.
    left = {other: (HOME / (other if (HOME / other).is_symlink() else "current")).resolve() for other in installed()}
    for link in [path for path in HOME.iterdir() if path.is_symlink()]:
        if link.resolve() not in left.values():
            link.unlink()
    for other, place in left.items():
        serve(other, place)
    if not left:
        WRAPPER.unlink(missing_ok=True)
        shutil.rmtree(HOME, ignore_errors=True)
        shutil.rmtree(ETC, ignore_errors=True)
    return 0


def main(argv: "list[str]") -> int:
    if os.geteuid() != 0:
        sys.exit("root is needed: run this with sudo")
    if argv[:1] == ["install"] and len(argv) == 2:
        return install(argv[1])
    if argv[:1] == ["followup"] and len(argv) == 2:
        write(ETC / f"{argv[1]}.followup.json", sys.stdin.read(), 0o600)
        merge(argv[1])
        return apply(argv[1])
    if argv[:1] == ["remove"] and len(argv) == 2:
        return remove(argv[1])
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
