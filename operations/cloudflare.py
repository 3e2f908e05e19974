"""Cloudflare as the operator reaches it: read-only calls with CLOUDFLARE_API_TOKEN, which its provider takes, too."""

import json
import os
import urllib.parse
from collections.abc import Mapping
from typing import Any, Protocol

from . import https
from .unanswered import CouldNotAsk

VARIABLE = "CLOUDFLARE_API_TOKEN"
API = "https://api.cloudflare.com/client/v4"
MOST_PAGES = 20
TOKEN = (
    f"set {VARIABLE} to a token with Zone: Read and Load Balancers: Edit of the zone, and Load Balancing: Monitors "
    "And Pools: Edit of the account (dash.cloudflare.com/profile/api-tokens; to look only, Read is enough)"
)
NETWORK = "look at your own network first, then at cloudflarestatus.com"
_WRONG_TOKEN = {6003, 6111, 9109, 1000}
"""Malformed, of a malformed header, invalid, and what /user/tokens/verify calls an invalid one."""


class CloudflareError(CouldNotAsk):
    """A call failed. `status` is its HTTP status, 0 when there was no answer; `codes` Cloudflare's own for it."""

    def __init__(self, words: str, fix: str = "", status: int = 0, codes: tuple[int, ...] = ()) -> None:
        self.status, self.codes = status, codes
        super().__init__(words, fix)


class Cloudflare(Protocol):
    """What questions ask through."""

    def get(self, path: str, **query: Any) -> Any:
        """`result` of an answer. CloudflareError of whatever went wrong."""

    def items(self, path: str, **query: Any) -> list[Mapping[str, Any]]:
        """`result` of all pages of a list."""


class Api:
    """The real one. Any number of threads."""

    def __init__(
        self, environment: Mapping[str, str] | None = None, base: str = API, seconds: float = https.CALL_SECONDS
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._base, self._seconds = base, seconds

    def get(self, path: str, **query: Any) -> Any:
        return self._call(path, query)["result"]

    def items(self, path: str, **query: Any) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            # Lists without pages are asked without any.
            answer = self._call(path, {**query, "page": page} if page > 1 else query)
            found += answer["result"] or []
            if page >= int((answer.get("result_info") or {}).get("total_pages") or 1):
                return found
        raise CouldNotAsk(f"{path} has more than {MOST_PAGES} pages")

    def _call(self, path: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
        token = self._environment.get(VARIABLE, "").strip()
        if not token:
            raise CloudflareError(f"there is no token for Cloudflare here: {VARIABLE} is not set", TOKEN)
        given = f"?{urllib.parse.urlencode(query)}" if query else ""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "twinsite"}
        try:
            answer = https.call("GET", f"{self._base}/{path}{given}", headers, seconds=self._seconds)
        except https.NoAnswer as problem:
            raise CloudflareError(str(problem), problem.fix or NETWORK) from None
        return result(path, answer)


def result(path: str, answer: https.Answer) -> Mapping[str, Any]:
    """The whole answer. Pure. CloudflareError when it is none, or says that it failed."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {"success": False, "errors": []}
    if answer.status < 300 and found.get("success") and "result" in found:
        return found
    errors = [one for one in found.get("errors") or [] if isinstance(one, dict)]
    codes = tuple(int(one["code"]) for one in errors if str(one.get("code", "")).isdecimal())
    said = "; ".join(f"{one.get('code')} {one.get('message')}" for one in errors)
    said = said or answer.body[:200].decode("utf-8", "replace") or "nothing"
    words = f"Cloudflare says {answer.status} to {path}: {said}"
    raise CloudflareError(words, _fix(answer.status, codes, path), answer.status, codes)


def _fix(status: int, codes: tuple[int, ...], path: str) -> str:
    if status == 429:
        return "it is asked too often: Cloudflare counts for five minutes, then ask again"
    if status == 401 or _WRONG_TOKEN & set(codes):
        return f"the token is wrong, over, or not for this network: {TOKEN}"
    if status == 403:
        part = "Load Balancing: Monitors And Pools: Read" if path.startswith("accounts/") else "Load Balancers: Read"
        return f"give the token {part}, for this {'account' if path.startswith('accounts/') else 'zone'}: {TOKEN}"
    if status == 404:
        return "`pulumi config get cloudflare_zone_id` and cloudflare_account_id must be those of the dashboard"
    if status >= 500:
        return "it answers, so your network is well: ask again, or see cloudflarestatus.com"
    return ""
