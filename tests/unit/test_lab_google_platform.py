"""The lab's Compute Engine, GKE, Cloud SQL, Secret Manager, Monitoring and EC2's VPN, as status and doctor ask them."""

import base64
import io
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from lab.services.cloud_vpn import at_google
from lab.services.ec2 import CONNECTION, Ec2, end_state
from lab.services.google.clusters import VERSION
from lab.services.google.compute import ROUTER, TUNNEL, tunnel_status
from lab.services.google.metadata import Guest, Keeper, Lender, Metadata
from lab.services.google.monitoring import POLICY
from lab.services.google.pools import CLUSTER, POOL, SIZE
from lab.services.google.quotas import LIMIT
from lab.services.google.series import Name
from lab.services.google.servers import SERVER
from lab.services.google.vaults import SECRET
from lab.services.google.vaults import VERSION as SECRET_VERSION
from lab.services.netns import listen
from lab.services.signature import Request
from operations import cloud_router, gke, google
from operations.doctor import google_offers, google_quotas, google_services, identity, policies, rights
from operations.doctor.answers import Answer
from operations.subjects import cloud_cluster, cloud_database, cloud_vpn
from tests.aws_gcp_world import INVENTORY
from tests.lab_google import PROJECT, World, at_real_names
from twinsite.guest.logical import google as pods_google
from twinsite.guest.logical import metrics, report
from twinsite.needs import Google

REGION = "asia-northeast3"
PLACE = f"projects/{PROJECT}/locations/{REGION}/clusters/twinsite"
UP = {
    "bgpState": "Established",
    "bgpTimerUpMsec": 61000,
    "addressFamilyInfo": {"ipv4Unicast": {"acceptedPrefixCounter": 1}},
}


class Vpn:
    """What runs, as a test says."""

    def __init__(self) -> None:
        self.sas: dict[str, int] = {}
        self.bgp: dict[str, dict[str, Any]] = {}
        self.words: dict[str, str] = {}

    def sessions(self, router: str) -> Mapping[str, Mapping[str, Any]]:
        return self.bgp

    def associations(self, end: str) -> int:
        return self.sas[end]

    def said(self, identity: str) -> str:
        return self.words.get(identity, "")


@pytest.fixture
def vpn() -> Vpn:
    return Vpn()


@pytest.fixture
def running() -> dict[str, int]:
    """Nodes that run, by their pool's id; a pool that is not there has as many as it is told."""
    return {}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gke, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vpn: Vpn, running: dict[str, int]) -> Iterator[World]:
    made = World(tmp_path, vpn=lambda: vpn, running=running.get)
    with at_real_names(made.cloud.apis, tmp_path, monkeypatch):
        yield made


# GKE.


def with_cluster(world: World) -> None:
    world.put(CLUSTER, PLACE, {"name": "twinsite", "location": REGION, "nodeLocations": [f"{REGION}-a", f"{REGION}-b"],
                               "masterVersion": VERSION})  # fmt: skip
    for name, nodes in (("serving", 0.0), ("warm", 1.0)):
        world.put(POOL, f"{PLACE}/nodePools/{name}", {"name": name, "nodeCount": nodes})


def test_status_sees_the_cluster_and_the_size_of_its_pools(world: World) -> None:
    known = INVENTORY.clusters[0]
    assert cloud_cluster.cluster(known, world.api()).status == ""
    with_cluster(world)
    found = cloud_cluster.cluster(known, world.api())
    assert [(one.name, one.nodes, one.zones, one.coming) for one in found.pools] == [
        ("serving", 0, 2, 0),
        ("warm", 2, 2, 0),
    ]


