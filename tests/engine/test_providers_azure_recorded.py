"""The azure-native stand-in on the real engine, with no box: ids, names, outputs, refusals and what a change does."""

import pytest

from tests.engine.conftest import Stack

SITE = """
    import base64, pulumi
    from pulumi_azure_native import authorization, compute, keyvault, managedidentity, network, resources, storage
    settings = pulumi.Config()
    group = resources.ResourceGroup("standby", location="Korea Central")
    inside = {"resource_group_name": group.name}
    vnet = network.VirtualNetwork("vnet", address_space={"address_prefixes": ["10.40.0.0/16"]}, **inside)
    nsg = network.NetworkSecurityGroup("nsg", security_rules=[{
        "name": "https", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "source_address_prefix": settings.get("admitted") or "Internet", "source_port_range": "*",
        "destination_address_prefix": "*", "destination_port_range": "443",
    }], **inside)
    subnet = network.Subnet(
        "app", virtual_network_name=vnet.name, address_prefix="10.40.1.0/24", default_outbound_access=False,
        network_security_group={"id": nsg.id}, **inside,
    )
    address = network.PublicIPAddress(
        "address", sku={"name": "Standard"}, public_ip_allocation_method="Static", **inside)
    nic = network.NetworkInterface("nic", ip_configurations=[{
        "name": "one", "subnet": {"id": subnet.id}, "public_ip_address": {"id": address.id},
        "private_ip_allocation_method": "Static", "private_ip_address": "10.40.1.10",
    }], **inside)
    who = managedidentity.UserAssignedIdentity("who", **inside)
    account = storage.StorageAccount(
        "backup", account_name="drbackup01", kind="StorageV2", sku={"name": "Standard_LRS"},
        allow_blob_public_access=False, minimum_tls_version="TLS1_2", **inside,
    )
    backups = storage.BlobContainer("mysql-backup", account_name=account.name, **inside)
    page = storage.Blob(
        "page", account_name=account.name, container_name=backups.name,
        source=pulumi.StringAsset(settings.get("page") or "one"), **inside,
    )
    assignment = authorization.RoleAssignment(
        "reads", principal_id=who.principal_id, principal_type="ServicePrincipal", scope=backups.id,
        role_definition_id="/subscriptions/5b0f4a70-7ab1-4c11-9d52-1ab000000001/providers/Microsoft.Authorization/"
        "roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    )
    vault = keyvault.Vault("vault", properties={
        "sku": {"family": "A", "name": "standard"}, "tenant_id": who.tenant_id, "enable_rbac_authorization": True,
    }, **inside)
    password = keyvault.Secret("password", vault_name=vault.name, properties={
        "value": pulumi.Output.secret(settings.get("password") or "clear-one")}, **inside)
    machine = compute.VirtualMachine(
        "vm", hardware_profile={"vm_size": settings.get("size") or "Standard_B2s"},
        network_profile={"network_interfaces": [{"id": nic.id, "primary": True}]},
        identity={"type": "UserAssigned", "user_assigned_identities": [who.id]},
        os_profile={
            "computer_name": "standby", "admin_username": "operator",
            "custom_data": base64.b64encode((settings.get("data") or "#!/bin/sh").encode()).decode(),
            "linux_configuration": {
                "disable_password_authentication": True,
                "ssh": {"public_keys": [{"key_data": "ssh-ed25519 AAAA", "path": "/ho" + "me/x/.ssh/authorized_keys"}]},
            },
        },
        opts=pulumi.ResourceOptions(
            replace_on_changes=["osProfile.customData"] if settings.get_bool("replace") else None
        ), **inside,
    )
    pulumi.export("address", address.ip_address)
    pulumi.export("blob", account.primary_endpoints.blob)
    pulumi.export("web", account.primary_endpoints.web)
    pulumi.export("group", group.id)
    pulumi.export("container", backups.id)
    pulumi.export("assignment", assignment.id)
    pulumi.export("url", page.url)
    pulumi.export("vault", vault.properties.vault_uri)
    pulumi.export("uri", password.properties.secret_uri_with_version)
    pulumi.export("machine", machine.vm_id)
    pulumi.export("private", nic.ip_configurations[0].private_ip_address)
    pulumi.export("identity", machine.identity)
    pulumi.export("principal", who.principal_id)
"""
SUBSCRIPTION = "/subscriptions/5b0f4a70-7ab1-4c11-9d52-1ab000000001"


