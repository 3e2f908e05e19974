"""Azure as the operator reaches it: tokens of the operator's own identity, and blobs. Standard library only.

The identity: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET when all three are set, else the same three with
ARM_ (as the provider has them), else whoever is logged in to the Azure CLI. Everything here is the data plane of the
standby; Resource Manager calls are in transport/azure.py.
"""

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLES = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
MANAGEMENT = "https://management.azure.com"
STORAGE = "https://storage.azure.com"
BLOB_VERSION = "2021-12-02"
CALL_SECONDS = 20.0
TRIES = 3
BLOCK_BYTES = 8 * 2**20
"""Azure takes 50,000 of them in a blob, each of at most 4000 MiB (from memory)."""
BLOCK_SECONDS = 120.0
NO_NAME = "NoSuchName"
"""Our word for an account whose name nobody knows: it is gone, or the resolver is."""
NO_IDENTITY = "NoIdentity"
"""Our word for a desk that has none to call with."""
# A token is renewed this long before it ends.
MARGIN_SECONDS = 300.0


class AzureError(Exception):
    """A call failed. `status` is its HTTP status, 0 when there was no answer; `code` is Azure's own word for it."""

    in_doubt = False
    """Whether an earlier try of the same call may have had its effect."""

    def __init__(self, words: str, status: int = 0, code: str = "") -> None:
        self.status, self.code = status, code
        super().__init__(words)


@dataclass(frozen=True)
class Endpoints:
    """Where Azure answers; another cloud (China, US Government) has other names."""

    login: str = "https://login.microsoftonline.com"
    management: str = MANAGEMENT
    blob: str = "https://{account}.blob.core.windows.net"


@dataclass(frozen=True)
class Answer:
    """What a call gave."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def call(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_seconds: float = CALL_SECONDS,
) -> Answer:
    """One HTTPS call; tried again when there was no answer or the other side was busy. AzureError when it failed."""
    last: AzureError | None = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(0.5 * 2**attempt)
        request = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status, found, answer.read())
        except urllib.error.HTTPError as error:
            last = _failed(method, url, error)
            last.in_doubt = attempt > 0
            if error.code not in (429, 500, 502, 503, 504):
                raise last from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            place = urllib.parse.urlsplit(url).netloc
            if isinstance(reason, socket.gaierror):
                last = AzureError(f"{place} is no name that can be resolved: {reason}", code=NO_NAME)
            else:
                last = AzureError(f"{place} does not answer: {reason}")
    assert last is not None
    raise last


def explained(error: AzureError, where: str, role: str) -> str:
    """What happened at a container or blob, and what to do: forbidden, gone, and not to be reached are three things.

    Forbidden may mean the customer's key of the account, too: for its codes see components/guest/backup/store.py.
    """
    if error.status == 403 and error.code.startswith("KeyVault"):
        return (
            f"{error}: the account of {where} is encrypted with a customer's key that it cannot use: recover the key "
            "and its vault, enable it, and give the account an identity that may use it (role Key Vault Crypto Service "
            "Encryption User); `az storage account show --query encryption` names the key"
        )
    if error.status == 403:
        return (
            f"{error}: your identity needs the role {role} on {where} (`az role assignment create`), and the account's "
            "firewall must let your network in"
        )
    if error.code == NO_NAME:
        return f"{error}: the account of {where} is gone, or your resolver does not work; `pulumi up` makes it again"
    if error.status == 404:
        return f"{error}: the container of {where} is gone, not only empty; `pulumi up` makes it again"
    if not error.status and error.code != NO_IDENTITY:
        return f"{error}: look at your own network first, then at Azure's status of that region"
    return str(error)


def _failed(method: str, url: str, error: urllib.error.HTTPError) -> AzureError:
    text = error.read().decode("utf-8", "replace")
    code = error.headers.get("x-ms-error-code", "") if error.headers else ""
    words = text[:300]
    try:
        found = json.loads(text)
        inner = found.get("error")
        if isinstance(inner, dict):
            code, words = str(inner.get("code") or code), str(inner.get("message") or words)
        else:
            code, words = str(inner or code), str(found.get("error_description") or words)
    except (ValueError, AttributeError):
        pass
    place = urllib.parse.urlsplit(url)
    return AzureError(
        f"{method} {place.netloc}{place.path}: {error.code} {code or error.reason}: {words}", error.code, code
    )


class Identity:
    """The operator's tokens, one a resource, kept until shortly before they end."""

    def __init__(self, endpoints: Endpoints | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.endpoints = endpoints or Endpoints()
        self._environment = os.environ if environment is None else environment
        self._kept: dict[str, tuple[str, float]] = {}

    def token(self, resource: str) -> str:
        """A bearer token. AzureError says how to log in."""
        kept = self._kept.get(resource)
        if kept is None or kept[1] - MARGIN_SECONDS < time.time():
            known = self._secret()
            kept = self._with_secret(resource, known) if known else _from_cli(resource)
            self._kept[resource] = kept
        return kept[0]

    def _secret(self) -> tuple[str, str, str] | None:
        """(tenant, client, secret) of the first set of variables that is whole."""
        for names in (VARIABLES, tuple(name.replace("AZURE_", "ARM_") for name in VARIABLES)):
            tenant, client, secret = (self._environment.get(name, "") for name in names)
            if tenant and client and secret:
                return tenant, client, secret
        return None

    def _with_secret(self, resource: str, known: tuple[str, str, str]) -> tuple[str, float]:
        tenant, client, secret = known
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": secret,
            "scope": f"{resource}/.default",
        }
        answer = call(
            "POST",
            f"{self.endpoints.login}/{tenant}/oauth2/v2.0/token",
            {"Content-Type": "application/x-www-form-urlencoded"},
            urllib.parse.urlencode(form).encode(),
        )
        found = json.loads(answer.body)
        return str(found["access_token"]), time.time() + float(found["expires_in"])