def test_a_resize_is_an_operation_that_ends_when_the_nodes_are_there(world: World, running: dict[str, int]) -> None:
    with_cluster(world)
    serving, known, api = f"{PLACE}/nodePools/serving", INVENTORY.clusters[0], world.api()
    running[serving] = 0
    began = api.post("container", f"v1/{serving}:setSize", {"nodeCount": 2})
    operation = f"v1/projects/{PROJECT}/locations/{REGION}/operations/{began['name']}"
    assert world.cloud.pools.sizes() == {serving: 4, f"{PLACE}/nodePools/warm": 2}
    assert world.records[SIZE][serving]["nodes"] == 2, "where whoever makes nodes reads it"
    running[serving] = 3
    pool = cloud_cluster.cluster(known, api).pool("serving")
    assert pool is not None and (pool.nodes, pool.coming, pool.status) == (4, 1, "RECONCILING")
    assert api.get("container", operation)["status"] == "RUNNING"
    with pytest.raises(google.GoogleError, match=f"incompatible operation {began['name']}") as busy:
        api.post("container", f"v1/{PLACE}/nodePools/warm:setSize", {"nodeCount": 3})
    assert (busy.value.status, busy.value.code) == (400, "CLUSTER_ALREADY_HAS_OPERATION")
    running[serving] = 4
    assert api.get("container", operation)["status"] == "DONE"
    pool = cloud_cluster.cluster(known, api).pool("serving")
    assert pool is not None and (pool.nodes, pool.coming, pool.status) == (4, 0, "RUNNING")


def test_a_resize_of_operations_waits_for_its_turn_and_for_the_nodes(world: World, running: dict[str, int]) -> None:
    with_cluster(world)
    serving, warm, known, said = f"{PLACE}/nodePools/serving", f"{PLACE}/nodePools/warm", INVENTORY.clusters[0], []
    running |= {serving: 0, warm: 1}  # a node of another pool is still to come: one operation at a time

    def goes_on(line: str) -> None:
        said.append(line)
        running[warm], running[serving] = 2, running[serving] + (2 if len(said) > 1 else 0)

    assert gke.resize(known, 2, world.api(), goes_on, 60.0) == 4
    assert "incompatible operation" in said[0]
    assert said[1:] == ["4 of 4 nodes, 4 coming, RECONCILING", "4 of 4 nodes, 2 coming, RECONCILING"]
    assert world.cloud.pools.sizes()[serving] == 4


def test_a_size_that_the_program_gives_later_goes_before_one_by_hand(world: World) -> None:
    with_cluster(world)
    warm = f"{PLACE}/nodePools/warm"
    world.api().post("container", f"v1/{warm}:setSize", {"nodeCount": 5})
    assert world.cloud.pools.sizes()[warm] == 10
    world.records[POOL][warm]["nodeCount"] = 2.0
    assert world.cloud.pools.sizes()[warm] == 4


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("nodePools/none:setSize", {"nodeCount": 1}, 404), ("nodePools/warm:setSize", {"nodeCount": -1}, 400),
     ("nodePools/warm:setSize", {}, 400)],
)  # fmt: skip
def test_sizes_that_gke_does_not_take(world: World, path: str, body: dict[str, int], status: int) -> None:
    with_cluster(world)
    with pytest.raises(google.GoogleError) as told:
        world.api().post("container", f"v1/{PLACE}/{path}", body)
    assert told.value.status == status


# Cloud SQL.


