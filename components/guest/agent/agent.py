#!/usr/bin/env python3
"""The agent of a cloud machine: keeps it as its desired document says, with the machine's own identity.

Arrives in user data, so it does one thing and changes rarely: every few seconds it asks for hosts/<host>/desired.json
(and, where that says so, followup.json: what becomes true only after the rest is up) by conditional GET. On a change it
fetches the guest payload named there, verifies its SHA-256, fetches the secret version named there, runs the payload's
installer and writes the host's status.json. What failed is tried again, at growing
intervals; nothing is applied twice without a change. The installer may have put a later agent here: it then starts
itself anew, and looks at everything once more. The store and the vault are those of the machine's cloud: aws.py or
azure.py beside this file.
"""

import base64
import contextlib
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
IDLE_POLL_SECONDS = 15
BUSY_SECONDS = 900
"""After a change or a boot it looks each POLL_SECONDS for so long, then each IDLE_POLL_SECONDS (docs: machine.md)."""
RETRY_SECONDS = 30
"""What fails is tried again after 5, 10, 20 and from then on so many seconds; a changed document at once."""
SAY_SECONDS = 86400
CONFIG = "/etc/twinsite/agent.json"
STATE = "/run/twinsite-agent.json"
"""When it last saw its documents, and what is wrong: what a role's report says of it (health.py). Gone with a boot."""


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


def fresh(now: float) -> "dict[str, Any]":
    """What a new agent knows. `now` as in round_once."""
    known: dict[str, Any] = {
        "etags": {},
        "documents": {},
        "applied": None,
        "status": None,
        "said": None,
        "said_at": now,
    }
    return known | {"tried": None, "tries": 0, "again": now, "changed": now}


def grown(tries: int) -> int:
    """Seconds until the next try after so many that failed."""
    return min(RETRY_SECONDS, POLL_SECONDS << min(tries - 1, 10))


def pause(seen: "dict[str, Any]", now: float) -> int:
    """Seconds until the next look at the documents."""
    return POLL_SECONDS if now - seen["changed"] < BUSY_SECONDS else IDLE_POLL_SECONDS


def round_once(cloud: Any, seen: "dict[str, Any]", now: float) -> None:
    """One look at the documents; `seen` remembers what was applied and what the documents last said; `now` in seconds
    of a clock that only goes on."""
    _look(cloud, "desired.json", seen)
    if seen["documents"]["desired.json"].get("followup"):
        _look(cloud, "followup.json", seen)
    else:
        seen["documents"]["followup.json"] = {}
        seen["etags"].pop("followup.json", None)
    _follow(cloud, seen, now)
    _say(cloud, seen, now)


def _follow(cloud: Any, seen: "dict[str, Any]", now: float) -> None:
    """Apply the documents unless they are applied, or have failed and are not to be tried again yet."""
    documents = dict(seen["documents"])
    if documents == seen["applied"]:
        return
    if documents != seen["tried"]:
        seen |= {"tried": documents, "tries": 0, "changed": now}
    elif now < seen["again"]:
        return
    seen["tries"] += 1
    seen["again"] = now + grown(seen["tries"])
    desired, machine = documents["desired.json"], cloud.machine()
    note(seen, applying=True)
    code, words = _install(cloud, desired, documents["followup.json"])
    seen["status"] = {
        "host": cloud.host,
        "machine": machine,
        "outcome": "applied" if code == 0 else "failed",
        "detail": words,
        "payload_sha256": desired["payload_sha256"],
        # The program's digest of the same document (components/machine/documents.py).
        "told": hashlib.sha256(json.dumps(desired, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16],
    }
    if code == 0:
        seen["applied"] = documents


def note(seen: "dict[str, Any]", problem: str = "", applying: bool = False) -> None:
    """Say in STATE how the last look went; `problem` is why it did not."""
    if not problem:
        seen["seen"] = time.time()
    status = seen["status"] or {}
    failed = status["detail"].splitlines()[-1:] if status.get("outcome") == "failed" else []
    said = {"seen": seen.get("seen"), "problem": problem, "applying": applying, "failed": "".join(failed)[:300]}
    with contextlib.suppress(OSError):  # a full /run is no reason to bring nothing any more; its age says enough
        with open(f"{STATE}.draft", "w", encoding="utf-8") as file:
            json.dump(said, file)
        os.replace(f"{STATE}.draft", STATE)


def _say(cloud: Any, seen: "dict[str, Any]", now: float) -> None:
    """Write the status when it is another one, and once a day: what is not renewed any more is deleted by its store."""
    if seen["status"] is None or (seen["status"] == seen["said"] and now - seen["said_at"] < SAY_SECONDS):
        return
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    cloud.status(json.dumps({**seen["status"], "time": stamp}).encode())
    seen |= {"said": seen["status"], "said_at": now}


def _files(module: Any) -> "list[int]":
    """Changes when one of the agent's own files does."""
    return [os.stat(path).st_mtime_ns for path in (__file__, module.__file__)]


def main() -> None:
    with open(CONFIG, encoding="utf-8") as file:
        place = json.load(file)
    module = importlib.import_module(place.get("cloud", "aws"))
    if sys.argv[1:] == ["check"]:  # whether this one would work here (install.py)
        module.Cloud(place).document("desired.json", "")
        return
    started = _files(module)
    seen = fresh(time.monotonic())
    last_problem, failures = "", 0
    while True:
        try:
            round_once(module.Cloud(place), seen, time.monotonic())
            note(seen)
            last_problem, failures = "", 0
        except (module.CallError, OSError, ValueError, KeyError) as error:
            problem = f"{type(error).__name__}: {error}"
            if problem != last_problem:
                print(problem, file=sys.stderr, flush=True)
            note(seen, problem[:300])
            last_problem = problem
            failures += 1
        if _files(module) != started:
            os.execv(sys.executable, [sys.executable, *sys.argv])
        time.sleep(grown(failures) if failures else pause(seen, time.monotonic()))


if __name__ == "__main__":
    main()
