#!/usr/bin/env python3
"""The agent of a cloud machine: keeps it as its desired document in S3 says, with the machine's own identity.

Arrives in user data, so it does one thing and changes rarely: every few seconds it asks for hosts/<host>/desired.json
(and, where that says so, followup.json: what becomes true only after the rest is up) by conditional GET. On a change it
fetches the guest payload named there, verifies its SHA-256, fetches the secret version named there, runs the payload's
installer and writes hosts/<host>/status.json. A failed round is tried again; nothing is applied twice without a change.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from typing import Any

import aws  # type: ignore[import-not-found]  # its neighbour on the host

POLL_SECONDS = 5
CONFIG = "/etc/twinsite/agent.json"


def _object(place: "dict[str, str]", name: str, keys: "dict[str, str]", etag: str) -> "tuple[bytes | None, str]":
    """(content or None, etag) of one of the host's documents; an absent followup is an empty document."""
    try:
        found: tuple[bytes | None, str] = aws.s3_get(
            place["bucket"], place["region"], f"hosts/{place['host']}/{name}", keys, etag
        )
        return found
    except aws.CallError as error:
        # Without ListBucket S3 answers 403 for an object that does not exist.
        if name == "followup.json" and error.status in (403, 404):
            return b"{}", ""
        raise


def _install(place: "dict[str, str]", desired: Any, followup: Any, keys: "dict[str, str]") -> "tuple[int, str]":
    """Run the installer of the payload that `desired` names; (exit code, last words)."""
    fetched, _ = aws.s3_get(place["bucket"], place["region"], desired["payload_key"], keys)
    content = fetched or b""
    found = hashlib.sha256(content).hexdigest()
    if found != desired["payload_sha256"]:
        raise aws.CallError(
            f"payload {desired['payload_key']} has SHA-256 {found}, expected {desired['payload_sha256']}"
        )
    wanted = desired["secret"]
    secrets = aws.secret(wanted["arn"], wanted["version"], place["region"], keys)
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        os.chmod(folder, 0o700)
        documents = {"payload.tar.gz": content, "desired.json": json.dumps(desired).encode()}
        documents |= {"followup.json": json.dumps(followup).encode(), "secrets.json": secrets.encode()}
        for name, body in documents.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(body)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(os.path.join(folder, "guest"), filter="data")
        done = subprocess.run(
            [sys.executable, os.path.join(folder, "guest/agent/install.py"), "install", folder],
            capture_output=True,
            text=True,
            check=False,
        )
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode, (done.stderr or done.stdout).strip()[-2000:]


def _look(place: "dict[str, str]", name: str, keys: "dict[str, str]", seen: "dict[str, Any]") -> None:
    """Bring one of the documents in `seen` up to date."""
    content, etag = _object(place, name, keys, seen["etags"].get(name, ""))
    if content is not None:
        seen["documents"][name] = json.loads(content)
        seen["etags"][name] = etag


def round_once(place: "dict[str, str]", seen: "dict[str, Any]") -> None:
    """One look at the documents; `seen` remembers what was applied and what the documents last said."""
    keys = aws.credentials()
    _look(place, "desired.json", keys, seen)
    if seen["documents"]["desired.json"].get("followup"):
        _look(place, "followup.json", keys, seen)
    else:
        seen["documents"]["followup.json"] = {}
        seen["etags"].pop("followup.json", None)
    documents = dict(seen["documents"])
    if documents == seen["applied"]:
        return
    desired = documents["desired.json"]
    code, words = _install(place, desired, documents["followup.json"], keys)
    status = {
        "host": place["host"],
        "outcome": "applied" if code == 0 else "failed",
        "detail": words,
        "payload_sha256": desired["payload_sha256"],
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    key = f"hosts/{place['host']}/status.json"
    aws.s3_put(place["bucket"], place["region"], key, json.dumps(status).encode(), keys)
    if code == 0:
        seen["applied"] = documents


def main() -> None:
    with open(CONFIG, encoding="utf-8") as file:
        place = json.load(file)
    seen: dict[str, Any] = {"etags": {}, "documents": {}, "applied": None}
    last_problem = ""
    while True:
        try:
            round_once(place, seen)
            last_problem = ""
        except (aws.CallError, OSError, ValueError, KeyError) as error:
            problem = f"{type(error).__name__}: {error}"
            if problem != last_problem:
                print(problem, file=sys.stderr, flush=True)
            last_problem = problem
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
