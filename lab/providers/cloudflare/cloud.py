"""What all types of this package share: ids and moments."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from lab.providers.framework.records import RecordType
from lab.providers.framework.types import Call


class CloudflareType(RecordType):
    """A record with an id of 32 hexadecimal digits, and when it was made."""

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        """A new id."""
        return secrets.token_hex(16)

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"createdOn": now, "modifiedOn": now}


class NotificationType(CloudflareType):
    """Its moments have other names."""

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        made = super().shared(call, identity, inputs)
        return {"created": made["createdOn"], "modified": made["modifiedOn"]}
