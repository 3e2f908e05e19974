"""A bucket of Google Cloud Storage by its JSON API, as whoever runs this: standard library only.

Who that is: a machine of Google's (metadata server), or a pod of another cluster whose service account's token Google's
STS exchanges (workload identity federation) and, where an account is named, IAM trades for that account's.
"""

import base64
import hashlib
import json
import pathlib
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ..errors import Failed
from .config import Federation

STORAGE = "https://storage.googleapis.com"
STS = "https://sts.googleapis.com/v1/token"
CREDENTIALS = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_SECONDS = 60
SPARE_SECONDS = 300
"""A token that ends sooner is renewed."""
SPREADING_SECONDS = 300
"""How long 403 is asked again: a grant usually takes two minutes to be known everywhere [Google: IAM, access change
propagation], and a bucket that has just been made may have just got its own."""
PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})
"""Worth another try [Google: Cloud Storage, retry strategy]; 0: nothing answered."""
TRIES = 6


class CallError(Failed):
    """What Google or the network refused; `status` is 0 when nothing answered."""

    def __init__(self, text: str, status: int = 0) -> None:
        self.status = status
        super().__init__(text)


HURRIED_SECONDS = 10
"""How long whoever is in a hurry waits for one call, and tries no second time."""


def _once(
    method: str,
    url: str,
    headers: "dict[str, str]",
    body: "bytes | None",
    proxies: bool = True,
    timeout: float = TIMEOUT_SECONDS,
) -> bytes:
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    opener = urllib.request.build_opener(*([] if proxies else [urllib.request.ProxyHandler({})]))
    shown = f"{method} {url.split('?')[0]}"
    try:
        with opener.open(request, timeout=timeout) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(4000).decode("utf-8", "replace")
        raise CallError(f"{shown}: HTTP {error.code} {_words(said)}", error.code) from None
    except OSError as error:
        raise CallError(f"{shown}: {error}") from error
    except Exception as error:  # http.client's own, for an answer that broke off
        raise CallError(f"{shown}: {type(error).__name__} {error}") from error


def _words(said: str) -> str:
    try:
        found = json.loads(said)
        error = found["error"]
        return str(error["message"] if isinstance(error, dict) else found.get("error_description", error))
    except (ValueError, KeyError, TypeError):
        return " ".join(said.split())[:300]


def _patiently(
    method: str,
    url: str,
    headers: "dict[str, str]",
    body: "bytes | None" = None,
    spreading_seconds: float = 0,
    proxies: bool = True,
    hurried: bool = False,
) -> bytes:
    """Passing troubles are tried again with growing pauses; 403, for as long as a grant may take."""
    if hurried:
        return _once(method, url, headers, body, proxies, HURRIED_SECONDS)
    deadline, pause, tries = time.monotonic() + spreading_seconds, 0.5, 0
    while True:
        try:
            return _once(method, url, headers, body, proxies)
        except CallError as error:
            tries += 1
            waits = error.status == 403 and time.monotonic() + pause < deadline
            if not waits and (error.status not in PASSING or tries >= TRIES):
                raise
        time.sleep(pause)
        pause = min(2 * pause, 16)