@pytest.fixture
def site(stack: Stack) -> Stack:
    stack.program(SITE)
    stack.up()
    return stack


def test_ids_names_and_addresses_look_like_azures(site: Stack) -> None:
    found = site.outputs()
    group = found["group"]
    assert group.startswith(f"{SUBSCRIPTION}/resourceGroups/standby")
    assert len(group) == len(f"{SUBSCRIPTION}/resourceGroups/standby") + 8
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/drbackup01"
    assert found["container"] == f"{account}/blobServices/default/containers/mysql-backup"
    assert found["assignment"].startswith(found["container"] + "/providers/Microsoft.Authorization/roleAssignments/")
    assert found["blob"] == "https://drbackup01.blob.core.windows.net/"
    assert found["web"].startswith("https://drbackup01.z")
    assert found["web"].endswith(".web.core.windows.net/")
    assert found["url"] == "https://drbackup01.blob.core.windows.net/mysql-backup/page"
    assert found["vault"].endswith(".vault.azure.net/")
    assert found["uri"].startswith(found["vault"] + "secrets/password/")
    assert found["private"] == "10.40.1.10"
    assert found["address"].startswith("203.0.113.")
    ((_, who),) = found["identity"]["userAssignedIdentities"].items()
    assert who["principalId"] == found["principal"]
    state = site.state()
    assert state["vnet"]["outputs"]["location"] == "koreacentral"
    assert state["nsg"]["outputs"]["type"] == "Microsoft.Network/networkSecurityGroups"
    assert len(state["nsg"]["outputs"]["defaultSecurityRules"]) == 6
    assert "customData" not in state["vm"]["outputs"]["osProfile"]


def test_a_second_up_changes_nothing_and_destroy_leaves_nothing(site: Stack) -> None:
    site.up("--expect-no-changes")
    site.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert "clear-one" not in site.must("stack", "export")
    site.must("destroy", "--yes", "--skip-preview")
    assert site.state() == {}


def test_sizes_and_rules_change_in_place_and_new_content_replaces_a_blob(site: Stack) -> None:
    site.config("admitted", "203.0.113.0/24")
    site.config("size", "Standard_B4ms")
    site.config("password", "clear-two")
    assert site.steps() == {"nsg": "update", "vm": "update", "password": "update"}
    before = site.outputs()
    said = site.up()
    after = site.outputs()
    assert after["machine"] == before["machine"]
    assert after["uri"] != before["uri"], "a new value is a new version"
    assert "clear-two" not in said + site.must("stack", "export")
    site.up("--expect-no-changes")
    site.config("page", "two")
    said = site.up()
    assert said.index("page deleted original") < said.index("page created replacement")


def test_changed_custom_data_is_refused_as_azure_does_unless_the_program_replaces_on_it(site: Stack) -> None:
    first = site.outputs()["machine"]
    site.config("data", "#!/bin/bash")
    assert site.steps() == {"vm": "update"}, "the provider does not replace on it (pulumi-azure-native#577)"
    code, said = site.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "PropertyChangeNotAllowed" in said
    assert "osProfile.customData" in said
    site.config("replace", "true")
    assert "replace" in site.steps()["vm"]
    site.up()
    assert site.outputs()["machine"] != first
    site.up("--expect-no-changes")


