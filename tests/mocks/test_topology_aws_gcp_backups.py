"""Topology aws-gcp with backups: what it registers and publishes of them, what restores them, and refusals."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest

from stacks.aws_gcp.build import refusals
from stacks.aws_gcp.estimate import estimate
from twinsite import inventory
from twinsite.estimate.figures import total
from twinsite.rules import Refused

from . import aws_gcp_topology
from .aws_gcp_topology import read
from .harness import Run, plain

Build = Callable[..., Run]


@pytest.fixture(autouse=True)
def build() -> Iterator[Build]:
    yield aws_gcp_topology.build
    pulumi.runtime.set_all_config({})


BACKUPS = {
    "backup_bucket": "crm-dr-backups",
    "backup_image": f"registry.example.com/postgres-backup@sha256:{'a' * 64}",
    "backup_password": "backup-word",
    "primary_database_ca": "-----BEGIN CERTIFICATE-----\n…",
    "primary_oidc_issuer": "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF",
    "primary_cluster_context": "eks",
}


@pytest.mark.parametrize("mode", ["cold", "pilot-light", "warm"])
def test_with_a_bucket_every_mode_backs_up_and_cold_is_no_longer_refused(build: Build, mode: str) -> None:
    found = build(dr_mode=mode, **BACKUPS)
    assert found.one("aws-gcp-backups-bucket").inputs["name"] == "crm-dr-backups"
    job = found.one("aws-gcp-backups-job", "kubernetes:batch/v1:CronJob")
    assert job.inputs["spec"]["schedule"] == "17 18 * * *"
    assert "aws-gcp-backups-eks" in job.request.provider, "the primary's cluster, not the standby's"
    provider = found.one("aws-gcp-backups-eks", "pulumi:providers:kubernetes").inputs
    assert (provider["context"], provider["skipUpdateUnreachable"]) == ("eks", "true")
    assert found.one("aws-gcp-backups-secret").holds_secret("stringData", "archive.secrets.json")
    known = inventory.from_dict(plain(found.result["inventory"]))
    assert known.backups == inventory.Backups("gs://crm-dr-backups", "crm", "17 18 * * *", 28.0)
    host = known.with_role("archive", "aws")
    assert host is not None and host.way == inventory.Pod("eks", "crm", "postgres-backup")
    told = json.loads(found.one("aws-gcp-backups-told").inputs["data"]["archive.json"])
    assert (told["store"], told["database"]["user"], told["keep_days"]) == ("gs://crm-dr-backups", "backup", 35)
    assert {"GcsBackupStore", "PostgresBackupJob"} <= {one.type.rpartition(":")[2] for one in found.resources}


def test_backups_after_a_destroy_get_a_pool_of_another_name(build: Build) -> None:
    pools = [
        build(dr_mode="cold", **BACKUPS, **more).one("aws-gcp-backups-pool").inputs["workloadIdentityPoolId"]
        for more in ({}, {"backup_generation": 2})
    ]
    assert pools == ["crm-dr-backups-1", "crm-dr-backups-2"]


def test_backups_are_the_same_in_every_mode(build: Build) -> None:
    def mine(mode: str) -> dict[str, Any]:
        found = build(dr_mode=mode, **BACKUPS).resources
        return {one.urn: one.inputs for one in found if one.custom and "aws-gcp-backups" in one.name}

    cold, pilot_light = mine("cold"), mine("pilot-light")
    assert len(cold) == 12
    assert pilot_light == mine("warm") and cold == {urn: pilot_light[urn] for urn in cold}
    more = {urn.rpartition("::")[2] for urn in pilot_light.keys() - cold.keys()}
    assert more == {f"aws-gcp-backups-restore-{part}" for part in ("account", "told", "secret", "job")}


def test_with_a_cluster_at_google_what_restores_there_reads_backups_as_an_account_of_its_own(build: Build) -> None:
    found = build(dr_mode="pilot-light", **BACKUPS, left_out_extensions=["pg_cron"])
    grant = found.one("aws-gcp-backups-restore", "gcp:storage/bucketIAMMember:BucketIAMMember").inputs
    account = found.one("aws-gcp-backups-restore-account").inputs["metadata"]["annotations"]
    email = account["iam.gke.io/gcp-service-account"]
    assert (grant["bucket"], grant["role"]) == ("crm-dr-backups", "roles/storage.objectViewer")
    assert grant["member"] == f"serviceAccount:{email}" and email.startswith("twinsite-load@")
    told = json.loads(found.one("aws-gcp-backups-restore-told").inputs["data"]["archive.json"])
    assert (told["store"], told["left_out_extensions"]) == ("gs://crm-dr-backups", ["pg_cron"])
    assert told["database"]["user"] == "twinsite" and told["database"]["database"] == "crm"
    assert told["database"]["certificate_name"] and "identity" not in told, "Google's metadata server says who it is"
    assert found.one("aws-gcp-backups-restore-secret").holds_secret("stringData", "archive.secrets.json")
    job = found.one("aws-gcp-backups-restore-job", "kubernetes:batch/v1:CronJob")
    assert job.inputs["spec"]["suspend"] is True and "aws-gcp-gke" in job.request.provider
    (container,) = job.inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == BACKUPS["backup_image"]
    asked = int(container["resources"]["requests"]["ephemeral-storage"].removesuffix("Gi"))
    disk = found.one("aws-gcp-gke-system").inputs["nodeConfig"]["diskSizeGb"]
    # GKE, Plan node sizes: what it reserves of a boot disk, and where the kubelet evicts.
    assert asked < disk - min(0.5 * disk, 6 + 0.35 * disk) - 0.1 * disk, "else it waits for a node for ever"
    known = inventory.from_dict(plain(found.result["inventory"]))
    host = known.with_role("archive", "gcp")
    assert host is not None and isinstance(host.way, inventory.Pod) and host.way.cronjob == "postgres-restore"
    cold = inventory.from_dict(plain(build(dr_mode="cold", **BACKUPS).result["inventory"]))
    assert cold.with_role("archive", "gcp") == host, "an `up` without AWS publishes nothing: this one is used then"


def test_a_restore_may_have_an_image_of_its_own(build: Build) -> None:
    own = f"google.example.com/postgres@sha256:{'b' * 64}"
    job = build(dr_mode="warm", **BACKUPS, restore_image=own).one("aws-gcp-backups-restore-job").inputs
    assert job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] == own
    refused = refusals(read(**BACKUPS, restore_image="postgres:18"))
    assert [one for one in refused if "PostgresRestoreJob: image 'postgres:18' is not pinned" in one] != []


def test_with_backups_what_is_lost_is_the_schedules_and_the_jobs_own_time(build: Build) -> None:
    modes = estimate(read(**BACKUPS)).modes
    assert {name: total(modes[name].lost) for name in ("pilot-light", "warm")} == {"pilot-light": 280, "warm": 280}
    for mode in (modes["cold"], *estimate(read(**BACKUPS, replication="by-hand")).modes.values()):
        assert [(item.name, item.value) for item in mode.lost] == [
            ("time between scheduled backups", 86400),
            ("a backup's own time", 14400),
        ]
    hourly = estimate(read(**BACKUPS, backup_schedule="17 * * * *")).modes["cold"]
    assert total(hourly.lost) == 3600 + 14400


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backup_image": "backup:latest"}, "PostgresBackupJob: image 'backup:latest' is not pinned"),
        ({"backup_client_version": 16}, "PostgresBackupJob: client_version is 16 and the server is 17"),
        ({"backup_bucket": "crm.dr"}, "GcsBackupStore: bucket is 'crm.dr'"),
        ({"primary_database_ca": "", "replication": "by-hand"}, "PostgresBackupJob: database.tls_ca is empty"),
    ],
)
def test_what_backups_would_be_refused_for_is_said_with_all_the_rest(change: dict[str, Any], words: str) -> None:
    assert [problem for problem in refusals(read(**BACKUPS | change)) if words in problem] != []


def test_a_password_of_backups_that_is_not_set_is_lacking() -> None:
    with pytest.raises(Refused, match="backup_password is not set: `pulumi config set --secret backup_password`"):
        read(**BACKUPS | {"backup_password": ""})