class Identity:
    """Gives tokens; safe to use from several threads."""

    def __init__(
        self, federation: Federation, spreading_seconds: float = SPREADING_SECONDS, hurried: bool = False
    ) -> None:
        """`hurried`: each call is tried once, and not waited for long."""
        self._federation = federation
        self.spreading_seconds, self._hurried = spreading_seconds, hurried
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def __str__(self) -> str:
        known = self._federation
        return (
            known.service_account or (known.audience and f"principal of {known.audience}") or "this machine's account"
        )

    def token(self) -> str:
        """One that holds for some minutes. Failed with Google's words."""
        with self._lock:
            if time.monotonic() > self._until - SPARE_SECONDS:
                self._token, seconds = self._federated() if self._federation.audience else self._machines()
                self._until = time.monotonic() + seconds
            return self._token

    def forget(self) -> None:
        """The token was refused."""
        with self._lock:
            self._until = 0.0

    def _machines(self) -> "tuple[str, float]":
        # The metadata server must not be asked through a proxy, and GKE's takes some seconds until it knows a new pod.
        headers = {"Metadata-Flavor": "Google"}
        said = json.loads(_patiently("GET", METADATA, headers, proxies=False, hurried=self._hurried))
        return str(said["access_token"]), float(said["expires_in"])

    def _federated(self) -> "tuple[str, float]":
        known = self._federation
        try:
            own = pathlib.Path(known.token_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Failed(f"the service account's token cannot be read: {error}") from error
        asked = {
            "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
            "audience": known.audience,
            "scope": CLOUD if known.service_account else SCOPE,
            "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
            "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
            "subjectToken": own,
        }
        said = self._posted(STS, asked, "")
        token, seconds = str(said["access_token"]), float(said.get("expires_in", 3600))
        if not known.service_account:
            return token, seconds
        url = f"{CREDENTIALS}/{urllib.parse.quote(known.service_account)}:generateAccessToken"
        lent = self._posted(url, {"scope": [SCOPE], "lifetime": "3600s"}, token)
        return str(lent["accessToken"]), 3600.0

    def _posted(self, url: str, asked: "dict[str, Any]", token: str) -> "dict[str, Any]":
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        spreading = self.spreading_seconds if token else 0
        body = json.dumps(asked).encode()
        try:
            said = _patiently("POST", url, headers, body, spreading, hurried=self._hurried)
            found: dict[str, Any] = json.loads(said)
        except CallError as error:
            fix = (
                f"give the pool's principal roles/iam.workloadIdentityUser on {self._federation.service_account}"
                if token
                else "the pool's provider must have this cluster's issuer, and its condition this service account"
            )
            raise CallError(f"{error}: {fix} (`pulumi up --refresh` does)", error.status) from error
        return found


class Bucket:
    """Parts by name. An object appears whole or not at all, and none is ever written over."""

    def __init__(self, name: str, identity: Identity) -> None:
        self._name, self._identity = name, identity

    def put(self, name: str, content: bytes) -> None:
        """Write one that is not there. A try whose answer was lost has written it: then it must be the same."""
        query = urllib.parse.urlencode({"uploadType": "media", "name": name, "ifGenerationMatch": "0"})
        path = f"/upload/storage/v1/b/{self._name}/o?{query}"
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        try:
            said = json.loads(self._call("POST", path, content))
        except CallError as error:
            if error.status != 412:
                raise
            said = json.loads(self._call("GET", f"{self._object(name)}?fields=md5Hash"))
            if said.get("md5Hash") != digest:
                raise Failed(f"gs://{self._name}/{name} is there already, and is not what was to be written") from None
        if said.get("md5Hash") != digest:
            raise Failed(f"gs://{self._name}/{name} is not what was sent (MD5 {said.get('md5Hash')}): run it again")

    def get(self, name: str) -> bytes:
        """Read one."""
        return self._call("GET", f"{self._object(name)}?alt=media")

    def sizes(self, prefix: str) -> "dict[str, int]":
        """Names that begin with `prefix`, and how many bytes each has."""
        found: dict[str, int] = {}
        page = ""
        while True:
            query = {"prefix": prefix, "fields": "items(name,size),nextPageToken", "maxResults": "1000"}
            query |= {"pageToken": page} if page else {}
            said = json.loads(self._call("GET", f"/storage/v1/b/{self._name}/o?{urllib.parse.urlencode(query)}"))
            found |= {one["name"]: int(one["size"]) for one in said.get("items", ())}
            page = said.get("nextPageToken", "")
            if not page:
                return found

    def delete(self, name: str) -> None:
        """Delete one; the bucket keeps it as a former version, for as long as its rules say."""
        try:
            self._call("DELETE", self._object(name))
        except CallError as error:
            if error.status != 404:
                raise

    def _object(self, name: str) -> str:
        return f"/storage/v1/b/{self._name}/o/{urllib.parse.quote(name, safe='')}"

    def _call(self, method: str, path: str, body: "bytes | None" = None) -> bytes:
        for last in (False, True):
            headers = {"Authorization": f"Bearer {self._identity.token()}"}
            if body is not None:
                headers["Content-Type"] = "application/octet-stream"
            try:
                return _patiently(method, f"{STORAGE}{path}", headers, body, self._identity.spreading_seconds)
            except CallError as error:
                if error.status == 401 and not last:
                    self._identity.forget()
                    continue
                raise CallError(self._explained(error), error.status) from error
        raise AssertionError("unreachable")

    def _explained(self, error: CallError) -> str:
        if error.status == 403 and "KMS" in str(error).upper():
            return (
                f"{error}: bucket {self._name} is encrypted with a key that Cloud Storage may not use: enable the "
                "key's version, and give the storage service agent roles/cloudkms.cryptoKeyEncrypterDecrypter on it"
            )
        if error.status == 403:
            return (
                f"{error}: give {self._identity} roles/storage.objectUser on bucket {self._name} (`pulumi up "
                "--refresh` does)"
            )
        if error.status == 404 and "bucket" in str(error).lower():
            return f"{error}: there is no bucket {self._name}: correct `store`, or let `pulumi up` make it"
        return str(error)
