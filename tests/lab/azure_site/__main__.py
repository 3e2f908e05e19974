"""A small Azure site for tests of the lab: two stores, a vault, an identity with roles, and a machine."""

import base64

import pulumi
from pulumi_azure_native import (
    authorization,
    compute,
    dbformysql,
    keyvault,
    managedidentity,
    network,
    privatedns,
    resources,
    storage,
)

settings = pulumi.Config()
SUBSCRIPTION = "/subscriptions/5b0f4a70-7ab1-4c11-9d52-1ab000000001"
ROLES = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
BLOB_READER, BLOB_CONTRIBUTOR, SECRETS_USER = (
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "4633458b-17de-408a-b874-0445c86b69e6",
)

group = resources.ResourceGroup("site", resource_group_name="site-rg", location="koreacentral")
inside = {"resource_group_name": group.name}
reader = managedidentity.UserAssignedIdentity("reader", **inside)
writer = managedidentity.UserAssignedIdentity("writer", **inside)
managedidentity.FederatedIdentityCredential(
    "job",
    issuer="https://oidc.eks.ap-northeast-2.amazonaws.com/id/1AB0C1A55E5000000000000000000001",
    subject="system:serviceaccount:petclinic:rds-backup",
    audiences=["api://AzureADTokenExchange"],
    **inside,
    resource_name_=writer.name,
)


def account(name: str, public: bool) -> storage.StorageAccount:
    return storage.StorageAccount(
        name,
        account_name=name,
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
        allow_blob_public_access=public,
        # The provider's Blob signs with the account's key.
        allow_shared_key_access=True,
        minimum_tls_version="TLS1_2",
        **inside,
    )


backup, pages = account("drbackuplab", public=False), account("drpageslab", public=True)
backups = storage.BlobContainer("mysql-backup", account_name=backup.name, **inside)
guests = storage.BlobContainer("guests", account_name=backup.name, **inside)
opened = storage.BlobContainer("opened", account_name=pages.name, public_access="Blob", **inside)
web = storage.StorageAccountStaticWebsite(
    "web", account_name=pages.name, index_document="index.html", error404_document="404.html", **inside
)
for name, text in {"index.html": "<h1>notice</h1>", "404.html": "<h1>nothing</h1>"}.items():
    storage.Blob(
        name,
        account_name=pages.name,
        container_name=web.container_name,
        source=pulumi.StringAsset(text),
        content_type="text/html",
        **inside,
    )
storage.Blob(
    "document", account_name=backup.name, container_name=guests.name, source=pulumi.StringAsset("read me"), **inside
)
storage.Blob(
    "shown", account_name=pages.name, container_name=opened.name, source=pulumi.StringAsset("for all"), **inside
)


def gives(name: str, role: str, who: managedidentity.UserAssignedIdentity, scope: pulumi.Output[str]) -> None:
    authorization.RoleAssignment(
        name,
        principal_id=who.principal_id,
        principal_type="ServicePrincipal",
        role_definition_id=f"{ROLES}/{role}",
        scope=scope,
    )


gives("writes", BLOB_CONTRIBUTOR, writer, backups.id)
if settings.get_bool("reads"):
    gives("reads", BLOB_READER, reader, guests.id)
vault = keyvault.Vault(
    "vault",
    vault_name="dr-vault-lab",
    properties={
        "sku": {"family": "A", "name": "standard"},
        "tenant_id": reader.tenant_id,
        "enable_rbac_authorization": True,
    },
    **inside,
)
secret = keyvault.Secret(
    "password", vault_name=vault.name, properties={"value": pulumi.Output.secret("tell-nobody-1")}, **inside
)
gives("asks", SECRETS_USER, reader, secret.id)

