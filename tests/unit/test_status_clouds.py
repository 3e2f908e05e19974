"""What status says of what clouds run for a stack of aws-gcp: tunnels, database, cluster, pools; each fault with its
cause and fix, and what does not answer is unknown and never well."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from operations import status
from operations.amazon import Refused
from operations.cloudflare import CloudflareError
from operations.google import NETWORK, GoogleError
from operations.subjects import cloud_pools, cloud_reader, cloud_vpn
from operations.subjects.away import Answer, NameSeen, Parts
from operations.subjects.clouds import Told, Unknown
from operations.subjects.sources import Sources
from operations.unanswered import CouldNotAsk
from tests.clouds_world import BALANCERS, CLUSTER, GROUP, POOLS, ROUTER, SERVER, TUNNELS, Clouds, health

DENIED = GoogleError("compute.googleapis.com says 403 IAM_PERMISSION_DENIED: no", "have a role", 403, "x")


@pytest.fixture
def clouds() -> Clouds:
    return Clouds()


def nobody(*_: object) -> Any:
    raise AssertionError("it has no hosts")


def seen(clouds: Clouds, site: str = "aws") -> status.Status:
    """One look, while the name leads to `site`."""
    there = clouds.inventory
    leads = NameSeen("crm.example.com", (Answer("ns1", ("104.16.0.1",), site),))
    asks: dict[str, Callable[[], Any]] = {"names": lambda: (leads,), "latch": lambda: ()}
    told = cloud_reader.connect(there, clouds.world())
    sources = Sources(there, nobody, lambda: Parts(there, 0.0, asks), clouds=lambda: told)
    return status.status(sources, {"verdict": None, "reason": "no drill was run"})


def test_on_a_quiet_day_everything_is_up_and_nothing_is_said(clouds: Clouds) -> None:
    found = seen(clouds)
    assert found.problems() == []
    shown = found.shown()
    assert (shown["healthy"], shown["active_site"]) == (True, "aws")
    assert [(one["name"], one["up"], one["bgp"], one["aws"]["routes"]) for one in shown["tunnels"]] == [
        (f"twinsite-tunnel-{at}", True, True, 2) for at in (1, 2, 3, 4)
    ]
    assert shown["databases"][0]["state"] == "RUNNABLE"
    assert shown["clusters"][0]["pools"] == [{"name": "serving", "nodes": 0}, {"name": "warm", "nodes": 2}]
    assert [(one["site"], one["healthy"], one["serves"]) for one in shown["pools"]] == [
        ("aws", True, True),
        ("gcp", False, False),
        ("notice", True, False),
    ]
    text = found.text()
    assert "  vpn      aws-gcp          tunnels 4/4, BGP 4/4" in text
    assert "  cluster  twinsite         RUNNING, serving 0 nodes, warm 2 nodes" in text
    assert max(map(len, text.splitlines())) <= 100


# Tunnels.


def tunnel(status: str, detail: str = "") -> Callable[[Clouds], None]:
    def change(clouds: Clouds) -> None:
        clouds.google[TUNNELS]["items"][1] |= {"status": status, "detailedStatus": detail}
        clouds.aws["VpnConnections"][0]["VgwTelemetry"][0] |= {"Status": "DOWN", "StatusMessage": "IPSEC IS DOWN"}

    return change


def peer(**change: Any) -> Callable[[Clouds], None]:
    return lambda clouds: clouds.google[ROUTER]["result"]["bgpPeerStatus"][1].update(change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (tunnel("AUTHORIZATION_ERROR", "Handshake with peer broken, bad secret"),
         ("it is down, AUTHORIZATION_ERROR (Handshake with peer broken, bad secret)", "different keys",
          "psk_generations", "AWS says: IPSEC IS DOWN")),
        (tunnel("NO_INCOMING_PACKETS"), ("AWS's end does not answer", "aws ec2 describe-vpn-connections")),
        (tunnel("NEGOTIATION_FAILURE"), ("agree on no cipher", "pulumi up --refresh")),
        (tunnel("FIRST_HANDSHAKE"), ("still making it", "ask again in a minute")),
        (tunnel("STOPPED"), ("it is down, STOPPED", "Google's support")),
        (lambda clouds: clouds.google[TUNNELS]["items"].pop(1), ("Google has no such tunnel", "pulumi up --refresh")),
        (peer(status="DOWN", state="Idle", statusReason="IPV4_PEER_ON_IPV6_ONLY_CONNECTION", numLearnedRoutes=0),
         ("its BGP session is not (Idle, IPV4_PEER", "ASN or inside addresses")),
        (peer(numLearnedRoutes=0), ("AWS has told Google no route", "propagates into its route tables")),
        (lambda clouds: clouds.google[ROUTER]["result"]["bgpPeerStatus"].pop(1), ("no session in it", "pulumi up")),
        (lambda clouds: clouds.aws["VpnConnections"][0]["VgwTelemetry"][0].update(
            Status="DOWN", StatusMessage="IPSEC IS UP", AcceptedRouteCount=0),
         ("AWS says that it is down (IPSEC IS UP), and Google that it is up", "half a minute late")),
        (lambda clouds: clouds.aws["VpnConnections"][0]["VgwTelemetry"][0].update(AcceptedRouteCount=0),
         ("Google has told AWS no route", "advertise the subnets")),
        (lambda clouds: clouds.aws["VpnConnections"][0]["Options"]["TunnelOptions"].pop(1),
         ("AWS has no such tunnel", "pulumi up --refresh")),
    ],
)  # fmt: skip
def test_a_tunnel_that_carries_nothing_is_named_with_its_cause(
    clouds: Clouds, change: Callable[[Clouds], None], words: tuple[str, ...]
) -> None:
    change(clouds)
    (said,) = seen(clouds).problems()
    assert said.startswith("twinsite-tunnel-2: ") and [one for one in words if one not in said] == [], said


def test_one_of_four_is_counted(clouds: Clouds) -> None:
    tunnel("NO_INCOMING_PACKETS")(clouds)
    peer(status="DOWN", state="Connect")(clouds)
    found = seen(clouds)
    assert "tunnels 3/4, BGP 3/4" in found.text()
    assert [one["up"] for one in found.shown()["tunnels"]] == [True, False, True, True]


def test_a_cloud_that_does_not_answer_leaves_tunnels_unknown_and_hides_no_fault_of_the_other(clouds: Clouds) -> None:
    clouds.google[TUNNELS] = DENIED
    found = seen(clouds)
    assert found.problems() == [
        "aws-gcp: what Google says of its ends of the tunnels is not known (compute.googleapis.com says 403 "
        "IAM_PERMISSION_DENIED: no: have a role)"
    ]
    assert [one["up"] for one in found.shown()["tunnels"]] == [None] * 4, "AWS alone is half of the truth"
    assert "tunnels 0/4, 4 unknown, BGP 0/4, 4 unknown" in found.text() and not found.shown()["healthy"]
    clouds.aws["VpnConnections"][1]["VgwTelemetry"][1] |= {"Status": "DOWN", "StatusMessage": "IPSEC IS DOWN"}
    assert [one["up"] for one in seen(clouds).shown()["tunnels"]] == [None, None, False, None]


def test_dead_aws_is_no_reason_to_wait_and_googles_ends_are_told(clouds: Clouds) -> None:
    clouds.aws = CouldNotAsk("AWS does not answer: timed out", "look at your own network")
    found = seen(clouds)
    (said,) = found.problems()
    assert "what AWS says of its ends of the tunnels is not known (AWS does not answer: timed out" in said
    assert "tunnels 0/4, 4 unknown, BGP 4/4" in found.text()


def test_connections_that_are_gone_are_known_to_be_gone(clouds: Clouds) -> None:
    clouds.aws = Refused("InvalidVpnConnectionID.NotFound", "no such connection")
    assert ["AWS has no such tunnel" in one for one in seen(clouds).problems()] == [True] * 4
    clouds.aws = {"VpnConnections": []}
    assert len(seen(clouds).problems()) == 4
    clouds.aws = Refused("InternalError", "try again")
    assert "AWS says of its ends of the tunnels is not known (try again)" in seen(clouds).problems()[0]


def test_a_router_that_is_gone_has_no_session(clouds: Clouds) -> None:
    clouds.google[ROUTER] = GoogleError("404", "", 404)
    assert ["no session in it" in one for one in seen(clouds).problems()] == [True] * 4


def test_in_cold_nobody_is_asked_for_what_is_not_there(clouds: Clouds) -> None:
    bare = replace(
        clouds.inventory,
        vpns=(replace(clouds.inventory.vpns[0], tunnels=(), connections=()),),
        databases=(replace(clouds.inventory.databases[0], instance=""),),
        clusters=(replace(clouds.inventory.clusters[0], exists=False),),
        flows=(),
        hosts=(),
    )
    clouds.inventory, clouds.google, clouds.aws = bare, {}, CouldNotAsk("nobody may ask")
    assert seen(clouds).problems() == []


# The database.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "SUSPENDED", "suspensionReason": ["BILLING_ISSUE"]}, "Google has suspended it (BILLING_ISSUE): pay"),
        ({"state": "MAINTENANCE"}, "it is MAINTENANCE, and comes back by itself"),
        ({"state": "FAILED"}, "it is FAILED: see `gcloud sql operations list --instance twinsite-0a1b2c3d`"),
        ({"settings.activationPolicy": "NEVER"}, "it was stopped by hand"),
        ({"settings.databaseFlags": [{"name": "timezone", "value": "Asia/Seoul"}]},
         "cloudsql.logical_decoding is not set and was made on"),
        ({"settings.ipConfiguration": {"ipv4Enabled": True, "sslMode": "ENCRYPTED_ONLY"}}, "it has a public address"),
        ({"settings.ipConfiguration": {"sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED"}}, "takes connections without TLS"),
        ({"settings.backupConfiguration": {"enabled": False}}, "it keeps no backups"),
        ({"settings.backupConfiguration": {"enabled": True}}, "it keeps no logs for a restore to a moment"),
        ({"databaseVersion": "POSTGRES_18"}, "it is POSTGRES_18, and the stack says POSTGRES_17"),
    ],
)  # fmt: skip
def test_a_database_that_does_not_serve_its_purpose_is_told(clouds: Clouds, change: dict[str, Any], words: str) -> None:
    for path, value in change.items():
        first, _, second = path.partition(".")
        (clouds.google[SERVER][first] if second else clouds.google[SERVER])[second or first] = value
    (said,) = seen(clouds).problems()
    assert said.startswith("twinsite (twinsite-0a1b2c3d): ") and words in said


def test_a_server_of_one_zone_is_drift_only_where_two_were_paid_for(clouds: Clouds) -> None:
    two = replace(clouds.inventory.databases[0], availability="REGIONAL")
    clouds.inventory = replace(clouds.inventory, databases=(two,))
    assert "a lost zone takes it along" in seen(clouds).problems()[0]


def test_a_database_that_is_gone_and_one_that_cannot_be_asked_are_two_things(clouds: Clouds) -> None:
    del clouds.google[SERVER]
    found = seen(clouds)
    assert "Google has no such database server" in found.problems()[0]
    assert found.shown()["databases"][0]["state"] == "absent"
    clouds.google[SERVER] = GoogleError("sqladmin.googleapis.com does not answer", NETWORK, 0)
    found = seen(clouds)
    assert "how the database server is, is not known (sqladmin.googleapis.com does not answer" in found.problems()[0]
    assert (found.shown()["databases"][0]["state"], found.shown()["databases"][0]["runs"]) == (None, None)


# The cluster.


def resized(clouds: Clouds, *sizes: int) -> None:
    for zone, size in zip("ab", sizes, strict=True):
        clouds.google[GROUP.format(pool="serving", zone=zone)] = {"targetSize": size}


def test_nodes_that_serve_nobody_are_told_with_the_command_that_takes_them_away(clouds: Clouds) -> None:
    resized(clouds, 2, 2)
    (said,) = seen(clouds).problems()
    assert "pool serving of cluster twinsite has 4 nodes, and gcp stands by: they cost" in said
    assert "--node-pool=serving --num-nodes=0 --region=asia-northeast3 --project=example-dr" in said


def test_a_site_that_serves_with_fewer_nodes_than_it_should_is_told(clouds: Clouds) -> None:
    resized(clouds, 2, 1)
    found = [one for one in seen(clouds, "gcp").problems() if "pool serving" in one]
    assert "has 3 of 4 nodes, and gcp serves (users are there)" in found[0] and "--num-nodes=2" in found[0]
    resized(clouds, 2, 2)
    assert not [one for one in seen(clouds, "gcp").problems() if "pool serving" in one]


def test_where_nobody_sees_the_name_the_stacks_word_is_taken_and_said_to_be_that(clouds: Clouds) -> None:
    clouds.inventory = replace(clouds.inventory, active_site="gcp")
    found = [one for one in seen(clouds, "").problems() if "pool serving" in one]
    assert "by the stack's setting, as nobody sees where the name leads" in found[0]


def test_nodes_that_google_has_not_are_not_shown_as_there(clouds: Clouds) -> None:
    """A group's size is what it is told: a zone without machines leaves it so, and the cluster RUNNING."""
    group = {"targetSize": 1, "currentActions": {"creating": 1, "none": 0}}
    clouds.google[GROUP.format(pool="warm", zone="a")] = group
    found = [one for one in seen(clouds).problems() if "not there yet" in one]
    assert len(found) == 1 and "pool warm of cluster twinsite is told to have 2 nodes and 1 of them" in found[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "ERROR", "conditions": [{"code": "GCE_QUOTA_EXCEEDED", "message": "quota CPUS is exceeded"}]},
         "cluster twinsite is ERROR (quota CPUS is exceeded)"),
        ({"conditions": [{"message": "a node is not ready"}]}, "cluster twinsite is RUNNING (a node is not ready)"),
        ({"nodePools": []}, "cluster twinsite has no pool serving, which a failover gives its nodes"),
    ],
)  # fmt: skip
def test_a_cluster_that_is_not_well_says_what_google_says(clouds: Clouds, change: dict[str, Any], words: str) -> None:
    clouds.google[CLUSTER] |= change
    (said,) = seen(clouds).problems()
    assert said.startswith(words)


