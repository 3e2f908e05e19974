"""The third place that says who may write: a container at Azure, which somebody made there, and who may write it.

Outside both sites: it stays when one of them is dark. Its agents' application is no identity of the desk's.
"""

import uuid
from collections.abc import Iterator
from typing import Any

from lab.scenes import Given
from lab.services.azure import BACKING, SUBSCRIPTION, TENANT, web_host
from lab.services.azure_blob import ACCOUNT, CONTAINER
from lab.services.azure_rights import ASSIGNMENT
from lab.services.azure_tenant import APPLICATION

PASSWORDS = ("third",)
"""Of the application."""
NAME, PLACE = "crmthird", "registers"
CLIENT = "1ab0c0de-0000-4000-8000-0000000000c1"
PRINCIPAL = "1ab0c0de-0000-4000-8000-0000000000b1"
BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/third"
_ACCOUNT = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/{NAME}"
_CONTAINER = f"{_ACCOUNT}/blobServices/default/containers/{PLACE}"


def records(given: Given) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """By type and id."""
    web = f"https://{web_host(NAME, 'koreacentral')}/"
    yield ACCOUNT, _ACCOUNT, {"accountName": NAME, "allowSharedKeyAccess": False, "primaryEndpoints": {"web": web}}
    yield CONTAINER, _CONTAINER, {"accountName": NAME, "containerName": PLACE, "publicAccess": "None"}
    yield BACKING, f"{NAME}/{PLACE}", {"name": f"c{uuid.uuid4().hex}"}
    yield APPLICATION, CLIENT, {"secret": given.passwords["third"], "principalId": PRINCIPAL}
    granted = {"principalId": PRINCIPAL, "scope": _CONTAINER, "roleDefinitionId": BLOB_DATA_CONTRIBUTOR}
    yield ASSIGNMENT, f"{_CONTAINER}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", granted


def settings() -> dict[str, Any]:
    """What a user would write of it."""
    return {
        "writer_third": f"azblob://{NAME}/{PLACE}/writer.json",
        "writer_third_tenant": TENANT,
        "writer_third_client_id": CLIENT,
    }


def secrets(given: Given) -> dict[str, str]:
    """The same, kept encrypted."""
    return {"writer_third_client_secret": given.passwords["third"]}
