"""What an Azure machine is told: custom data that bootstraps, the desired document, the gate's script."""

import base64
from typing import Any

from ..payload import guest_file
from ..rules import require
from ..rules.standby import custom_data_problems
from . import documents


def bootstrap() -> str:
    """Cloud-init document that starts the agent of today, without where its documents are."""
    return documents.bootstrap("custom-data.yaml", "azure")


def custom_data(bootstrap: str, account: str, host: str, client_id: str, vault: str) -> str:
    """Cloud-init custom data, in base64. Refused above Azure's limit or with a secret in it."""
    place = {"cloud": "azure", "account": account, "host": host, "client_id": client_id, "vault": vault}
    text = documents.placed(bootstrap, place)
    require(f"custom data of {host}", custom_data_problems(text))
    return base64.b64encode(text.encode()).decode()


def desired(role: str, config: dict[str, Any], payload_key: str, secret: dict[str, str] | None) -> dict[str, Any]:
    """desired.json of a host on Azure. `secret` names the vault's secret with the role's secrets, if it has any."""
    return {**documents.desired(role, config, None), "payload_key": payload_key, "secret": secret}


def gate_script(role: str, machine: str, told: str, timeout_seconds: int) -> str:
    """The script that run-command runs; other text for another machine or another document."""
    text = guest_file("agent/azure-gate.sh")
    for name, value in {"role": role, "machine": machine, "told": told, "timeout": str(timeout_seconds)}.items():
        text = text.replace("${" + name + "}", value)
    return text