def test_a_pool_that_is_not_well_is_told(clouds: Clouds) -> None:
    clouds.google[CLUSTER]["nodePools"][1]["status"] = "ERROR"
    assert "pool warm of cluster twinsite is ERROR" in seen(clouds).problems()[0]


def test_a_cluster_that_is_gone_and_one_that_cannot_be_asked_are_two_things(clouds: Clouds) -> None:
    del clouds.google[CLUSTER]
    assert seen(clouds).problems() == [
        "cluster twinsite: Google has no such cluster: run `pulumi up --refresh`, which makes it"
    ]
    clouds.google[CLUSTER] = DENIED
    assert "how many nodes it has, is not known" in seen(clouds).problems()[0]
    clouds = Clouds()
    clouds.google[GROUP.format(pool="serving", zone="b")] = DENIED
    found = seen(clouds)
    assert "how many nodes it has, is not known" in found.problems()[0], "a zone that is not seen is not 0 nodes"
    assert found.shown()["clusters"][0]["pools"] is None


# Cloudflare.


def test_neither_site_may_write_and_both_do(clouds: Clouds) -> None:
    clouds.cloudflare[f"{POOLS}/id-aws/health"] = health(False, False, False, why="TCP connection failed")
    found = seen(clouds, "")
    (said,) = [one for one in found.problems() if "no site that it may write" in one]
    assert "aws is not healthy (TCP connection failed); gcp is not healthy (HTTP status code mismatch)" in said
    assert [one["serves"] for one in found.shown()["pools"]] == [False, False, True]
    both = Clouds()
    both.cloudflare[f"{POOLS}/id-gcp/health"] = health(True, True, True)
    (said,) = seen(both).problems()
    assert "hears from aws and from gcp that they may write, and one may" in said


