"""Key Vault under its own names: secrets and their versions, for whoever has a role for it."""

import json
import re
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from lab.services.api import Answer, Problem, Records, bearer, told
from lab.services.azure import SECRET, TENANT, vault_host
from lab.services.azure_rights import Roles
from lab.services.azure_roles import SECRETS
from lab.services.azure_tenant import Tenant
from lab.services.signature import Request

VAULT = "azure-native:keyvault:Vault"

_HOST = re.compile(r"([a-z0-9-]{3,24})\.vault\.azure\.net")


class Vaults:
    """All vaults."""

    def __init__(
        self, tenant: Tenant, roles: Roles, records: Records, put: Callable[[str, str, dict[str, Any]], None]
    ) -> None:
        self._tenant = tenant
        self._roles = roles
        self._records = records
        self._put = put

    def owns(self, host: str) -> bool:
        return _HOST.fullmatch(host) is not None

    def answer(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except Problem as problem:
            said: dict[str, Any] = {"code": problem.code, "message": problem.text}
            if problem.code == "Forbidden":
                said["innererror"] = {"code": "ForbiddenByRbac"}
            return told(problem.status, {"error": said}, *problem.headers)

    def _answer(self, request: Request) -> Answer:
        name = request.host.partition(".")[0]
        scope = next((key for key in self._records(VAULT) if vault_host(key.rpartition("/")[2]) == request.host), None)
        if scope is None:
            raise Problem(404, "VaultNotFound", f"there is no vault {name}")
        parts = [urllib.parse.unquote(part) for part in request.path.strip("/").split("/")]
        if parts[0] != "secrets" or len(parts) > 3:
            raise Problem(404, "NotFound", "the twinsite lab's vaults hold secrets only")
        if "api-version=" not in request.query:
            raise Problem(400, "BadParameter", "api-version must be specified")
        secret, version = [*parts[1:], "", ""][:2]
        verb = {"GET": "getSecret/action" if secret else "readMetadata/action", "PUT": "setSecret/action"}
        action = f"{SECRETS}/{verb.get(request.method, 'delete')}"
        self._authorise(request, action, f"{scope}/secrets/{secret}" if secret else scope)
        if not secret:
            return told(200, {"value": [self._shown(name, key) for key in self._names(name)], "nextLink": None})
        if request.method == "PUT":
            return told(200, self._set(name, secret, json.loads(request.body)))
        record = self._records(SECRET).get(f"{name}/{secret}")
        if record is None or record.get("deleted"):
            raise Problem(404, "SecretNotFound", f"A secret with (name/id) {secret} was not found in this key vault.")
        if request.method == "DELETE":
            self._put(SECRET, f"{name}/{secret}", {**record, "deleted": True})
            return told(200, {"recoveryId": f"https://{request.host}/deletedsecrets/{secret}"})
        found = [one for one in record["versions"] if not version or one["id"] == version]
        if not found:
            raise Problem(404, "SecretNotFound", f"A secret with (name/id) {secret}/{version} was not found.")
        return told(200, _bundle(name, secret, found[-1]))

    def _authorise(self, request: Request, action: str, scope: str) -> None:
        challenge = (
            "WWW-Authenticate",
            f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="https://vault.azure.net"',
        )
        claims = self._tenant.read(bearer(request)) if bearer(request) else None
        if claims is None:
            raise Problem(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", (challenge,))
        if claims["aud"].rstrip("/") != "https://vault.azure.net":
            raise Problem(
                401,
                "Unauthorized",
                f"AKV10022: Invalid audience. Expected https://vault.azure.net, found: {claims['aud']}.",
                (challenge,),
            )
        if not self._roles.may(claims["oid"], action, scope, data=True):
            raise Problem(
                403,
                "Forbidden",
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or "
                f"role definitions were changed recently, please observe propagation time.\r\n"
                f"Caller: oid={claims['oid']}\r\nAction: '{action}'\r\nResource: '{scope}'",
            )

    def _names(self, vault: str) -> list[str]:
        found = self._records(SECRET).items()
        return sorted(
            key.partition("/")[2] for key, one in found if key.startswith(f"{vault}/") and not one.get("deleted")
        )

    def _shown(self, vault: str, secret: str) -> dict[str, Any]:
        return {"id": f"https://{vault_host(vault)}/secrets/{secret}", "attributes": {"enabled": True}}

    def _set(self, vault: str, secret: str, given: Mapping[str, Any]) -> dict[str, Any]:
        record = self._records(SECRET).get(f"{vault}/{secret}") or {"versions": []}
        if record.get("deleted"):
            raise Problem(
                409,
                "Conflict",
                f"Secret {secret} is in a deleted but recoverable state: recover or purge it.",
            )
        one = version_of(str(given.get("value", "")), uuid.uuid4().hex)
        self._put(SECRET, f"{vault}/{secret}", {"versions": [*record["versions"], one]})
        return _bundle(vault, secret, one)


def version_of(value: str, identity: str) -> dict[str, Any]:
    """A secret's version as it is kept."""
    return {"id": identity, "value": value, "created": int(time.time())}


def _bundle(vault: str, secret: str, one: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {"enabled": True, "created": one["created"], "updated": one["created"], "recoveryLevel": "Recoverable"}
    identity = f"https://{vault_host(vault)}/secrets/{secret}/{one['id']}"
    return {"value": one["value"], "id": identity, "attributes": attributes}