nsg = network.NetworkSecurityGroup(
    "nsg",
    security_rules=[
        {
            "name": "https",
            "priority": 100,
            "direction": "Inbound",
            "access": settings.get("access") or "Allow",
            "protocol": "Tcp",
            "source_address_prefix": "Internet",
            "source_port_range": "*",
            "destination_address_prefix": "*",
            "destination_port_range": "443",
        }
    ],
    **inside,
)
vnet = network.VirtualNetwork("vnet", address_space={"address_prefixes": ["10.40.0.0/16"]}, **inside)
subnet = network.Subnet(
    "app",
    virtual_network_name=vnet.name,
    address_prefix="10.40.1.0/24",
    network_security_group={"id": nsg.id},
    default_outbound_access=False,
    **inside,
)
address = network.PublicIPAddress("address", sku={"name": "Standard"}, public_ip_allocation_method="Static", **inside)
nic = network.NetworkInterface(
    "nic",
    ip_configurations=[{"name": "one", "subnet": {"id": subnet.id}, "public_ip_address": {"id": address.id}}],
    **inside,
)
CUSTOM_DATA = """#cloud-config
write_files:
  - path: /srv/index.html
    content: "served from custom data"
runcmd:
  - [sh, -c, "cd /srv && setsid python3 -m http.server 443 >/dev/null 2>&1 &"]
"""
disk = compute.Disk("data", disk_size_gb=4, creation_data={"create_option": "Empty"}, **inside)
machine = compute.VirtualMachine(
    "vm",
    vm_name="standby",
    hardware_profile={"vm_size": "Standard_B2s"},
    identity={"type": "UserAssigned", "user_assigned_identities": [reader.id]},
    network_profile={"network_interfaces": [{"id": nic.id, "primary": True}]},
    storage_profile={"data_disks": [{"lun": 0, "create_option": "Attach", "managed_disk": {"id": disk.id}}]},
    os_profile={
        "computer_name": "standby",
        "admin_username": "operator",
        "custom_data": base64.b64encode(CUSTOM_DATA.encode()).decode(),
        "linux_configuration": {
            "disable_password_authentication": True,
            "ssh": {
                "public_keys": [{"key_data": "ssh-ed25519 AAAA", "path": "/ho" + "me/operator/.ssh/authorized_keys"}]
            },
        },
    },
    **inside,
)
compute.VirtualMachineRunCommandByVirtualMachine(
    "gate",
    vm_name=machine.name,
    source={"script": settings.get("gate") or "cloud-init status --wait >/dev/null; test -s /srv/index.html"},
    timeout_in_seconds=120,
    treat_failure_as_deployment_failure=True,
    **inside,
)
data = network.Subnet(
    "data",
    virtual_network_name=vnet.name,
    address_prefix="10.40.2.0/24",
    delegations=[{"name": "mysql", "service_name": "Microsoft.DBforMySQL/flexibleServers"}],
    **inside,
)
zone = privatedns.PrivateZone(
    "zone", private_zone_name="dr-mysql-lab.private.mysql.database.azure.com", location="global", **inside
)
link = privatedns.VirtualNetworkLink(
    "link",
    private_zone_name=zone.name,
    location="global",
    registration_enabled=False,
    virtual_network={"id": vnet.id},
    **inside,
)
server = dbformysql.Server(
    "server",
    server_name="dr-mysql-lab",
    administrator_login="dbadmin",
    administrator_login_password=pulumi.Output.secret(settings.get("password") or "tell-nobody-2"),
    sku={"name": "Standard_B2s", "tier": "Burstable"},
    version="8.4",
    network={"delegated_subnet_resource_id": data.id, "private_dns_zone_resource_id": zone.id},
    opts=pulumi.ResourceOptions(depends_on=[link]),
    **inside,
)
dbformysql.Configuration(
    "local_infile", server_name=server.name, value=settings.get("infile") or "ON", source="user-override", **inside
)
dbformysql.Database("petclinic", server_name=server.name, charset="utf8mb4", **inside)
pulumi.export("address", address.ip_address)
pulumi.export("web", pages.primary_endpoints.web)
pulumi.export("machine", machine.id)
pulumi.export("reader", reader.client_id)
pulumi.export("writer", writer.client_id)
