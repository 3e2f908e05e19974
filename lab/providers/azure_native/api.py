"""The operator's tokens, and calls of a vault's own API with one and of a store's with the account's key.

The real provider makes its blobs so: its token only gets it the key (pulumi/pulumi-azure-native#3719, custom_storage_
azidentity.go)."""

import functools
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.utils import formatdate

from lab.providers.framework.types import Refusal
from lab.services import shared_key

_TIMEOUT_SECONDS = 120


def token(resource: str) -> str:
    """For `resource`, as whoever runs Pulumi. Refusal says what is missing or what Entra ID has against it."""
    return _token(resource, int(time.time() // 600))


@functools.lru_cache(maxsize=8)
def _token(resource: str, age: int) -> str:
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    tenant, client, secret = (os.environ.get(name, "") for name in names)
    if not secret:
        raise Refusal(f"the azure-native provider has no credentials: set {', '.join(names)}")
    scope = f"{resource}/.default"
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret, "scope": scope}
    url = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    try:
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=_TIMEOUT_SECONDS) as answer:
            return str(json.load(answer)["access_token"])
    except urllib.error.HTTPError as error:
        with error:
            raise Refusal(str(json.load(error).get("error_description") or error.reason)) from None
    except OSError as error:
        raise Refusal(f"POST {url}: {error}") from None


def vault_delete(url: str) -> None:
    """Take a secret away with a token of whoever runs Pulumi. Fine when it is gone; Refusal in the vault's words."""
    headers = {"Authorization": f"Bearer {token('https://vault.azure.net')}"}
    request = urllib.request.Request(url, method="DELETE", headers=headers)
    try:
        urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 404:
                raise Refusal(f"DELETE {url}: RESPONSE {error.code}: {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise Refusal(f"DELETE {url}: {error}") from None


def blob_call(
    method: str,
    url: str,
    key: bytes,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    missing: bool = False,
) -> Mapping[str, str] | None:
    """The answer's headers; None for 404 when `missing` is fine. Refusal with the store's own code."""
    given = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03", **(headers or {})}
    if body is not None:
        given |= {"content-type": "application/octet-stream", "content-length": str(len(body))}
    parts = urllib.parse.urlsplit(url)
    account = str(parts.hostname).partition(".")[0]
    given["authorization"] = shared_key.authorization(key, account, method, parts.path, parts.query, given)
    request = urllib.request.Request(url, data=body, method=method, headers=given)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            return dict(answer.headers.items())
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404 and missing:
                return None
            code = error.headers.get("x-ms-error-code") or error.reason
            raise Refusal(f"{method} {url}: RESPONSE {error.code} ERROR CODE: {code}") from None
    except OSError as error:
        raise Refusal(f"{method} {url}: {error}") from None