def test_status_sees_a_server_as_its_record_has_it(world: World) -> None:
    known = INVENTORY.databases[0]
    assert cloud_database.server(known, world.api()).state == ""
    world.put(SERVER, known.instance, {
        "project": PROJECT, "region": REGION, "databaseVersion": "POSTGRES_17",
        "settings": {"databaseFlags": [{"name": "timezone", "value": "Asia/Seoul"}], "tier": "db-custom-2-7680",
                     "ipConfiguration": {"ipv4Enabled": False, "sslMode": "ENCRYPTED_ONLY"},
                     "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True}},
    })  # fmt: skip
    found = cloud_database.server(known, world.api())
    assert (found.runs, found.settings, found.public, found.tls, found.backups, found.logs) == (
        True, (("timezone", "Asia/Seoul"),), False, "ENCRYPTED_ONLY", True, True,
    )  # fmt: skip
    world.records[SERVER][known.instance]["settings"] = {}
    assert cloud_database.server(known, world.api()).public, "Google's default"


# The VPN, from both clouds.


def with_tunnel(world: World) -> None:
    """One, told to both."""
    region = f"projects/{PROJECT}/regions/{REGION}"
    world.put(TUNNEL, f"{region}/vpnTunnels/twinsite-tunnel-1", {
        "name": "twinsite-tunnel-1", "peerIp": "203.0.113.131", "ikeVersion": 2.0, "sharedSecret": "k",
        "vpnGateway": "g", "vpnGatewayInterface": 0.0, "peerExternalGateway": "aws",
        "peerExternalGatewayInterface": 0.0,
    })  # fmt: skip
    world.put(
        ROUTER,
        f"{region}/routers/twinsite-router",
        {"name": "twinsite-router", "network": "n", "bgp": {"asn": 65010.0}},
    )
    world.put("gcp:compute/routerInterface:RouterInterface", "i", {
        "name": "twinsite-tunnel-1", "router": "twinsite-router", "vpnTunnel": "twinsite-tunnel-1",
        "ipRange": "169.254.20.2/30",
    })  # fmt: skip
    world.put("gcp:compute/routerPeer:RouterPeer", "p", {
        "name": "twinsite-tunnel-1", "interface": "twinsite-tunnel-1", "peerIpAddress": "169.254.20.1",
        "router": "twinsite-router", "peerAsn": 64512.0,
    })  # fmt: skip
    world.put(
        "gcp:compute/haVpnGateway:HaVpnGateway", "g", {"name": "g", "vpnInterfaces": [{"id": 0, "ipAddress": "a"}]}
    )
    world.put("gcp:compute/externalVpnGateway:ExternalVpnGateway", "aws", {
        "name": "aws", "interfaces": [{"id": 0, "ipAddress": "b"}],
    })  # fmt: skip
    world.put(CONNECTION, "vpn-1", {
        "vpnGatewayId": "vgw-1", "customerGatewayId": "cgw-1", "tunnel1Address": "203.0.113.131",
        "tunnel1InsideCidr": "169.254.20.0/30", "tunnel2Address": "203.0.113.132",
        "tunnel2InsideCidr": "169.254.20.4/30",
    })  # fmt: skip


def test_a_session_is_disabled_by_the_whole_list_of_peers_and_nothing_else(world: World) -> None:
    known = INVENTORY.vpns[0]
    with_tunnel(world)
    assert cloud_router.enable(known, known.tunnels[:1], False, world.api())
    assert cloud_router.disabled(known, world.api()) == {known.tunnels[0]}
    assert [router.shut for router in at_google(lambda token: world.records.get(token, {}))] == [(known.tunnels[0],)]
    assert not cloud_router.enable(known, known.tunnels[:1], False, world.api()), "it was so"
    assert cloud_router.enable(known, known.tunnels, True, world.api())
    assert [router.shut for router in at_google(lambda token: world.records.get(token, {}))] == [()]
    for body in ({"bgpPeers": []}, {"description": "x"}):
        with pytest.raises(google.GoogleError, match="and nothing else"):
            world.api().patch("compute", cloud_router.place(known), body)


def test_status_sees_googles_end_as_it_lives(world: World, vpn: Vpn) -> None:
    known = INVENTORY.vpns[0]
    with_tunnel(world)
    first = known.tunnels[0]
    assert cloud_vpn.google_ends(known, world.api())[first].status == "PROVISIONING", "nothing runs it yet"
    vpn.sas[first] = 1
    end = cloud_vpn.google_ends(known, world.api())[first]
    assert end.status == "ESTABLISHED" and end.session is not None and not end.session.up
    vpn.bgp[first] = UP
    session = cloud_vpn.google_ends(known, world.api())[first].session
    assert session is not None and (session.up, session.state, session.learned) == (True, "Established", 1)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("", "NO_INCOMING_PACKETS"),
        ("received AUTHENTICATION_FAILED notify error", "AUTHORIZATION_ERROR"),
        ("tried 1 shared key, but MAC mismatched", "AUTHORIZATION_ERROR"),
        ("received NO_PROPOSAL_CHOSEN notify error", "NEGOTIATION_FAILURE"),
        ("AUTHENTICATION_FAILED … IKE_SA [1] established between …", "NO_INCOMING_PACKETS"),
    ],
)
def test_a_tunnel_that_is_down_says_why(vpn: Vpn, said: str, status: str) -> None:
    vpn.sas, vpn.words = {"t": 0}, {"t": said}
    assert tunnel_status(vpn, "t")[0] == status


