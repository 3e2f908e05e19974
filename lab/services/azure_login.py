"""login.microsoftonline.com: tokens for a secret or another issuer's assertion; and the EKS cluster's OIDC issuer."""

import json
import time
import urllib.parse

from lab.services.api import Answer, told
from lab.services.azure import TENANT
from lab.services.azure_tenant import CLUSTER_ISSUER, Refused, Tenant
from lab.services.signature import Request

HOST = "login.microsoftonline.com"
CLUSTER = urllib.parse.urlsplit(CLUSTER_ISSUER)
_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Login:
    """The token endpoints of versions 1 and 2."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def owns(self, host: str) -> bool:
        return host == HOST

    def answer(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/", 1)
        if len(parts) == 2 and parts[1].endswith(".well-known/openid-configuration"):
            base = f"https://{HOST}/{TENANT}"
            return told(200, {"token_endpoint": f"{base}/oauth2/v2.0/token", "issuer": f"{base}/v2.0"})
        if request.method != "POST" or len(parts) != 2 or parts[1] not in ("oauth2/v2.0/token", "oauth2/token"):
            return told(404, {"error": "not_found", "error_description": "the lab's Entra ID gives tokens only"})
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        try:
            if parts[0].lower() != TENANT:
                raise Refused("invalid_request", f"AADSTS90002: Tenant '{parts[0]}' not found.")
            token, expires, audience = self._token(form, version=1 if parts[1] == "oauth2/token" else 2)
        except Refused as refused:
            number = str(refused).partition(":")[0].removeprefix("AADSTS")
            codes = [int(number)] if number.isdecimal() else []
            said = {"error": refused.code, "error_description": str(refused), "error_codes": codes}
            return told(refused.status, said)
        seconds = int(expires - time.time())
        found = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
        if parts[1] == "oauth2/token":
            found |= {"expires_in": str(seconds), "expires_on": str(expires), "resource": audience}
        return told(200, found)

    def _token(self, form: dict[str, str], version: int) -> tuple[str, int, str]:
        if form.get("grant_type") != "client_credentials":
            raise Refused("unsupported_grant_type", "AADSTS70003: the lab gives tokens for client credentials only.")
        scope = form.get("scope", "")
        if version == 2 and not scope.endswith("/.default"):
            raise Refused(
                "invalid_scope",
                f"AADSTS1002012: The provided value for scope {scope} is not valid. Client credential flows must have "
                "a scope value with /.default suffixed to the resource identifier (application ID URI).",
            )
        audience = form.get("resource", "") if version == 1 else scope.removesuffix("/.default")
        if not audience:
            raise Refused("invalid_request", "AADSTS900144: The request body must contain the resource.")
        client = form.get("client_id", "")
        if form.get("client_assertion"):
            if form.get("client_assertion_type") != _JWT:
                raise Refused("invalid_request", "AADSTS900144: client_assertion_type is not that of a JWT.")
            return *self._tenant.for_assertion(client, form["client_assertion"], audience), audience
        return *self._tenant.for_secret(client, form.get("client_secret", ""), audience), audience


class ClusterIssuer:
    """What an EKS cluster publishes, so that others can check its service accounts' tokens."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def owns(self, host: str) -> bool:
        return host == CLUSTER.hostname

    def answer(self, request: Request) -> Answer:
        below = request.path.removeprefix(CLUSTER.path)
        if below == "/.well-known/openid-configuration":
            found = {"issuer": CLUSTER_ISSUER, "jwks_uri": f"{CLUSTER_ISSUER}/keys"}
            return told(200, {**found, "id_token_signing_alg_values_supported": ["RS256"]})
        if below == "/keys":
            return told(200, {"keys": [self._tenant.cluster.public()]})
        return 404, [("Content-Type", "application/json")], json.dumps({"message": "Not Found"}).encode()
