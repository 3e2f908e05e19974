"""GcsBackupStore and PostgresBackupJob under mocks: private and kept, one service account without a key, told what to
do, nothing secret in the open, refusals."""

import base64
import json
from typing import Any

import pulumi
import pytest

from tests.mocks import harness
from tests.policy.pack import Given, said
from twinsite import GcsBackupStore, PostgresBackupJob, inventory, rules
from twinsite.guest.archive import config as guest
from twinsite.payload import payload
from twinsite.rules.gcs_backup import GcsBackupStoreIntent

STORE_KIND, JOB_KIND = "twinsite:index:GcsBackupStore", "twinsite:index:PostgresBackupJob"
BUCKET = "gcp:storage/bucket:Bucket"
GRANT = "gcp:storage/bucketIAMMember:BucketIAMMember"
ACCOUNT = "gcp:serviceaccount/account:Account"
BECOMES = "gcp:serviceaccount/iAMMember:IAMMember"
POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
POOLS = "projects/7/locations/global/workloadIdentityPools"
ISSUER = "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF"
PEM = "-----BEGIN CERTIFICATE-----\n…"
STORE: dict[str, Any] = {
    "project": "crm-dr",
    "bucket": "crm-dr-backups",
    "location": "asia-northeast3",
    "writer": {"issuer": ISSUER, "namespace": "crm", "service_account": "postgres-backup"},
    "site_is_active": False,
    "labels": {"team": "dr"},
}
JOB: dict[str, Any] = {
    "namespace": "crm",
    "image": f"registry.example.com/postgres-backup@sha256:{'a' * 64}",
    "client_version": 16,
    "restores_to": 16,
    "schedule": "17 18 * * *",
    "database": {
        "address": "crm.abc.ap-northeast-2.rds.amazonaws.com",
        "database": "crm",
        "user": "backup",
        "password": "the-word",
        "version": "16.4",
        "tls_ca": PEM,
    },
    "store": {
        "store": "gs://crm-dr-backups",
        "audience": f"//iam.googleapis.com/{POOLS}/p/providers/cluster",
        "service_account": "crm-dr-backups-writer@crm-dr.iam.gserviceaccount.com",
        "keep_days": 35,
        "kms_key": "",
    },
    "tags": {"team:name": "dr"},
}
FILL: dict[str, harness.Fill] = {
    BUCKET: lambda name, inputs: {"name": inputs["name"]},
    ACCOUNT: lambda name, inputs: {
        "name": f"projects/crm-dr/serviceAccounts/{inputs['accountId']}@crm-dr.iam.gserviceaccount.com",
        "email": f"{inputs['accountId']}@crm-dr.iam.gserviceaccount.com",
        "member": f"serviceAccount:{inputs['accountId']}@crm-dr.iam.gserviceaccount.com",
    },
    POOL: lambda name, inputs: {"name": f"{POOLS}/{inputs['workloadIdentityPoolId']}"},
    PROVIDER: lambda name, inputs: {"name": f"{POOLS}/{inputs['workloadIdentityPoolId']}/providers/cluster"},
}


def store(**change: Any) -> harness.Run:
    def program() -> Any:
        made = GcsBackupStore("s", {**STORE, **change})  # type: ignore[typeddict-item]
        return pulumi.Output.all(made.store, made.audience, made.service_account)

    return harness.run(program, FILL)


def job(**change: Any) -> harness.Run:
    def program() -> Any:
        return PostgresBackupJob("j", {**JOB, **change}).digest  # type: ignore[typeddict-item]

    return harness.run(program, FILL)


def entry(**change: Any) -> inventory.Entry:
    seen: list[inventory.Entry] = []

    def program() -> Any:
        return PostgresBackupJob("j", {**JOB, **change}).inventory.apply(seen.append)  # type: ignore[typeddict-item]

    harness.run(program, FILL)
    return seen[0]


def test_the_inventory_has_where_backups_are_of_what_and_how_old_the_newest_may_be() -> None:
    later = {**JOB["store"], "store": pulumi.Output.from_input("gs://crm-dr-backups")}
    found = entry(store=later, site="aws", context="eks")
    # A day between two, and four hours that a run may take.
    assert found.backups == inventory.Backups("gs://crm-dr-backups", "crm", "17 18 * * *", 28.0)
    (host,) = found.hosts
    assert (host.site, host.roles) == ("aws", ("archive",)), "not `backup`, whose programs are MySQL's"
    assert host.way == inventory.Pod("eks", "crm", "postgres-backup")
    assert entry(schedule="17 * * * *", active_deadline_seconds=1800).backups.max_age_hours == 1.5  # type: ignore[union-attr]
    assert entry(max_age_hours=26).backups.max_age_hours == 26.0 and entry().hosts == ()  # type: ignore[union-attr]


def told(run: harness.Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.one("j-told").inputs["data"]["archive.json"])
    return found