@pytest.mark.parametrize(
    ("sas", "bgp", "state"),
    [
        ({}, {}, (False, "IPSEC IS DOWN", 0)),
        ({"e": 0}, {}, (False, "IPSEC IS DOWN", 0)),
        ({"e": 1}, {}, (False, "IPSEC IS UP", 0)),
        ({"e": 1}, {"e": UP}, (True, "1 BGP ROUTES", 1)),
    ],
)
def test_awss_end_as_it_lives(vpn: Vpn, sas: dict[str, int], bgp: dict[str, Any], state: tuple[bool, str, int]) -> None:
    vpn.sas, vpn.bgp = sas, bgp
    assert end_state(vpn, "vgw-1", "e") == state
    assert end_state(None, "vgw-1", "e")[0] is False


def test_boto_reads_what_ec2_says_of_the_vpn(world: World, vpn: Vpn, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tunnel(world)
    vpn.sas, vpn.bgp = {"vpn-1-1": 1, "vpn-1-2": 0}, {"vpn-1-1": UP}
    ec2 = Ec2(lambda token: world.records.get(token, {}), lambda: vpn)
    client = boto3.client("ec2", region_name="ap-northeast-2", aws_access_key_id="a", aws_secret_access_key="b",
                          config=Config(retries={"max_attempts": 0}))  # fmt: skip

    def send(request: Any, **_: Any) -> Any:
        host = request.url.split("/")[2]
        status, headers, body = ec2.answer(Request("POST", host, "/", "", {}, request.body.encode()))
        raw = io.BytesIO(body)
        raw.stream = lambda **_: iter([body])  # type: ignore[attr-defined]
        return AWSResponse(request.url, status, dict(headers), raw)

    client.meta.events.register("before-send.ec2", send)
    (found,) = client.describe_vpn_connections(VpnConnectionIds=["vpn-1"])["VpnConnections"]
    assert [(one["Status"], one["StatusMessage"]) for one in found["VgwTelemetry"]] == [
        ("UP", "1 BGP ROUTES"),
        ("DOWN", "IPSEC IS DOWN"),
    ]
    assert found["Options"]["TunnelOptions"][1]["TunnelInsideCidr"] == "169.254.20.4/30"
    with pytest.raises(botocore.exceptions.ClientError, match=r"InvalidVpnConnectionID\.NotFound"):
        client.describe_vpn_connections(VpnConnectionIds=["vpn-9"])
    with pytest.raises(botocore.exceptions.ClientError, match="does not answer DescribeInstances"):
        client.describe_instances()


# Secrets.


def test_a_secret_is_read_by_who_may(world: World) -> None:
    name = f"projects/{PROJECT}/secrets/twinsite-vpn-keys"
    world.put(SECRET, name, {})
    for at, text in enumerate(("old", "new")):
        world.put(SECRET_VERSION, f"v{at}", {"secret": name, "secretData": text, "__made": float(at)})
    for version, text in (("latest", "new"), ("1", "old")):
        found = world.api().get("secretmanager", f"v1/{name}/versions/{version}:access")
        assert base64.b64decode(found["payload"]["data"]).decode() == text
    member = f"serviceAccount:{world.account('pod')}"
    pod = google.Api(google.Identity(environment={"GOOGLE_OAUTH_ACCESS_TOKEN": world.token(member)}), 5.0)
    with pytest.raises(google.GoogleError) as told:
        pod.get("secretmanager", f"v1/{name}/versions/latest:access")
    assert (told.value.status, told.value.code) == (403, "IAM_PERMISSION_DENIED") and told.value.is_about_rights
    for path in (f"{name}/versions/3:access", f"{name}-not/versions/latest:access"):
        with pytest.raises(google.GoogleError) as told:
            world.api().get("secretmanager", f"v1/{path}")
        assert told.value.status == 404


# Projects.


def test_doctor_is_told_of_project_services_and_rights(world: World) -> None:
    api = world.api()
    assert identity.at_google(api, PROJECT).answer == Answer.OK
    assert identity.at_google(api, "another").answer == Answer.NOT_OK
    assert google_services.ask(api, PROJECT, ["compute.googleapis.com", "container.googleapis.com"]).answer == Answer.OK
    lacking = google_services.ask(api, PROJECT, ["compute.googleapis.com", "dns.googleapis.com"])
    assert lacking.answer == Answer.NOT_OK and "dns.googleapis.com" in lacking.words
    file = policies.path("gcp", "aws-gcp", "warm", "operator")
    assert rights.at_google(api, file, "operator", PROJECT).answer == Answer.OK
    assert google_offers.channel(api.get("container", f"v1/projects/{PROJECT}/locations/{REGION}/serverConfig"),
                                 "REGULAR", REGION).answer == Answer.OK  # fmt: skip
    with pytest.raises(google.GoogleError, match="does not answer GET"):
        api.get("sqladmin", "v1/flags")


NEEDS = Google(
    project=PROJECT, region=REGION, prefix="twinsite", zones=(f"{REGION}-a", f"{REGION}-b"),
    machine_type="e2-standard-4", nodes=6, node_disk_gib=50, release_channel="REGULAR",
    database_version="POSTGRES_17", database_tier="db-custom-2-7680", database_flags=(), tunnels=4,
)  # fmt: skip


def test_doctor_is_told_what_is_left_of_quotas_and_which_is_too_small(world: World) -> None:
    api = world.api()
    assert google_quotas.parts(api, NEEDS).answer == google_quotas.nodes(api, NEEDS).answer == Answer.OK
    assert "VPN_TUNNELS: 0 of 10 in use, 4 more wanted" in google_quotas.parts(api, NEEDS).words
    assert "CPUS of asia-northeast3: 0 of 24 in use, 24 more wanted" in google_quotas.nodes(api, NEEDS).words
    with_cluster(world)
    for at in range(1, 4):
        world.put(TUNNEL, f"projects/{PROJECT}/regions/{REGION}/vpnTunnels/twinsite-{at}", {"name": f"twinsite-{at}"})
    assert "VPN_TUNNELS: 3 of 10 in use, 1 more wanted" in google_quotas.parts(api, NEEDS).words
    world.put(LIMIT, "VPN_TUNNELS", {"limit": 3})
    world.put(LIMIT, "CPUS", {"limit": 8})
    found = google_quotas.parts(api, NEEDS)
    assert found.answer == Answer.NOT_OK and "VPN_TUNNELS: 3 of 3 in use, 1 more wanted" in found.words
    assert "Quotas: ask for more" in found.fix
    assert google_quotas.nodes(api, NEEDS).answer == Answer.NOT_OK
    with pytest.raises(google.GoogleError) as told:
        api.get("compute", f"compute/v1/projects/{PROJECT}/zones/{REGION}-a/machineTypes/n9-huge")
    assert told.value.status == 404


# What a look tells, as a pod of GKE.


def test_a_look_tells_metrics_and_report_as_its_pods_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    email, bucket = world.account("looker"), "operations"
    world.bucket(bucket)
    keeper = Keeper(world.cloud.tokens, Lender(world.cloud.tokens, world.cloud.rights, world.cloud._records))
    server = Metadata(listen("", ("127.0.0.1", 0)), lambda _: Guest(PROJECT, email, "crm/logical"), keeper)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(pods_google, "TOKEN", f"{base}/computeMetadata/v1/instance/service-accounts/default/token")
    look = {"lag": {"seconds": 0.4}, "slot": {"held_bytes": 7}}
    place = f"gs://{bucket}/replicas/twinsite.json"
    try:
        (said,) = metrics.write(PROJECT, "crm", look)
        assert "HTTP 403" in said and "getAccessToken" in said
        world.grant(
            "roles/iam.workloadIdentityUser", f"serviceAccount:{PROJECT}.svc.id.goog[crm/logical]", account=email
        )
        (said,) = metrics.write(PROJECT, "crm", look)
        assert "monitoring.timeSeries.create" in said
        world.grant("roles/monitoring.metricWriter", f"serviceAccount:{email}")
        assert metrics.write(PROJECT, "crm", look) == []
        (said,) = report.write(place, look)
        assert "does not have storage.objects.create access" in said
        expression = f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/replicas/")'
        world.grant("roles/storage.objectUser", f"serviceAccount:{email}", expression=expression, bucket=bucket)
        assert report.write(place, look) == [] and report.write(place, look) == []
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{base}/computeMetadata/v1/project/project-id")
    finally:
        server.shutdown()
        server.server_close()
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    query = {"filter": CHOSEN, "interval.endTime": now}
    (series,) = world.api().get("monitoring", f"v3/projects/{PROJECT}/timeSeries", **query)["timeSeries"]
    assert series["points"][0]["value"] == {"doubleValue": 0.4}


# Alert policies.

LAG = Name(
    "custom.googleapis.com/twinsite/crm/replication_lag_seconds", "global", (("resource.labels.project_id", PROJECT),)
)
CHOSEN = 'metric.type="custom.googleapis.com/twinsite/crm/replication_lag_seconds" AND resource.type="global"'


def policy(aligner: str = "ALIGN_MAX", limit: float = 30.0, **said: Any) -> dict[str, Any]:
    rule = {"alignmentPeriod": "60s", "perSeriesAligner": aligner, **said}
    return {
        "displayName": "twinsite replication-lag", "__made": 0.0,
        "conditions": [
            {"displayName": "late", "conditionThreshold": {
                "filter": CHOSEN, "comparison": "COMPARISON_GT", "thresholdValue": limit, "duration": "60s",
                "aggregations": [rule]}},
            {"displayName": "silent", "conditionAbsent": {
                "filter": CHOSEN, "duration": "300s", "aggregations": [rule]}},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("points", "speaks"),
    [
        ([], []),
        ([(970, 1.0)], []),
        ([(970, 31.0)], ["late"]),
        ([(950, 31.0), (990, 2.0)], ["late"]),
        ([(930, 31.0), (990, 2.0)], []),
        ([(900, 31.0)], []),
        ([(690, 1.0)], ["silent"]),
    ],
)
def test_a_policy_speaks_of_a_value_and_of_silence(
    world: World, points: list[tuple[float, float]], speaks: list[str]
) -> None:
    world.put(POLICY, "p", policy())
    for at, value in points:
        world.cloud.monitoring.series.write(LAG, at, value)
    assert world.cloud.monitoring.speaking(1000.0) == ({"twinsite replication-lag": speaks} if speaks else {})


def test_silence_counts_of_what_was_heard_since_the_policy_was_made(world: World) -> None:
    world.put(POLICY, "p", {**policy(), "__made": 800.0})
    world.cloud.monitoring.series.write(LAG, 600.0, 1.0)
    assert world.cloud.monitoring.speaking(1000.0) == {}


def test_a_policy_that_is_not_understood_is_named(world: World) -> None:
    world.cloud.monitoring.series.write(LAG, 990.0, 99.0)
    world.put(POLICY, "p", policy("ALIGN_PERCENTILE_99"))
    (said,) = world.cloud.monitoring.speaking(1000.0)["twinsite replication-lag"]
    assert said == "not judged here: aligner ALIGN_PERCENTILE_99"


def test_tunnels_and_sessions_are_metrics_of_googles_own(world: World, vpn: Vpn) -> None:
    with_tunnel(world)
    vpn.sas["twinsite-tunnel-1"] = 1
    said = {name.metric: (dict(name.labels), value) for name, value in world.cloud.compute.metrics()}
    assert said == {
        "vpn.googleapis.com/tunnel_established": ({"metric.labels.tunnel_name": "twinsite-tunnel-1"}, 1.0),
        "router.googleapis.com/bgp/session_up": ({"metric.labels.bgp_peer_name": "twinsite-tunnel-1"}, 0.0),
    }
