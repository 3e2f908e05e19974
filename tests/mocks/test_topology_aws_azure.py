"""Topology aws-azure as a whole: what a program registers in each mode, publishes, and refuses beforehand."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pulumi
import pytest

from lab.services.azure_roles import RUN_COMMAND, allowed
from operations import offers
from stacks.aws_azure.build import refusals
from tests import failover_world
from twinsite import inventory
from twinsite.rules import Refused
from twinsite.rules.home import Home

from . import aws_azure_topology
from .aws_azure_topology import PROVIDERS, read
from .harness import Run, plain

Build = Callable[..., Run]
ONE = {"names": "one", "primary_has_ipv6": False}


@pytest.fixture
def build() -> Iterator[Build]:
    yield aws_azure_topology.build
    pulumi.runtime.set_all_config({})


def kinds(found: Run) -> Counter[str]:
    return Counter(resource.type for resource in found.resources)


@pytest.mark.parametrize("database_kind", ["flexible", "machine"])
def test_warm_only_adds_to_cold_and_nothing_of_awss(build: Build, database_kind: str) -> None:
    cold = {one.urn: one for one in build(database_kind=database_kind).resources}
    warm = {one.urn: one for one in build(database_kind=database_kind, dr_mode="warm").resources}
    assert set(cold) < set(warm)
    added = {one.type for urn, one in warm.items() if urn not in cold}
    assert {kind.split(":")[0] for kind in added} <= {"azure-native", "pulumi", "tls", "random", "twinsite"}
    changed = {urn.rpartition("$")[2] for urn in cold if warm[urn].custom and warm[urn].inputs != cold[urn].inputs}
    assert changed == {"azure-native:storage:Blob::aws-azure-inventory"}


def test_the_published_inventory_is_one_that_operations_can_read(build: Build) -> None:
    found = inventory.from_dict(plain(build().result["inventory"]))
    assert (found.topology, found.dr_mode, found.home, found.away) == (
        "aws-azure", "cold", "aws", "azure"
    )  # fmt: skip
    assert [(name.fqdn, name.stateful) for name in found.names] == [
        ("www.example.com", False),
        ("dr.example.com", True),
    ]
    assert found.names[1].secondary_marker == "served by site azure"
    assert offers.offered(found) == offers.offered(failover_world.INVENTORY)
    assert found.latch is not None
    assert [url.rpartition("net/")[2] for url in found.latch.urls] == ["latch/dr", "latch/dr"]
    assert found.latch.stores == ("azblob://exampledrpublic/$web/latch/dr", "azblob://exampledrlatch/$web/latch/dr")
    assert found.backups is not None
    assert (found.backups.store, found.backups.max_age_hours) == ("azblob://exampledrbackup/mysql-backup", 26.0)
    assert found.store == "azblob://exampledrbackup/operations"
    assert found.reached_by(inventory.Pod)["aws-rds-backup"].cronjob == "rds-backup"
    assert (found.host("azure-standby").exists, found.endpoints[0].address) == (False, "")


def test_the_standbys_own_backups_rest_in_a_second_account_or_a_warning_says_what_is_lost_without(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    alone = inventory.from_dict(plain(build().result["inventory"]))
    assert alone.backups is not None
    assert alone.backups.standby == "azblob://exampledrbackup/standby-backup"
    (warning,) = said
    assert "`pulumi config set standby_backup_account NAME`" in warning
    found = build(standby_backup_account="exampledrsecond")
    backups = inventory.from_dict(plain(found.result["inventory"])).backups
    assert backups is not None and backups.standby == "azblob://exampledrsecond/standby-backup"
    account = found.one("aws-azure-second-account").inputs
    assert account["location"] == found.one("aws-azure-public").inputs["intent"]["location"] != "koreacentral"
    assert len(said) == 1


def test_in_warm_the_inventory_names_the_machine_and_the_database(build: Build) -> None:
    found = inventory.from_dict(plain(build(dr_mode="warm").result["inventory"]))
    assert found.reached_by(inventory.AzureRunCommand)["azure-standby"].vm == "azure-standby"
    assert found.endpoints[0].address == "example-dr-mysql-0123abcd.mysql.database.azure.com"
    assert found.endpoints[0].password == "azkv://example-dr-vault/database-password"
    machine = inventory.from_dict(plain(build(dr_mode="warm", database_kind="machine").result["inventory"]))
    assert [one.roles for one in machine.hosts] == [("standby",), ("database",), ("backup",)]


def test_the_inventory_is_also_written_where_the_standby_is(build: Build) -> None:
    blob = build().one("aws-azure-inventory").inputs
    assert (blob["accountName"], blob["containerName"], blob["blobName"]) == (
        "exampledrbackup", "operations", "inventory.json"
    )  # fmt: skip


def test_no_secret_is_in_the_outputs(build: Build) -> None:
    published = json.dumps(plain(build(dr_mode="warm").result), default=str)
    assert "PEM of a chain" not in published
    assert "not a password" not in published


def test_the_outputs_are_the_same_in_every_mode(build: Build) -> None:
    assert build().result.keys() == build(dr_mode="warm").result.keys()


def test_with_one_name_the_application_is_at_both_ends_and_moves_by_the_latch_only(build: Build) -> None:
    found = build(**ONE, dr_mode="warm")
    assert [one.type for one in found.resources if one.type.startswith(("aws:cloudfront", "aws:acm"))] == []
    records = {one.name: one.inputs for one in found.of("aws:route53/record:Record") if "-www-" in one.name}
    assert set(records) == {"aws-azure-www-primary-a", "aws-azure-www-secondary-a"}
    assert {one["name"] for one in records.values()} == {"www.example.com"}
    primary, secondary = records["aws-azure-www-primary-a"], records["aws-azure-www-secondary-a"]
    assert primary["aliases"][0]["name"].startswith("petclinic-123456789")
    assert (secondary["records"], secondary["ttl"], secondary.get("aliases")) == (["203.0.113.50"], 60, None)
    # A stateful name: its PRIMARY hangs on the latch alone, whatever the primary's page says.
    assert primary["healthCheckId"] == build().one("aws-azure-dr-primary-a").inputs["healthCheckId"]
    check = found.one("aws-azure-www-secondary-page").inputs
    assert (check["fqdn"], check["ipAddress"], check["searchString"]) == (
        "www.example.com", "203.0.113.50", "served by site azure"
    )  # fmt: skip
    told = json.loads(found.one("aws-azure-azure-standby-desired").inputs["source"]["text"])["config"]["origin"]
    assert (told["host"], told["direct_hosts"]) == ("origin-dr.example.com", ["www.example.com"])


def test_with_one_name_operations_are_told_of_one_and_find_the_machine_by_its_own(build: Build) -> None:
    (name,) = inventory.from_dict(plain(build(**ONE).result["inventory"])).names
    assert (name.fqdn, name.stateful) == ("www.example.com", True)
    assert name.primary_url == "https://origin-aws.example.com/petclinic/"
    assert name.secondary_url == "https://origin-dr.example.com/petclinic/"


def test_one_name_and_a_dual_stack_load_balancer_are_refused_because_the_machine_has_no_ipv6(build: Build) -> None:
    with pytest.raises(Refused, match=r"www\.example\.com: the primary is dual-stack and the secondary has no ipv6"):
        build(names="one", primary_has_ipv6=True)


def test_backups_stand_apart_from_the_page_and_the_latch_in_two_regions(build: Build) -> None:
    accounts = {
        one.inputs["accountName"]: one.inputs["location"] for one in build().of("azure-native:storage:StorageAccount")
    }
    assert accounts == {
        "exampledrbackup": "koreacentral", "exampledrpublic": "japaneast", "exampledrlatch": "koreacentral"
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["cold", "warm"])
def test_accounts_take_keys_where_the_provider_writes_blobs_and_nowhere_else(build: Build, mode: str) -> None:
    """The provider's Blob gets 403 in an account without them (pulumi-azure-native#3719)."""
    found = build(dr_mode=mode, database_kind="machine")
    written = {one.inputs["accountName"] for one in found.of("azure-native:storage:Blob")}
    taking = {
        one.inputs["accountName"]
        for one in found.of("azure-native:storage:StorageAccount")
        if one.inputs.get("allowSharedKeyAccess") is not False
    }
    assert taking == written


