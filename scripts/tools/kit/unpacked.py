#!/usr/bin/env python3
"""Raise a stack's standby from this folder alone: nothing is fetched. In the kit this file is called `raise`.

    ./raise                   check, make work/, then `pulumi up` in the mode of kit.json, without the dead site
    ./raise --prepare         check and make work/, nothing else
    ./raise -- COMMAND…       the same, then COMMAND in work/ with this kit's pulumi and twinsite
    ./raise --stale [-- …]    also where the stack was updated after the update that this kit was made of

It needs Python of kit.json's version, what unlocks the stack's secrets (PULUMI_CONFIG_PASSPHRASE, or the key vault's
login) and the standby's credentials. Everything that it makes is in work/; run again, it goes on.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

KIT = Path(__file__).resolve().parent
WORK, PART = KIT / "work", KIT / "work.part"
SUMS = "SHA256SUMS"


class Refused(Exception):
    """Nothing was raised; the sentence says what to do."""


def verify() -> int:
    """Every file that was packed is there, as it was, and no other."""
    expected: dict[str, str] = {}
    for line in (KIT / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        expected[name] = digest
    present = {
        str(path.relative_to(KIT))
        for path in KIT.rglob("*")
        if path.is_file() and path.relative_to(KIT).parts[0] not in (WORK.name, PART.name)
    }
    wrong = [f"{name} is missing" for name in sorted(set(expected) - present)]
    wrong += [f"{name} was not packed" for name in sorted(present - set(expected) - {SUMS})]
    wrong += [f"{name} has changed" for name in sorted(set(expected) & present) if digest_of(name) != expected[name]]
    if wrong:
        raise Refused(
            f"this is not the kit as it was packed: {'; '.join(wrong)}. Unpack it anew into an empty folder; if that "
            "says the same, take the archive's former version from the store, or the copy in another folder"
        )
    return len(expected)


def digest_of(name: str) -> str:
    total = hashlib.sha256()
    with (KIT / name).open("rb") as file:
        while piece := file.read(1 << 20):
            total.update(piece)
    return total.hexdigest()


def python_of(told: dict[str, str]) -> str:
    """The interpreter that the wheels are for."""
    here = (platform.system(), platform.machine())
    if here != (told["system"], told["machine"]):
        raise Refused(f"this kit is for {told['system']} on {told['machine']}, and this is {' on '.join(here)}")
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == told["python"]:
        return sys.executable
    found = shutil.which(f"python{told['python']}")
    if found is None:
        raise Refused(
            f"the wheels are for Python {told['python']}, and there is no python{told['python']} on PATH: install it, "
            "or make the kit with the Python that is here"
        )
    return found


def prepare(told: dict[str, str]) -> None:
    """work/: the program with its environment, and Pulumi's home with the plugins. What is there already stays."""
    if not WORK.exists():
        shutil.rmtree(PART, ignore_errors=True)
        shutil.copytree(KIT / "program", PART)
        # Not one link to all: Pulumi notes beside each plugin when it was used, and follows no link to one.
        shutil.copytree(KIT / "plugins", PART / "home" / "plugins", copy_function=linked)
        PART.rename(WORK)
    venv = WORK / ".venv"
    if (venv / "complete").exists():
        return
    shutil.rmtree(venv, ignore_errors=True)
    must([python_of(told), "-m", "venv", "--without-pip", venv])
    (pip,) = (KIT / "wheels").glob("pip-*.whl")
    # Of this folder and of the lock's hashes alone, whatever pip is set to on this machine.
    install: list[object] = [
        venv / "bin" / "python",
        pip / "pip",
        "--isolated",
        "install",
        "--quiet",
        "--no-compile",
        "--no-index",
    ]
    must([*install, "--find-links", KIT / "wheels", "--require-hashes", "--requirement", WORK / "requirements.txt"])
    (venv / "complete").touch()


def fresh(told: dict[str, str], given: dict[str, str]) -> None:
    """Nobody has updated the stack since the kit was made: its program would take back what that brought. Asked once:
    afterwards the last update is this kit's own."""
    asked = WORK / "of-the-last-update"
    if asked.exists():
        return
    command = [str(KIT / "bin" / "pulumi"), "stack", "history", "--json", "--page-size", "1", "--stack", told["stack"]]
    done = subprocess.run(command, env=given, cwd=WORK, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"the stack's state cannot be read: {(done.stderr or done.stdout).strip()}")
    last = (json.loads(done.stdout) or [{"startTime": "never"}])[0]["startTime"]
    if last != told["update"]:
        raise Refused(
            f"this kit was made of the update of {told['update']}, and the stack was updated at {last}: this program "
            "would take back what that brought. Take the kit that was made after it; or, where you know what it was, "
            "`./raise --stale`"
        )
    asked.touch()


def linked(source: str, target: str) -> None:
    """A plugin has hundreds of megabytes."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def must(command: list[object]) -> None:
    done = subprocess.run(
        [str(word) for word in command], env={**os.environ, "PIP_CONFIG_FILE": os.devnull}, check=False
    )
    if done.returncode:
        raise Refused(f"`{' '.join(str(word) for word in command)}` ended with {done.returncode}")


def environment(told: dict[str, str]) -> dict[str, str]:
    """Of everything that runs in work/: this kit's tools first, and no attempt to fetch another plugin."""
    ours = [str(KIT / "bin"), str(WORK / "scripts"), str(WORK / ".venv" / "bin")]
    given = {
        "PATH": ":".join([*ours, os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")]),
        "PULUMI_HOME": str(WORK / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        "PULUMI_BACKEND_URL": os.environ.get("PULUMI_BACKEND_URL") or told["backend"],
    }
    return {**os.environ, **given}


def main(words: list[str]) -> int:
    """Exit code: the command's, 2 when it is refused."""
    stale = words[:1] == ["--stale"]
    words = words[1:] if stale else words
    if words and words[0] not in ("--", "--prepare"):
        print(__doc__)
        return 0 if words[0] in ("-h", "--help") else 2
    try:
        told = json.loads((KIT / "kit.json").read_text(encoding="utf-8"))
        print(f"kit of stack {told['stack']}: {verify()} files are as they were packed", file=sys.stderr, flush=True)
        python_of(told)
        prepare(told)
        given = environment(told)
        if stale:
            (WORK / "of-the-last-update").touch()
        elif words[:1] != ["--prepare"]:
            fresh(told, given)
    except (Refused, OSError) as problem:
        print(f"raise: {problem}", file=sys.stderr)
        return 2
    if words[:1] == ["--prepare"]:
        return 0
    command = words[1:] or [str(WORK / ".venv" / "bin" / "python"), str(KIT / "up.py"), told["stack"], told["mode"]]
    os.chdir(WORK)
    os.environ["PATH"] = given["PATH"]
    os.execvpe(command[0], command, given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
