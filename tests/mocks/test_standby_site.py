"""The Azure site: what exists in which mode, its options, its secrets, who may do what."""

import base64
import gzip
import json
import re
from typing import Any

import pytest
import yaml

from twinsite import BackupStore, backup_timer
from twinsite.database.standby_database import StandbyDatabaseKind
from twinsite.guest.backup import config as backup_config
from twinsite.guest.backup import timer
from twinsite.guest.standby.config import Own, parse
from twinsite.modes import DrMode
from twinsite.payload import payload_sha256
from twinsite.rules import Refused

from .azure_site import FILL, GROUP, ID_TYPES, IMAGE, OPERATOR, site
from .harness import Registered, Run, run

VM = "azure-native:compute:VirtualMachine"
GATE = "azure-native:compute:VirtualMachineRunCommandByVirtualMachine"
SERVER = "azure-native:dbformysql:Server"
DISK = "azure-native:compute:Disk"
INTERFACE = "azure-native:network:NetworkInterface"
ROLE = "azure-native:authorization:RoleAssignment"
BLOB = "azure-native:storage:Blob"
CRONJOB = "kubernetes:batch/v1:CronJob"
SECRETS = ("VERY-SECRET-KEY", "VERY-SECRET-RDS", "abcdefghijklmnopqrstuvwxyzabcdef")


@pytest.fixture(scope="module")
def warm() -> Run:
    return site()


@pytest.fixture(scope="module")
def cold() -> Run:
    return site(DrMode.COLD)


def by_name(found: Run) -> dict[tuple[str, str], Registered]:
    return {(resource.type, resource.name): resource for resource in found.resources if resource.custom}


def custom_data(found: Run) -> str:
    profile = found.one("site-azure-standby-vm", VM).inputs["osProfile"]
    return base64.b64decode(profile["customData"]).decode()


def desired(found: Run, name: str = "site-azure-standby-desired") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(found.one(name, BLOB).inputs["source"]["text"])
    return document


def test_cold_has_no_machine_no_interface_and_no_database(cold: Run) -> None:
    assert [r.name for r in cold.resources if r.type in (VM, GATE, SERVER, DISK, INTERFACE)] == []


@pytest.mark.parametrize("kind", list(StandbyDatabaseKind))
def test_warm_only_adds_to_cold_and_changes_nothing_of_it(kind: StandbyDatabaseKind) -> None:
    lower, upper = by_name(site(DrMode.COLD, kind)), by_name(site(DrMode.WARM, kind))
    assert set(lower) < set(upper)
    assert {key: resource.inputs for key, resource in upper.items() if key in lower} == {
        key: resource.inputs for key, resource in lower.items()
    }
    assert {key[0].split(":")[0] for key in set(upper) - set(lower)} <= {"azure-native", "pulumi", "random", "tls"}


def test_static_address_identities_vault_and_store_are_there_in_cold(cold: Run) -> None:
    kinds = {resource.type.split(":", 1)[1] for resource in cold.resources if resource.custom}
    assert {
        "network:PublicIPAddress",
        "managedidentity:UserAssignedIdentity",
        "keyvault:Vault",
        "storage:StorageAccount",
        "network:VirtualNetwork",
    } <= kinds


def test_the_custom_data_only_bootstraps_and_holds_no_secret(warm: Run) -> None:
    text = custom_data(warm)
    assert len(text.encode()) <= 65535
    files = {file["path"]: file for file in yaml.safe_load(text)["write_files"]}
    assert json.loads(files["/etc/twinsite/agent.json"]["content"]) == {
        "cloud": "azure",
        "account": "petclinicdrbackup",
        "host": "azure-standby",
        "client_id": "site-reader-client",
        "vault": "dr-petclinic-kv",
    }
    unpacked = text + "".join(
        gzip.decompress(base64.b64decode(file["content"])).decode()
        for file in files.values()
        if file.get("encoding") == "gz+b64"
    )
    assert [secret for secret in SECRETS if secret in unpacked] == []
    assert "PRIVATE KEY-----" not in unpacked


