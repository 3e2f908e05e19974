"""Who of another cloud's cluster writes here. It needs no SDK: a stack imports those of its own clouds alone."""

from typing import TypedDict


class Writer(TypedDict):
    """Who writes backups: a Kubernetes service account, federated, so that no key exists."""

    issuer: str
    """OIDC issuer of the cluster, https://oidc.eks.REGION.amazonaws.com/id/…, without a slash at the end."""

    namespace: str
    """For instance petclinic."""

    service_account: str
    """For instance rds-backup."""
