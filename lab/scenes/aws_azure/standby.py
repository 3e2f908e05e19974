"""What a user of topology aws-azure would choose for the standby site, and where the application is released.

Here: names, the artefact's address and hash, the origin's certificate. Not here: the primary site (primary.py).
"""

import hashlib
from typing import Any

from lab.scenes import Given
from lab.scenes.aws_azure.primary import DOMAIN, war
from lab.services.azure import SUBSCRIPTION

RELEASE = "https://releases.example.net/petclinic.war"
"""Where the application's vendor serves it; neither cloud's."""
ORIGIN = f"origin-dr.{DOMAIN}"
USERS = f"www.{DOMAIN}"
"""With one name users meet the machine itself, so that its certificate has to name it, too."""


def settings(given: Given) -> dict[str, Any]:
    """Plain settings; keys with a colon are a provider's."""
    return {
        "azure-native:subscriptionId": SUBSCRIPTION,
        "primary_marker": "served by site aws",
        "standby_marker": "served by site azure",
        "backup_account": "labdrbackup",
        "standby_backup_account": "labdrsecond",
        "public_account": "labdrpublic",
        "latch_account": "labdrlatch",
        "vault": "lab-dr-vault",
        "database_server": "lab-dr-mysql",
        "application_artefact": RELEASE,
        "application_sha256": hashlib.sha256(war().read_bytes()).hexdigest(),
        "backup_image": f"registry.example.net/backup@sha256:{'a1' * 32}",
        "operators": [f"ServicePrincipal:{given.azure.object_id}"],
        "alarm_emails": [f"oncall@{DOMAIN}"],
    }


def secrets(given: Given) -> dict[str, str]:
    """The origin's certificate, as an authority that everybody trusts issues it."""
    return {"origin_certificate": _chain_then_key(given.authority.pem(ORIGIN, USERS))}


def _chain_then_key(pem: str) -> str:
    marks = pem.index("-----BEGIN CERTIFICATE-----")
    return pem[marks:].strip() + "\n" + pem[:marks].strip() + "\n"
