"""AWS Signature Version 4, verified as AWS does [AWS general reference, 'Create a signed AWS API request']: botocore
signs what came with the caller's own key, and the two signatures are compared.

Guests sign with a few lines of their own; a mistake there must fail here and not first in the cloud.
"""

import datetime
import hashlib
import hmac
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from lab.services.credentials import Credentials, Register

SKEW = datetime.timedelta(minutes=15)
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Request:
    """As it came over the wire. `path` and `query` are still encoded; header names are lower case."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Denied:
    """Why the caller is not who it says: AWS's error code and sentence."""

    code: str
    message: str
    status: int = 403


@dataclass(frozen=True)
class _Claim:
    access_key: str
    scope: str
    signed_headers: list[str]
    signature: str
    date: str
    token: str
    expires_seconds: int | None = None
    """Of a presigned URL; None for a request whose header is signed."""


def verify(request: Request, register: Register, now: datetime.datetime | None = None) -> Credentials | Denied:
    """The credentials that signed `request`, or why it is refused."""
    now = now or datetime.datetime.now(datetime.UTC)
    s3 = is_s3(request.host)
    claim = _claim(request, s3)
    if isinstance(claim, Denied):
        return claim
    known = register.find(claim.access_key)
    if known is None:
        if s3:
            return Denied("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        return Denied("UnrecognizedClientException", "The security token included in the request is invalid.", 400)
    if not hmac.compare_digest(known.token, claim.token):
        code = "InvalidToken" if s3 else "UnrecognizedClientException"
        return Denied(code, "The security token included in the request is invalid.", 400)
    if known.expires is not None and known.expires < now:
        code = "ExpiredToken" if s3 else "ExpiredTokenException"
        return Denied(code, "The provided token has expired.", 400)
    wrong = _lateness(claim, now, s3) or _misdirected(request, claim, s3)
    if wrong is not None:
        return wrong
    if not hmac.compare_digest(_signature(request, claim, known, s3), claim.signature):
        code = "SignatureDoesNotMatch" if s3 else "InvalidSignatureException"
        return Denied(
            code, "The request signature we calculated does not match the signature you provided.", 403 if s3 else 400
        )
    payload = request.headers.get("x-amz-content-sha256", "")
    if s3 and len(payload) == 64 and hashlib.sha256(request.body).hexdigest() != payload:
        return Denied(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match the body.",
            400,
        )
    return known


def is_s3(host: str) -> bool:
    """Whether a host name is S3's."""
    return "s3" in host.split(".")


def _claim(request: Request, s3: bool) -> _Claim | Denied:
    given = {
        name.removeprefix("X-Amz-"): value
        for name, value in urllib.parse.parse_qsl(request.query, keep_blank_values=True)
        if name.startswith("X-Amz-")
    }
    authorization = request.headers.get("authorization", "")
    presigned = not authorization.startswith(_ALGORITHM + " ")
    if presigned and given.get("Algorithm") != _ALGORITHM:
        if s3:
            return Denied("AccessDenied", "Access Denied")
        return Denied("MissingAuthenticationTokenException", "Missing Authentication Token", 400)
    try:
        if not presigned:
            given = dict(part.strip().split("=", 1) for part in authorization[len(_ALGORITHM) :].split(","))
            given["Date"] = request.headers["x-amz-date"]
            given["Security-Token"] = request.headers.get("x-amz-security-token", "")
            if s3 and "x-amz-content-sha256" not in request.headers:
                raise KeyError("x-amz-content-sha256")
        access_key, scope = given["Credential"].split("/", 1)
        return _Claim(
            access_key,
            scope,
            given["SignedHeaders"].split(";"),
            given["Signature"],
            given["Date"],
            given.get("Security-Token", ""),
            int(given["Expires"]) if presigned else None,
        )
    except (KeyError, ValueError) as error:
        code = "AuthorizationHeaderMalformed" if s3 else "IncompleteSignatureException"
        return Denied(code, f"The authorization is malformed or incomplete: {error}.", 400)


def _lateness(claim: _Claim, now: datetime.datetime, s3: bool) -> Denied | None:
    try:
        signed = datetime.datetime.strptime(claim.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    except ValueError:
        return Denied("AccessDenied", f"X-Amz-Date {claim.date!r} is not of the form YYYYMMDDTHHMMSSZ")
    if claim.expires_seconds is not None:
        if now > signed + datetime.timedelta(seconds=claim.expires_seconds):
            return Denied("AccessDenied", "Request has expired")
        return None
    if abs(now - signed) > SKEW:
        message = "The difference between the request time and the current time is too large."
        return Denied("RequestTimeTooSkewed", message) if s3 else Denied("InvalidSignatureException", message, 400)
    return None


def _misdirected(request: Request, claim: _Claim, s3: bool) -> Denied | None:
    """A scope for another service or region, or headers that anyone on the way could have added."""
    if s3:
        unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in claim.signed_headers]
        if claim.expires_seconds is None and unsigned:
            return Denied(
                "AccessDenied", f"There were headers present in the request which were not signed: {unsigned}"
            )
    if "host" not in claim.signed_headers:
        return Denied("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    service, region = endpoint(request.host)
    if claim.scope != f"{claim.date[:8]}/{region}/{service}/aws4_request":
        code = "AuthorizationHeaderMalformed" if s3 else "InvalidSignatureException"
        expected = f"DATE/{region}/{service}/aws4_request"
        return Denied(code, f"Credential should be scoped to {expected}, found {claim.scope!r}.", 400)
    return None


def endpoint(host: str) -> tuple[str, str]:
    """(service, region) of SERVICE.REGION.amazonaws.com; for S3 also with a bucket in front or without a region."""
    labels = host.removesuffix(".amazonaws.com").split(".")
    if "s3" in labels:
        after = labels[len(labels) - labels[::-1].index("s3") :]
        return "s3", after[0] if after else "us-east-1"
    return labels[0], labels[1] if len(labels) > 1 else "us-east-1"


def _signature(request: Request, claim: _Claim, known: Credentials, s3: bool) -> str:
    """What botocore makes of the request as it came, with the headers that the caller says that it signed."""
    from botocore import auth  # type: ignore[import-untyped,unused-ignore]
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped,unused-ignore]
    from botocore.credentials import Credentials as Keys  # type: ignore[import-untyped,unused-ignore]

    query = urllib.parse.parse_qsl(request.query.replace("+", "%2B"), keep_blank_values=True)
    signed = AWSRequest(
        request.method,
        f"https://{request.host}{urllib.parse.quote(urllib.parse.unquote(request.path), safe='/-_.~')}",
        {name: request.headers.get(name, "") for name in claim.signed_headers},
        request.body,
        [(name, value) for name, value in query if name != "X-Amz-Signature"],
    )
    signed.context["timestamp"] = claim.date
    name = ("S3" if s3 else "") + ("SigV4Auth" if claim.expires_seconds is None else "SigV4QueryAuth")
    signer = getattr(auth, name)(Keys(known.access_key, known.secret_key), *endpoint(request.host))
    signer.headers_to_sign = lambda request: request.headers
    return str(signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed))
