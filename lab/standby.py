"""What a user of topology aws-azure would choose for the standby site, and where the application is released.

Here: names, the artefact's address and hash, the origin's certificate. Not here: the primary site (primary.py).
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.primary import DOMAIN
from lab.services.authority import Authority
from lab.services.azure import SUBSCRIPTION, Operator
from lab.services.azure_http import Answer
from lab.services.signature import Request

RELEASES = "releases.example.net"
"""Where the application's vendor serves it; neither cloud's."""
ARTEFACT = "/petclinic.war"
ORIGIN = f"origin-dr.{DOMAIN}"
USERS = f"www.{DOMAIN}"
"""With one name users meet the machine itself, so that its certificate has to name it, too."""


def values(operator: Operator, war: Path) -> dict[str, Any]:
    """Plain settings; keys with a colon are a provider's."""
    return {
        "azure-native:subscriptionId": SUBSCRIPTION,
        "kubernetes:context": "lab",
        "primary_marker": "served by site aws",
        "standby_marker": "served by site azure",
        "backup_account": "labdrbackup",
        "standby_backup_account": "labdrsecond",
        "public_account": "labdrpublic",
        "latch_account": "labdrlatch",
        "vault": "lab-dr-vault",
        "database_server": "lab-dr-mysql",
        "application_artefact": f"https://{RELEASES}{ARTEFACT}",
        "application_sha256": hashlib.sha256(war.read_bytes()).hexdigest(),
        "backup_image": f"registry.example.net/backup@sha256:{'a1' * 32}",
        "operators": [f"ServicePrincipal:{operator.object_id}"],
        "alarm_emails": [f"oncall@{DOMAIN}"],
    }


def secrets(authority: Path) -> Mapping[str, str]:
    """Settings that are kept encrypted: the origin's certificate, as an authority that everybody trusts issues it."""
    issuer = Authority(authority)
    return {"origin_certificate": _chain_then_key(issuer.pem(ORIGIN, USERS))}


def _chain_then_key(pem: str) -> str:
    marks = pem.index("-----BEGIN CERTIFICATE-----")
    return pem[marks:].strip() + "\n" + pem[:marks].strip() + "\n"


class Releases:
    """The vendor's download site."""

    def __init__(self, war: Callable[[], Path]) -> None:
        """`war` gives the artefact's file, and may build it first."""
        self._war = war

    def owns(self, host: str) -> bool:
        return host == RELEASES

    def answer(self, request: Request) -> Answer:
        if request.path != ARTEFACT or request.method not in ("GET", "HEAD"):
            return 404, [("Content-Type", "text/plain")], b"not found\n"
        return 200, [("Content-Type", "application/java-archive")], self._body(self._war())

    @staticmethod
    @functools.lru_cache(maxsize=1)
    def _body(war: Path) -> bytes:
        return war.read_bytes()
