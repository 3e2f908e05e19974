"""Role assignments on Azure: who may do what, where. The built-in roles that twinsite uses, by id (Azure's list)."""

import pulumi
from pulumi_azure_native import authorization

BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
VM_CONTRIBUTOR = "9980e02c-c2be-4d73-94e8-173b1dc7cf3c"
"""Virtual Machine Contributor: the narrowest built-in role with virtualMachines/runCommand/action. A custom role would
be narrower, and whoever runs `pulumi up` would need the right to make roles for it."""


def assign(
    name: str,
    role: str,
    principal_id: pulumi.Input[str],
    scope: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    principal_type: str | None = "ServicePrincipal",
) -> "authorization.RoleAssignment":
    """`principal_id` gets `role` at `scope`. Without the type (None: a person, or not known) Azure looks the principal
    up, and a fresh identity may not have spread yet."""
    return authorization.RoleAssignment(
        name,
        principal_id=principal_id,
        principal_type=principal_type,
        role_definition_id=pulumi.Output.from_input(scope).apply(lambda found: _definition(found, role)),
        scope=scope,
        opts=opts,
    )


def _definition(scope: str, role: str) -> str:
    # The form that Azure answers with, so that a refresh finds no difference.
    subscription = scope.split("/")[2]
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