REFUSED = {
    'storage.StorageAccount("a-b", account_name="dr-backup", kind="StorageV2", sku={"name": "Standard_LRS"}, **inside)':
        "'accountName' does not match expression '^[a-z0-9]+$'",
    'storage.BlobServiceProperties("soft", account_name="a", is_versioning_enabled=True, **inside)':
        "'blobServicesName' should be equal to \"default\"",
    'network.PublicIPAddress("p", **inside)': "Basic is retired",
    'network.VirtualNetwork("v", address_space={"address_prefixes": ["10.0.0.1/16"]}, **inside)':
        "InvalidAddressPrefixFormat",
    'network.SecurityRule("r", network_security_group_name="n", access="Allow", direction="Inbound", priority=99, '
    'protocol="Tcp", source_address_prefix="*", source_port_range="*", destination_address_prefix="*", '
    'destination_port_range="22", **inside)': "SecurityRuleInvalidPriority",
    'authorization.RoleAssignment("x", principal_id="p", scope="/subscriptions/s", role_definition_id="Reader")':
        "BadRequestFormat",
    'compute.VirtualMachine("m", os_profile={"custom_data": "#!/bin/sh"}, **inside)': "must be in Base64 encoding",
    'dbformysql.Server("server", administrator_login="admin", administrator_login_password="x", '
    'sku={"name": "Standard_B1ms", "tier": "Burstable"}, **inside)': "is reserved on a flexible server",
    'keyvault.Vault("k", properties={"sku": {"family": "A", "name": "standard"}, "tenant_id": "t"}, **inside)':
        "enableRbacAuthorization",
    'sql.Server("s", **inside)': "resource type azure-native:sql:Server is not supported in the twinsite lab",
    'storage.BlobContainer("c", **inside)': "account_name",
}  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_what_azure_or_its_provider_refuses_is_refused_in_the_preview(stack: Stack, line: str) -> None:
    stack.program(f"""
    from pulumi_azure_native import authorization, compute, dbformysql, keyvault, network, sql, storage
    inside = {{"resource_group_name": "g"}}
    {line}
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert REFUSED[line] in said


KEYLESS = """
    import pulumi
    from pulumi_azure_native import resources, storage
    group = resources.ResourceGroup("g", location="koreacentral")
    inside = {{"resource_group_name": group.name}}
    account = storage.StorageAccount("a", account_name="drpages01", kind="StorageV2", sku={{"name": "Standard_LRS"}},
                                     allow_shared_key_access={keys}, **inside)
    web = storage.StorageAccountStaticWebsite("w", account_name=account.name, index_document="index.html", **inside)
    if {blob}:
        storage.Blob("healthz", account_name=account.name, container_name=web.container_name,
                     source=pulumi.StringAsset("{text}"), **inside)
"""


def test_a_blob_needs_an_account_that_takes_keys_to_be_made_changed_and_deleted_and_a_website_does_not(
    stack: Stack,
) -> None:
    refused = (
        'blob properties "healthz" (container "$web" / account "drpages01"): RESPONSE 403: 403 Key based '
        "authentication is not permitted on this storage account. ERROR CODE: KeyBasedAuthenticationNotPermitted"
    )
    stack.program(KEYLESS.format(keys=False, blob=True, text="ok"))
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert refused in said
    assert "w" in stack.state(), "the website is switched on with the caller's own token"
    stack.program(KEYLESS.format(keys=True, blob=True, text="ok"))
    stack.up()
    stack.program(KEYLESS.format(keys=False, blob=True, text="ok"))
    stack.up()
    for blob, text in ((True, "other"), (False, "")):
        stack.program(KEYLESS.format(keys=False, blob=blob, text=text))
        code, said = stack.run("up", "--yes", "--skip-preview")
        assert code != 0, said
        assert 'deleting blob "healthz"' in said


def test_a_resource_without_any_location_is_refused_with_the_command_that_gives_it(stack: Stack) -> None:
    stack.program("""
        from pulumi_azure_native import resources
        resources.ResourceGroup("group")
    """)
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "pulumi config set azure-native:location" in said
    stack.config("azure-native:location", "koreacentral")
    stack.up()