def test_after_a_failover_the_standby_gets_users(clouds: Clouds) -> None:
    clouds.cloudflare |= {f"{POOLS}/id-aws/health": health(False), f"{POOLS}/id-gcp/health": health(True)}
    resized(clouds, 2, 2)
    found = seen(clouds, "gcp")
    assert found.problems() == []
    assert [one["serves"] for one in found.shown()["pools"]] == [False, True, False]
    assert found.shown()["active_site"] == "gcp"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"enabled": False}, "load balancer is switched off"),
        ({"default_pools": ["id-gcp", "id-aws", "id-notice"]}, "not in the program's order (aws, gcp, notice)"),
        ({"fallback_pool": "id-gcp"}, "its fallback is not notice"),
        ({"steering_policy": "dynamic_latency"}, "its steering is dynamic_latency, which has no order"),
        ({"proxied": False}, "it is not proxied"),
        ({"name": "other.example.com"}, "Cloudflare has no load balancer crm.example.com"),
    ],
)
def test_what_somebody_changed_at_cloudflare_is_told(clouds: Clouds, change: dict[str, Any], words: str) -> None:
    clouds.cloudflare[BALANCERS][0] |= change
    (said,) = seen(clouds).problems()
    assert words in said and "pulumi up --refresh" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"monitor": ""}, "the pool of gcp has no monitor"),
        ({"enabled": False}, "the pool of gcp is switched off"),
        ({"name": "other"}, "Cloudflare has no pool aws-gcp-gcp"),
    ],
)
def test_a_pool_that_is_not_the_programs_is_told(clouds: Clouds, change: dict[str, Any], words: str) -> None:
    clouds.cloudflare[POOLS][1] |= change
    assert words in seen(clouds).problems()[0]


