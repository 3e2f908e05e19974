"""Whether the cluster's OIDC issuer is one that the other cloud can ask: the backup job has no other key."""

import json

from .. import web
from ..unanswered import CouldNotAsk
from .answers import Finding, needs_setting, not_ok, ok


def ask(issuer: str) -> Finding:
    """Its discovery document, which is public."""
    needs_setting(issuer, "primary_oidc_issuer")
    page = web.page(f"{issuer}/.well-known/openid-configuration")
    if not page.status:
        raise CouldNotAsk(f"{issuer} does not answer: {page.words}", "look at your own network")
    return matches(issuer, page.status, page.text)


def matches(issuer: str, status: int, text: str) -> Finding:
    """Pure. The other cloud compares the token's issuer with the setting letter by letter."""
    fix = (
        "`aws eks describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer`, then "
        "`pulumi config set primary_oidc_issuer …`"
    )
    try:
        own = str(json.loads(text).get("issuer")) if status == 200 else ""
    except (ValueError, AttributeError):
        own = ""
    if own == issuer:
        return ok(issuer)
    return not_ok(f"{issuer} " + (f"calls itself {own}" if own else f"is no issuer: it answers {status}"), fix)
