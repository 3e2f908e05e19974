"""Runs on the machine, by Run Command: one program, once, however often it is asked; its output in pieces.

Run Command keeps only the last 4096 bytes of what a script prints, and a desk that lost its connection asks again. So a
request has a number: the first time the program runs and its outcome is kept in /run; later times only read it.
"""

import base64
import json
import os
import subprocess
import sys
import time
import zlib
from typing import Any

FOLDER = "/run/twinsite-runs"
PIECE = 3200
KEPT_SECONDS = 86400


def run(request: "dict[str, Any]", path: str) -> None:
    # Its own claim first: two that ask at once must not both run it.
    claim = os.open(path + ".claim", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(claim)
    try:
        done = subprocess.run(
            request["command"],
            input=str(request["stdin"]).encode(),
            capture_output=True,
            timeout=float(str(request["seconds"])),
            check=False,
        )
        outcome = {"code": done.returncode, "stdout": done.stdout.decode("utf-8", "replace")}
        outcome["stderr"] = done.stderr.decode("utf-8", "replace")[-20000:]
    except subprocess.TimeoutExpired:
        outcome = {"code": 124, "stdout": "", "stderr": f"it did not end within {request['seconds']} s"}
    except OSError as error:
        outcome = {"code": 127, "stdout": "", "stderr": str(error)}
    with open(path + ".draft", "wb") as file:
        file.write(zlib.compress(json.dumps(outcome).encode(), 9))
    os.rename(path + ".draft", path)


def main() -> None:
    request = json.loads(base64.b64decode(sys.argv[1]))
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    for name in os.listdir(FOLDER):
        old = os.path.join(FOLDER, name)
        if time.time() - os.stat(old).st_mtime > KEPT_SECONDS:
            os.unlink(old)
    path = os.path.join(FOLDER, request["number"])
    if not os.path.exists(path):
        try:
            run(request, path)
        except FileExistsError:
            deadline = time.monotonic() + float(request["seconds"])
            while not os.path.exists(path):
                if time.monotonic() > deadline:
                    sys.exit("another call of the same number does not end")
                time.sleep(0.5)
    with open(path, "rb") as file:
        text = base64.b64encode(file.read()).decode()
    first = int(request["piece"]) * PIECE
    print(f"TWINSITE {(len(text) + PIECE - 1) // PIECE} {text[first : first + PIECE]}")


main()