def test_secrets_are_inputs_of_vault_cluster_and_database_server_only(warm: Run) -> None:
    holders = {
        (resource.type, resource.name)
        for resource in warm.resources
        if any(secret in json.dumps(resource.inputs) for secret in SECRETS)
    }
    assert holders == {
        ("azure-native:keyvault:Secret", "site-database-password"),
        ("azure-native:keyvault:Secret", "site-application-password"),
        ("azure-native:keyvault:Secret", "site-origin-header"),
        ("azure-native:keyvault:Secret", "site-origin-certificate"),
        ("azure-native:dbformysql:Server", "site-server"),
        ("kubernetes:core/v1:Secret", "site-secret"),
    }
    for name in (
        "site-database-password",
        "site-application-password",
        "site-origin-header",
        "site-origin-certificate",
    ):
        assert warm.one(name, "azure-native:keyvault:Secret").holds_secret("properties", "value")
    assert warm.one("site-server", SERVER).holds_secret("administratorLoginPassword")
    assert warm.one("site-secret", "kubernetes:core/v1:Secret").holds_secret("stringData", "backup.secrets.json")


def test_the_machine_carries_the_reader_identity_and_no_password(warm: Run) -> None:
    inputs = warm.one("site-azure-standby-vm", VM).inputs
    assert inputs["identity"] == {"type": "UserAssigned", "userAssignedIdentities": ["site-reader-id"]}
    assert inputs["osProfile"]["linuxConfiguration"]["disablePasswordAuthentication"] is True
    assert "adminPassword" not in inputs["osProfile"]


def test_a_changed_bootstrap_replaces_the_machine_old_one_first(warm: Run) -> None:
    request = warm.one("site-azure-standby-vm", VM).request
    assert sorted(request.replaceOnChanges) == ["osProfile.customData", "storageProfile.imageReference"]
    assert request.deleteBeforeReplace is True


def test_the_machine_is_kept_serving_by_hooks_that_run_in_preview_too(warm: Run) -> None:
    hooks = warm.one("site-azure-standby-vm", VM).request.hooks
    assert list(hooks.before_delete) == ["site-azure-standby-vm-keep-serving"]
    assert list(hooks.before_update) == ["site-azure-standby-vm-keep-running"]


@pytest.mark.parametrize("mode", [DrMode.COLD, DrMode.WARM])
@pytest.mark.parametrize("kind", list(StandbyDatabaseKind))
def test_everything_stateful_is_kept_while_active_in_every_mode(kind: StandbyDatabaseKind, mode: DrMode) -> None:
    found = site(mode, kind)
    stateful = {
        "azure-native:storage:StorageAccount",
        "azure-native:storage:BlobContainer",
        "azure-native:keyvault:Vault",
        SERVER,
        DISK,
    }
    resources = [resource for resource in found.resources if resource.type in stateful]
    assert len(resources) == 8 + (mode == DrMode.WARM)
    assert [
        r.name for r in resources if not [h for h in r.request.hooks.before_delete if "keep-while-active" in h]
    ] == []


@pytest.mark.parametrize("kind", list(StandbyDatabaseKind))
def test_what_warm_makes_first_asks_for_a_backup_and_the_rest_has_to_wait_for_it(kind: StandbyDatabaseKind) -> None:
    found = site(DrMode.WARM, kind)
    below = {resource.urn for resource in site(DrMode.COLD, kind).resources}
    added = [resource for resource in found.resources if resource.urn not in below]
    first = {one.urn: one.name for one in added if [h for h in one.request.hooks.before_create if "restorable" in h]}
    database = {"site-way-out", "site-dr-petclinic-mysql"}
    if kind == StandbyDatabaseKind.FLEXIBLE:
        database = {"site-server", "site-server-name"}
    assert set(first.values()) == {"site-azure-standby", *database}
    alone = [one.name for one in added if one.urn not in first and not {one.parent, *one.depends_on} & set(first)]
    assert alone == []


