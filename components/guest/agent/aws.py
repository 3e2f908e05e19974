"""The few AWS calls a machine makes with its own identity: metadata (IMDSv2), S3 get and put, one secret.

Standard library only, because it arrives in user data before anything is installed. Requests are signed with
Signature Version 4 (AWS General Reference, "Create a signed AWS API request").
"""

import datetime
import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from typing import Any

METADATA = "http://169.254.169.254/latest"
SUFFIX = "amazonaws.com"
"""Of the services' names where agent.json names none: everywhere but in China and in closed partitions."""
TIMEOUT_SECONDS = 10


class CallError(Exception):
    """A call that AWS or the network refused; `status` is the HTTP status, 0 when nothing answered."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def _send(request: urllib.request.Request) -> "tuple[bytes, Message]":
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        detail = error.read(500).decode("utf-8", "replace")
        raise CallError(f"{request.full_url}: HTTP {error.code} {detail}", error.code) from error
    except OSError as error:
        raise CallError(f"{request.full_url}: {error}") from error


def metadata(path: str) -> str:
    """Text of one metadata entry; the session token is fetched each time, calls are rare."""
    token, _ = _send(
        urllib.request.Request(
            f"{METADATA}/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        )
    )
    answer, _ = _send(
        urllib.request.Request(f"{METADATA}/{path}", headers={"X-aws-ec2-metadata-token": token.decode()})
    )
    return answer.decode()


def credentials() -> "dict[str, str]":
    """Temporary credentials of the instance role."""
    role = metadata("meta-data/iam/security-credentials/").split()[0]
    keys: dict[str, str] = json.loads(metadata(f"meta-data/iam/security-credentials/{role}"))
    return keys


def _signed(
    method: str,
    service: str,
    region: str,
    host: str,
    path: str,
    body: bytes,
    headers: "dict[str, str]",
    keys: "dict[str, str]",
    now: "datetime.datetime | None" = None,
) -> urllib.request.Request:
    """urllib Request with the Authorization header of Signature Version 4."""
    now = now or datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {
        **{name.lower(): value for name, value in headers.items()},
        "host": host,
        "x-amz-date": stamp,
        "x-amz-content-sha256": digest,
    }
    if keys.get("Token"):
        headers["x-amz-security-token"] = keys["Token"]
    names = sorted(headers)
    canonical = "\n".join(
        [method, path, "", *(f"{name}:{headers[name].strip()}" for name in names), "", ";".join(names), digest]
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + keys["SecretAccessKey"].encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys['AccessKeyId']}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return urllib.request.Request(f"https://{host}{path}", data=body or None, method=method, headers=headers)


def s3_get(
    bucket: str, region: str, key: str, keys: "dict[str, str]", etag: str = "", suffix: str = SUFFIX
) -> "tuple[bytes | None, str]":
    """(content, etag); content is None when the object still has `etag`."""
    headers = {"if-none-match": etag} if etag else {}
    path = "/" + urllib.parse.quote(key)
    request = _signed("GET", "s3", region, f"{bucket}.s3.{region}.{suffix}", path, b"", headers, keys)
    try:
        content, answer = _send(request)
    except CallError as error:
        if error.status == 304:
            return None, etag
        raise
    return content, str(answer.get("ETag", ""))


def s3_put(
    bucket: str,
    region: str,
    key: str,
    body: bytes,
    keys: "dict[str, str]",
    suffix: str = SUFFIX,
    condition: "dict[str, str] | None" = None,
) -> None:
    """Write one object. `condition`: if-match or if-none-match; CallError with status 412 when it does not hold."""
    path = "/" + urllib.parse.quote(key)
    headers = {"content-type": "application/json", **(condition or {})}
    _send(_signed("PUT", "s3", region, f"{bucket}.s3.{region}.{suffix}", path, body, headers, keys))


def secret(arn: str, version: str, region: str, keys: "dict[str, str]", suffix: str = SUFFIX) -> str:
    """Text of one secret version."""
    body = json.dumps({"SecretId": arn, "VersionId": version}).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue"}
    host = f"secretsmanager.{region}.{suffix}"
    answer, _ = _send(_signed("POST", "secretsmanager", region, host, "/", body, headers, keys))
    found: Any = json.loads(answer)
    return str(found["SecretString"])


class Cloud:
    """A host's documents in S3 and its secret in Secrets Manager, for one round of the agent."""

    def __init__(self, place: "dict[str, str]") -> None:
        self.host, self._bucket, self._region = place["host"], place["bucket"], place["region"]
        self._suffix = place.get("suffix", SUFFIX)
        self._keys = credentials()

    def get(self, key: str, etag: str = "") -> "tuple[bytes | None, str]":
        """(content, etag) of an object; content is None when it still has `etag`."""
        return s3_get(self._bucket, self._region, key, self._keys, etag, self._suffix)

    def document(self, name: str, etag: str) -> "tuple[bytes | None, str]":
        """(content, etag) of one of the host's documents; (None, "") for a followup that is not there."""
        try:
            return self.get(f"hosts/{self.host}/{name}", etag)
        except CallError as error:
            # Without ListBucket S3 answers 403 for an object that does not exist.
            if name == "followup.json" and error.status in (403, 404):
                return None, ""
            raise

    def machine(self) -> str:
        """Instance id: another machine of the same host has another."""
        return metadata("meta-data/instance-id")

    def status(self, body: bytes) -> None:
        """Write the host's status."""
        s3_put(self._bucket, self._region, f"status/{self.host}/status.json", body, self._keys, self._suffix)

    def secret(self, wanted: "dict[str, str]") -> str:
        """Text of the secret that the desired document names."""
        return secret(wanted["arn"], wanted["version"], self._region, self._keys, self._suffix)
