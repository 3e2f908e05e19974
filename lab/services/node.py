"""A node of a Kubernetes cluster: a machine on which pod.py runs a pod, over SSH from its network's router."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.cloud_config import USER

POD = Path(__file__).with_name("pod.py")
KUBELET = "/usr/local/lib/lab/pod.py"
"""Where it is on the node."""
OPTIONS = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=10",
           "ServerAliveInterval=15")  # fmt: skip


def runner(namespace: str, key: Path, address: str) -> Callable[[str], tuple[int, str]]:
    """A pod's description → exit code and output."""
    words = ["ip", "netns", "exec", namespace, "ssh", "-i", str(key)]
    for option in OPTIONS:
        words += ["-o", option]
    words += [f"{USER}@{address}", f"sudo python3 {KUBELET}"]

    def run(description: str) -> tuple[int, str]:
        done = subprocess.run(
            words, input=description, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.returncode, done.stdout

    return run
