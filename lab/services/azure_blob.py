"""Blob storage and static websites under their own names: checks who asks as Azure does, then asks Azurite.

Not here, because Azurite has none of it: versions, soft delete, lifecycle rules, immutability.
"""

import base64
import hmac
import json
import re
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any
from xml.sax.saxutils import escape

from lab.client import LabError
from lab.services import shared_key
from lab.services.api import Answer, Problem, Records, bearer
from lab.services.azure import BACKING, KEY, NO_KEYS, REFUSED
from lab.services.azure_rights import Roles
from lab.services.azure_roles import BLOBS
from lab.services.azure_tenant import Tenant
from lab.services.azurite import Azurite
from lab.services.signature import Request

ACCOUNT = "azure-native:storage:StorageAccount"
CONTAINER = "azure-native:storage:BlobContainer"
WEBSITE = "azure-native:storage:StorageAccountStaticWebsite"

_BLOB_HOST = re.compile(r"([a-z0-9]{3,24})\.blob\.core\.windows\.net")
_WEB_HOST = re.compile(r"([a-z0-9]{3,24})\.(z\d+)\.web\.core\.windows\.net")
_HOW = {"GET": "read", "HEAD": "read", "PUT": "write", "POST": "write", "DELETE": "delete"}
_PAGE = "<!DOCTYPE html><html><head><title>{code}</title></head><body><h1>{text}</h1></body></html>"

Put = Callable[[str, str, dict[str, Any]], None]

REFUSALS: Mapping[str, str] = {
    # The account's firewall.
    "AuthorizationFailure": "This request is not authorized to perform this operation.",
    # Its customer-managed key [Microsoft Learn, Common REST API error codes: all three are 403].
    "KeyVaultEncryptionKeyNotFound": "The key vault key is not found to unwrap the encryption key.",
    "KeyVaultVaultNotFound": "The key vault is not found for encryption.",
    "KeyVaultAccessTokenCannotBeAcquired": "The key vault access token cannot be acquired with this identity.",
}
"""What an account can be told to answer instead of its blobs, and its words (those of the last are ours)."""


