"""What is one and the same for the whole of the lab's Azure: subscription, tenant, and how its host names are made."""

import secrets
import uuid
import zlib
from dataclasses import dataclass

SUBSCRIPTION = "5b0f4a70-7ab1-4c11-9d52-1ab000000001"
TENANT = "72f988bf-7ab1-4c11-9d52-1ab0000000aa"

BACKING = "lab:azure:container"
"""Records: ACCOUNT/CONTAINER → {"name": Azurite's}. A container that is made again is another one there."""
KEY = "lab:azure:key"
"""Records: ACCOUNT → {"key"}: the account's key in base64, as whoever may list keys gets it."""
NO_KEYS = "Key based authentication is not permitted on this storage account."
REFUSED = "lab:azure:refused"
"""Records: ACCOUNT → {"code"}: its blobs are refused with this code, as somebody at the lab said."""
SECRET = "lab:azure:secret"
"""Records: VAULT/NAME → {"versions": [{"id", "value", "created"}], "deleted": bool}, newest last."""


def web_zone(location: str) -> str:
    """The zone in a static website's name, for instance z12 (Azure's own numbers go by region, too)."""
    return f"z{1 + zlib.crc32(location.lower().replace(' ', '').encode()) % 50}"


def web_host(account: str, location: str) -> str:
    """Host name of an account's static website."""
    return f"{account}.{web_zone(location)}.web.core.windows.net"


def blob_host(account: str) -> str:
    """Host name of an account's blobs."""
    return f"{account}.blob.core.windows.net"


def vault_host(vault: str) -> str:
    """Host name of a key vault."""
    return f"{vault.lower()}.vault.azure.net"


def database_host(server: str) -> str:
    """Host name of a MySQL flexible server."""
    return f"{server}.mysql.database.azure.com"


@dataclass(frozen=True)
class Operator:
    """The service principal at the desk."""

    client_id: str
    secret: str
    object_id: str

    @classmethod
    def new(cls) -> "Operator":
        return cls(str(uuid.uuid4()), secrets.token_urlsafe(30), str(uuid.uuid4()))

    def environment(self) -> dict[str, str]:
        """As Azure's tools and the azure-native provider read it."""
        found = {"TENANT_ID": TENANT, "CLIENT_ID": self.client_id, "CLIENT_SECRET": self.secret}
        found["SUBSCRIPTION_ID"] = SUBSCRIPTION
        return {f"{prefix}_{key}": value for prefix in ("AZURE", "ARM") for key, value in found.items()}

    def assignments(self) -> list[dict[str, str]]:
        """Owner reads no blob and no secret: whoever operates a real account needs these, too."""
        roles = (
            "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
            "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
            "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        )
        return [{"principalId": self.object_id, "scope": "/", "roleDefinitionId": role} for role in roles]