@pytest.mark.parametrize(
    ("component", "change"),
    [
        ("AzureNetwork", {"application_range": "10.99.0.0/24"}),
        ("BackupStore", {"backup_account": "exampledrpublic"}),
        ("BackupStore", {"standby_backup_account": "exampledrpublic"}),
        ("SecretVault", {"vault": "1"}),
        ("StandbyDatabase", {"database_server": "A"}),
        ("ColdWarmVm", {"application_sha256": "latest"}),
        ("BackupJob", {"backup_image": "backup:latest"}),
        ("Latch", {"public_location": "koreacentral"}),
        ("FrontDoor", {"origin_host": "203.0.113.7"}),
        ("Route53FailoverPair www.example.com", {"primary_host": "www.example.com"}),
        ("Route53FailoverPair dr.example.com", {"primary_alb_zone_id": "nonsense"}),
        ("Observer", {"alarm_emails": ["nobody"]}),
    ],
)
def test_what_a_component_would_refuse_is_said_before_the_first_resource(
    build: Build, component: str, change: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="topology aws-azure") as refused:
        build(**change)
    assert component in {problem.split(": ")[0] for problem in refused.value.problems}


def test_a_database_on_rds_without_its_authority_is_refused_with_the_line_that_sets_it(build: Build) -> None:
    with pytest.raises(Refused, match=r"primary_database_ca is empty and .* \| pulumi config set primary_database_ca`"):
        build(primary_database_ca="")


