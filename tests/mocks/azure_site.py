"""The Azure site of topology aws-azure under mocks: every component of it, and what Azure would have computed."""

from collections.abc import Callable
from typing import Any

import pulumi

from twinsite import AzureNetwork, BackupJob, BackupStore, SecretVault
from twinsite.database.standby_database import StandbyDatabase, StandbyDatabaseKind
from twinsite.machine.cold_warm_vm import ColdWarmVm
from twinsite.modes import DrMode

from .harness import Run, run

GROUP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/dr-petclinic-rg"
LATCHES = [
    "https://petclinicdrpub.z12.web.core.windows.net/latch/dr",
    "https://petclinicdrlatch.z23.web.core.windows.net/latch/dr",
]
SHA = "ab" * 32
IMAGE = "registry.example.com/backup@sha256:" + "cd" * 32
OPERATOR = {"principal_id": "operator-object-id", "principal_type": "ServicePrincipal"}


def named(field: str) -> Any:
    return lambda name, inputs: {"name": inputs.get(field, name)}


def identity(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "clientId": f"{name}-client", "principalId": f"{name}-principal", "tenantId": "tenant"}


def secret(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    uri = f"https://{inputs['vaultName']}.vault.azure.net/secrets/{inputs['secretName']}"
    return {
        "name": inputs["secretName"],
        "properties": {"secretUri": uri, "secretUriWithVersion": f"{uri}/0123456789abcdef0123456789abcdef"},
    }


FILL = {
    "azure-native:resources:ResourceGroup": named("resourceGroupName"),
    "azure-native:network:VirtualNetwork": lambda name, inputs: {"name": name},
    "azure-native:network:PublicIPAddress": lambda name, inputs: {"ipAddress": "203.0.113.50"},
    "azure-native:storage:StorageAccount": named("accountName"),
    "azure-native:storage:BlobContainer": named("containerName"),
    "azure-native:managedidentity:UserAssignedIdentity": identity,
    "azure-native:keyvault:Vault": named("vaultName"),
    "azure-native:keyvault:Secret": secret,
    "azure-native:privatedns:PrivateZone": named("privateZoneName"),
    "azure-native:dbformysql:Server": lambda name, inputs: {
        "name": inputs["serverName"],
        "fullyQualifiedDomainName": f"{inputs['serverName']}.mysql.database.azure.com",
    },
    # Azure takes identities as a list and answers with a map.
    "azure-native:compute:VirtualMachine": lambda name, inputs: {
        "name": inputs["vmName"],
        "vmId": f"{name}-unique",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"site-reader-id": {"clientId": "client"}}},
    },
    "tls:index/privateKey:PrivateKey": lambda name, inputs: {
        "privateKeyOpenssh": "PRIVATE",
        "privateKeyPem": "-----BEGIN EC PRIVATE KEY-----\nPRIVATE",
        "publicKeyOpenssh": "ssh-ed25519 PUBLIC\n",
    },
    "tls:index/selfSignedCert:SelfSignedCert": lambda name, inputs: {
        "certPem": "-----BEGIN CERTIFICATE-----\nAUTHORITY"
    },
    "tls:index/certRequest:CertRequest": lambda name, inputs: {"certRequestPem": "REQUEST"},
    "tls:index/locallySignedCert:LocallySignedCert": lambda name, inputs: {
        "certPem": "-----BEGIN CERTIFICATE-----\nSERVER"
    },
}

# Azure's ids say where a resource is; role definitions and scopes are made from them.
ID_TYPES = {
    "azure-native:storage:StorageAccount": lambda i: (
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{i['accountName']}"
    ),
    "azure-native:storage:BlobContainer": lambda i: (
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{i['accountName']}/blobServices/default/containers/"
        f"{i['containerName']}"
    ),
    "azure-native:keyvault:Vault": lambda i: f"{GROUP}/providers/Microsoft.KeyVault/vaults/{i['vaultName']}",
}


