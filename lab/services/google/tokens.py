"""Access tokens: who holds which, for what, until when. They end with the daemon."""

import secrets
import threading
import time
from dataclasses import dataclass

from lab.services.api import bearer
from lab.services.google.errors import Refusal
from lab.services.signature import Request

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
LIFETIME_SECONDS = 3599
"""[Google, Using OAuth 2.0 for server to server applications]; shorter ones are asked for."""


@dataclass(frozen=True)
class Caller:
    """Whose token it is."""

    member: str
    """As policies name it: serviceAccount:E-MAIL, or principal://…"""
    scopes: frozenset[str]
    expires: float

    @property
    def shown(self) -> str:
        """As error messages name it."""
        return self.member.partition(":")[2] if self.member.startswith("serviceAccount:") else self.member


class Tokens:
    """All that are valid. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Caller] = {}

    def issue(self, member: str, scopes: frozenset[str], seconds: float = LIFETIME_SECONDS) -> tuple[str, int]:
        """(token, for how many seconds)."""
        token, now = f"ya29.{secrets.token_urlsafe(120)}", time.time()
        with self._lock:
            self._known = {one: whose for one, whose in self._known.items() if whose.expires > now}
            self._known[token] = Caller(member, scopes, now + seconds)
        return token, int(seconds)

    def caller(self, request: Request, *scopes: str) -> Caller:
        """Who asks, with one of the scopes or all of the cloud's. Refusal 401 or 403 in Google's words."""
        with self._lock:
            found = self._known.get(bearer(request))
        if found is None or found.expires <= time.time():
            raise Refusal(
                401,
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-"
                "project.",
                "ACCESS_TOKEN_TYPE_UNSUPPORTED" if bearer(request) else "CREDENTIALS_MISSING",
            )
        if not found.scopes & {CLOUD, *scopes}:
            raise Refusal(403, "Request had insufficient authentication scopes.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
        return found
