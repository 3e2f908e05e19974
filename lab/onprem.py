"""The on-prem site as the customer left it: who may log in, and where the operator finds it from outside.

Addresses are CONTRACTS of the lab (section 3): the box builds them, the desk's stack configuration names them.
"""

import json
from dataclasses import dataclass

from lab.operator.keys import KeyPair

USER = "ubuntu"
PUBLIC_ADDRESS = "203.0.113.64"
"""The site's only public address; its router masquerades behind it."""


@dataclass(frozen=True)
class OnPremMachine:
    """`port` is the router's, forwarded to the machine's 22."""

    name: str
    address: str
    port: int


MACHINES = (
    OnPremMachine("onprem-gateway", "192.168.64.10", 2210),
    OnPremMachine("onprem-database", "192.168.64.20", 2220),
)


def user_data(machine: OnPremMachine, operator_key: str, host_key: KeyPair) -> str:
    """cloud-config (JSON is YAML) of a host that a customer would hand over: one sudoer with a key, known host key."""
    config = {
        "hostname": machine.name,
        "manage_etc_hosts": True,
        "users": [
            {
                "name": USER,
                "gecos": "Site administrator",
                "groups": "adm, sudo",
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [operator_key],
            }
        ],
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_key.private, "ed25519_public": host_key.public},
    }
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"