def test_the_gate_waits_for_the_machines_own_verdict_and_is_keyed_on_its_id(warm: Run) -> None:
    gate = warm.one("site-azure-standby-gate", GATE)
    assert gate.inputs["treatFailureAsDeploymentFailure"] is True
    assert gate.inputs["asyncExecution"] is False
    assert gate.inputs["timeoutInSeconds"] == 1800
    script = gate.inputs["source"]["script"]
    assert "Machine site-azure-standby-vm-unique," in script
    assert "role='standby'" in script and "timeout='1770'" in script
    assert re.search(r"wanted='[0-9a-f]{16}'", script)
    assert "${" not in re.sub(r"\$\{?[A-Za-z_]+\b(?!\})", "", script).replace("$(", "")


def test_the_machines_document_names_payload_backups_and_references_only(warm: Run) -> None:
    document = desired(warm)
    assert document["role"] == "standby" and document["secret"] is None
    assert document["payload_key"] == f"payload/{payload_sha256('standby')}.tar.gz.b64"
    config = document["config"]
    assert config["database"]["password_secret"] == "azkv://dr-petclinic-kv/database-password"
    assert config["database"]["application"] == {
        "user": "application",
        "password_secret": "azkv://dr-petclinic-kv/application-password",
    }
    assert config["origin"]["secret"] == "azkv://dr-petclinic-kv/origin-header"
    assert config["origin"]["certificate"] == "azkv://dr-petclinic-kv/origin-certificate"
    assert config["backups"] == "azblob://petclinicdrbackup/mysql-backup"
    assert config["which"] == "latest"
    assert parse(config).database.place == "dr-petclinic-mysql-0123abcd.mysql.database.azure.com:3306/petclinic"


def test_a_rotated_secret_changes_the_document(warm: Run) -> None:
    versions = desired(warm)["config"]["secret_versions"]
    assert set(versions) == {"application-password", "database-password", "origin-certificate", "origin-header"}


def test_only_443_is_open_and_ssh_is_not(warm: Run) -> None:
    rules = warm.one("site-application", "azure-native:network:NetworkSecurityGroup").inputs["securityRules"]
    allowed = [
        (rule["sourceAddressPrefix"], rule["destinationPortRange"]) for rule in rules if rule["access"] == "Allow"
    ]
    assert allowed == [("Internet", "443")]
    assert [rule["priority"] for rule in rules if rule["access"] == "Deny"] == [4096]


def test_the_database_answers_the_application_subnet_only(warm: Run) -> None:
    rules = warm.one("site-database", "azure-native:network:NetworkSecurityGroup").inputs["securityRules"]
    assert [(r["sourceAddressPrefix"], r["destinationPortRange"], r["access"]) for r in rules] == [
        ("10.60.1.0/24", "3306", "Allow"),
        ("VirtualNetwork", "*", "Deny"),
    ]


def test_no_subnet_relies_on_default_outbound_access(warm: Run) -> None:
    subnets = warm.of("azure-native:network:Subnet")
    assert [subnet.inputs["defaultOutboundAccess"] for subnet in subnets] == [False, False]
    interface = warm.one("site-azure-standby-interface", INTERFACE).inputs["ipConfigurations"][0]
    assert interface["publicIPAddress"] == {"id": "site-address-id"}


def roles(found: Run) -> set[tuple[str, str, str]]:
    names = {
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "blob contributor",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "blob reader",
        "4633458b-17de-408a-b874-0445c86b69e6": "secrets user",
    }
    return {
        (role.inputs["principalId"], names[role.inputs["roleDefinitionId"].rsplit("/", 1)[1]],
         role.inputs["scope"].rsplit("/", 1)[1])
        for role in found.of(ROLE)
    }  # fmt: skip


OPERATOR_READS = ("mysql-backup", "guests", "status", "failback", "standby-backup")


def test_each_identity_may_do_what_its_work_needs_and_nothing_else(warm: Run) -> None:
    operator = OPERATOR["principal_id"]
    assert roles(warm) == {
        ("site-writer-principal", "blob contributor", "mysql-backup"),
        ("site-writer-principal", "blob reader", "failback"),
        ("site-writer-principal", "blob reader", "operations"),
        ("site-reader-principal", "blob reader", "mysql-backup"),
        ("site-reader-principal", "blob reader", "guests"),
        ("site-reader-principal", "blob contributor", "status"),
        ("site-reader-principal", "blob contributor", "failback"),
        ("site-reader-principal", "blob contributor", "standby-backup"),
        ("site-reader-principal", "blob reader", "operations"),
        ("site-reader-principal", "secrets user", "dr-petclinic-kv"),
        (operator, "blob contributor", "operations"),
        *((operator, "blob reader", part) for part in OPERATOR_READS),
    }


