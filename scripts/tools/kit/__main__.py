"""Make a kit: collect, look for secrets, pack, put it where the standby is."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from setup.console import Problem, note
from setup.places import tools

from kit import archive, parts, place, secrets
from kit.parts import Part
from operations.stack import NoInventory, locate, selected
from operations.store import Unavailable
from stacks import topology
from twinsite.inventory import to_dict

QUESTION_SECONDS = 60


def main(arguments: list[str]) -> int:
    """Exit code 0, or 2 when it is refused."""
    parser = argparse.ArgumentParser(
        prog="./scripts/kit",
        description="One archive with the Pulumi CLI, the provider plugins and wheels of the lock, the program and the "
        "stack's file, from which the standby is raised when nothing can be fetched. Put into the standby's store.",
    )
    parser.add_argument("--stack", default="", help="Pulumi stack; default the selected one")
    parser.add_argument("--to", metavar="FOLDER", type=Path, help="put it there instead of the standby's store")
    options = parser.parse_args(arguments)
    # Whoever has no `pulumi` of their own has set-up's.
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{tools() / 'current' / 'bin'}"
    try:
        with tempfile.TemporaryDirectory(prefix="twinsite-kit-") as folder:
            make(options.stack, options.to, Path(folder))
    except (Problem, NoInventory, Unavailable) as problem:
        print(f"kit: {problem}", file=sys.stderr)
        return 2
    return 0


def make(stack: str, to: Path | None, scratch: Path) -> None:
    """All of it; says what is in it and how it is used."""
    project = Path.cwd()
    want = parts.wanted(project, selected(stack)[0])
    found = locate("", stack)
    store = place.store(found.inventory.store) if to is None else place.Folder(to)
    if found.note:
        note(found.note)
    secrets.refuse_in_clear(project, found.name, topology(want.topology))
    lock = project / "requirements.txt"
    inventory = json.dumps(to_dict(found.inventory), indent=1, sort_keys=True) + "\n"
    ours = parts.program(project, found.name, inventory)
    known = secrets.of_settings(
        secrets.shown_settings(ask("config", "--show-secrets", "--json", "--stack", found.name))
    )
    secrets.refuse_secrets(ours, [*known, *secrets.of_environment(os.environ)])
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    content = [
        *parts.pulumi(),
        *parts.plugins(want.packages, lock, home),
        *parts.wheels(lock),
        *ours,
        Part("raise", parts.HERE / "unpacked.py", True),
        Part("up.py", parts.HERE / "up.py"),
        parts.described(found.name, want, backend(), last_update(found.name)),
    ]
    content.append(parts.checksums(content))
    name = f"twinsite-kit-{found.name}"
    file = scratch / f"{name}.tar.gz"
    archive.write(content, file, name)
    with file.open("rb") as packed:
        total = hashlib.file_digest(packed, "sha256").hexdigest()
    where = store.put(file)
    store.write(f"{file.name}.sha256", f"{total}  {file.name}\n".encode())
    print(f"{where}, {file.stat().st_size / 1e6:.0f} MB, SHA-256 {total}")
    print(f"Use: tar -xzf {file.name} && ./{name}/raise --help; docs/runbooks/raise-from-the-kit.md")


def ask(*words: str) -> str:
    """Pulumi's answer; Problem with its own words."""
    command = [str(tools() / "current" / "bin" / "pulumi"), "--non-interactive", *words]
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=QUESTION_SECONDS, check=False
    )
    if done.returncode:
        raise Problem(f"`pulumi {' '.join(words)}`: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def last_update(stack: str) -> str:
    """When it began, as Pulumi says it."""
    found = json.loads(ask("stack", "history", "--json", "--page-size", "1", "--stack", stack))
    if not found:
        raise Problem(f"stack {stack} was never updated: `pulumi up` first")
    return str(found[0]["startTime"])


def backend() -> str:
    """Where the state is. Problem when its address itself is a secret."""
    found = str(json.loads(ask("whoami", "--verbose", "--json")).get("url") or "")
    if "@" in found.partition("://")[2].partition("/")[0]:
        raise Problem(
            "the backend's address has a login in it: `pulumi login` without, and give that in the environment"
        )
    if found.startswith("file://"):
        note(f"the state is in {found}: the kit raises only where that folder is")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