class Blobs:
    """Both services of all accounts."""

    def __init__(
        self,
        azurite: Azurite,
        tenant: Tenant,
        roles: Roles,
        records: Records,
        put: Put,
        forget: Callable[[str, str], Any],
    ) -> None:
        """`put` and `forget` change records: containers are made by the data plane, too."""
        self._azurite = azurite
        self._tenant = tenant
        self._roles = roles
        self._records = records
        self._put = put
        self._forget = forget

    def owns(self, host: str) -> bool:
        return _BLOB_HOST.fullmatch(host) is not None or _WEB_HOST.fullmatch(host) is not None

    def answer(self, request: Request) -> Answer:
        found = _WEB_HOST.fullmatch(request.host)
        if found is not None:
            return self._site(found[1], request)
        try:
            return self._blob(request)
        except Problem as problem:
            return refused(request, problem)

    def refuse(self, account: str, code: str) -> None:
        """From now on the account's blobs are refused with this code; `off` ends it."""
        there = sorted(str(one.get("accountName")) for one in self._records(ACCOUNT).values())
        if account not in there:
            raise LabError(f"there is no storage account {account!r}; there are: {', '.join(there) or 'none'}")
        if code == "off":
            self._forget(REFUSED, account)
        elif code in REFUSALS:
            self._put(REFUSED, account, {"code": code})
        else:
            raise LabError(f"{code!r} is no code that the lab can answer: give one of {', '.join(REFUSALS)}, or off")

    def _open(self, account: str, method: str, blob: str, query: Mapping[str, str]) -> None:
        """Refuse what `refuse` said. Without its key an account still lists and deletes [Microsoft Learn,
        customer-managed-keys-overview, operations that fail after a key is revoked]."""
        code = str((self._records(REFUSED).get(account) or {}).get("code", ""))
        opens = bool(blob) and method != "DELETE" and query.get("comp") != "blocklist"
        if code and (opens or "metadata" in query.get("include", "") or not code.startswith("KeyVault")):
            raise Problem(403, code, REFUSALS[code])

    # Blobs

    def _blob(self, request: Request) -> Answer:
        found = _BLOB_HOST.fullmatch(request.host)
        assert found is not None
        scope, account = self._account(found[1])
        query = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
        container, _, blob = request.path.lstrip("/").partition("/")
        container = urllib.parse.unquote(container)
        kind = query.get("restype", "")
        action, data = _action(request.method, container, blob, query)
        where = f"{scope}/blobServices/default" + (f"/containers/{container}" if container else "")
        if bearer(request):
            self._authorise(request, found[1], action, where, data)
        elif "authorization" in request.headers or "sig=" in request.query:
            self._keyed(request, account)
        else:
            self._anonymous(request, account, scope, container, blob)
        self._open(found[1], request.method, blob, query)
        if not container:
            return self._service(request, found[1], scope, query)
        if kind == "container" and "comp" not in query and request.method in ("PUT", "DELETE"):
            return self._make(request, found[1], scope, container)
        backing = self.backing(found[1], container)
        if backing is None:
            raise Problem(404, "ContainerNotFound", "The specified container does not exist.")
        if "x-ms-copy-source" in request.headers:
            raise Problem(501, "NotImplemented", "the twinsite lab copies no blobs by URL: read it and write it")
        status, headers, body = self._azurite.ask(
            request.method, backing, blob, request.query, dict(request.headers), request.body
        )
        if query.get("comp") == "list":
            body = body.replace(backing.encode(), container.encode())
        return status, headers, body

    def _account(self, name: str) -> tuple[str, Mapping[str, Any]]:
        for key, one in self._records(ACCOUNT).items():
            if one.get("accountName") == name:
                return key, one
        raise Problem(404, "ResourceNotFound", f"The storage account {name} does not exist.")

    def backing(self, account: str, container: str) -> str | None:
        """Azurite's name for a container; None when there is no such container."""
        found = self._records(BACKING).get(f"{account}/{container}")
        return str(found["name"]) if found else None

    def _authorise(self, request: Request, account: str, action: str, scope: str, data: bool) -> None:
        audiences = {"https://storage.azure.com", f"https://{account}.blob.core.windows.net"}
        claims = self._tenant.read(bearer(request))
        challenge = (
            ("WWW-Authenticate", "Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize "
             "resource_id=https://storage.azure.com"),
        )  # fmt: skip
        if claims is None or claims["aud"].rstrip("/") not in audiences:
            why = "token" if claims is None else "audience"
            raise Problem(
                401,
                "InvalidAuthenticationInfo",
                f"Server failed to authenticate the request. The {why} is not valid for storage.",
                challenge,
            )
        if request.headers.get("x-ms-version", "") < "2017-11-09":
            raise Problem(
                403, "AuthenticationFailed", "Tokens need the header x-ms-version of 2017-11-09 or later.", challenge
            )
        if not self._roles.may(claims["oid"], action, scope, data):
            raise Problem(
                403,
                "AuthorizationPermissionMismatch",
                "This request is not authorized to perform this operation using this permission.",
            )

    def _keyed(self, request: Request, account: Mapping[str, Any]) -> None:
        """Whoever has the account's key may do everything, unless the account does not take keys."""
        if account.get("allowSharedKeyAccess") is False:
            raise Problem(403, "KeyBasedAuthenticationNotPermitted", NO_KEYS)
        if "authorization" not in request.headers:
            raise Problem(403, "AuthenticationFailed", "the twinsite lab knows no SAS: use a token")
        name = str(account["accountName"])
        key = base64.b64decode((self._records(KEY).get(name) or {}).get("key") or "")
        right = shared_key.authorization(key, name, request.method, request.path, request.query, request.headers)
        if not key or not hmac.compare_digest(right, request.headers["authorization"]):
            raise Problem(
                403,
                "AuthenticationFailed",
                "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
                "correctly including the signature.",
            )

    def _anonymous(self, request: Request, account: Mapping[str, Any], scope: str, container: str, blob: str) -> None:
        if not account.get("allowBlobPublicAccess"):
            raise Problem(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
        record = self._records(CONTAINER).get(f"{scope}/blobServices/default/containers/{container}") or {}
        level = str(record.get("publicAccess") or "None").lower()
        reads = request.method in ("GET", "HEAD")
        if not reads or level == "none" or (level == "blob" and not blob):
            raise Problem(404, "ResourceNotFound", "The specified resource does not exist.")

    def _service(self, request: Request, account: str, scope: str, query: Mapping[str, str]) -> Answer:
        if query.get("comp") == "list" and request.method == "GET":
            names = sorted(key.partition("/")[2] for key in self._records(BACKING) if key.startswith(f"{account}/"))
            listed = "".join(f"<Container><Name>{escape(name)}</Name></Container>" for name in names)
            return _xml(
                200, f"<EnumerationResults><Containers>{listed}</Containers><NextMarker /></EnumerationResults>"
            )
        site = self._records(WEBSITE).get(f"{scope}/staticWebsite")
        if query.get("comp") == "properties" and request.method == "GET":
            inner = f"<Enabled>{'true' if site else 'false'}</Enabled>"
            return _xml(
                200, f"<StorageServiceProperties><StaticWebsite>{inner}</StaticWebsite></StorageServiceProperties>"
            )
        raise Problem(501, "NotImplemented", "the twinsite lab's blob service lists containers and says its properties")

    def _make(self, request: Request, account: str, scope: str, container: str) -> Answer:
        key, identity = f"{account}/{container}", f"{scope}/blobServices/default/containers/{container}"
        there = self.backing(account, container) is not None
        if request.method == "PUT":
            if there:
                raise Problem(409, "ContainerAlreadyExists", "The specified container already exists.")
            self._put(BACKING, key, {"name": f"c{uuid.uuid4().hex}"})
            return 201, [("Content-Length", "0")], b""
        if not there:
            raise Problem(404, "ContainerNotFound", "The specified container does not exist.")
        self._forget(BACKING, key)
        self._forget(CONTAINER, identity)
        return 202, [("Content-Length", "0")], b""

    # Websites

    def _site(self, account: str, request: Request) -> Answer:
        try:
            scope, record = self._account(account)
            right = urllib.parse.urlsplit((record.get("primaryEndpoints") or {}).get("web", "")).hostname
            site = self._records(WEBSITE).get(f"{scope}/staticWebsite")
            if site is None or right != request.host:
                raise Problem(404, "WebsiteDisabled", "The static website is not enabled for this account.")
            if request.method not in ("GET", "HEAD"):
                raise Problem(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
            self._open(account, request.method, request.path or "/", {})
            return self._document(account, site, request)
        except Problem as problem:
            page = _PAGE.format(code=problem.code, text=escape(problem.text)).encode()
            headers = [("Content-Type", "text/html"), ("x-ms-error-code", problem.code)]
            return problem.status, headers, page

    def _document(self, account: str, site: Mapping[str, Any], request: Request) -> Answer:
        backing = self.backing(account, "$web") or ""
        path = request.path.lstrip("/")
        index = str(site.get("indexDocument") or "")
        if (not path or path.endswith("/")) and index:
            path += index
        kept = {key: value for key, value in request.headers.items() if key in ("range", "if-none-match")}
        if path:
            status, headers, body = self._azurite.ask(request.method, backing, path, "", kept)
            if status < 400 or status == 416:
                return status, _web(headers), body
        missing = str(site.get("error404Document") or "")
        if missing:
            status, headers, body = self._azurite.ask(request.method, backing, missing, "", {})
            if status == 200:
                return 404, _web(headers), body
        raise Problem(404, "WebContentNotFound", "The requested content does not exist.")


def _action(method: str, container: str, blob: str, query: Mapping[str, str]) -> tuple[str, bool]:
    """(action, whether it is a data action) that a request needs [Microsoft Learn, authorize with Entra ID]."""
    if not container:
        if query.get("comp") == "list":
            return f"{BLOBS}/read", False
        return f"Microsoft.Storage/storageAccounts/blobServices/{'read' if method == 'GET' else 'write'}", False
    if not blob and query.get("comp") == "list":
        return f"{BLOBS}/blobs/read", True
    if not blob:
        return f"{BLOBS}/{_HOW.get(method, 'write')}", False
    return f"{BLOBS}/blobs/{_HOW.get(method, 'write')}", True


def _web(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of a blob's headers those that a website shows."""
    shown = (
        "content-type",
        "content-length",
        "etag",
        "last-modified",
        "cache-control",
        "content-range",
        "accept-ranges",
    )
    return [(name, value) for name, value in headers if name.lower() in shown]


def _xml(status: int, text: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()
    return status, [("Content-Type", "application/xml"), ("x-ms-request-id", str(uuid.uuid4()))], body


def refused(request: Request, problem: Problem) -> Answer:
    """An error as the blob service words it."""
    status, headers, body = _xml(
        problem.status, f"<Error><Code>{problem.code}</Code><Message>{escape(problem.text)}</Message></Error>"
    )
    headers += [("x-ms-error-code", problem.code), ("Date", formatdate(usegmt=True)), *problem.headers]
    if request.headers.get("accept", "").startswith("application/json"):
        body = json.dumps({"error": {"code": problem.code, "message": problem.text}}).encode()
    return status, headers, body