def test_roles_are_assigned_in_the_form_that_azure_answers_with(warm: Run) -> None:
    subscription = GROUP.split("/")[2]
    for role in warm.of(ROLE):
        assert role.inputs["roleDefinitionId"].startswith(f"/subscriptions/{subscription}/providers/")
        assert role.inputs["principalType"] == "ServicePrincipal"


def test_the_writer_is_federated_to_one_service_account(warm: Run) -> None:
    credential = warm.one("site-writer", "azure-native:managedidentity:FederatedIdentityCredential").inputs
    assert credential["subject"] == "system:serviceaccount:petclinic:rds-backup"
    assert credential["audiences"] == ["api://AzureADTokenExchange"]
    assert credential["issuer"] == "https://oidc.eks.ap-northeast-2.amazonaws.com/id/ABC"


def test_backups_are_private_versioned_and_kept(warm: Run) -> None:
    account = warm.one("site-account", "azure-native:storage:StorageAccount").inputs
    assert account["allowBlobPublicAccess"] is False
    assert account["minimumTlsVersion"] == "TLS1_2" and account["enableHttpsTrafficOnly"] is True
    assert account["kind"] == "StorageV2"
    service = warm.one("site-service", "azure-native:storage:BlobServiceProperties").inputs
    assert service["isVersioningEnabled"] is True
    assert (
        service["deleteRetentionPolicy"] == service["containerDeleteRetentionPolicy"] == {"enabled": True, "days": 14}
    )
    containers = warm.of("azure-native:storage:BlobContainer")
    assert sorted(container.inputs["containerName"] for container in containers) == [
        "failback", "guests", "mysql-backup", "operations", "standby-backup", "status",
    ]  # fmt: skip
    assert {container.inputs["publicAccess"] for container in containers} == {"None"}
    rules = warm.one("site-lifecycle", "azure-native:storage:ManagementPolicy").inputs["policy"]["rules"]
    by_age = {
        tuple(rule["definition"]["filters"].get("prefixMatch", ())): rule["definition"]["actions"]["baseBlob"]
        for rule in rules
        if "baseBlob" in rule["definition"]["actions"]
    }
    assert by_age == {
        ("failback/backups/",): {"delete": {"daysAfterModificationGreaterThan": 35}},
        ("status/",): {"delete": {"daysAfterModificationGreaterThan": 30}},
    }


SECOND = {"account": "petclinicdrsecond", "location": "koreasouth"}


