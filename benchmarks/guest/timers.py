#!/usr/bin/env python3
"""Gives this host other timers than the product's, for a comparison, through the product's own role program.

timers.py ROLE JSON    apply /etc/twinsite/ROLE.json with JSON's keys laid over it; the file itself stays as it is
timers.py ROLE back    apply /etc/twinsite/ROLE.json as it is

Run as root. Prints the role program's own answer; exits with its exit code. The agent of a cloud host rests meanwhile:
it would put the product's timers back at the next boot, in the middle of a comparison.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

KEPT = pathlib.Path("/etc/twinsite")
AGENT = "twinsite-agent.service"


def _agent(verb: str) -> None:
    if pathlib.Path("/etc/systemd/system", AGENT).exists():
        subprocess.run(["systemctl", "--quiet", verb, "--now", AGENT], check=True)


def main(role: str, change: str) -> int:
    kept = KEPT / f"{role}.json"
    config = json.loads(kept.read_text(encoding="utf-8"))
    if change != "back":
        config.update(json.loads(change))
        _agent("disable")
    with tempfile.TemporaryDirectory(prefix="twinsite-bench-", dir="/run") as folder:
        path = pathlib.Path(folder, "config.json")
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), encoding="utf-8")
        program = f"/opt/twinsite/current/{role}/apply.py"
        command = [program, "apply", "--config", str(path), "--secrets", str(KEPT / f"{role}.secrets.json")]
        code = subprocess.run(command, check=False, cwd=os.sep).returncode
    if change == "back":
        _agent("enable")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
