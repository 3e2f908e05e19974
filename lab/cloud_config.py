"""cloud-config of machines that their owner had before twinsite: who may log in, files, first commands."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lab.keys import KeyPair

USER = "ubuntu"
"""Their administrator."""

File = tuple[str, str, str]
"""Content, owner, mode."""


def cloud_config(
    hostname: str,
    operator_key: str = "",
    host_key: KeyPair | None = None,
    files: Mapping[str, File] | None = None,
    commands: Sequence[Sequence[str]] = (),
) -> str:
    """JSON, which is YAML. Without an operator's key nobody logs in; without a host's it makes its own."""
    person = {
        "name": USER, "groups": "adm, sudo", "shell": "/bin/bash", "lock_passwd": True,
        "sudo": "ALL=(ALL) NOPASSWD:ALL", "ssh_authorized_keys": [operator_key],
    }  # fmt: skip
    config: dict[str, Any] = {
        "hostname": hostname,
        "manage_etc_hosts": True,
        "ssh_genkeytypes": ["ed25519"],
        "users": [person] if operator_key else [],
    }
    if files:
        config["write_files"] = [
            {"path": path, "content": content, "owner": owner, "permissions": mode}
            for path, (content, owner, mode) in files.items()
        ]
    if commands:
        config["runcmd"] = commands
    if host_key is not None:
        config |= {"ssh_deletekeys": True}
        config |= {"ssh_keys": {"ed25519_private": host_key.private, "ed25519_public": host_key.public}}
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"