def test_the_standbys_own_backups_rest_in_a_second_account_that_takes_no_key() -> None:
    found = site(store={"second": SECOND})
    account = found.one("site-second-account", "azure-native:storage:StorageAccount").inputs
    assert (account["accountName"], account["location"]) == ("petclinicdrsecond", "koreasouth")
    assert account["allowSharedKeyAccess"] is account["allowBlobPublicAccess"] is False
    assert found.one("site-second-service").inputs["isVersioningEnabled"] is True
    rules = found.one("site-second-lifecycle").inputs["policy"]["rules"]
    assert [rule["name"] for rule in rules] == ["old-versions"], "no backup goes by its age alone"
    container = found.one("site-standby-backup", "azure-native:storage:BlobContainer")
    assert container.inputs["accountName"] == "petclinicdrsecond"
    assert [one for one in container.request.hooks.before_delete if "keep-while-active" in one]
    mine = [role for role in found.of(ROLE) if "petclinicdrsecond" in role.inputs["scope"]]
    assert {role.inputs["principalId"] for role in mine} == {"site-reader-principal", OPERATOR["principal_id"]}


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"account": "petclinicdrbackup"}, "the account of the other backups"),
        ({"account": "petclinicdrpub"}, "which has public pages"),
        ({"location": "koreacentral"}, "a region's outage would take both"),
        ({"account": "No"}, "3 to 24 lower-case letters and digits"),
    ],
)
def test_a_second_account_that_would_not_outlive_the_first_is_refused(second: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        site(store={"second": {**SECOND, **second}})


def test_job_and_standby_are_told_where_the_writer_is_said_and_where_they_back_up() -> None:
    found = site(
        store={"second": SECOND, "keep_days": 20},
        job={"site": "aws"},
        vm={"backups": {"schedule": "17 18 * * *", "primary_site": "aws"}},
    )
    told = json.loads(found.one("site-told", "kubernetes:core/v1:ConfigMap").inputs["data"]["backup.json"])
    operations = "azblob://petclinicdrbackup/operations"
    assert backup_config.parse(told).writer == backup_config.WriterPlace(operations, "aws", "aws")
    document = parse(desired(found)["config"])
    own = "azblob://petclinicdrsecond/standby-backup"
    assert document.elsewhere == ("azblob://petclinicdrbackup/failback", own)
    assert document.own == Own(own, "17 18 * * *", 20, operations, "aws")


def test_no_rule_of_the_store_deletes_a_backup_by_its_age_and_the_job_knows_how_long_to_keep_them() -> None:
    found = site(store={"keep_days": 20})
    rules = found.one("site-lifecycle", "azure-native:storage:ManagementPolicy").inputs["policy"]["rules"]
    deleting = [rule["definition"] for rule in rules if "baseBlob" in rule["definition"]["actions"]]
    reached = [prefix for one in deleting for prefix in one["filters"].get("prefixMatch", [""])]
    assert [prefix for prefix in reached if "mysql-backup/".startswith(prefix[: len("mysql-backup/")])] == []
    told = json.loads(found.one("site-told", "kubernetes:core/v1:ConfigMap").inputs["data"]["backup.json"])
    assert backup_config.parse(told).keep_days == 20


def test_the_vault_goes_by_roles_and_cannot_be_purged(warm: Run) -> None:
    properties = warm.one("site-vault", "azure-native:keyvault:Vault").inputs["properties"]
    assert properties["enableRbacAuthorization"] is True
    assert properties["enablePurgeProtection"] is True


def test_the_managed_database_is_private_and_set_up_for_a_faithful_restore(warm: Run) -> None:
    server = warm.one("site-server", SERVER).inputs
    assert server["network"]["publicNetworkAccess"] == "Disabled"
    assert server["sku"] == {"name": "Standard_B2s", "tier": "Burstable"}
    settings = {
        r.inputs["configurationName"]: r.inputs["value"] for r in warm.of("azure-native:dbformysql:Configuration")
    }
    assert settings == {
        "local_infile": "ON",
        "log_bin_trust_function_creators": "ON",
        "sql_generate_invisible_primary_key": "OFF",
    }


RELIED_ON = {"time_zone": "+09:00", "sql_mode": "NO_ENGINE_SUBSTITUTION"}


def test_settings_that_the_application_relies_on_are_set_at_a_managed_server_and_known_to_the_restore() -> None:
    found = site(database={"settings": RELIED_ON, "source_version": "8.0.43"})
    assert found.one("site-server", SERVER).inputs["version"] == "8.0.21"
    settings = {
        r.inputs["configurationName"]: r.inputs["value"] for r in found.of("azure-native:dbformysql:Configuration")
    }
    assert settings == {
        "local_infile": "ON",
        "log_bin_trust_function_creators": "ON",
        "sql_generate_invisible_primary_key": "OFF",
        **RELIED_ON,
    }
    assert desired(found)["config"]["database"]["settings"] == ["sql_mode", "time_zone"]


def test_a_database_machine_gets_the_same_settings_in_its_own_files() -> None:
    found = site(kind=StandbyDatabaseKind.MACHINE, database={"settings": RELIED_ON})
    assert desired(found, "site-dr-petclinic-mysql-desired")["config"]["settings"] == RELIED_ON
    assert desired(found)["config"]["database"]["settings"] == ["sql_mode", "time_zone"]


def test_a_database_machine_has_a_disk_of_its_own_and_a_certificate_for_its_address() -> None:
    found = site(kind=StandbyDatabaseKind.MACHINE)
    machine = found.one("site-dr-petclinic-mysql-vm", VM).inputs
    assert machine["storageProfile"]["dataDisks"][0]["managedDisk"] == {"id": "site-dr-petclinic-mysql-data-id"}
    assert machine["storageProfile"]["dataDisks"][0]["deleteOption"] == "Detach"
    request = found.one("site-azure-database", "tls:index/certRequest:CertRequest").inputs
    assert request["ipAddresses"] == ["10.60.2.10"]
    document = desired(found, "site-dr-petclinic-mysql-desired")
    assert document["config"]["role"] == "standalone"
    assert document["secret"] == {
        "vault": "dr-petclinic-kv",
        "name": "host-dr-petclinic-mysql",
        "version": "0123456789abcdef0123456789abcdef",
    }
    assert desired(found)["config"]["database"]["tls_ca"].startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("kind", list(StandbyDatabaseKind))
def test_no_secret_of_the_vault_comes_or_goes_with_the_mode(kind: StandbyDatabaseKind) -> None:
    """A vault keeps the name of a deleted secret: the second rise to warm would be refused."""
    names = [
        {r.name for r in site(mode, kind=kind).of("azure-native:keyvault:Secret")}
        for mode in (DrMode.COLD, DrMode.WARM)
    ]
    assert names[0] == names[1] != set()


def test_the_job_runs_once_at_a_time_without_a_key(warm: Run) -> None:
    spec = warm.one("site-job", CRONJOB).inputs["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["timeZone"] == "Etc/UTC"
    assert spec["startingDeadlineSeconds"] == 3600
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] == 14400 and job["backoffLimit"] == 2
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    assert container["args"] == ["python3", "-m", "backup", "run"]
    token = next(volume for volume in pod["volumes"] if volume["name"] == "token")
    assert token["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "api://AzureADTokenExchange"
    assert pod["automountServiceAccountToken"] is False
    config = json.loads(warm.one("site-told", "kubernetes:core/v1:ConfigMap").inputs["data"]["backup.json"])
    assert config["store"] == "azblob://petclinicdrbackup/mysql-backup"
    assert config["identity"]["client_id"] == "site-writer-client"
    assert "password" not in json.dumps(config)


def test_a_tags_colon_which_no_label_may_have_is_a_slash_in_the_cluster(warm: Run) -> None:
    labels = {"twinsite/stack": "dr", "app.kubernetes.io/name": "rds-backup"}
    job = warm.one("site-job", CRONJOB).inputs
    assert [job["metadata"]["labels"], job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]] == [
        labels
    ] * 2


def test_all_problems_are_said_at_once_before_the_first_resource() -> None:
    with pytest.raises(Refused) as refused:
        site(vm={"gate_timeout_seconds": 7200, "which": "backup-20251216.sql.gz", "image": "20.04"})
    assert len(refused.value.problems) == 3


def test_the_same_job_on_a_machine_is_told_the_same_and_its_password_is_secret() -> None:
    def program() -> Any:
        store = BackupStore(
            "site",
            {
                "resource_group": "dr-petclinic-rg",
                "location": "koreacentral",
                "account": "petclinicdrbackup",
                "public_accounts": [],
                "writer": None,
            },
        )
        database = {"address": "db.example.com", "user": "backup", "password": "VERY-SECRET", "schema": "petclinic"}
        told = backup_timer("site", {"schedule": "17 18 * * *", "database": database, "store": store})  # type: ignore[typeddict-item]
        return {"config": told["config"], "secret": told["secrets"].is_secret()}

    found = run(program, fill=FILL, ids=ID_TYPES)
    assert found.result["secret"] is True
    config = backup_config.parse(found.result["config"])
    assert (config.store, config.client_id) == ("azblob://petclinicdrbackup/mysql-backup", "site-writer-client")
    assert config.keep_days == 35
    assert timer.files(found.result["config"])
    assert found.of("azure-native:managedidentity:FederatedIdentityCredential") == []
