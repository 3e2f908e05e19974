"""Topology aws-gcp as a whole: what a program registers, publishes, warns of, and refuses beforehand."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest

from stacks.aws_gcp.estimate import estimate
from stacks.aws_gcp.settings import PACKAGES
from tests import aws_gcp_world
from tests.aws_gcp_config import WRITERS as PLAIN_WRITERS
from tests.aws_gcp_config import WRITERS_SECRET
from twinsite import inventory
from twinsite.estimate.figures import total
from twinsite.guest.logical import metrics
from twinsite.monitoring.gcp_alarms import ABSENT_SECONDS
from twinsite.rules import Refused
from twinsite.rules.home import Home
from twinsite.schedule import longest_gap_seconds

from . import aws_gcp_topology
from .aws_gcp_topology import read
from .harness import Run, plain

WRITERS: dict[str, Any] = {**PLAIN_WRITERS, **WRITERS_SECRET}
PLACES = ["s3://a/writer.json", "gs://b/writer.json", "azblob://c/d/writer.json"]
Build = Callable[..., Run]


@pytest.fixture
def build() -> Iterator[Build]:
    yield aws_gcp_topology.build
    pulumi.runtime.set_all_config({})


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


def test_users_name_knows_googles_address_from_the_first_day_on(build: Build) -> None:
    for mode in ("cold", "pilot-light", "warm"):
        found = build(dr_mode=mode, cold_without_data="accept")
        pool = found.one("aws-gcp-gcp-pool").inputs
        assert pool["origins"][0]["address"] == "34.120.1.7"
        assert pool["origins"][0]["header"] == {"hosts": ["crm-gcp.example.com"]}


def test_the_network_is_ours_alone_and_routes_everywhere(build: Build) -> None:
    found = build()
    network = found.one("aws-gcp-network").inputs
    # Google's defaults are a subnet in each region, out of 10.128.0.0/9, and routes within one region.
    assert (network["autoCreateSubnetworks"], network["routingMode"]) == (False, "GLOBAL")
    assert found.one("aws-gcp-gke-subnet").inputs["ipCidrRange"] == "10.30.0.0/24"


def test_google_takes_the_labels_of_any_stacks_name(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "Team.A_prod")
    labels = build().one("aws-gcp-gke-address").inputs["labels"]
    assert labels == {"twinsite-stack": "team-a_prod", "twinsite-topology": "aws-gcp"}


def test_a_tunnels_key_is_raised_by_its_own_number(build: Build) -> None:
    kind = "random:index/randomPassword:RandomPassword"
    names = build(psk_generations={"tunnel-3": 2}).names(kind)
    assert [name for name in names if "psk" in name] == [f"aws-gcp-psk-{at}" for at in ("1-1", "2-1", "3-2", "4-1")]


def test_the_published_inventory_is_one_that_operations_can_read(build: Build) -> None:
    found = inventory.from_dict(plain(build().result["inventory"]))
    assert (found.topology, found.dr_mode, found.home, found.away) == ("aws-gcp", "pilot-light", "aws", "gcp")
    assert found.names == aws_gcp_world.INVENTORY.names
    assert (found.hosts, found.flows) == (aws_gcp_world.INVENTORY.hosts, aws_gcp_world.INVENTORY.flows)
    assert (found.store, found.latch) == ("gs://aws-gcp-operations-name", None)
    assert [(site.name, site.region) for site in found.sites] == [("aws", "ap-northeast-2"), ("gcp", "asia-northeast3")]


def test_registers_of_the_writer_are_in_the_inventory_where_somebody_has_given_them(build: Build) -> None:
    places = ["s3://a/writer.json", "gs://b/writer.json", "azblob://c/d/writer.json"]
    found = inventory.from_dict(plain(build(writer_registers=places).result["inventory"]))
    assert found.registers == tuple(places)
    assert inventory.from_dict(plain(build().result["inventory"])).registers == ()


def test_a_register_at_aws_in_another_region_is_known_by_it(build: Build) -> None:
    def regions(**given: Any) -> list[str]:
        known = inventory.from_dict(plain(build(**given).result["inventory"]))
        return [known.register_region(one) for one in known.registers if one.startswith("s3://")]

    third = {"writer_third": "s3://third/writer.json", "writer_third_region": "us-west-2"}
    assert regions(**{**WRITERS, **third}) == ["ap-northeast-2", "us-west-2"]
    places = ["s3://a/w", "gs://b/w", "s3://c/w"]
    assert regions(writer_registers=places) == ["ap-northeast-2", "ap-northeast-2"]
    assert regions(writer_registers=places, writer_register_regions=["", "", "us-west-2"])[1] == "us-west-2"


def test_what_google_is_told_of_the_flow_is_what_is_watched_there(build: Build) -> None:
    found = build(prefix="crm-two")
    told = json.loads(found.one("aws-gcp-replica-told").inputs["data"]["logical.json"])
    written = {
        metrics.KIND.format(flow=told["name"], name=name)
        for name in metrics.values({"lag": {"seconds": 1.0}, "slot": {"held_bytes": 1}})
    }
    watched = {one.inputs["type"] for one in found.of("gcp:monitoring/metricDescriptor:MetricDescriptor")}
    assert watched == written == {
        "custom.googleapis.com/twinsite/crm_two/replication_lag_seconds",
        "custom.googleapis.com/twinsite/crm_two/slot_retained_bytes",
    }  # fmt: skip


def test_registers_of_the_stacks_own_come_with_an_agent_at_each_site_and_its_answer(build: Build) -> None:
    found = build(**WRITERS)
    places = (
        "s3://crm-dr-writer/writer.json",
        "gs://crm-dr-writer/writer.json",
        WRITERS["writer_third"],
    )
    known = inventory.from_dict(plain(found.result["inventory"]))
    assert known.registers == places
    assert [(one.site, one.status) for one in known.agents] == [
        ("aws", "s3://crm-dr-writer/agent-aws.json"),
        ("gcp", "gs://crm-dr-writer/agent-gcp.json"),
    ]
    assert (known.agents[0].context, known.agents[0].namespace, known.agents[0].name) == (
        "eks",
        "crm",
        "twinsite-writer",
    )
    told = {
        site: json.loads(found.one(f"aws-gcp-writer-{site}-told").inputs["data"]["writer.json"])
        for site in ("aws", "gcp")
    }
    assert {one["flow"] for one in told.values()} == {"twinsite"}, "the replication's, whose gate it is"
    assert [told["aws"]["database"][one] for one in ("user", "database")] == ["crm_owner", "crm"]
    assert told["gcp"]["database"]["address"] == "10.31.0.3"
    assert [told["aws"]["home"], told["gcp"]["home"]] == ["aws", "aws"]
    assert ("google" in told["aws"], "google" in told["gcp"]) == (True, False)
    assert {one["text"] for one in told.values()} == {"this site may write"}
    paths = found.one("aws-gcp-ingress").inputs["spec"]["rules"][0]["http"]["paths"]
    assert [(one["path"], one["pathType"], one["backend"]["service"]["name"]) for one in paths] == [
        ("/writer", "Exact", "twinsite-writer"),
        ("/", "Prefix", "crm"),
    ]
    account = found.one("aws-gcp-writer-gcp-account").inputs["metadata"]["annotations"][
        "iam.gke.io/gcp-service-account"
    ]
    acts = found.one("aws-gcp-gke-gate-acts").inputs["member"]
    assert acts == "serviceAccount:example-dr.svc.id.goog[crm/twinsite-writer]"
    assert found.one("aws-gcp-registers-away").inputs["member"] == f"serviceAccount:{account}"
    trusted = json.loads(found.one("aws-gcp-registers-agents", "aws:iam/role:Role").inputs["assumeRolePolicy"])
    assert "container.googleapis.com/v1/projects/example-dr/locations/asia-northeast3/clusters/twinsite" in str(trusted)
    for site in ("aws", "gcp"):
        secret = found.one(f"aws-gcp-writer-{site}-secret")
        assert secret.holds_secret("stringData", "writer.secrets.json")
        assert WRITERS["writer_third_client_secret"] in secret.inputs["stringData"]["writer.secrets.json"]


def test_backups_are_of_the_epoch_that_the_register_at_google_says(build: Build) -> None:
    saved = {
        "backup_bucket": "crm-dr-backups",
        "backup_image": f"registry.example.com/postgres-backup@sha256:{'a' * 64}",
        "backup_password": "a word",
    }
    found = build(**saved, **WRITERS)
    told = json.loads(found.one("aws-gcp-backups-told").inputs["data"]["archive.json"])
    assert told["writer"] == {"store": "gs://crm-dr-writer", "site": "aws", "home": "aws"}
    reads = found.one("aws-gcp-backups-register").inputs
    assert (reads["bucket"], reads["role"]) == ("crm-dr-writer", "roles/storage.objectViewer")
    without = build(**saved, **{key: WRITERS[key] for key in ("primary_oidc_issuer", "primary_cluster_context")})
    assert "writer" not in json.loads(without.one("aws-gcp-backups-told").inputs["data"]["archive.json"])


def test_in_cold_aws_agent_is_there_and_googles_is_not(build: Build) -> None:
    cold = build(dr_mode="cold", cold_without_data="accept", **WRITERS)
    agents = [one.name for one in cold.of("kubernetes:apps/v1:Deployment")]
    assert agents == ["aws-gcp-writer-aws-agent"]
    light = build(**WRITERS)
    before = {one.urn for one in cold.resources}
    assert [one.name for one in cold.resources if one.urn not in {this.urn for this in light.resources}] == []
    added = {one.name for one in light.resources if one.urn not in before and "writer" in one.name}
    assert added == {f"aws-gcp-writer-gcp-{part}" for part in ("account", "told", "secret", "agent", "service")}


def test_the_application_is_told_its_own_sites_cache_and_its_password(build: Build) -> None:
    found = build()
    assert found.one("aws-gcp-cache", "kubernetes:core/v1:ConfigMap").inputs["data"]["CACHE_HOST"] == "cache.crm.svc"
    password = found.one("aws-gcp-secret", "kubernetes:core/v1:Secret")
    assert password.holds_secret("stringData", "CACHE_PASSWORD")
    without = build(cache_image="", cache_holds=[])
    assert without.one("aws-gcp-cache", "kubernetes:core/v1:ConfigMap").inputs["data"] == {"CACHE_HOST": ""}
    assert without.of("twinsite:index:CacheStance") == []


def test_nothing_goes_into_the_namespace_before_it_is_there(build: Build) -> None:
    found = build()
    made = found.one("aws-gcp-namespace").urn
    for kind in ("Workload", "CacheStance", "LogicalReplica"):
        (component,) = found.of(f"twinsite:index:{kind}")
        assert made in component.depends_on


def test_whoever_is_told_of_alarms_is_told_by_both_clouds_and_a_pagers_place_is_secret(build: Build) -> None:
    found = build(alarm_urls={"pager": "https://pager.example.com/hidden"})
    for name in ("aws-gcp-watch-aws-url-pager", "aws-gcp-watch-aws-email-ops@example.com"):
        assert found.one(name).type == "aws:sns/topicSubscription:TopicSubscription"
    assert found.one("aws-gcp-watch-aws-url-pager").holds_secret("endpoint")
    assert found.one("aws-gcp-watch-gcp-url-pager").holds_secret("labels", "url")
    named = {one.inputs["name"] for one in found.of("aws:cloudwatch/metricAlarm:MetricAlarm")}
    tunnels = {f"twinsite-tunnel-{number}" for number in (1, 2, 3, 4)}
    assert named == {"twinsite-pods", "twinsite-slot-retention", *tunnels}
    slot = found.one("aws-gcp-watch-aws-slot-retention").inputs
    assert (slot["dimensions"], slot["threshold"]) == ({"DBInstanceIdentifier": "crm"}, 2**30)
    policies = {one.inputs["displayName"] for one in found.of("gcp:monitoring/alertPolicy:AlertPolicy")}
    sessions = {f"twinsite-bgp-{number}" for number in (1, 2, 3, 4)}
    # Lag is measured by a pod at Google, which has no identity of AWS's.
    assert policies == {"twinsite-replication-lag", "twinsite-slot-retention", *tunnels, *sessions}
    for still in ("taken-away", "by-hand"):
        quiet = build(replication=still)
        assert {one.inputs["displayName"] for one in quiet.of("gcp:monitoring/alertPolicy:AlertPolicy")} == {
            *tunnels,
            *sessions,
        }


def test_the_pods_that_look_may_write_metrics_and_alarms_hear_of_each_look(build: Build) -> None:
    found = build()
    job = found.one("aws-gcp-replica-account", "kubernetes:core/v1:ServiceAccount").inputs["metadata"]
    email = job["annotations"]["iam.gke.io/gcp-service-account"]
    acts = found.one("aws-gcp-gke-look-acts").inputs
    assert acts["member"] == f"serviceAccount:example-dr.svc.id.goog[{job['namespace']}/{job['name']}]"
    writes = found.one("aws-gcp-look-metrics").inputs
    assert (writes["role"], writes["member"]) == ("roles/monitoring.metricWriter", f"serviceAccount:{email}")
    tells = found.one("aws-gcp-look-report").inputs
    assert (tells["bucket"], tells["role"]) == ("aws-gcp-operations-name", "roles/storage.objectUser")
    assert tells["member"] == f"serviceAccount:{email}"
    # Journal, lock and inventory of operations are in the same bucket.
    only = 'resource.name.startsWith("projects/_/buckets/aws-gcp-operations-name/objects/replicas/")'
    assert tells["condition"]["expression"] == only
    told = json.loads(found.one("aws-gcp-replica-told").inputs["data"]["logical.json"])
    assert told["report"] == "gs://aws-gcp-operations-name/replicas/twinsite.json"
    look = found.one("aws-gcp-replica-look").inputs["spec"]["schedule"]
    assert 2 * longest_gap_seconds(look) < ABSENT_SECONDS, "one look that is late is no silence"


def test_while_its_slot_is_there_the_look_is_the_first_to_go_of_all_that_a_mode_adds(build: Build) -> None:
    cold, light = (build(dr_mode=mode, cold_without_data="accept") for mode in ("cold", "pilot-light"))
    of_cold = {one.urn for one in cold.resources}
    look = light.one("aws-gcp-replica-look")
    # A component is never deleted by a mode, its parts are; the provider goes after all that it made.
    added = {one.urn for one in light.resources if one.urn not in of_cold and ":providers:" not in one.type}
    own = {one.urn for one in light.resources if one.name.startswith("aws-gcp-replica")}
    assert added - own - set(look.depends_on) == set()


def test_a_flow_that_is_by_hand_asks_for_nothing_and_makes_nothing(build: Build) -> None:
    bare = dict.fromkeys(("replication_image", "primary_database_user", "primary_database_password"), "")
    found = build(replication="by-hand", replication_password="", wal_mib_per_hour="", **bare)
    assert not [one.name for one in found.resources if "replica" in one.name or "look" in one.name]
    assert found.one("aws-gcp-gke-system").inputs["nodeCount"] == 1, "the cluster's own pods want a node all the same"
    assert total(estimate(read(replication="by-hand")).modes["warm"].lost) is None


def test_journal_lock_and_inventory_are_in_a_private_bucket_of_the_standbys_region_in_every_mode(build: Build) -> None:
    for mode in ("cold", "pilot-light", "warm"):
        found = build(dr_mode=mode, cold_without_data="accept")
        bucket = found.one("aws-gcp-operations").inputs
        # Google's defaults are lists of rights on each object, and a public bucket for whoever asks for one.
        assert (bucket["uniformBucketLevelAccess"], bucket["publicAccessPrevention"]) == (True, "enforced")
        assert (bucket["location"], bucket["forceDestroy"]) == ("ASIA-NORTHEAST3", True)
        (kept,) = found.of("gcp:storage/bucketObject:BucketObject")
        assert (kept.inputs["name"], kept.inputs["bucket"]) == ("inventory.json", "aws-gcp-operations-name")
        assert inventory.from_dict(json.loads(kept.inputs["content"])).dr_mode == mode
        assert kept.request.deleteBeforeReplace, "else the new one goes with the old one"


def test_the_inventory_names_what_each_cloud_is_asked_for(build: Build) -> None:
    found = inventory.from_dict(plain(build().result["inventory"]))
    (vpn,), (database,) = found.vpns, found.databases
    assert (vpn.aws_region, vpn.connections) == ("ap-northeast-2", ("aws-gcp-to-gcp-0-id", "aws-gcp-to-gcp-1-id"))
    assert (vpn.project, vpn.region, vpn.router) == ("example-dr", "asia-northeast3", "twinsite-router")
    assert vpn.tunnels == tuple(f"twinsite-tunnel-{at}" for at in (1, 2, 3, 4))
    assert dict(zip(vpn.tunnels, vpn.inside_ranges, strict=True))["twinsite-tunnel-3"] == "169.254.20.8/30"
    assert (database.project, database.version, database.availability) == ("example-dr", "POSTGRES_17", "ZONAL")
    assert database.instance.startswith("twinsite-")
    said = {one.name: one.value for one in database.settings}
    assert (said["cloudsql.logical_decoding"], said["timezone"]) == ("on", "Asia/Seoul")
    cold = inventory.from_dict(plain(build(dr_mode="cold", cold_without_data="accept").result["inventory"]))
    assert (cold.vpns[0].tunnels, cold.vpns[0].connections, cold.databases) == ((), (), ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cache_image": "", "cache_holds": ["pages"]}, "there is none without an image"),
        ({"replication_image": ""}, "replication_image is not set"),
        ({**WRITERS, "writer_registers": PLACES}, "two of a stack's own and those would be two answers"),
        ({**WRITERS, "replication": "by-hand"}, "agents hold the gate of the replication's flow"),
        ({**WRITERS, "writer_third": ""}, "writer_third is not set"),
        ({**WRITERS, "writer_third": "s3://x/y"}, "writer_third_region is not set"),
        ({**WRITERS, "writer_third_client_secret": ""}, "writer_third_client_secret is not set"),
        ({**WRITERS, "writer_image": ""}, "writer_image is not set"),
        ({**WRITERS, "primary_cluster_context": ""}, "is whatever cluster this desk's kubectl is at"),
        ({"backup_bucket": "crm-dr-backups"}, "backup_bucket puts something into the primary's cluster"),
        ({**WRITERS, "primary_oidc_provider": ""}, "primary_oidc_provider is not set"),
        ({"primary_database_user": ""}, "primary_database_user is not set"),
        ({"primary_database_password": ""}, "primary_database_password is not set"),
        ({"replication_password": ""}, "replication_password is not set"),
        ({"replication_authority": ""}, "replication_authority is not set"),
        ({"replication_back_user": "back"}, "replication_back_authority is not set"),
        ({"replication_back_user": "back"}, "replication_back_password is not set"),
        ({"wal_mib_per_hour": ""}, "wal_mib_per_hour is not set"),
        ({"wal_mib_per_hour": -1}, "wal_mib_per_hour is '-1'"),
        ({"writer_registers": ["s3://a/writer.json", "gs://b/writer.json"]}, "name 3 places that fail apart"),
        ({"writer_registers": ["s3://a/w", "gs://b/w", "gs://b/w"]}, "name 3 places that fail apart"),
        ({"writer_registers": ["s3://a/w", "gs://b/w", "azblob://c/w"]}, "name 3 places that fail apart"),
        ({"writer_register_regions": ["us-west-2"]}, "give one for each in their order"),
        ({"writer_registers": PLACES, "writer_register_regions": ["", "us-west-2", ""]}, "not at AWS"),
        ({"dr_mode": "hot"}, "replication goes one way"),
        ({"dr_mode": "active-active"}, "what is written at the standby is lost"),
        ({"dr_mode": "cold"}, "keeps no data outside AWS"),
        ({"dr_mode": "cold", "replication": "abandoned"}, "the database at Google, the one that is left"),
        ({"gate": "wait"}, "gate wait cannot be kept"),
        ({"standby_data": "backup"}, "standby_data backup is not offered by topology aws-gcp, which has replica"),
        ({"psk_generations": {"tunnel-5": 2}}, "the tunnels are tunnel-1, tunnel-2, tunnel-3, tunnel-4"),
        ({"psk_generations": {"tunnel-1": "two"}}, r"psk_generations\.tunnel-1 is 'two'"),
        ({"primary_database_version": "", "database_version": ""}, "primary_database_version is not set"),
    ],
)
def test_a_bad_value_is_refused_with_its_fix(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        read(**change)
    assert "`pulumi config set " in str(refused.value)


@pytest.mark.parametrize(("change", "refused"), [(WRITERS, True), ({"primary_cluster_context": "eks"}, False)])
def test_a_context_that_this_runner_does_not_have_is_refused_where_something_is_made_in_it(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], refused: bool
) -> None:
    desk = Home(skips_sts=True, skips_cluster=True, contexts=frozenset({"gke_crm"}))
    monkeypatch.setattr(aws_gcp_topology, "see", lambda stack, project: desk)
    if refused:
        with pytest.raises(
            Refused, match="primary_cluster_context eks is not in this desk's kubeconfig, which has gke"
        ):
            read(**change)
    else:
        read(**change)


def test_a_cluster_of_this_program_is_not_passed_over_and_ones_own_is(build: Build) -> None:
    providers = {one.name: one.inputs for one in build(**WRITERS).of("pulumi:providers:kubernetes")}
    skips = {name: inputs["skipUpdateUnreachable"] for name, inputs in providers.items()}
    assert {name.endswith("-eks"): value for name, value in skips.items()} == {True: "true", False: "false"}, skips


def test_an_rds_without_its_authority_is_refused_with_the_line_that_sets_it() -> None:
    with pytest.raises(Refused, match=r"`curl -fsS https://\S+-bundle.pem \| pulumi config set primary_database_ca`"):
        read(primary_database_ca="")


def test_the_standby_is_of_the_primarys_series_where_none_is_named() -> None:
    assert read(primary_database_version="16.9").database_version == "POSTGRES_16"
    assert read(database_version="POSTGRES_18").database_version == "POSTGRES_18"


HEAVY = ("pulumi_gcp", "pulumi_cloudflare", "pulumi_azure_native", "pulumi_kubernetes")


@pytest.mark.parametrize(("name", "loaded"), [("onprem-aws", []), ("aws-gcp", ["pulumi_gcp", "pulumi_kubernetes"])])
def test_only_this_topology_loads_googles_sdk_and_cloudflares_is_not_loaded_at_all(
    name: str, loaded: list[str]
) -> None:
    code = (
        f"import sys; from stacks import topology; topology({name!r}); print(*[m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == loaded


@pytest.mark.parametrize("change", ["aws_gcp_topology.BY_DMS", "{}"], ids=["dms", "native"])
def test_a_stack_with_registers_and_backups_loads_the_sdks_of_its_own_clouds_alone(change: str) -> None:
    code = (
        "import sys; from tests.mocks import aws_gcp_topology; from tests.mocks.test_topology_aws_gcp import WRITERS; "
        "from tests.mocks.test_topology_aws_gcp_backups import BACKUPS; "
        f"aws_gcp_topology.build(**{{**BACKUPS, **WRITERS, **{change}}}); "
        "print(*sorted({one.partition('.')[0] for one in sys.modules if one.startswith('pulumi_')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Of Cloudflare's no module is needed (components/traffic/cloudflare.py); the policies' comes with the tests.
    besides = {"pulumi_cloudflare", "pulumi_policy"}
    assert set(done.stdout.split()) - besides == {f"pulumi_{one}" for one in PACKAGES} - besides
