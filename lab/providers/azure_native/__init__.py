"""Stand-in for the azure-native provider: networks, machines, identities, stores and vaults of this lab's box.

Here: one file a type; cloud.py with what all types share. Not here: what the box does with the world (lab/box), who
answers Azure's APIs (lab/services/azure_*.py).

The real provider is generated from Azure's own API descriptions: every input is sent in place unless it is part of the
resource's path or marked create-only there. Each type here names those; Azure's own refusals of a change are refused
with Azure's own code.
"""

import re
from collections.abc import Mapping
from typing import Any

from lab.providers.framework.checks import Problem

REAL = "Azure"
ACTS = True
"""Whether types act outside their own process: without a box they are then recorded only."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def config_problems(values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the provider's configuration. Credentials are not looked at: nobody is asked."""
    found = [
        Problem(key, f"{key} is a GUID, found {values[key]!r}")
        for key in ("subscriptionId", "tenantId", "clientId")
        if isinstance(values.get(key), str) and values[key] and not _UUID.fullmatch(values[key])
    ]
    if values.get("environment") not in (None, "", "public"):
        found.append(Problem("environment", "the twinsite lab has Azure's public cloud only: take environment out"))
    return found
