#!/usr/bin/env python3
"""The agent of a cloud machine: keeps it as its desired document says, with the machine's own identity.

Arrives in user data, so it does one thing and changes rarely: every few seconds it asks for hosts/<host>/desired.json
(and, where that says so, followup.json: what becomes true only after the rest is up) by conditional GET. On a change it
fetches the guest payload named there, verifies its SHA-256, fetches the secret version named there, runs the payload's
installer and writes the host's status.json. A failed round is tried again; nothing is applied twice without a change.
The store and the vault are those of the machine's cloud: aws.py or azure.py beside this file.
"""

import base64
import hashlib
import importlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from typing import Any

POLL_SECONDS = 5
CONFIG = "/etc/twinsite/agent.json"


def _install(cloud: Any, desired: Any, followup: Any) -> "tuple[int, str]":
    """Run the installer of the payload that `desired` names; (exit code, last words)."""
    content = cloud.get(desired["payload_key"])[0] or b""
    if desired["payload_key"].endswith(".b64"):
        content = base64.b64decode(content)
    found = hashlib.sha256(content).hexdigest()
    if found != desired["payload_sha256"]:
        raise ValueError(f"payload {desired['payload_key']} has SHA-256 {found}, expected {desired['payload_sha256']}")
    secrets = cloud.secret(desired["secret"]) if desired["secret"] else '{"role": {}}'
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        os.chmod(folder, 0o700)
        documents = {"payload.tar.gz": content, "desired.json": json.dumps(desired).encode()}
        documents |= {"followup.json": json.dumps(followup).encode(), "secrets.json": secrets.encode()}
        for name, body in documents.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(body)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            # Debian 12's Python 3.11.2 knows no filters; what is unpacked has just been verified.
            safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            archive.extractall(os.path.join(folder, "guest"), **safely)
        done = subprocess.run(
            [sys.executable, os.path.join(folder, "guest/agent/install.py"), "install", folder],
            capture_output=True,
            text=True,
            check=False,
        )
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode, (done.stderr or done.stdout).strip()[-2000:]


def _look(cloud: Any, name: str, seen: "dict[str, Any]") -> None:
    """Bring one of the documents in `seen` up to date; an absent followup is an empty document."""
    content, etag = cloud.document(name, seen["etags"].get(name, ""))
    if content is None and not etag:
        content = b"{}"
    if content is not None:
        seen["documents"][name] = json.loads(content)
        seen["etags"][name] = etag


def round_once(cloud: Any, seen: "dict[str, Any]") -> None:
    """One look at the documents; `seen` remembers what was applied and what the documents last said."""
    _look(cloud, "desired.json", seen)
    if seen["documents"]["desired.json"].get("followup"):
        _look(cloud, "followup.json", seen)
    else:
        seen["documents"]["followup.json"] = {}
        seen["etags"].pop("followup.json", None)
    documents = dict(seen["documents"])
    if documents == seen["applied"]:
        return
    desired = documents["desired.json"]
    code, words = _install(cloud, desired, documents["followup.json"])
    status = {
        "host": cloud.host,
        "outcome": "applied" if code == 0 else "failed",
        "detail": words,
        "payload_sha256": desired["payload_sha256"],
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    cloud.status(json.dumps(status).encode())
    if code == 0:
        seen["applied"] = documents


def main() -> None:
    with open(CONFIG, encoding="utf-8") as file:
        place = json.load(file)
    module = importlib.import_module(place.get("cloud", "aws"))
    seen: dict[str, Any] = {"etags": {}, "documents": {}, "applied": None}
    last_problem = ""
    while True:
        try:
            round_once(module.Cloud(place), seen)
            last_problem = ""
        except (module.CallError, OSError, ValueError, KeyError) as error:
            problem = f"{type(error).__name__}: {error}"
            if problem != last_problem:
                print(problem, file=sys.stderr, flush=True)
            last_problem = problem
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