def pod(run: harness.Run) -> dict[str, Any]:
    found: dict[str, Any] = run.one("j-job").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


def test_the_bucket_is_private_versioned_and_lets_nothing_go_at_once() -> None:
    inputs = store().one("s-bucket", BUCKET).inputs
    assert inputs["uniformBucketLevelAccess"] is True
    assert inputs["publicAccessPrevention"] == "enforced"
    assert inputs["forceDestroy"] is False
    assert inputs["versioning"] == {"enabled": True}
    assert inputs["softDeletePolicy"] == {"retentionDurationSeconds": 14 * 86400}
    assert inputs["lifecycleRules"] == [
        {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 1, "withState": "ARCHIVED"}}
    ], "no rule of the bucket deletes what is live"
    assert "encryption" not in inputs


def test_a_key_of_the_customers_encrypts_and_is_named_in_manifests() -> None:
    key = "projects/k/locations/asia-northeast3/keyRings/r/cryptoKeys/k"
    inputs = store(kms_key=key).one("s-bucket", BUCKET).inputs
    assert inputs["encryption"] == {"defaultKmsKeyName": key}
    assert told(job(store={**JOB["store"], "kms_key": key}))["key_id"] == key


@pytest.mark.parametrize("active", [False, True])
def test_the_bucket_goes_only_while_google_does_not_serve(active: bool) -> None:
    hooks = store(site_is_active=active).one("s-bucket", BUCKET).request.hooks
    assert list(hooks.before_delete) == ["s-bucket-keep-while-active"]


def test_one_service_account_of_one_cluster_may_write_and_nobody_else() -> None:
    run = store()
    subject = "system:serviceaccount:crm:postgres-backup"
    provider = run.one("s-provider", PROVIDER).inputs
    assert provider["oidc"] == {"issuerUri": ISSUER}
    assert provider["attributeMapping"] == {"google.subject": "assertion.sub"}
    assert provider["attributeCondition"] == f"assertion.sub == '{subject}'"
    becomes = run.one("s-becomes", BECOMES).inputs
    assert becomes["role"] == "roles/iam.workloadIdentityUser"
    assert becomes["member"] == f"principal://iam.googleapis.com/{POOLS}/crm-dr-backups-1/subject/{subject}"
    assert [(one.inputs["role"], one.inputs["member"]) for one in run.of(GRANT)] == [
        ("roles/storage.objectUser", "serviceAccount:crm-dr-backups-writer@crm-dr.iam.gserviceaccount.com")
    ]
    assert run.result == [
        "gs://crm-dr-backups",
        f"//iam.googleapis.com/{POOLS}/crm-dr-backups-1/providers/cluster",
        "crm-dr-backups-writer@crm-dr.iam.gserviceaccount.com",
    ]


def test_who_restores_reads_and_does_not_write() -> None:
    grants = store(readers=["serviceAccount:restore@crm-dr.iam.gserviceaccount.com"]).of(GRANT)
    assert {one.inputs["role"] for one in grants} == {"roles/storage.objectUser", "roles/storage.objectViewer"}


