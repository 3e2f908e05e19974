"""What Azure reaches late, and what its provider does about it (see framework/lateness.py).

azure-native tries again after 408, 429, 5xx and, of the conflicts, AnotherOperationInProgress and
StorageAccountOperationInProgress: three times, after 20, 60 and 120 s [pulumi-azure-native, client_azcore.go; #3653,
#4497]. After no other refusal. How long each lasts is an assumption of the right size where no source is named.
"""

from lab.providers.framework.lateness import Early, Late

_RETRIED = 200
_SERVER = "azure-native:dbformysql:Server"
_SETTING = "azure-native:dbformysql:Configuration"
_SUBNET = "azure-native:network:Subnet"
_CREDENTIAL = "azure-native:managedidentity:FederatedIdentityCredential"
_IN_USE = (
    'Status=400 Code="InUseSubnetCannotBeDeleted" Message="Subnet {name} is in use by its serviceAssociationLinks and '
    'cannot be deleted. In order to delete the subnet, delete all the resources within the subnet."'
)
_BUSY = (
    'Status=409 Code="ServerIsBusy" Message="Server \'{name}\' is busy with another operation. Please try again later."'
)

LATE = (
    Late(
        "azure-native:managedidentity:UserAssignedIdentity",
        ("principalId",),
        (10, 120),
        "Microsoft Learn, troubleshoot Azure RBAC: symptom PrincipalNotFound",
        (
            Early(
                "azure-native:authorization:RoleAssignment",
                "principalId",
                'Status=400 Code="PrincipalNotFound" Message="Principal {name} does not exist in the directory. If you '
                "are creating this principal and then immediately assigning a role, this error might be related to a "
                "replication delay. In this case, set the role assignment principalType property to a value, such as "
                'ServicePrincipal, User, or Group."',
                unless="principalType",
            ),
        ),
    ),
    Late(
        _CREDENTIAL,
        ("resourceName",),
        (2, 10),
        "Microsoft Learn, workload identity federation considerations: concurrent updates are refused",
        (
            Early(
                _CREDENTIAL,
                "resourceName",
                'Status=409 Code="ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity" Message="Too '
                'many Federated Identity Credentials are written concurrently for the managed identity {name}."',
            ),
        ),
        waited=True,
        operations=("create", "update", "delete"),
    ),
    Late(
        _SETTING,
        ("serverName",),
        (10, 40),
        "Azure/bicep-registry-modules#4451, hashicorp/terraform-provider-azurerm#28298 (PostgreSQL's twin)",
        (Early(_SETTING, "serverName", _BUSY), Early(_SERVER, "serverName", _BUSY, operations=("update",))),
        waited=True,
        operations=("create", "update"),
    ),
    Late(
        _SERVER,
        ("serverName",),
        (20, 60),
        "as for a setting; and Azure/azure-rest-api-specs#21178",
        (Early(_SETTING, "serverName", _BUSY),),
        waited=True,
        operations=("create", "update"),
    ),
    Late(
        _SERVER,
        ("network.delegatedSubnetResourceId",),
        (300, 3600),
        "Azure/azure-rest-api-specs#17443, hashicorp/terraform-provider-azurerm#15032: the service association link",
        (
            Early(_SUBNET, "@id", _IN_USE, operations=("delete",)),
            Early("azure-native:network:VirtualNetwork", "@id", _IN_USE, operations=("delete",)),
        ),
        operations=("delete",),
    ),
    Late(
        _SUBNET,
        ("virtualNetworkName",),
        (3, 10),
        "pulumi/pulumi-azure-native#903",
        (
            Early(
                _SUBNET,
                "virtualNetworkName",
                'Status=409 Code="AnotherOperationInProgress" Message="Another operation on this or dependent resource '
                'is in progress."',
                retried_seconds=_RETRIED,
            ),
        ),
        waited=True,
        operations=("create", "update"),
    ),
    *(
        Late(
            f"azure-native:storage:{kind}",
            ("accountName",),
            (2, 8),
            "Storage resource provider's error codes; pulumi/pulumi-azure-native#4497",
            tuple(
                Early(
                    f"azure-native:storage:{other}",
                    "accountName",
                    'Status=409 Code="StorageAccountOperationInProgress" Message="An operation is currently performing '
                    'on this storage account that requires exclusive access."',
                    retried_seconds=_RETRIED,
                )
                for other in ("BlobServiceProperties", "ManagementPolicy")
            ),
            waited=True,
        )
        for kind in ("BlobServiceProperties", "ManagementPolicy")
    ),
)
