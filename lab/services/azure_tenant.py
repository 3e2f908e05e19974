"""Entra ID of the lab: who may ask for tokens, and tokens that the lab's other services believe.

Tokens are real JSON web tokens, signed with a key of this box. A federated assertion is believed when an identity has a
credential with exactly its issuer, subject and audience, and the issuer's own key signed it.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.services.azure import TENANT, Operator
from lab.services.signer import Signer

IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
CREDENTIAL = "azure-native:managedidentity:FederatedIdentityCredential"

MACHINE_SECONDS, PRINCIPAL_SECONDS = 86400, 3600
"""Lifetimes of a managed identity's and of a service principal's token [Microsoft Learn]."""
ISSUER = f"https://sts.windows.net/{TENANT}/"

CLUSTER_ISSUER = "https://oidc.eks.ap-northeast-2.amazonaws.com/id/1AB0C1A55E5000000000000000000001"
"""OIDC issuer of the lab's pre-existing EKS cluster, as `primary_oidc_issuer` names it."""
EXCHANGE = "api://AzureADTokenExchange"

APPLICATION = "lab:azure:application"
"""Records: CLIENT ID → {"secret", "principalId"}: an application of somebody's, with its secret."""

Records = Callable[[str], Mapping[str, Mapping[str, Any]]]


class Refused(Exception):
    """No token. `code` is OAuth's, the text Entra's."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


class Tenant:
    """Gives tokens and reads them. Thread-safe."""

    def __init__(self, operator: Operator, records: Records) -> None:
        """`records` gives all records of a provider's type."""
        self.operator = operator
        self._records = records
        self._signer = Signer()
        self.cluster = Signer()
        """The EKS cluster's own signer, for service accounts."""
        self._lock = threading.Lock()
        self._read: dict[str, dict[str, Any]] = {}

    def issue(self, client: str, principal: str, audience: str, seconds: int) -> tuple[str, int]:
        """(token, when it expires)."""
        now = int(time.time())
        claims = {"aud": audience, "iss": ISSUER, "iat": now, "nbf": now, "exp": now + seconds}
        claims |= {"appid": client, "oid": principal, "sub": principal, "tid": TENANT, "ver": "1.0"}
        return self._signer.sign(claims), now + seconds

    def read(self, token: str) -> dict[str, Any] | None:
        """Claims of a token of this tenant; None when it is none, or has expired."""
        with self._lock:
            claims = self._read.get(token)
        if claims is None:
            claims = self._signer.read(token)
            if claims is None:
                return None
            with self._lock:
                if len(self._read) > 1000:
                    self._read.clear()
                self._read[token] = claims
        return claims if claims["exp"] > time.time() else None

    def for_machine(self, attached: Iterable[str], audience: str, client: str, resource: str) -> tuple[str, int, str]:
        """(token, expiry, client id) of one of a machine's identities, as the metadata service gives it."""
        records = {key.lower(): one for key, one in self._records(IDENTITY).items()}
        known = {key: records[key.lower()] for key in attached if key.lower() in records}
        if client or resource:
            known = {
                key: one
                for key, one in known.items()
                if (client and one["clientId"] == client) or (resource and key.lower() == resource.lower())
            }
        if len(known) > 1:
            raise Refused(
                "invalid_request", "Multiple user assigned identities exist, please specify the clientId / resourceId"
            )
        if not known:
            raise Refused("invalid_request", "Identity not found")
        (one,) = known.values()
        token, expires = self.issue(one["clientId"], one["principalId"], audience, MACHINE_SECONDS)
        return token, expires, str(one["clientId"])

    def for_secret(self, client: str, secret: str, audience: str) -> tuple[str, int]:
        """A service principal's token for its secret."""
        known = {
            one: (str(said["secret"]), str(said["principalId"])) for one, said in self._records(APPLICATION).items()
        }
        known[self.operator.client_id] = self.operator.secret, self.operator.object_id
        if client not in known:
            raise _unknown(client)
        right, principal = known[client]
        if not secrets.compare_digest(secret.encode(), right.encode()):
            raise Refused("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
        return self.issue(client, principal, audience, PRINCIPAL_SECONDS)

    def for_assertion(self, client: str, assertion: str, audience: str) -> tuple[str, int]:
        """A federated identity's token for another issuer's."""
        claims = self.cluster.read(assertion)
        if claims is None:
            raise Refused(
                "invalid_client",
                "AADSTS700027: the assertion's signature is not of a key that its issuer publishes",
                401,
            )
        if claims.get("exp", 0) < time.time():
            raise Refused("invalid_client", "AADSTS700024: Client assertion is not within its valid time range.", 401)
        records = self._records(IDENTITY)
        found = next(((key, one) for key, one in records.items() if one.get("clientId") == client), None)
        if found is None:
            raise _unknown(client)
        given = claims.get("aud")
        audiences = given if isinstance(given, list) else [given]
        prefix = f"{found[0]}/federatedIdentityCredentials/".lower()
        credentials = [one for key, one in self._records(CREDENTIAL).items() if key.lower().startswith(prefix)]
        for name, code, values in (
            ("issuer", "AADSTS700211", [claims.get("iss")]),
            ("subject", "AADSTS700213", [claims.get("sub")]),
            ("audience", "AADSTS700212", audiences),
        ):
            credentials = [one for one in credentials if _of(one, name) in values]
            if not credentials:
                raise Refused(
                    "invalid_client",
                    f"{code}: No matching federated identity record found for presented assertion {name} "
                    f"'{values[0]}'.",
                    401,
                )
        return self.issue(client, str(found[1]["principalId"]), audience, PRINCIPAL_SECONDS)

    def service_account(self, namespace: str, name: str, audience: str = EXCHANGE, seconds: int = 3600) -> str:
        """What Kubernetes projects into a pod for a service account."""
        now = int(time.time())
        claims = {"aud": [audience], "iss": CLUSTER_ISSUER, "iat": now, "nbf": now, "exp": now + seconds}
        return self.cluster.sign({**claims, "sub": f"system:serviceaccount:{namespace}:{name}"})


def _of(credential: Mapping[str, Any], name: str) -> Any:
    return (credential.get("audiences") or [None])[0] if name == "audience" else credential.get(name)


def _unknown(client: str) -> Refused:
    said = f"AADSTS700016: Application with identifier '{client}' was not found in the directory 'twinsite lab'."
    return Refused("unauthorized_client", said)