def test_another_generation_is_another_pool_because_google_keeps_a_deleted_ones_name() -> None:
    assert store(generation=2).one("s-pool", POOL).inputs["workloadIdentityPoolId"] == "crm-dr-backups-2"
    assert len(store(bucket="b" * 63).one("s-pool", POOL).inputs["workloadIdentityPoolId"]) <= 32
    assert len(store(bucket="b" * 63).one("s-writer", ACCOUNT).inputs["accountId"]) <= 30
    long = [GcsBackupStoreIntent(bucket=f"crm-production-backups-seoul-{place}") for place in ("one", "two")]
    assert len({one.pool for one in long} | {one.account for one in long}) == 4, "of one project, so not the same names"
    assert max(len(one.pool) for one in long) <= 32


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bucket": "crm.example.com"}, "a dot would make it a domain"),
        ({"bucket": "google-crm"}, "Google keeps names"),
        ({"keep_days": 6}, "keep_days is 6"),
        ({"soft_delete_days": 0}, "soft_delete_days is 0"),
        ({"kms_key": "k"}, "kms_key is 'k'"),
        (
            {"kms_key": "projects/k/locations/global/keyRings/r/cryptoKeys/k"},
            "kms_key is in global and the bucket in asia-northeast3",
        ),
        ({"readers": ["allUsers"]}, "backups would be everybody's"),
        ({"readers": ["me@example.com"]}, "write user:…"),
        ({"writer": {**STORE["writer"], "issuer": f"{ISSUER}/"}}, "leave the slash at the end out"),
        ({"writer": {**STORE["writer"], "namespace": "C_rm"}}, "writer.namespace"),
        ({"project": ""}, "project is empty"),
        ({"generation": 0}, "generation 0"),
    ],
)
def test_a_store_that_would_not_keep_them_is_refused_before_anything_is_made(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(rules.Refused, match="GcsBackupStore s") as error:
        store(**change)
    assert words in str(error.value)


def test_the_job_is_told_what_the_guest_reads(tmp_path: Any) -> None:
    run = job()
    (tmp_path / "archive.json").write_text(json.dumps(told(run)))
    (tmp_path / "secrets.json").write_text(run.one("j-secret").inputs["stringData"]["archive.secrets.json"])
    known = guest.read(str(tmp_path / "archive.json"), str(tmp_path / "secrets.json"))
    assert known.store == "gs://crm-dr-backups" and known.keep_days == 35 and known.writer is None
    assert known.database == known.target
    assert (known.database.address, known.database.user, known.database.password) == (
        JOB["database"]["address"],
        "backup",
        "the-word",
    )
    assert known.database.where("f")["sslmode"] == "verify-full"
    assert known.identity.audience == JOB["store"]["audience"]
    mounts = [(one["name"], one["mountPath"]) for one in pod(run)["containers"][0]["volumeMounts"]]
    assert ("token", known.identity.token_file.removesuffix("/token")) in mounts
    assert ("work", known.spool.removesuffix("/spool")) in mounts, "the root is read-only"


def test_the_token_is_for_googles_provider_alone() -> None:
    (token,) = (one for one in pod(job())["volumes"] if one["name"] == "token")
    (source,) = token["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == f"https:{JOB['store']['audience']}"
    assert pod(job())["automountServiceAccountToken"] is False


def test_it_runs_the_roles_payload_and_asks_for_disk() -> None:
    run = job()
    (container,) = pod(run)["containers"]
    assert container["args"] == ["python3", "-m", "archive", "run"]
    assert container["resources"]["requests"]["ephemeral-storage"] == "20Gi"
    packed = base64.b64decode(run.one("j-told").inputs["binaryData"]["payload.tar.gz"])
    assert packed == payload("archive")
    # A ConfigMap holds at most 1 MiB (Kubernetes: ConfigMaps).
    assert len(base64.b64encode(packed)) < 700_000


def test_runs_are_one_at_a_time_in_utc_and_end() -> None:
    spec = job(schedule="0 3 * * 7").one("j-job").inputs["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 3 * * 0", "Etc/UTC", "Forbid")
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 14400


def test_with_a_register_backups_are_of_an_epoch() -> None:
    run = job(site="aws", writer_store="gs://crm-dr-operations")
    assert told(run)["writer"] == {"store": "gs://crm-dr-operations", "site": "aws", "home": "aws"}


def test_the_password_is_a_secret_and_in_nothing_else() -> None:
    run = job()
    assert run.one("j-secret").holds_secret("stringData", "archive.secrets.json")
    for one in run.resources:
        if one.name != "j-secret":
            assert "the-word" not in json.dumps(one.inputs), one.name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": "backup:latest"}, "is not pinned"),
        ({"client_version": 15}, "client_version is 15 and the server is 16"),
        ({"restores_to": 15}, "restores_to is 15 and the server is 16"),
        ({"client_version": 18}, "clients from 17 on set transaction_timeout, which 16 does not know"),
        ({"schedule": "often"}, "the RPO is computed from it"),
        ({"database": {**JOB["database"], "tls_ca": None}}, "rds/global-bundle"),
        ({"database": {**JOB["database"], "version": "9.6"}}, "database.version is '9.6'"),
        ({"database": {**JOB["database"], "user": ""}}, "database.user is empty"),
        ({"namespace": "C_rm"}, "namespace 'C_rm' is no name"),
        ({"disk_gib": 0}, "disk_gib is 0"),
        ({"tags": {"a": "b c"}}, "is no label of Kubernetes"),
    ],
)
def test_a_job_that_would_not_help_is_refused_before_anything_is_made(change: dict[str, Any], words: str) -> None:
    if words.startswith("rds/"):
        words = "truststore.pki.rds.amazonaws.com"
    with pytest.raises(rules.Refused, match="PostgresBackupJob j") as error:
        job(**change)
    assert words in str(error.value)


def test_the_policy_pack_finds_nothing_in_them_and_would_find_what_was_opened() -> None:
    given = [
        Given(one.type, one.name, {**one.inputs, "id": one.id}) for run in (store(), job()) for one in run.resources
    ]
    assert said(given) == {}

    def changed(type_: str, **props: Any) -> list[str]:
        return list(
            said([Given(one.type, one.name, {**one.props, **props}) if one.type == type_ else one for one in given])
        )

    assert changed(BUCKET, versioning={"enabled": False}) == ["backup-overwritable"]
    assert changed(BUCKET, softDeletePolicy={"retentionDurationSeconds": 0}) == ["backup-overwritable"]
    assert changed(GRANT, member="allUsers") == ["storage-public"]
    assert changed(STORE_KIND, intent={"intent_version": 1, "keep_days": 1}) == ["component-intent"]
    assert changed(JOB_KIND, intent={"intent_version": 1, "image": "backup:latest"}) == ["component-intent"]
