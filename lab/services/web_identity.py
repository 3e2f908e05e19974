"""sts:AssumeRoleWithWebIdentity: another issuer's token becomes keys of a role [AWS STS API reference; IAM guide, OIDC
federation]. Nobody signs it: the token is the proof.

Here: which issuer the account knows, whether the role trusts the token's subject and audience. Not here: what the role
may then do (iam.py, front.py).
"""

import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from lab.services import iam
from lab.services.api import Answer, Records, told
from lab.services.aws_wire import AwsError, answer
from lab.services.credentials import ACCOUNT, Register
from lab.services.signature import Request, endpoint
from lab.services.signer import Signer

ACTION = "AssumeRoleWithWebIdentity"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ROLE = "aws:iam/role:Role"
_STATUS = {"AccessDenied": 403}
_LEAST_SECONDS, _USUAL_SECONDS = 900, 3600


class WebIdentity:
    """`issuer` signs what clusters give to pods, whose keys AWS would fetch from the issuer's own host name."""

    def __init__(self, register: Register, records: Records, issuer: Signer) -> None:
        self._register, self._records, self._issuer = register, records, issuer

    def asked(self, request: Request) -> bool:
        """Whether a request is this one."""
        return endpoint(request.host)[0] == "sts" and _form(request).get("Action") == ACTION

    def answer(self, request: Request) -> Answer:
        found: Mapping[str, Any] | AwsError
        try:
            found = self._given(_form(request))
        except AwsError as problem:
            found = problem
        if "json" not in request.headers.get("accept", ""):
            status, headers, body = answer("sts", ACTION, found)
            return _STATUS.get(found.code, status) if isinstance(found, AwsError) else status, headers, body
        if isinstance(found, AwsError):
            said = {"Error": {"Code": found.code, "Message": found.message, "Type": "Sender"}}
            return told(_STATUS.get(found.code, 400), said)
        return told(200, {f"{ACTION}Response": {f"{ACTION}Result": found}})

    def _given(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The result. AwsError."""
        lacking = [name for name in ("RoleArn", "RoleSessionName", "WebIdentityToken") if not form.get(name)]
        if lacking:
            raise AwsError("ValidationError", f"1 validation error detected: {lacking[0]} failed to satisfy constraint")
        claims, provider = self._believed(form["WebIdentityToken"])
        name = form["RoleArn"].rpartition("/")[2]
        role = self._records(ROLE).get(name)
        issuer = str(claims["iss"]).removeprefix("https://")
        said = {f"{issuer}:{claim}": str(value) for claim, value in (("aud", claims["aud"][0]), ("sub", claims["sub"]))}
        policy = iam.document((role or {}).get("assumeRolePolicy") or "{}")
        if form["RoleArn"] != f"arn:aws:iam::{ACCOUNT}:role/{name}" or not iam.trusts(
            policy, str(provider["arn"]), f"sts:{ACTION}", said
        ):
            raise AwsError("AccessDenied", f"Not authorized to perform sts:{ACTION}")
        seconds = int(form.get("DurationSeconds") or _USUAL_SECONDS)
        longest = int(float((role or {}).get("maxSessionDuration") or _USUAL_SECONDS))
        if not _LEAST_SECONDS <= seconds <= longest:
            words = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise AwsError("ValidationError", words)
        keys = self._register.assumed(name, form["RoleSessionName"], seconds)
        return {
            "SubjectFromWebIdentityToken": claims["sub"],
            "Audience": claims["aud"][0],
            "Provider": provider["arn"],
            "AssumedRoleUser": {"Arn": keys.arn, "AssumedRoleId": f"AROALABROLE:{keys.session}"},
            "Credentials": {
                "AccessKeyId": keys.access_key,
                "SecretAccessKey": keys.secret_key,
                "SessionToken": keys.token,
                "Expiration": int(time.time()) + seconds,
            },
        }

    def _believed(self, token: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """(claims, the account's provider of their issuer). AwsError."""
        claims = self._issuer.read(token)
        if claims is None:
            raise AwsError("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
        claims["aud"] = claims["aud"] if isinstance(claims.get("aud"), list) else [claims.get("aud")]
        issuer = str(claims.get("iss"))
        provider = next((one for one in self._records(PROVIDER).values() if _url(one) == _url({"url": issuer})), None)
        if provider is None:
            raise AwsError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
        if not set(claims["aud"]) & set(provider.get("clientIdLists") or ()):
            raise AwsError("InvalidIdentityToken", "Incorrect token audience")
        if float(claims.get("exp") or 0) < time.time():
            raise AwsError("ExpiredTokenException", "Token expired: current date/time must be before the expiration")
        return claims, provider


def _url(provider: Mapping[str, Any]) -> str:
    """AWS shows it without https://."""
    return str(provider.get("url")).removeprefix("https://")


def _form(request: Request) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(request.query) + urllib.parse.parse_qsl(request.body.decode(errors="replace")))
