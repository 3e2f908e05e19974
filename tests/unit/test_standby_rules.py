"""Refusals about the standby site and its backups: each bad design, made of a good one, is refused with its fix."""

from typing import Any

import pytest

from twinsite.rules import backup, standby
from twinsite.rules.intent import Intent

SHA = "ab" * 32
NETWORK: dict[str, Any] = {
    "resource_group": "dr-petclinic-rg",
    "vnet_range": "10.60.0.0/16",
    "application_range": "10.60.1.0/24",
    "database_range": "10.60.2.0/24",
}
DATABASE: dict[str, Any] = {
    "kind": "flexible",
    "server": "dr-petclinic-mysql",
    "user": "dbadmin",
    "schema": "petclinic",
    "subnet_range": "10.60.2.0/24",
    "source_version": "8.0.40",
}
APPLICATION: dict[str, Any] = {
    "artefact": "artefacts/petclinic.war",
    "sha256": SHA,
    "context": "/petclinic",
    "health_path": "/petclinic/",
}
ORIGIN: dict[str, Any] = {
    "host": "origin-dr.example.com",
    "certificate_secret": "origin-certificate",
    "header_secret": "origin-header",
}
MACHINE: dict[str, Any] = {"host": "azure-standby", "application": APPLICATION, "origin": ORIGIN}
STORE: dict[str, Any] = {
    "account": "petclinicdrbackup",
    "public_accounts": ["petclinicdrpub", "petclinicdrlatch"],
    "writer": {
        "issuer": "https://oidc.eks.ap-northeast-2.amazonaws.com/id/ABC",
        "namespace": "petclinic",
        "service_account": "rds-backup",
    },
}
VAULT: dict[str, Any] = {
    "vault": "dr-petclinic-kv",
    "generated": ["database-password"],
    "given": {},
    "readers": {"reader": "id"},
}
JOB: dict[str, Any] = {
    "namespace": "petclinic",
    "image": f"registry.example.com/backup@sha256:{SHA}",
    "schedule": "17 18 * * *",
    "database": {"user": "backup"},
    "tags": {"twinsite:stack": "dr", "owner": "", "example.com:cost-centre": "4711.b"},
}


def with_application(**changed: Any) -> dict[str, Any]:
    return {"application": {**APPLICATION, **changed}}


def with_origin(**changed: Any) -> dict[str, Any]:
    return {"origin": {**ORIGIN, **changed}}


def with_writer(**changed: Any) -> dict[str, Any]:
    return {"writer": {**STORE["writer"], **changed}}


GOOD: dict[str, tuple[type[Intent], dict[str, Any]]] = {
    "network": (standby.AzureNetworkIntent, NETWORK),
    "database": (standby.StandbyDatabaseIntent, DATABASE),
    "machine": (standby.ColdWarmVmIntent, MACHINE),
    "store": (backup.BackupStoreIntent, STORE),
    "vault": (backup.SecretVaultIntent, VAULT),
    "job": (backup.BackupJobIntent, JOB),
}


@pytest.mark.parametrize("subject", GOOD)
def test_a_good_design_is_not_refused(subject: str) -> None:
    kind, args = GOOD[subject]
    assert kind.of(args).problems() == []