def test_a_users_stack_file_has_nothing_to_refuse(build: Build) -> None:
    assert refusals(read()) == []


def test_everything_that_is_wrong_is_said_at_once(build: Build) -> None:
    with pytest.raises(Refused) as refused:
        read(
            dr_mode="pilot-light", standby_data="replica", operators=["me"], backup_schedule="@daily", domain="",
            application_artefact="https://x.s3.amazonaws.com/a.war", primary_has_ipv6="perhaps",
        )  # fmt: skip
    said = "\n".join(refused.value.problems)
    assert "a task of DMS either, could follow: `pulumi config set standby_data backup`" in said
    for word in ("pilot-light", "standby_data", "operators has 'me'", "operators is empty", "backup_schedule", "domain",
                 "application_artefact", "primary_has_ipv6"):  # fmt: skip
        assert word in said


def test_a_wrong_site_is_refused_with_those_that_there_are(build: Build) -> None:
    with pytest.raises(Refused, match=r"active_site is 'moon': .* with one of aws, azure"):
        read(active_site="moon")


def test_cold_is_refused_while_azure_serves(build: Build) -> None:
    with pytest.raises(Refused, match="`twinsite failback --to aws` first"):
        read(active_site="azure")
    assert read(active_site="azure", dr_mode="warm").standby_serves


def test_only_the_sdks_that_the_topology_uses_are_imported() -> None:
    code = (
        "import sys; from stacks import topology; topology('aws-azure'); "
        "print([name for name in ('pulumi_gcp', 'pulumi_cloudflare', 'pulumi_command') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("mode", ["cold", "warm"])
def test_operators_may_run_commands_on_the_machine_in_every_mode(build: Build, mode: str) -> None:
    found = build(dr_mode=mode)
    granted = [one.inputs for one in found.of("azure-native:authorization:RoleAssignment")]
    group = found.one("aws-azure-account", "azure-native:storage:StorageAccount").id.partition("/providers/")[0]
    machine = f"{group}/providers/Microsoft.Compute/virtualMachines/azure-standby"
    (operator,) = {one["principal_id"] for one in read().operators}
    assert allowed(granted, operator, RUN_COMMAND, machine, data=False)
    others = {one["principalId"] for one in granted} - {operator}
    assert others and not any(allowed(granted, one, RUN_COMMAND, machine, data=False) for one in others)


def test_no_tag_is_one_that_azures_dns_zones_drop(build: Build) -> None:
    tagged = [one.inputs["tags"] for one in build(dr_mode="warm").resources if one.inputs.get("tags")]
    assert len(tagged) > 20
    keys = {key for tags in tagged for key in tags if not key.startswith("hidden-link:")}
    assert {"twinsite-stack", "twinsite-topology"} <= keys
    assert [key for key in keys if ":" in key or " " in key] == []


@pytest.mark.parametrize(("gib", "seconds", "warns"), [(1, 2005, False), (10, 3848, False), (40, 5400, True)])
def test_the_gate_waits_as_long_as_a_database_of_this_size_takes(
    build: Build, monkeypatch: pytest.MonkeyPatch, gib: int, seconds: int, warns: bool
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_, **__: said.append(message))
    found = build(dr_mode="warm", database_gib=gib)
    gate = found.one("aws-azure-azure-standby-gate").inputs
    assert gate["timeoutInSeconds"] == seconds
    assert any("Run Command ends after 90" in words for words in said) is warns
    assert found.one("aws-azure-server").inputs["storage"]["autoIoScaling"] == "Enabled"
    given = build(dr_mode="warm", database_gib=gib, machine_gate_timeout_seconds=600)
    assert given.one("aws-azure-azure-standby-gate").inputs["timeoutInSeconds"] == 600


@pytest.mark.parametrize(("mode", "refused"), [("cold", True), ("warm", False)])
def test_a_context_that_is_not_there_is_refused_in_quiet_times_and_told_in_a_disaster(
    monkeypatch: pytest.MonkeyPatch, mode: str, refused: bool
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_, **__: said.append(message))
    monkeypatch.setitem(aws_azure_topology.PROVIDERS, "kubernetes:context", "soul")
    other = Home(skips_sts=True, skips_cluster=True, context="soul", contexts=frozenset({"seoul"}))
    monkeypatch.setattr(aws_azure_topology, "see", lambda stack, project: other)
    if refused:
        with pytest.raises(Refused, match="soul is not in this desk's kubeconfig"):
            read(dr_mode=mode)
    else:
        read(dr_mode=mode)
        assert [words for words in said if "soul is not in this desk's kubeconfig" in words]


def test_a_region_without_us_east_1_beside_it_is_refused() -> None:
    with mock.patch.dict(PROVIDERS, {"aws:region": "cn-north-1"}), pytest.raises(Refused, match="in partition aws-cn"):
        read()
