#!/usr/bin/env python3
"""Stands for kubectl before a cluster that runs a Job at once: its container is `guest-home` beside this file."""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
at = next(number for number, word in enumerate(sys.argv) if word in ("get", "create", "logs", "delete"))
verb, rest = sys.argv[at], sys.argv[at + 1 :]
if verb == "get" and rest[0] == "cronjob":
    container = {"name": "backup", "image": "python", "command": ["sh"], "args": ["run"]}
    template = {"spec": {"restartPolicy": "OnFailure", "containers": [container]}}
    print(json.dumps({"spec": {"jobTemplate": {"spec": {"template": template}}}}))
elif verb == "get" and rest[0] == "jobs":
    print(json.dumps({"items": []}))
elif verb == "get":
    code = json.loads((HERE / "job.json").read_text())["code"]
    print(json.dumps({"items": [{"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": code}}}]}}]}))
elif verb == "create":
    pod = json.load(sys.stdin)["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"][:3] == ["python3", "-m", "backup"], "another program"
    command = [str(HERE / "guest-home"), "backup", *pod["containers"][0]["args"][3:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (HERE / "job.json").write_text(json.dumps({"code": done.returncode, "out": done.stdout + done.stderr}))
elif verb == "logs":
    print("a line of the program's own\n" + json.loads((HERE / "job.json").read_text())["out"])
