"""A node of a Kubernetes cluster: a machine on which pods run, over SSH and HTTP from its network's router.

Here: the way to a machine that runs one pod at a time (pod.py) and to one with a kubelet, which is put there over SSH
as soon as the machine takes it. Not here: what they do (kubernetes/kubelet).
"""

import functools
import http.client
import io
import json
import secrets
import socket
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.client import LabError
from lab.cloud_config import USER
from lab.services.netns import inside

AGENT = Path(__file__).with_name("kubernetes") / "kubelet"
POD = AGENT / "pod.py"
HOME = "/usr/local/lib/lab"
KUBELET = f"{HOME}/pod.py"
"""Where it is on the node."""
UNIT = "lab-kubelet.service"
PORT = 10250
OPTIONS = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=10",
           "ServerAliveInterval=15")  # fmt: skip


def _ssh(namespace: str, key: Path, address: str) -> list[str]:
    words = ["ip", "netns", "exec", namespace, "ssh", "-i", str(key)]
    for option in OPTIONS:
        words += ["-o", option]
    return [*words, f"{USER}@{address}"]


def runner(namespace: str, key: Path, address: str) -> Callable[[str], tuple[int, str]]:
    """A pod's description → exit code and output."""
    words = [*_ssh(namespace, key, address), f"sudo python3 {KUBELET}"]

    def run(description: str) -> tuple[int, str]:
        done = subprocess.run(
            words, input=description, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.returncode, done.stdout

    return run


class KubeletLink:
    """The way to a node's kubelet (kubernetes.keeper.Link). `where` gives the machine's address and the namespace of
    its network's router, OSError while there is none; `files`: what its images are made of: path → source."""

    def __init__(
        self, where: Callable[[], tuple[str, str]], key: Path, files: Mapping[str, Path] | None = None
    ) -> None:
        self._where = where
        self._key = key
        self._files = files or {}
        self._token = secrets.token_hex(16)
        self._installed = False

    def sync(self, told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        if not self._installed:
            self._install()
            self._installed = True
        status, text = self._ask("PUT", "/pods", json.dumps(told))
        if status != 200:
            raise OSError(f"the kubelet says HTTP {status}: {text}")
        found: dict[str, dict[str, Any]] = json.loads(text)["pods"]
        return found

    def logs(self, pod: str, previous: bool) -> str:
        status, text = self._ask("GET", f"/logs/{pod}" + ("?previous" if previous else ""))
        if status != 200:
            raise LabError(f"Error from server: {text}")
        return text

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        address, namespace = self._where()
        client = http.client.HTTPConnection(address, PORT)
        client.sock = inside(namespace, functools.partial(socket.create_connection, (address, PORT), 3.0))
        client.sock.settimeout(10.0)
        try:
            client.request(method, path, body, {"Authorization": f"Bearer {self._token}"})
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(f"kubelet of {address}: {error!r}") from None
        finally:
            client.close()

    def _install(self) -> None:
        """Put the kubelet there, and what images are made of; it starts anew with this token."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for source in sorted(AGENT.glob("*.py")):
                _add(tar, f"{HOME}/kubelet/{source.name}", source.read_bytes(), 0o644)
            _add(tar, f"/etc/systemd/system/{UNIT}", (AGENT / UNIT).read_bytes(), 0o644)
            _add(tar, f"{HOME}/kubelet.env", f"TOKEN={self._token}\n".encode(), 0o600)
            for path, source in self._files.items():
                _add(tar, path, source.read_bytes(), 0o755)
        self._run(["sudo", "tar", "-x", "-C", "/", "-f", "-"], packed.getvalue())
        self._run(["sudo", "systemctl", "enable", UNIT])
        self._run(["sudo", "systemctl", "restart", UNIT])

    def _run(self, words: list[str], stdin: bytes = b"") -> None:
        address, namespace = self._where()
        command = [*_ssh(namespace, self._key, address), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        if done.returncode != 0:
            raise OSError(f"{address}: {' '.join(words)}: {done.stderr.decode().strip()[-300:]}")


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