def site(
    mode: DrMode = DrMode.WARM,
    kind: StandbyDatabaseKind = StandbyDatabaseKind.FLEXIBLE,
    active: bool = False,
    vm: dict[str, Any] | None = None,
    store: dict[str, Any] | None = None,
    vault: dict[str, Any] | None = None,
    database: dict[str, Any] | None = None,
    network: dict[str, Any] | None = None,
    job: dict[str, Any] | None = None,
    give: Callable[[Any], Any] = lambda component: component,
) -> Run:
    """Run the site's program; the dictionaries change arguments, `give` is what one component gives to another."""

    def program() -> None:
        common = {"site_is_active": active, "latch_urls": LATCHES}
        net = AzureNetwork(
            "site",
            {
                "location": "koreacentral",
                "resource_group": "dr-petclinic-rg",
                "vnet_range": "10.60.0.0/16",
                "application_range": "10.60.1.0/24",
                "database_range": "10.60.2.0/24",
                "managed_database": kind == StandbyDatabaseKind.FLEXIBLE,
                **(network or {}),
            },
        )
        backups = BackupStore(
            "site",
            {
                "resource_group": net.resource_group,
                "location": "koreacentral",
                "account": "petclinicdrbackup",
                "public_accounts": ["petclinicdrpub", "petclinicdrlatch"],
                "writer": {
                    "issuer": "https://oidc.eks.ap-northeast-2.amazonaws.com/id/ABC",
                    "namespace": "petclinic",
                    "service_account": "rds-backup",
                },
                "operators": [OPERATOR],
                **common,
                **(store or {}),
            },
        )
        secrets = SecretVault(
            "site",
            {
                "resource_group": net.resource_group,
                "location": "koreacentral",
                "vault": "dr-petclinic-kv",
                "tenant_id": backups.tenant_id,
                "generated": ["database-password", "application-password", "origin-header"],
                "given": {"origin-certificate": "-----BEGIN PRIVATE KEY-----\nVERY-SECRET-KEY"},
                "readers": {"reader": backups.reader_principal_id},
                **common,
                **(vault or {}),
            },
        )
        standby = StandbyDatabase(
            "site",
            {
                "dr_mode": mode,
                "kind": kind,
                "server": "dr-petclinic-mysql",
                "resource_group": net.resource_group,
                "location": "koreacentral",
                "vnet_id": net.vnet_id,
                "subnet_id": net.database_subnet_id,
                "subnet_range": "10.60.2.0/24",
                "user": "dbadmin",
                "password_secret": "database-password",
                "application_password_secret": "application-password",
                "schema": "petclinic",
                "vault": give(secrets),
                "store": give(backups),
                **common,
                **(database or {}),
            },
        )
        ColdWarmVm(
            "site",
            {
                "dr_mode": mode,
                "host": "azure-standby",
                "resource_group": net.resource_group,
                "location": "koreacentral",
                "subnet_id": net.application_subnet_id,
                "public_address_id": net.public_address_id,
                "store": give(backups),
                "vault": give(secrets),
                "database": give(standby),
                "application": {
                    "artefact": "artefacts/petclinic-1.0.war",
                    "sha256": SHA,
                    "context": "/petclinic",
                    "health_path": "/petclinic/",
                },
                "origin": {
                    "host": "origin-dr.example.com",
                    "certificate_secret": "origin-certificate",
                    "header_secret": "origin-header",
                },
                **common,
                **(vm or {}),
            },
        )
        BackupJob(
            "site",
            {
                "namespace": "petclinic",
                "image": IMAGE,
                "schedule": "17 18 * * *",
                "database": {
                    "address": "petclinic.rds.example.com",
                    "user": "backup",
                    "password": pulumi.Output.from_input("VERY-SECRET-RDS"),
                    "schema": "petclinic",
                },
                "store": give(backups),
                "tags": {"twinsite:stack": "dr"},
                **(job or {}),
            },
        )

    return run(program, fill=FILL, ids=ID_TYPES)
