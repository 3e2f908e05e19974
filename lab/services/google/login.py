"""oauth2.googleapis.com: a token for a service account's own signed word [Google, Using OAuth 2.0 for server to server
applications, "Addendum" and "Error codes"]."""

import time
import urllib.parse

from lab.services.api import Answer, told
from lab.services.google import TOKEN_URI, Operator, host
from lab.services.google.tokens import Tokens
from lab.services.signature import Request
from lab.services.signer import verified

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST_SECONDS = 3600
SKEW_SECONDS = 300


class Login:
    """Knows one account with a key: the operator's. All others are lent, or a machine's own."""

    def __init__(self, operator: Operator, tokens: Tokens) -> None:
        self._operator, self._tokens = operator, tokens
        self._key = operator.public_key

    def owns(self, name: str) -> bool:
        return name == host("oauth2")

    def answer(self, request: Request) -> Answer:
        if request.method != "POST" or request.path != "/token":
            return _refused("invalid_request", "the lab's Google gives tokens at /token only", 404)
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if form.get("grant_type") != GRANT:
            return _refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        wrong, scopes = self._judged(form.get("assertion", ""))
        if wrong:
            return _refused("invalid_scope" if wrong.startswith("Invalid OAuth scope") else "invalid_grant", wrong)
        token, seconds = self._tokens.issue(f"serviceAccount:{self._operator.email}", scopes)
        return told(200, {"access_token": token, "expires_in": seconds, "token_type": "Bearer"})

    def _judged(self, assertion: str) -> tuple[str, frozenset[str]]:
        """(what is wrong, scopes)."""
        claims = verified(assertion, self._key)
        if claims is None:
            return "Invalid JWT Signature.", frozenset()
        if claims.get("iss") != self._operator.email:
            return "Invalid grant: account not found", frozenset()
        issued, ends, now = float(claims.get("iat") or 0), float(claims.get("exp") or 0), time.time()
        if not (issued <= now + SKEW_SECONDS and now <= ends <= issued + LONGEST_SECONDS):
            return (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
                "iat and exp values in the JWT claim.",
                frozenset(),
            )
        if claims.get("aud") != TOKEN_URI:
            return "Invalid JWT: Failed audience check.", frozenset()
        scopes = frozenset(str(claims.get("scope") or "").split())
        return ("" if scopes else "Invalid OAuth scope or ID token audience provided."), scopes


def _refused(code: str, words: str, status: int = 400) -> Answer:
    return told(status, {"error": code, "error_description": words})
