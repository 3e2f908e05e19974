"""AWS Signature Version 4, verified as AWS does [AWS general reference, 'Create a signed AWS API request'].

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
    payload_hash: str
    query: str
    expires_seconds: int | None = None


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
    if s3 and len(claim.payload_hash) == 64 and hashlib.sha256(request.body).hexdigest() != claim.payload_hash:
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
    query = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
    authorization = request.headers.get("authorization", "")
    try:
        if authorization.startswith(_ALGORITHM + " "):
            parts = dict(part.strip().split("=", 1) for part in authorization[len(_ALGORITHM) :].split(","))
            access_key, scope = parts["Credential"].split("/", 1)
            # S3 demands the header; the others sign the body itself
            payload = request.headers["x-amz-content-sha256"] if s3 else hashlib.sha256(request.body).hexdigest()
            return _Claim(
                access_key,
                scope,
                parts["SignedHeaders"].split(";"),
                parts["Signature"],
                request.headers["x-amz-date"],
                request.headers.get("x-amz-security-token", ""),
                payload,
                request.query,
            )
        if query.get("X-Amz-Algorithm") == _ALGORITHM:
            access_key, scope = query["X-Amz-Credential"].split("/", 1)
            unsigned = "&".join(part for part in request.query.split("&") if not part.startswith("X-Amz-Signature="))
            return _Claim(
                access_key,
                scope,
                query["X-Amz-SignedHeaders"].split(";"),
                query["X-Amz-Signature"],
                query["X-Amz-Date"],
                query.get("X-Amz-Security-Token", ""),
                "UNSIGNED-PAYLOAD",
                unsigned,
                int(query["X-Amz-Expires"]),
            )
    except (KeyError, ValueError) as error:
        code = "AuthorizationHeaderMalformed" if s3 else "IncompleteSignatureException"
        return Denied(code, f"The authorization is malformed or incomplete: {error}.", 400)
    if s3:
        return Denied("AccessDenied", "Access Denied")
    return Denied("MissingAuthenticationTokenException", "Missing Authentication Token", 400)


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
    path = urllib.parse.quote(urllib.parse.unquote(request.path), safe="/-_.~")
    if not s3:
        path = urllib.parse.quote(path, safe="/-_.~")  # S3 encodes each segment once, the others twice
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in claim.signed_headers)
    canonical = "\n".join(
        [
            request.method,
            path or "/",
            _canonical_query(claim.query),
            headers,
            ";".join(claim.signed_headers),
            claim.payload_hash,
        ]
    )
    to_sign = "\n".join([_ALGORITHM, claim.date, claim.scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + known.secret_key).encode()
    for part in claim.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def _canonical_query(query: str) -> str:
    pairs = urllib.parse.parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    encoded = sorted(
        (urllib.parse.quote(name, safe="-_.~"), urllib.parse.quote(value, safe="-_.~")) for name, value in pairs
    )
    return "&".join(f"{name}={value}" for name, value in encoded)