@pytest.mark.parametrize(
    ("subject", "changed", "words"),
    [
        ("network", {"vnet_range": "10.60.0.1/16"}, "write 10.60.0.0/16"),
        (
            "network",
            {"vnet_range": "8.8.0.0/16", "application_range": "8.8.1.0/24", "database_range": "8.8.2.0/24"},
            "public addresses",
        ),
        ("network", {"application_range": "10.61.1.0/24"}, "not inside vnet_range"),
        ("network", {"database_range": "10.60.1.0/25"}, "overlap"),
        ("network", {"database_range": "10.60.2.0/30"}, "/29 or larger"),
        ("network", {"resource_group": "ends-with-dot."}, "without a dot at the end"),
        ("network", {"client_ranges": []}, "nobody could reach"),
        ("network", {"client_ranges": ["Internet", "10.0.0.0/8"]}, "one tag or ranges"),
        ("network", {"client_ranges": ["10.0.0.1/8"]}, "write 10.0.0.0/8"),
        ("network", {"database_client_ranges": ["0.0.0.0/0"]}, "opens MySQL to the world"),
        ("network", {"database_client_ranges": ["8.8.8.0/24"]}, "list private ranges"),
        ("network", {"database_client_ranges": ["10.0.0.1/8"]}, "write 10.0.0.0/8"),
        (
            "database",
            {"kind": "machine", "source_version": "8.4.6", "settings": {"gtid_mode": "OFF"}},
            "which twinsite owns",
        ),
        ("database", {"gate_timeout_seconds": 5}, "set it from 30"),
        ("vault", {"generation": 0}, "raise it by 1"),
        ("database", {"server": "UPPER"}, "lower-case"),
        ("database", {"server": "a" * 55}, "give 54 or fewer"),
        ("database", {"user": "admin"}, "choose a login like dbadmin"),
        ("database", {"user": "azure_x"}, "choose a login like dbadmin"),
        ("database", {"application_user": "dbadmin"}, "give it a login of its own"),
        ("database", {"application_user": "root"}, "choose a login like application"),
        ("database", {"application_password_secret": "p", "password_secret": "p"}, "give two names"),
        ("database", {"schema": "mysql"}, "belongs to MySQL itself"),
        ("database", {"version": "5.7", "source_version": ""}, "the Flexible Server has"),
        ("database", {"source_version": "8.4.6", "version": "8.0.21"}, "does not load into an older"),
        ("database", {"source_version": "8.0.43", "version": "8.4"}, "never come home"),
        ("database", {"source_version": "8.0.43", "kind": "machine", "version": "8.0.21"}, "would run 8.4"),
        ("database", {"source_version": "9.7.4", "version": ""}, "does not load into an older"),
        ("database", {"source_version": "latest"}, "like 8.0.43"),
        ("database", {"settings": {"local_infile": "OFF"}}, "which a restore needs as it is"),
        ("database", {"settings": {"lower_case_table_names": "0"}}, "take kind machine"),
        ("database", {"settings": {"sql-mode": "ANSI"}}, "a server parameter and its value"),
        ("database", {"storage_gib": 10}, "the smallest is 20"),
        ("database", {"address": "10.60.2.1"}, "reserves"),
        ("database", {"kind": "machine", "image": "Canonical:0001-com-ubuntu-server-focal:20_04-lts:latest"}, "K25"),
        ("machine", {"host": "Azure_Standby"}, "lower-case"),
        ("machine", {"gate_timeout_seconds": 7200}, "K24"),
        ("machine", {"gate_timeout_seconds": 5}, "K24"),
        ("machine", {"streams": 0}, "from 1 to 64"),
        # The document's own name of a backup, and its choice of one.
        ("machine", {"which": "backup-20251216.sql.gz"}, "K20"),
        ("machine", {"which": "[0]"}, "K20"),
        # The document's own image.
        ("machine", {"image": "Canonical:0001-com-ubuntu-server-focal:20_04-lts:latest"}, "Ubuntu 20.04"),
        ("machine", {"image": "Debian:debian-11:11:latest"}, "Debian 11"),
        ("machine", {"image": "ubuntu"}, "publisher:offer:sku:version"),
        ("machine", with_application(sha256=""), "K25"),
        ("machine", with_application(artefact=""), "a blob's name"),
        ("machine", with_application(artefact="http://example.com/a.war"), "K25"),
        ("machine", with_application(artefact="https://user:word@example.com/a.war"), "K23"),
        ("machine", with_application(artefact="https://a.blob.core.windows.net/g/a.war?sv=1&sig=x"), "K23"),
        ("machine", with_application(context="petclinic"), "a path like /petclinic"),
        ("machine", with_application(health_path=""), "K24"),
        ("machine", with_application(environment={"DB_PASSWORD": "x"}), "K23"),
        ("machine", with_application(environment={"lower": "x"}), "names like JAVA_OPTS"),
        ("machine", with_origin(host="203.0.113.50"), "no certificate of yours"),
        ("machine", with_origin(host="dr-vm.koreacentral.cloudapp.azure.com."), "no certificate of yours"),
        ("machine", with_origin(certificate_secret=""), "name the vault's secret"),
        ("machine", with_origin(header_secret=""), "name the vault's secret"),
        ("machine", with_origin(header="X-Amz-Thing"), "choose a name like"),
        ("store", {"account": "Petclinic-DR"}, "lower-case letters and digits"),
        ("store", {"public_accounts": ["petclinicdrbackup"]}, "K26"),
        ("store", {"keep_days": 1}, "set keep_days"),
        ("store", {"soft_delete_days": 0}, "taken back"),
        ("store", with_writer(issuer="oidc.eks.example.com"), "OIDC issuer"),
        ("store", with_writer(issuer="https://oidc.eks.example.com/id/A/"), "leave the slash"),
        ("store", with_writer(namespace="Pet Clinic"), "lower-case"),
        ("store", {"operators": [{"principal_id": "x", "principal_type": "Person"}]}, "ServicePrincipal"),
        ("vault", {"vault": "-dr"}, "begins with a letter"),
        ("vault", {"vault": "dr--petclinic"}, "single hyphens"),
        ("vault", {"generated": ["database_password"]}, "use letters, digits and hyphens"),
        ("vault", {"given": {"database-password": "x"}}, "both generated and given"),
        ("vault", {"readers": {}}, "no machine could fetch"),
        ("database", {"tags": {"cost:centre": "1"}}, "name it like 'cost-centre'"),
        ("database", {"tags": {"cost centre": "1"}}, "name it like 'cost-centre'"),
        ("database", {"tags": {"24x7": "yes"}}, "name it like 'x7'"),
        ("job", {"tags": {"twinsite:part:deeper": "x"}}, "no label of Kubernetes"),
        ("job", {"tags": {"Upper:part": "x"}}, "no label of Kubernetes"),
        ("job", {"tags": {"owner": "the night shift"}}, "no label of Kubernetes"),
        ("job", {"tags": {"owner": "x" * 64}}, "no label of Kubernetes"),
        ("job", {"image": "registry.example.com/backup:latest"}, "K25"),
        ("job", {"schedule": "@daily"}, "five"),
        ("job", {"schedule": "61 18 * * *"}, "minute"),
        ("job", {"namespace": "Pet"}, "lower-case"),
        ("job", {"database": {"user": "root"}}, "only reads"),
    ],
)
def test_a_bad_design_is_refused_with_its_fix(subject: str, changed: dict[str, Any], words: str) -> None:
    kind, args = GOOD[subject]
    found = kind.of({**args, **changed}).problems()
    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize("kind", ["flexible", "machine"])
