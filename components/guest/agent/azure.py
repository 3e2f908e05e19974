"""The few Azure calls a machine or a job makes with its own identity: a token, blobs, one secret.

Standard library only, because it arrives in custom data before anything is installed. Tokens come from the metadata
service (a machine's user-assigned identity) or by federation (a Kubernetes service account); blobs and secrets by REST.
"""

import json
import os
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from base64 import b64encode
from email.message import Message
from email.utils import formatdate
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

METADATA = "http://169.254.169.254/metadata"
AUTHORITY = "https://login.microsoftonline.com"
BLOB = "https://{account}.blob.core.windows.net"
VAULT = "https://{vault}.vault.azure.net"
STORAGE_RESOURCE = "https://storage.azure.com"
VAULT_RESOURCE = "https://vault.azure.net"

STORAGE_VERSION = "2023-11-03"
TIMEOUT_SECONDS = 30
TRIES = 4  # of a call that met a passing trouble, whatever patience the caller has
BLOCK_BYTES = 8 * 1024 * 1024
PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})
# What a store says while a role assignment is still on its way (minutes, says Azure's documentation of RBAC).
SPREADING = frozenset({"AuthorizationPermissionMismatch", "AuthorizationFailure", "Forbidden"})


class CallError(Exception):
    """A call that Azure or the network refused.

    `status` is the HTTP status, 0 when nothing answered; `code` is Azure's word for it, for instance BlobNotFound.
    """

    def __init__(self, text: str, status: int = 0, code: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.code = code


def _refused(method: str, url: str, error: urllib.error.HTTPError) -> CallError:
    content = error.read(4000).decode("utf-8", "replace")
    code = error.headers.get("x-ms-error-code", "")
    words = content
    try:
        said = json.loads(content)
        inner = said.get("error")
        if isinstance(inner, dict):
            code, words = code or str(inner.get("code", "")), str(inner.get("message", content))
        else:
            code, words = code or str(inner or ""), str(said.get("error_description", content))
    except (ValueError, AttributeError):
        try:
            root = ElementTree.fromstring(content.lstrip("\ufeff"))
            code, words = code or root.findtext("Code", ""), root.findtext("Message", content)
        except ElementTree.ParseError:
            pass
    first = (words.strip().splitlines() or [""])[0]
    return CallError(f"{method} {url}: HTTP {error.code} {code} {first}".strip(), error.code, code)


def _once(
    method: str, url: str, headers: dict[str, str], body: bytes, proxies: bool, timeout_seconds: float
) -> tuple[bytes, Message]:
    data = body if method in ("PUT", "POST") else None
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    # The metadata service must not be asked through a proxy (its documentation), everything else may be.
    opener = urllib.request.build_opener(*([] if proxies else [urllib.request.ProxyHandler({})]))
    shown = url.split("?")[0]
    try:
        with opener.open(request, timeout=timeout_seconds) as answer:
            return answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(method, shown, error) from None
    except OSError as error:
        raise CallError(f"{method} {shown}: {error}") from error
    except Exception as error:  # http.client's own, for an answer that broke off
        raise CallError(f"{method} {shown}: {type(error).__name__} {error}") from error


def _send(
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes = b"",
    patience_seconds: float = 0,
    passing: frozenset[int] = PASSING,
    proxies: bool = True,
    hurry_seconds: float = 0,
) -> tuple[bytes, Message]:
    """The answer. Passing troubles are tried again a few times; a role on its way for `patience_seconds`.

    With `hurry_seconds` there is one try, which waits no longer than that for anything.
    """
    if hurry_seconds:
        return _once(method, url, headers, body, proxies, hurry_seconds)
    deadline, pause, tries = time.monotonic() + patience_seconds, 0.5, 0
    while True:
        try:
            return _once(method, url, headers, body, proxies, TIMEOUT_SECONDS)
        except CallError as error:
            tries += 1
            patient = time.monotonic() + pause < deadline
            spreading = error.status == 403 and error.code in SPREADING and patient
            again = error.status in passing and (tries < TRIES or patient)
            if not (spreading or again):
                raise
        time.sleep(pause)
        pause = min(pause * 2, 10)


def token(resource: str, client_id: str, tenant: str = "", token_file: str = "", patience_seconds: float = 0) -> str:
    """An access token for `resource` (STORAGE_RESOURCE, VAULT_RESOURCE).

    Federated when `token_file` or AZURE_FEDERATED_TOKEN_FILE names a service account's token (AZURE_TENANT_ID and
    AZURE_CLIENT_ID fill in what is not given), else from the metadata service.
    """
    token_file = token_file or os.environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
    if token_file:
        tenant = tenant or os.environ.get("AZURE_TENANT_ID", "")
        client_id = client_id or os.environ.get("AZURE_CLIENT_ID", "")
        return _federated(resource, client_id, tenant, token_file, patience_seconds)
    query = {"api-version": "2018-02-01", "resource": resource} | ({"client_id": client_id} if client_id else {})
    url = f"{METADATA}/identity/oauth2/token?{urllib.parse.urlencode(query)}"
    # 404 and 410: the metadata service is being updated, "retry for at least 70 seconds"; 400: the identity is not
    # there yet on a machine that has just been created.
    passing = PASSING | {404, 410} | ({400} if patience_seconds else set())
    answer, _ = _send("GET", url, {"Metadata": "true"}, b"", patience_seconds, passing, proxies=False)
    return str(json.loads(answer)["access_token"])


def _federated(resource: str, client_id: str, tenant: str, token_file: str, patience_seconds: float) -> str:
    try:
        assertion = pathlib.Path(token_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CallError(f"the service account's token cannot be read: {error}") from error
    authority = os.environ.get("AZURE_AUTHORITY_HOST", AUTHORITY).rstrip("/")
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "scope": f"{resource}/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    answer, _ = _send(
        "POST",
        f"{authority}/{tenant}/oauth2/v2.0/token",
        {"Content-Type": "application/x-www-form-urlencoded"},
        urllib.parse.urlencode(form).encode(),
        patience_seconds,
    )
    return str(json.loads(answer)["access_token"])


def _blob(
    method: str,
    account: str,
    path: str,
    token: str,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    patience_seconds: float = 0,
    hurry_seconds: float = 0,
) -> tuple[bytes, Message]:
    url = f"{BLOB.format(account=account)}/{urllib.parse.quote(path)}"
    if query:
        url += f"?{urllib.parse.urlencode(query)}"
    common = {
        "Authorization": f"Bearer {token}",
        "x-ms-version": STORAGE_VERSION,
        "x-ms-date": formatdate(usegmt=True),
    }
    if method == "PUT":
        common["Content-Type"] = "application/octet-stream"
    return _send(method, url, common | (headers or {}), body, patience_seconds, hurry_seconds=hurry_seconds)


def blob_get(
    account: str,
    path: str,
    token: str,
    range: tuple[int, int] | None = None,
    patience_seconds: float = 0,
    hurry_seconds: float = 0,
) -> bytes:
    """Content of CONTAINER/NAME; `range` is (first, last) byte, both included."""
    headers = {"x-ms-range": f"bytes={range[0]}-{range[1]}"} if range else {}
    return _blob("GET", account, path, token, None, headers, b"", patience_seconds, hurry_seconds)[0]


def blob_changed(
    account: str, path: str, token: str, etag: str = "", hurry_seconds: float = 0
) -> tuple[bytes | None, str]:
    """(content, etag); content is None when the blob still has `etag`."""
    try:
        headers = {"If-None-Match": etag} if etag else {}
        content, answer = _blob("GET", account, path, token, headers=headers, hurry_seconds=hurry_seconds)
    except CallError as error:
        if error.status == 304:
            return None, etag
        raise
    return content, str(answer.get("ETag", ""))


def blob_head(account: str, path: str, token: str, patience_seconds: float = 0) -> dict[str, str] | None:
    """The blob's headers with lower-case names (etag, content-length, last-modified, …); None when it is not there."""
    try:
        _, answer = _blob("HEAD", account, path, token, patience_seconds=patience_seconds)
    except CallError as error:
        if error.status == 404 and error.code in ("", "BlobNotFound"):
            return None
        raise
    return {name.lower(): str(value) for name, value in answer.items()}


def blob_put(
    account: str,
    path: str,
    data_or_file: bytes | str | os.PathLike[str],
    token: str,
    if_none_match: bool = False,
    content_type: str = "application/octet-stream",
    patience_seconds: float = 0,
    if_match: str = "",
    hurry_seconds: float = 0,
) -> None:
    """Write one blob, in blocks when it is large: it appears whole or not at all.

    With `if_none_match` an existing blob is left alone: CallError with status 409 and code BlobAlreadyExists; with
    `if_match` one that has another etag: status 412. `hurry_seconds` is for what fits into one block.
    """
    condition = {"If-None-Match": "*"} if if_none_match else {"If-Match": if_match} if if_match else {}
    kind = {"x-ms-blob-content-type": content_type}
    size = len(data_or_file) if isinstance(data_or_file, bytes) else os.path.getsize(data_or_file)
    if size <= BLOCK_BYTES:
        headers = {"x-ms-blob-type": "BlockBlob"} | kind | condition
        body = _slice(data_or_file, 0)
        _blob("PUT", account, path, token, None, headers, body, patience_seconds, hurry_seconds)
        return
    stem = uuid.uuid4().hex
    names: list[str] = []
    for at in range(0, size, BLOCK_BYTES):
        part = _slice(data_or_file, at)
        names.append(b64encode(f"{stem}-{len(names):06}".encode()).decode())
        query = {"comp": "block", "blockid": names[-1]}
        _blob("PUT", account, path, token, query, body=part, patience_seconds=patience_seconds)
    listed = "".join(f"<Latest>{escape(name)}</Latest>" for name in names)
    body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
    _blob("PUT", account, path, token, {"comp": "blocklist"}, kind | condition, body, patience_seconds)


def _slice(data_or_file: bytes | str | os.PathLike[str], at: int) -> bytes:
    if isinstance(data_or_file, bytes):
        return data_or_file[at : at + BLOCK_BYTES]
    with open(data_or_file, "rb") as file:
        file.seek(at)
        return file.read(BLOCK_BYTES)


def blob_list(
    account: str, container: str, prefix: str, token: str, patience_seconds: float = 0, hurry_seconds: float = 0
) -> list[dict[str, Any]]:
    """Every blob whose name begins with `prefix`: {"name", "bytes", "etag", "modified"}, all pages."""
    found: list[dict[str, Any]] = []
    marker = ""
    while True:
        query = {"restype": "container", "comp": "list", "prefix": prefix}
        query |= {"marker": marker} if marker else {}
        page, _ = _blob("GET", account, container, token, query, None, b"", patience_seconds, hurry_seconds)
        root = ElementTree.fromstring(page.decode("utf-8-sig"))
        found += [
            {
                "name": entry.findtext("Name", ""),
                "bytes": int(entry.findtext("Properties/Content-Length") or 0),
                "etag": entry.findtext("Properties/Etag", ""),
                "modified": entry.findtext("Properties/Last-Modified", ""),
            }
            for entry in root.iter("Blob")
        ]
        marker = root.findtext("NextMarker") or ""
        if not marker:
            return found


def blob_delete(account: str, path: str, token: str, patience_seconds: float = 0) -> bool:
    """Delete one blob; False when it was not there."""
    try:
        _blob("DELETE", account, path, token, patience_seconds=patience_seconds)
    except CallError as error:
        if error.status == 404 and error.code in ("", "BlobNotFound"):
            return False
        raise
    return True


def secret(vault: str, name: str, version: str, token: str, patience_seconds: float = 0) -> str:
    """Text of one secret; an empty version is the newest."""
    path = "/".join(["secrets", name, *([version] if version else [])])
    url = f"{VAULT.format(vault=vault)}/{path}?api-version=7.4"
    answer, _ = _send("GET", url, {"Authorization": f"Bearer {token}"}, b"", patience_seconds)
    return str(json.loads(answer)["value"])


class Cloud:
    """A host's documents in Blob Storage and its secret in Key Vault, for one round of the agent."""

    def __init__(self, place: dict[str, str]) -> None:
        self.host, self._account, self._client_id = place["host"], place["account"], place["client_id"]
        self._storage = token(STORAGE_RESOURCE, self._client_id)

    def get(self, key: str, etag: str = "") -> tuple[bytes | None, str]:
        """(content, etag) of a blob in container guests; content is None when it still has `etag`."""
        return blob_changed(self._account, f"guests/{key}", self._storage, etag)

    def document(self, name: str, etag: str) -> tuple[bytes | None, str]:
        """(content, etag) of one of the host's documents; (None, "") for a followup that is not there."""
        try:
            return self.get(f"hosts/{self.host}/{name}", etag)
        except CallError as error:
            if name == "followup.json" and error.status == 404:
                return None, ""
            raise

    def machine(self) -> str:
        """Azure's unique id: another machine of the same host has another."""
        url = f"{METADATA}/instance/compute?api-version=2021-02-01"
        answer, _ = _send("GET", url, {"Metadata": "true"}, proxies=False)
        return str(json.loads(answer)["vmId"])

    def status(self, body: bytes) -> None:
        """Write the host's status."""
        path = f"status/{self.host}/status.json"
        blob_put(self._account, path, body, self._storage, content_type="application/json")

    def secret(self, wanted: dict[str, str]) -> str:
        """Text of the secret that the desired document names."""
        return secret(wanted["vault"], wanted["name"], wanted["version"], token(VAULT_RESOURCE, self._client_id))
