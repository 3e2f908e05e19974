"""Names that Azure keeps, what goes with what, and the user of the job's image: the site under mocks."""

import pytest

from tests import containerfile
from twinsite.database.standby_database import StandbyDatabaseKind
from twinsite.modes import DrMode

from .azure_site import site
from .harness import Run

GATE = "azure-native:compute:VirtualMachineRunCommandByVirtualMachine"
SERVER = "azure-native:dbformysql:Server"
CRONJOB = "kubernetes:batch/v1:CronJob"


@pytest.fixture(scope="module")
def warm() -> Run:
    return site()


@pytest.fixture(scope="module")
def cold() -> Run:
    return site(DrMode.COLD)


def test_a_managed_server_has_a_name_of_its_own_which_what_replaces_it_draws_anew(warm: Run, cold: Run) -> None:
    """Azure keeps the name of a deleted one: the second rise of a day would be refused (ADR 17)."""
    server, drawn = warm.one("site-server", SERVER), warm.one("site-server-name")
    assert server.inputs["serverName"] == "dr-petclinic-mysql-0123abcd"
    assert drawn.urn in server.depends_on
    assert drawn.inputs["keepers"] == {
        "resource_group": "dr-petclinic-rg",
        "location": server.inputs["location"],
        "user": server.inputs["administratorLogin"],
        "subnet": server.inputs["network"]["delegatedSubnetResourceId"],
        "zone": server.inputs["network"]["privateDnsZoneResourceId"],
    }
    assert [one.name for one in cold.resources if one.name == "site-server-name"] == [], "the next one gets another"


@pytest.mark.parametrize("kind", list(StandbyDatabaseKind))
def test_settings_and_secrets_go_with_what_holds_them_and_not_one_by_one(kind: StandbyDatabaseKind) -> None:
    """Settings have no DELETE and are set back; secrets are deleted at the vault itself, which needs a role there."""
    found = site(kind=kind)
    held = {
        "azure-native:dbformysql:Configuration": "site-server",
        "azure-native:keyvault:Secret": "site-vault",
        "azure-native:storage:BlobServiceProperties": "site-account",
        "azure-native:storage:ManagementPolicy": "site-account",
        GATE: None,
    }
    urns = {one.urn: one.name for one in found.resources}
    going = [(one.type, urns.get(one.request.deletedWith)) for one in found.resources if one.type in held]
    managed = kind == StandbyDatabaseKind.FLEXIBLE
    assert len(going) == (3 + 4 + 2 + 1 if managed else 5 + 2 + 2)
    assert [one for one in going if one[0] != GATE and one[1] != held[one[0]]] == []
    assert [one for one in going if one[0] == GATE and not str(one[1]).endswith("-vm")] == []


def test_the_pod_runs_as_the_images_user(warm: Run) -> None:
    pod = warm.one("site-job", CRONJOB).inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]["securityContext"]
    assert dict(containerfile.instructions())["USER"] == f"{pod['runAsUser']:.0f}:{pod['runAsGroup']:.0f}"
    assert pod["runAsNonRoot"] is True


def test_a_managed_server_that_serves_is_neither_restarted_nor_raised_to_another_series() -> None:
    server = site(kind=StandbyDatabaseKind.FLEXIBLE).one("site-server", SERVER)
    assert list(server.request.hooks.before_update) == [
        "site-server-grow-only",
        "site-server-keep-running",
    ]


def test_the_networks_parts_go_with_their_group_since_a_databases_subnet_lingers(warm: Run) -> None:
    group = warm.of("azure-native:resources:ResourceGroup")[0].urn
    parts = [one for kind in ("VirtualNetwork", "Subnet", "NetworkSecurityGroup")
             for one in warm.of(f"azure-native:network:{kind}")]  # fmt: skip
    assert len(parts) == 5
    assert {one.request.deletedWith for one in parts} == {group}
