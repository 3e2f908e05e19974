"""Runs inside an Azure machine of the lab, as walinuxagent does there: asks the platform address for commands,
runs them as root and tells how they ended. Standard library only; Python 3.10 and later.

Unlike the real one it speaks no goal-state protocol: GET /lab/command waits for the next command, POST /lab/result/ID
gives its end.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from typing import Any

PLATFORM = "http://168.63.129.16"
KEPT_BYTES = 4096
"""Of each stream: "the last 4,096 bytes" [Microsoft Learn, run command]."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> None:
    while True:
        try:
            with _DIRECT.open(f"{PLATFORM}/lab/command", timeout=90) as answer:
                command = json.loads(answer.read() or b"null")
        except (OSError, ValueError):
            time.sleep(1)
            continue
        if command:
            threading.Thread(target=handle, args=(command,)).start()


def handle(command: "dict[str, Any]") -> None:
    began = time.time()
    try:
        result = run(command)
    except OSError as error:
        result = {"exit_code": 127, "stdout": "", "stderr": str(error), "timed_out": False}
    result |= {"began": began, "ended": time.time()}
    request = urllib.request.Request(f"{PLATFORM}/lab/result/{command['id']}", json.dumps(result).encode())
    for _ in range(60):
        try:
            _DIRECT.open(request, timeout=10).close()
            return
        except urllib.error.HTTPError:
            return  # nobody waits for it any more
        except OSError:
            time.sleep(1)


def run(command: "dict[str, Any]") -> "dict[str, Any]":
    """The script in a file of its own under its own shebang (default: sh), with the parameters in its environment and
    after its name, as run-command-handler-linux passes them."""
    folder = tempfile.mkdtemp(prefix="run-command-")
    path = os.path.join(folder, "script.sh")
    with open(path, "w", encoding="utf-8") as file:
        file.write(command["script"])
    os.chmod(path, 0o700)
    parameters = command.get("parameters") or []
    environment = dict(os.environ) | {one["name"]: one["value"] for one in parameters if one.get("name")}
    words = [path] if command["script"].startswith("#!") else ["/bin/sh", path]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            [*words, *(one["value"] for one in parameters)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        timed_out = False
        try:
            child.wait(command.get("timeout") or None)
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        os.unlink(path)
        return {"exit_code": child.returncode, "stdout": _tail(out), "stderr": _tail(err), "timed_out": timed_out}


def _tail(file: Any) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - KEPT_BYTES))
    text: str = file.read().decode(errors="replace")
    return text


if __name__ == "__main__":
    main()