def test_every_kind_of_database_takes_the_same_series_as_its_source(kind: str) -> None:
    assert (
        standby.StandbyDatabaseIntent.of(
            {**DATABASE, "kind": kind, "source_version": "8.4.6", "version": "8.4"}
        ).problems()
        == []
    )


def test_custom_data_with_a_secret_in_it_is_refused() -> None:
    assert list(standby.custom_data_problems("#cloud-config\n", ("hunter2hunter2",))) == []
    (found,) = standby.custom_data_problems("MYSQL_PWD=hunter2hunter2", ("hunter2hunter2",))
    assert "K23" in found
    (found,) = standby.custom_data_problems("-----BEGIN PRIVATE KEY-----\nx")
    assert "K23" in found


def test_custom_data_above_azures_limit_is_refused() -> None:
    assert list(standby.custom_data_problems("x" * 65535)) == []
    (found,) = standby.custom_data_problems("x" * 65536)
    assert "payload" in found


@pytest.mark.parametrize(
    ("mode", "active", "refused"),
    [("cold", "azure", True), ("cold", "aws", False), ("warm", "azure", False), ("warm", "aws", False)],
)
def test_going_down_while_active_is_refused(mode: str, active: str, refused: bool) -> None:
    before = {"dr_mode": "warm", "active_site": active, "standby_site": "azure"}
    found = list(standby.mode_problems(before, {**before, "dr_mode": mode}))
    assert bool(found) is refused
    assert all("failback" in problem for problem in found)


@pytest.mark.parametrize(("source", "version"), [("8.0.43", "8.0.21"), ("8.4.6", "8.4"), ("", "8.4")])
def test_a_standby_gets_the_primarys_series_unless_somebody_says_another(source: str, version: str) -> None:
    assert standby.version_for(source) == version
    assert standby.StandbyDatabaseIntent.of({**DATABASE, "source_version": source, "version": ""}).problems() == []
    own = {"image": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/mysql80", "kind": "machine"}
    assert (
        standby.StandbyDatabaseIntent.of({**DATABASE, **own, "source_version": source, "version": version}).problems()
        == []
    )
