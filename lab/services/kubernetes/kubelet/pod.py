"""Runs one pod's container on this machine, as the kubelet would. Standard library only: a copy of it is on the node.

    python3 pod.py <description.json        exit code and output are the container's

The node's own files stand in for the image; volumes, environment, user, read-only root and command are the pod's. A
description is {"name", "volumes": {name: {"files": {path: [base64, mode]}, "mode"}}, "mounts": [{"volume", "path",
"sub_path", "read_only"}], "command", "env", "user", "group", "read_only", "seconds"}.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PODS = Path("/run/pods")


def fill(folder: Path, volume: dict[str, Any], group: int) -> None:
    """Make a volume's folder with its files, readable for the pod's group as fsGroup asks."""
    folder.mkdir(parents=True)
    for path, (content, mode) in volume["files"].items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(content))
        file.chmod(mode)
        os.chown(file, 0, group)
    folder.chmod(volume["mode"])
    os.chown(folder, 0, group)


def prepare(pod: dict[str, Any], home: Path) -> None:
    """The pod's volumes, made anew."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name, volume in pod["volumes"].items():
        fill(home / name, volume, pod["group"])
    for mount in pod["mounts"]:
        if mount["sub_path"]:
            source = home / mount["volume"] / mount["sub_path"]
            source.mkdir(parents=True, exist_ok=True)
            source.chmod(0o2777)
            os.chown(source, 0, pod["group"])


def words(pod: dict[str, Any], home: Path, how: Sequence[str], more: Sequence[str]) -> list[str]:
    """The command that runs the container as unit pod-NAME and ends with its exit code. `how`: options of systemd-run;
    `more`: settings of the unit."""
    settings = ["WorkingDirectory=/", *more]
    if pod["read_only"]:
        settings.append("ProtectSystem=strict")
    for mount in pod["mounts"]:
        source = home / mount["volume"] / mount["sub_path"] if mount["sub_path"] else home / mount["volume"]
        kind = "BindReadOnlyPaths" if mount["read_only"] else "BindPaths"
        settings.append(f"{kind}={source}:{mount['path']}")
    found = ["systemd-run", "--quiet", "--wait", "--collect", f"--unit=pod-{pod['name']}", *how]
    for setting in settings:
        found += ["-p", setting]
    for key, value in pod["env"].items():
        found += ["-E", f"{key}={value}"]
    # Not systemd's User=, which wants the number to have a name.
    who = ["setpriv", f"--reuid={pod['user']}", f"--regid={pod['group']}", "--clear-groups"]
    who += ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
    return [*found, "--", *who, "--", *pod["command"]]


def main() -> int:
    pod = json.load(sys.stdin)
    home = PODS / pod["name"]
    try:
        prepare(pod, home)
        command = words(pod, home, ["--pipe"], [f"RuntimeMaxSec={pod['seconds']}"])
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
