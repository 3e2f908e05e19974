"""What a user of topology aws-azure would have in the stack file; shared by the layers of tests."""

from pathlib import Path
from typing import Any

import yaml

TREE = Path(__file__).resolve().parents[1]

PROVIDERS: dict[str, Any] = {
    "aws:region": "ap-northeast-2",
    "aws:skipCredentialsValidation": "true",
    "aws:skipRequestingAccountId": "true",
    "kubernetes:skipUpdateUnreachable": "true",
    "azure-native:location": "koreacentral",
    "azure-native:subscriptionId": "11111111-2222-3333-4444-555555555555",
}

SETTINGS: dict[str, Any] = {
    "topology": "aws-azure",
    "dr_mode": "cold",
    "gate": "handover",  # nothing resolves names here
    "domain": "example.com",
    "zone_id": "Z0123456789ABCDEFGHIJ",
    "primary_alb_name": "petclinic-123456789.ap-northeast-2.elb.amazonaws.com",
    "primary_alb_zone_id": "ZWKZPGTI48KDX",
    "primary_has_ipv6": True,
    "primary_host": "origin-aws.example.com",
    "primary_database_address": "petclinic.abcdefghijkl.ap-northeast-2.rds.amazonaws.com",
    "primary_database_version": "8.4.6",
    "primary_database_ca": "-----BEGIN CERTIFICATE-----\nof Amazon's own authority\n-----END CERTIFICATE-----\n",
    "primary_oidc_issuer": "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
    "primary_marker": "served by site aws",
    "standby_marker": "served by site azure",
    "backup_account": "exampledrbackup",
    "public_account": "exampledrpublic",
    "latch_account": "exampledrlatch",
    "vault": "example-dr-vault",
    "database_server": "example-dr-mysql",
    "application_artefact": "https://releases.example.net/petclinic.war",
    "application_sha256": "4f" * 32,
    "backup_image": f"registry.example.net/backup@sha256:{'a1' * 32}",
    "operators": ["Group:99999999-8888-7777-6666-555555555555"],
    "alarm_emails": ["oncall@example.com"],
}

SECRETS = {
    "primary_database_password": "correct horse",
    "origin_certificate": "PEM of a chain and its key",
}


def stack_file(**change: Any) -> str:
    """Text of a stack file with these settings, some changed."""
    settings = {f"twinsite:{key}": value for key, value in {**SETTINGS, **change}.items()}
    return str(yaml.safe_dump({"config": {**PROVIDERS, **settings}}, sort_keys=False))


def declared() -> dict[str, Any]:
    """The project's own config section."""
    found: dict[str, Any] = yaml.safe_load((TREE / "Pulumi.yaml").read_text())["config"]
    return found