def _from_cli(resource: str) -> tuple[str, float]:
    fix = f"set {', '.join(VARIABLES)} of an identity that may act at the standby, or run `az login`"
    if shutil.which("az") is None:
        raise AzureError(f"there is no identity for Azure: {fix}", code=NO_IDENTITY)
    command = ["az", "account", "get-access-token", "--resource", resource, "--output", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise AzureError(f"`{' '.join(command)}` did not answer within 60 s: {fix}", code=NO_IDENTITY) from None
    if done.returncode:
        raise AzureError(f"`{' '.join(command)}`: {done.stderr.strip()[-300:]}: {fix}", code=NO_IDENTITY)
    found = json.loads(done.stdout)
    # Older versions of the CLI know only a local time without a zone; such a token is not kept.
    return str(found["accessToken"]), float(found.get("expires_on") or 0.0)


@dataclass(frozen=True)
class Place:
    """`azblob://ACCOUNT/CONTAINER[/NAME]`, taken apart."""

    account: str
    container: str
    name: str = ""

    def __str__(self) -> str:
        return f"azblob://{self.account}/{self.container}" + (f"/{self.name}" if self.name else "")


def place(text: str) -> Place:
    """ValueError when `text` is not of that form."""
    scheme, _, rest = text.partition("://")
    account, _, path = rest.partition("/")
    container, _, name = path.partition("/")
    if scheme != "azblob" or not account or not container:
        raise ValueError(f"{text!r} is not azblob://ACCOUNT/CONTAINER[/NAME]: run `pulumi up`, which writes it")
    return Place(account, container, name)


class Blobs:
    """Blob storage with the operator's identity."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def _url(self, place: Place, query: str = "") -> str:
        base = self._identity.endpoints.blob.format(account=place.account)
        return f"{base}/{urllib.parse.quote(place.container)}" + (
            (f"/{urllib.parse.quote(place.name)}" if place.name else "") + (f"?{query}" if query else "")
        )

    def _headers(self, **more: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._identity.token(STORAGE)}",
            "x-ms-version": BLOB_VERSION,
            **{name.replace("_", "-"): value for name, value in more.items()},
        }

    def get(self, place: Place) -> tuple[bytes, str] | None:
        """(content, tag), or None when there is no such blob. A missing container or account is an AzureError."""
        try:
            answer = call("GET", self._url(place), self._headers())
        except AzureError as error:
            if _absent(error):
                return None
            raise
        return answer.body, answer.headers.get("etag", "")

    def exists(self, place: Place) -> bool:
        """Whether the blob is there. An answer to HEAD carries its reason in a header alone."""
        try:
            call("HEAD", self._url(place), self._headers())
        except AzureError as error:
            if _absent(error):
                return False
            raise
        return True

    def put(self, place: Place, content: bytes, *, new: bool = False, tag: str = "", kind: str = "") -> bool:
        """Write it. With `new` only when there is none yet, with `tag` only when it is still that one: False if not."""
        headers = self._headers(x_ms_blob_type="BlockBlob", Content_Type=kind or "application/octet-stream")
        headers |= {"If-None-Match": "*"} if new else {}
        headers |= {"If-Match": tag} if tag else {}
        try:
            call("PUT", self._url(place), headers, content)
        except AzureError as error:
            if (new or tag) and error.code in ("BlobAlreadyExists", "ConditionNotMet", "BlobNotFound"):
                # A try whose answer was lost may have been the one that wrote it.
                now = self.get(place) if error.in_doubt else None
                return now is not None and now[0] == content
            raise
        return True

    def put_file(self, place: Place, file: pathlib.Path) -> None:
        """Write a file of any size in blocks; what was there stays until the last one has come."""
        blocks: list[str] = []
        with file.open("rb") as content:
            while piece := content.read(BLOCK_BYTES):
                blocks.append(base64.b64encode(f"{len(blocks):08d}".encode()).decode())
                given = urllib.parse.urlencode({"comp": "block", "blockid": blocks[-1]})
                call("PUT", self._url(place, given), self._headers(), piece, BLOCK_SECONDS)
        listed = "".join(f"<Latest>{block}</Latest>" for block in blocks)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
        call("PUT", self._url(place, "comp=blocklist"), self._headers(Content_Type="application/xml"), body.encode())

    def delete(self, place: Place, tag: str = "") -> bool:
        """Remove it; False when there was none, or another one than `tag`."""
        headers = self._headers() | ({"If-Match": tag} if tag else {})
        try:
            call("DELETE", self._url(place), headers)
        except AzureError as error:
            if _absent(error):
                return error.in_doubt
            if tag and error.code == "ConditionNotMet":
                return False
            raise
        return True

    def names(self, place: Place, prefix: str = "") -> list[str]:
        """Names in a container, all pages."""
        found: list[str] = []
        marker = ""
        while True:
            query = {"restype": "container", "comp": "list", "prefix": prefix, "marker": marker}
            given = urllib.parse.urlencode({name: value for name, value in query.items() if value})
            answer = call("GET", self._url(Place(place.account, place.container), given), self._headers())
            tree = ElementTree.fromstring(answer.body)
            found += [node.text or "" for node in tree.iterfind("./Blobs/Blob/Name")]
            marker = tree.findtext("NextMarker") or ""
            if not marker:
                return found


def _absent(error: AzureError) -> bool:
    return error.status == 404 and error.code in ("BlobNotFound", "")
