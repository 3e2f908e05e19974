"""sts.googleapis.com and iamcredentials.googleapis.com: another issuer's token becomes Google's; an account's is lent.

[IAM, Workload identity federation; Security Token Service API, v1.token; IAM Service Account Credentials API,
projects.serviceAccounts.generateAccessToken]
"""

import datetime
import json
import re
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from lab.services.api import Answer, told
from lab.services.google import host
from lab.services.google.errors import Refusal, denied, rpc, unsupported
from lab.services.google.rights import Records, Rights, account_name
from lab.services.google.tokens import LIFETIME_SECONDS, Tokens
from lab.services.signature import Request
from lab.services.signer import Signer

PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
ACCOUNT = "gcp:serviceaccount/account:Account"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
LONGEST_SECONDS = 3600
_LEND = re.compile(r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken")
_EQUALS = re.compile(r"assertion\.(\w+) == '([^']*)'")


class _NoToken(Exception):
    """`code` is OAuth's."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Exchange:
    """sts.googleapis.com. `issuer` signs the tokens of the other cloud's cluster, whose keys Google would fetch."""

    def __init__(self, tokens: Tokens, records: Records, issuer: Signer) -> None:
        self._tokens, self._records, self._issuer = tokens, records, issuer

    def owns(self, name: str) -> bool:
        return name == host("sts")

    def answer(self, request: Request) -> Answer:
        if request.method != "POST" or request.path != "/v1/token":
            return rpc(unsupported(request.host, request.method, request.path))
        try:
            asked = _fields(request)
            if asked.get("grantType") != EXCHANGE or asked.get("subjectTokenType") not in JWT:
                raise _NoToken("invalid_request", "Invalid grantType or subjectTokenType.")
            member = self._member(str(asked.get("audience")), str(asked.get("subjectToken")))
        except _NoToken as problem:
            return told(400, {"error": problem.code, "error_description": str(problem)})
        token, seconds = self._tokens.issue(member, frozenset(str(asked.get("scope") or "").split()))
        kind = "urn:ietf:params:oauth:token-type:access_token"
        said = {"access_token": token, "issued_token_type": kind, "token_type": "Bearer", "expires_in": seconds}
        return told(200, said)

    def _member(self, audience: str, subject_token: str) -> str:
        """The principal that policies name."""
        name = audience.removeprefix("//iam.googleapis.com/")
        provider = next((one for one in self._records(PROVIDER).values() if one.get("name") == name), None)
        if provider is None or provider.get("disabled"):
            raise _NoToken(
                "invalid_target",
                'The target service indicated by the "audience" parameters is invalid. This might either be because '
                "the pool or provider is disabled or deleted or because it doesn't exist.",
            )
        claims = self._issuer.read(subject_token)
        if claims is None:
            raise _NoToken("invalid_grant", "The ID Token's signature is invalid.")
        told_of = provider.get("oidc") or {}
        if claims.get("iss") != told_of.get("issuerUri"):
            words = f"The issuer in ID Token {claims.get('iss')} does not match the expected ones: "
            raise _NoToken("invalid_grant", words + str(told_of.get("issuerUri")))
        if float(claims.get("exp") or 0) < time.time():
            raise _NoToken("invalid_grant", "ID Token issued at is stale to sign-in.")
        wanted = set(told_of.get("allowedAudiences") or [f"https://iam.googleapis.com/{name}", audience])
        given = claims["aud"] if isinstance(claims.get("aud"), list) else [claims.get("aud")]
        if not wanted & set(given):
            raise _NoToken("invalid_grant", f"The audience in ID Token {given} does not match the expected audience.")
        if not satisfied(str(provider.get("attributeCondition") or ""), claims):
            raise _NoToken("unauthorized_client", "The given credential is rejected by the attribute condition.")
        mapped = str((provider.get("attributeMapping") or {}).get("google.subject", "")).removeprefix("assertion.")
        pool = name.partition("/providers/")[0]
        return f"principal://iam.googleapis.com/{pool}/subject/{claims.get(mapped)}"


def satisfied(expression: str, claims: Mapping[str, Any]) -> bool:
    """An attribute condition: `assertion.NAME == 'VALUE'`. "" always holds; what is not understood never does."""
    found = _EQUALS.fullmatch(expression.strip())
    return not expression or (found is not None and claims.get(found[1]) == found[2])


class Lender:
    """iamcredentials.googleapis.com: an account's token for whoever may have it."""

    def __init__(self, tokens: Tokens, rights: Rights, records: Records) -> None:
        self._tokens, self._rights, self._records = tokens, rights, records

    def owns(self, name: str) -> bool:
        return name == host("iamcredentials")

    def answer(self, request: Request) -> Answer:
        try:
            found = _LEND.fullmatch(urllib.parse.unquote(request.path))
            if request.method != "POST" or found is None:
                raise unsupported(request.host, request.method, request.path)
            asked = json.loads(request.body or b"{}")
            seconds = float(str(asked.get("lifetime") or f"{LIFETIME_SECONDS}s").removesuffix("s"))
            if not 0 < seconds <= LONGEST_SECONDS or not asked.get("scope"):
                raise Refusal(400, "Request contains an invalid argument.")
            caller = self._tokens.caller(request, "https://www.googleapis.com/auth/iam")
            token, lasts = self.lend(caller.member, found[1], frozenset(asked["scope"]), seconds)
        except Refusal as refusal:
            return rpc(refusal)
        ends = datetime.datetime.fromtimestamp(int(time.time() + lasts), datetime.UTC)
        return told(200, {"accessToken": token, "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def lend(self, member: str, email: str, scopes: frozenset[str], seconds: float) -> tuple[str, int]:
        """(token, for how many seconds). Refusal when there is no such account, or no right to be it."""
        right = "iam.serviceAccounts.getAccessToken"
        known = next((one for one in self._records(ACCOUNT).values() if one.get("email") == email), None)
        place = account_name(email)
        if known is None or not self._rights.may(member, right, str(known["project"]), place):
            raise denied(right, place)
        return self._tokens.issue(f"serviceAccount:{email}", scopes, seconds)


def _fields(request: Request) -> dict[str, Any]:
    """JSON, or a form with the names of RFC 8693."""
    if "json" in request.headers.get("content-type", ""):
        try:
            found = json.loads(request.body)
        except ValueError:
            raise _NoToken("invalid_request", "the body is no JSON") from None
        return dict(found)
    form = urllib.parse.parse_qsl(request.body.decode())
    return {re.sub(r"_(\w)", lambda found: found[1].upper(), name): value for name, value in form}
