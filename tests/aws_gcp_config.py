"""What a user of topology aws-gcp would have in the stack file; shared by the layers of tests."""

from pathlib import Path
from typing import Any

import yaml

TREE = Path(__file__).resolve().parents[1]

_EXAMPLE: dict[str, dict[str, Any]] = yaml.safe_load((TREE / "stacks" / "aws_gcp" / "example.yaml").read_text())

PROVIDERS: dict[str, Any] = {key: value for key, value in _EXAMPLE["settings"].items() if ":" in key}

SETTINGS: dict[str, Any] = {
    "topology": "aws-gcp",
    "dr_mode": "pilot-light",
    **{key: value for key, value in _EXAMPLE["settings"].items() if ":" not in key},
}

SECRETS: dict[str, str] = _EXAMPLE["secrets"]


EKS = "oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF"
WRITERS: dict[str, str] = {
    "writer_bucket": "crm-dr-writer",
    "writer_third": "azblob://crmthird/registers/writer.json",
    "writer_third_tenant": "11111111-2222-3333-4444-555555555555",
    "writer_third_client_id": "66666666-7777-8888-9999-000000000000",
    "writer_image": f"registry.example.com/postgres-client@sha256:{'a' * 64}",
    "primary_oidc_issuer": f"https://{EKS}",
    "primary_oidc_provider": f"arn:aws:iam::123456789012:oidc-provider/{EKS}",
    "primary_cluster_context": "eks",
}
"""Registers of the stack's own, and agents; with WRITERS_SECRET."""
WRITERS_SECRET = {"writer_third_client_secret": "a word of Azure's"}


def stack_file(**change: Any) -> str:
    """Text of a stack file with these settings, some changed."""
    settings = {f"twinsite:{key}": value for key, value in {**SETTINGS, **change}.items()}
    return str(yaml.safe_dump({"config": {**PROVIDERS, **settings}}, sort_keys=False))
