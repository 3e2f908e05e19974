"""What is one and the same for the whole of the lab's Azure: subscription, tenant, and how its host names are made."""

import zlib

SUBSCRIPTION = "5b0f4a70-7ab1-4c11-9d52-1ab000000001"
TENANT = "72f988bf-7ab1-4c11-9d52-1ab0000000aa"

GLOBAL_LOCATION = "global"


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