def test_places_that_differ_and_places_that_have_not_asked_yet(clouds: Clouds) -> None:
    clouds.cloudflare[f"{POOLS}/id-aws/health"] = health(True, True, False, why="Timeout")
    (said,) = seen(clouds).problems()
    assert "aws answers 2 of 3 places of Cloudflare's (Timeout)" in said
    clouds.cloudflare[f"{POOLS}/id-aws/health"] = {"pool_id": "p", "pop_health": {}}
    found = seen(clouds)
    assert "no place has asked aws yet" in found.problems()[0]
    assert [one["serves"] for one in found.shown()["pools"]] == [None] * 3, "nobody knows who gets users"


def test_a_notice_that_is_none_is_told_before_it_is_needed(clouds: Clouds) -> None:
    clouds.cloudflare[f"{POOLS}/id-notice/health"] = health(False, False)
    assert "it must answer 503 with its text" in seen(clouds).problems()[0]


def test_a_token_that_may_not_look_leaves_the_pools_unknown(clouds: Clouds) -> None:
    clouds.cloudflare[POOLS] = CloudflareError("Cloudflare says 403", "give the token Read", 403, (10000,))
    found = seen(clouds)
    assert found.problems() == [
        "crm.example.com: what Cloudflare's pools say is not known (Cloudflare says 403: give the token Read)"
    ]
    assert [one["healthy"] for one in found.shown()["pools"]] == [None] * 3


