"""Shared Key: how requests to Azure's Blob storage are signed with an account's key [Microsoft Learn, Authorize with
Shared Key]. Standard library only: the provider's stand-in signs with it, too."""

import base64
import hashlib
import hmac
import urllib.parse
from collections.abc import Mapping

_STANDARD = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


def authorization(key: bytes, account: str, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    """The header's value. `path` and `query` as they are sent; `headers` by lower-case name, with Content-Length."""
    standard = [headers.get(name, "") for name in _STANDARD]
    if headers.get("content-length") == "0":  # an empty body's length is an empty line, since version 2015-02-21
        standard[_STANDARD.index("content-length")] = ""
    extended = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers) if name.startswith("x-ms-"))
    parameters: dict[str, list[str]] = {}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name.lower(), []).append(value)
    resource = f"/{account}{path}"
    resource += "".join(f"\n{name}:{','.join(sorted(values))}" for name, values in sorted(parameters.items()))
    text = "\n".join([method, *standard]) + "\n" + extended + resource
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    return f"SharedKey {account}:{signature}"
