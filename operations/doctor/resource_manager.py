"""Azure Resource Manager as the doctor asks it: read-only, with the operator's identity (operations/azure.py)."""

import json
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any, Protocol

from .. import azure
from ..unanswered import CouldNotAsk

LOG_IN = (
    "`az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (for `pulumi` the same values as "
    "ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET)"
)
NETWORK = "look at your own network"
MOST_PAGES = 50


class Absent(CouldNotAsk):
    """404: there is no such thing; for a question that does not expect it, there is no such question."""


class Azure(Protocol):
    """What questions ask through."""

    def get(self, path: str, version: str, **query: str) -> Mapping[str, Any]:
        """GET. CouldNotAsk without identity, network or right; Absent for 404."""

    def post(self, path: str, version: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST of a question that changes nothing."""


class ResourceManager:
    """The real one. Any number of threads: the identity is asked for its token once, and once only when it has none."""

    def __init__(self, identity: azure.Identity) -> None:
        self._identity = identity
        self._lock = threading.Lock()
        self._problem: CouldNotAsk | None = None

    def get(self, path: str, version: str, **query: str) -> Mapping[str, Any]:
        return self._call("GET", self._url(path, version, query), None)

    def post(self, path: str, version: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("POST", self._url(path, version, {}), json.dumps(body).encode())

    def _url(self, path: str, version: str, query: Mapping[str, str]) -> str:
        asked = urllib.parse.urlencode({"api-version": version, **query}, quote_via=urllib.parse.quote)
        return f"{self._identity.endpoints.management}{urllib.parse.quote(path)}?{asked}"

    def _token(self) -> str:
        with self._lock:
            if self._problem is not None:
                raise self._problem
            try:
                return self._identity.token(azure.MANAGEMENT)
            except azure.AzureError as error:
                fix = LOG_IN if error.status or error.code in ("", azure.NO_IDENTITY) else NETWORK
                self._problem = CouldNotAsk(_brief(str(error)), fix)
                raise self._problem from None

    def _call(self, method: str, url: str, body: bytes | None) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        try:
            found: Mapping[str, Any] = json.loads(azure.call(method, url, headers, body).body or b"{}")
            return found
        except azure.AzureError as error:
            if error.status == 404:
                raise Absent(_brief(str(error))) from None
            if error.status == 403:
                words = f"you may not ask it: {_brief(str(error))}"
                raise CouldNotAsk(words, "have a role of policies/azure/doctor.json at the subscription") from None
            raise CouldNotAsk(_brief(str(error)), fix_of(error.status)) from None


def fix_of(status: int) -> str:
    """What helps when a question ended with this HTTP status (0: no answer at all)."""
    if not status:
        return NETWORK
    return LOG_IN if status == 401 else "it answers, so your network is well: ask again, or see Azure's status page"


def _brief(words: str) -> str:
    """Without the way to log in, which the fix says."""
    return " ".join(words.partition(": set AZURE_")[0].split())[:300]


def items(asked: Azure, path: str, version: str, **query: str) -> list[Mapping[str, Any]]:
    """`value` of all pages. Azure names the next page by a whole URL, of which the query is what differs."""
    found: list[Mapping[str, Any]] = []
    for _ in range(MOST_PAGES):
        page = asked.get(path, version, **query)
        found += page.get("value") or []
        further = str(page.get("nextLink") or "")
        if not further:
            return found
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(further).query))
        given.pop("api-version", None)
        query = given
    raise CouldNotAsk(f"{path} has more than {MOST_PAGES} pages")