def test_health_for_all_places_in_one_is_read_as_well() -> None:
    assert len(cloud_pools._places({"healthy": True, "origins": []})) == 1
    assert cloud_pools._places(None) == []


def test_an_inventory_from_before_names_no_pools_and_nobody_asks(clouds: Clouds) -> None:
    from twinsite.inventory import CloudflarePools

    (name,) = clouds.inventory.names
    clouds.inventory = replace(clouds.inventory, names=(replace(name, steering=CloudflarePools()),))
    clouds.cloudflare = {}
    assert seen(clouds).problems() == []


# Time.


def test_what_hangs_ends_with_the_others_and_is_unknown() -> None:
    never = threading.Event()
    began = time.monotonic()
    told = Told({"hangs": never.wait, "well": lambda: 7, "odd": lambda: dict[str, int]()["nowhere"]}, seconds=1.0)
    assert told("well") == 7
    assert told("hangs") == Unknown("no answer within 1 s", "look at your own network, then ask again")
    assert time.monotonic() - began < 60
    assert "cannot be read (KeyError: 'nowhere')" in str(told("odd"))
    never.set()


def test_a_side_that_is_not_known_never_makes_a_tunnel_up(clouds: Clouds) -> None:
    vpn = clouds.inventory.vpns[0]
    nothing = cloud_vpn.CloudVpnSeen(vpn, Unknown("x"), Unknown("y"))
    assert [nothing.up(tunnel) for tunnel in vpn.tunnels] == [None] * 4
    assert len(list(nothing.problems())) == 2
