"""Trust in another issuer's tokens for one subject."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class FederatedIdentityCredential(AzureType):
    """Issuer, subject and audience are compared letter by letter."""

    token = "azure-native:managedidentity:FederatedIdentityCredential"
    path = (
        GROUP + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
        "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}"
    )
    api = "2023-01-31"
    autoname = copied("federatedIdentityCredentialResourceName", 120)
    located = provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        audiences = inputs.get("audiences")
        if isinstance(audiences, list) and len(audiences) != 1:
            yield Problem("audiences", f"BadRequest: exactly one audience is taken, found {len(audiences)}")
        issuer = inputs.get("issuer")
        if isinstance(issuer, str) and not issuer.startswith("https://"):
            yield Problem("issuer", f"BadRequest: the issuer is an https URL, found {issuer!r}")
