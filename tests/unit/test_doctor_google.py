"""The doctor's questions to Google and Cloudflare: what is ok, what is not and how it is mended, what counts as not
asked. Answers have the documented shapes; no account was asked."""

import dataclasses
import json
from typing import Any

import pytest

from operations.cloudflare import CloudflareError
from operations.doctor import (
    cloudflare_account,
    cloudflare_rights,
    google_offers,
    google_quotas,
    google_services,
    identity,
    policies,
    rights,
    state,
)
from operations.doctor.answers import Answer, Finding
from operations.google import NETWORK, GoogleError
from operations.unanswered import CouldNotAsk
from tests.clouds_world import FakeCloudflare, FakeGoogle
from twinsite.needs import Cloudflare, Google, Home

OK, NOT_OK = Answer.OK, Answer.NOT_OK
NEEDS = Google(
    project="p", region="r", prefix="twinsite", zones=("r-a", "r-b"), machine_type="e2-standard-4", nodes=6,
    node_disk_gib=50, release_channel="REGULAR", database_version="POSTGRES_17", database_tier="db-custom-2-7680",
    database_flags=("timezone", "cloudsql.logical_decoding"), tunnels=4,
)  # fmt: skip
CLOUDFLARE = Cloudflare("acc", "zon", "crm.example.com", "pro")
DENIED = GoogleError("says 403 IAM_PERMISSION_DENIED", "have a role", 403, "IAM_PERMISSION_DENIED")
SILENT = GoogleError("does not answer", NETWORK, 0, "NoAnswer")
UNTOLD = CloudflareError("Cloudflare says 403: 9109 Unauthorized", "give it", 403, (9109,))


def says(found: Finding, answer: Answer, *words: str) -> None:
    assert found.answer == answer, found
    text = f"{found.words} → {found.fix}"
    assert [one for one in words if one not in text] == [], text
    assert answer == OK or found.fix


# Who asks.


def test_a_project_must_be_there_and_active() -> None:
    one = {"projectId": "p", "projectNumber": "7", "lifecycleState": "ACTIVE"}
    path = "cloudresourcemanager/v1/projects/p"
    says(identity.at_google(FakeGoogle({path: one}), "p"), OK, "project p, number 7")
    gone = {**one, "lifecycleState": "DELETE_REQUESTED"}
    says(identity.at_google(FakeGoogle({path: gone}), "p"), NOT_OK, "DELETE_REQUESTED", "gcloud projects undelete p")
    for unseen in (FakeGoogle({}), FakeGoogle({path: DENIED})):
        says(identity.at_google(unseen, "p"), NOT_OK, "none that this identity sees", "gcloud projects list")
    off = GoogleError("switched off", "`gcloud services enable …`", 403, "SERVICE_DISABLED")
    for unasked in (off, SILENT):
        with pytest.raises(CouldNotAsk):
            identity.at_google(FakeGoogle({path: unasked}), "p")
    with pytest.raises(CouldNotAsk, match="gcp:project is not made"):
        identity.at_google(FakeGoogle({}), "")


def test_a_token_of_cloudflares_must_be_active_and_last() -> None:
    active = {"id": "t", "status": "active"}
    says(identity.at_cloudflare(FakeCloudflare({"user/tokens/verify": active}), "acc"), OK, "without an end")
    wrong = CloudflareError("says 401", "the token is wrong", 401, (1000,))
    own = FakeCloudflare({"user/tokens/verify": wrong, "accounts/acc/tokens/verify": active})
    says(identity.at_cloudflare(own, "acc"), OK)
    with pytest.raises(CouldNotAsk, match="says 401"):
        identity.at_cloudflare(
            FakeCloudflare({"user/tokens/verify": wrong, "accounts/acc/tokens/verify": wrong}), "acc"
        )
    says(identity.token_lasts({"status": "disabled"}, 0), NOT_OK, "disabled", "CLOUDFLARE_API_TOKEN")
    soon = {"status": "active", "expires_on": "1970-01-03T00:00:00Z"}
    says(identity.token_lasts(soon, 0.0), NOT_OK, "ends in 2 days")
    says(identity.token_lasts({**soon, "expires_on": "1971-01-01T00:00:00Z"}, 0.0), OK, "until 1971-01-01")


# Rights.


def test_googles_rights_are_asked_in_pieces_and_what_is_not_granted_is_named() -> None:
    file = policies.path("gcp", "aws-gcp", "warm", "deployer")
    assert file is not None
    wanted = json.loads(file.read_text())["includedPermissions"]
    path = "cloudresourcemanager/v1/projects/p:testIamPermissions"
    google = FakeGoogle({path: lambda body: {"permissions": body["permissions"]}})
    says(
        rights.at_google(google, file, "deployer", "p"), OK, f"all {len(wanted)} of policies/gcp/aws-gcp.deployer.json"
    )
    asked = [body["permissions"] for _, body in google.asked]
    assert [one for piece in asked for one in piece] == wanted and max(map(len, asked)) <= rights.GOOGLE_AT_ONCE
    lacks = {"compute.vpnTunnels.create", "cloudsql.instances.create"}
    google = FakeGoogle({path: lambda body: {"permissions": [one for one in body["permissions"] if one not in lacks]}})
    found = rights.at_google(google, file, "deployer", "p")
    says(
        found, NOT_OK, f"2 of {len(wanted)} are lacking", *lacks, "gcloud iam roles create", "add-iam-policy-binding p"
    )
    # Google leaves the field out where nothing is granted.
    says(rights.at_google(FakeGoogle({path: lambda body: {}}), file, "deployer", "p"), NOT_OK, "lacking")
    says(rights.at_google(FakeGoogle({}), None, "operator", "p"), OK, "needs none")
    with pytest.raises(CouldNotAsk, match="does not answer"):
        rights.at_google(FakeGoogle({path: SILENT}), file, "deployer", "p")


def token(*policies_: tuple[str, str, list[str]]) -> dict[str, Any]:
    return {
        "id": "t",
        "policies": [
            {"effect": effect, "resources": {resource: "*"}, "permission_groups": [{"name": one} for one in groups]}
            for effect, resource, groups in policies_
        ],
    }


ZONE, ALL_ZONES = "com.cloudflare.api.account.zone.zon", "com.cloudflare.api.account.zone.*"
ACCOUNT = "com.cloudflare.api.account.acc"
ENOUGH = [
    ("allow", ALL_ZONES, ["Load Balancers Write", "Zone Read"]),
    ("allow", ACCOUNT, ["Load Balancing: Monitors and Pools Write", "Notifications Write"]),
]


def asked_of(own: Any, who: str = "deployer", **more: Any) -> Finding:
    answers = {"user/tokens/verify": {"id": "t", "status": "active"}, "user/tokens/t": own, **more}
    file = policies.path("cloudflare", "aws-gcp", "warm", who)
    return cloudflare_rights.ask(FakeCloudflare(answers), file, who, CLOUDFLARE)


def test_a_tokens_policies_are_held_against_the_list() -> None:
    says(asked_of(token(*ENOUGH)), OK, "all 4 of policies/cloudflare/aws-gcp.deployer.json")
    says(asked_of(token(*ENOUGH), "operator"), OK, "all 3 of policies/cloudflare/aws-gcp.operator.json")
    reads = [(effect, place, [one.replace("Write", "Read") for one in groups]) for effect, place, groups in ENOUGH]
    says(asked_of(token(*reads)), NOT_OK, "3 of 4 are lacking", "Load Balancers Write (zon)", "Pools Write (acc)")
    says(asked_of(token(*reads), "operator"), OK)
    other = ("allow", "com.cloudflare.api.account.zone.another", ["Load Balancers Write", "Zone Read"])
    says(asked_of(token(other, ENOUGH[1])), NOT_OK, "2 of 4 are lacking")
    denied = ("deny", ZONE, ["Load Balancers Write"])
    says(asked_of(token(*ENOUGH, denied)), NOT_OK, "1 of 4 are lacking: Load Balancers Write (zon)")


def test_a_token_that_may_not_read_itself_is_known_by_what_it_reads_and_its_writing_is_not() -> None:
    well: dict[str, Any] = {"zones/zon": {}, "zones/zon/load_balancers": [], "accounts/acc/load_balancers/pools": []}
    says(asked_of(UNTOLD, "operator", **well), OK, "all that policies/cloudflare/aws-gcp.operator.json reads")
    with pytest.raises(CouldNotAsk, match="whether it may write") as unasked:
        asked_of(UNTOLD, "deployer", **well)
    assert "API Tokens: Read" in unasked.value.fix
    says(
        asked_of(UNTOLD, "deployer", **well | {"accounts/acc/load_balancers/pools": UNTOLD}), NOT_OK, "9109", "give it"
    )


# Services, quotas, offers.


def test_a_service_that_is_off_is_named_with_its_command() -> None:
    file = policies.path("gcp", "aws-gcp", "warm", "deployer")
    assert file is not None
    wanted = google_services.services(file)
    assert {"compute.googleapis.com", "sqladmin.googleapis.com", "cloudresourcemanager.googleapis.com",
            "container.googleapis.com", "servicenetworking.googleapis.com"} <= set(wanted)  # fmt: skip
    assert len(wanted) <= google_services.AT_ONCE, "else one call does not do"
    listed = [{"name": f"projects/7/services/{one}", "state": "ENABLED"} for one in wanted]
    path = "serviceusage/v1/projects/p/services:batchGet"
    google = FakeGoogle({path: {"services": listed}})
    says(google_services.ask(google, "p", wanted), OK, "sqladmin")
    assert google.asked[0][1]["names"][0].startswith("projects/p/services/")
    listed[0]["state"] = "DISABLED"
    found = google_services.ask(google, "p", wanted)
    says(found, NOT_OK, f"switched off: {wanted[0]}", f"gcloud services enable {wanted[0]} --project p")
    with pytest.raises(CouldNotAsk, match="empty"):
        google_services.enabled({}, wanted, "p")


def quota(**limits: tuple[float, float]) -> dict[str, Any]:
    return {"quotas": [{"metric": one, "limit": limit, "usage": used} for one, (limit, used) in limits.items()]}


def test_nodes_are_counted_in_the_region_and_in_all_regions_and_what_is_there_is_not_wanted_again() -> None:
    answers = {
        "compute/compute/v1/projects/p/zones/r-a/machineTypes/e2-standard-4": {"guestCpus": 4},
        "compute/compute/v1/projects/p/regions/r": quota(CPUS=(24, 0), SSD_TOTAL_GB=(500, 100)),
        "compute/compute/v1/projects/p": quota(CPUS_ALL_REGIONS=(12, 0)),
    }
    found = google_quotas.nodes(FakeGoogle(answers), NEEDS)
    says(found, NOT_OK, "CPUS_ALL_REGIONS: 0 of 12 in use, 24 more wanted", "Quotas")
    assert "CPUS of r" not in found.words
    answers["container/v1/projects/p/locations/r/clusters/twinsite"] = {"currentNodeCount": 4}
    says(google_quotas.nodes(FakeGoogle(answers), NEEDS), OK, "CPUS of r: 0 of 24 in use, 8 more wanted",
         "SSD_TOTAL_GB of r: 100 of 500 in use, 100 more wanted")  # fmt: skip
    with pytest.raises(CouldNotAsk, match="c4-standard-4 counts against a quota that is not asked here"):
        google_quotas.nodes(FakeGoogle(answers), dataclasses.replace(NEEDS, machine_type="c4-standard-4"))
    answers["compute/compute/v1/projects/p/regions/r"] = answers["compute/compute/v1/projects/p"] = {}
    with pytest.raises(CouldNotAsk, match="lists no quota"):
        google_quotas.nodes(FakeGoogle(answers), NEEDS)


def test_of_the_network_what_has_the_stacks_names_counts_as_made() -> None:
    scope = "compute/compute/v1/projects/p"
    answers: dict[str, Any] = {
        scope: quota(NETWORKS=(5, 5), ROUTERS=(20, 2), VPN_TUNNELS=(6, 4)),
        f"{scope}/global/networks": {"items": [{"name": "twinsite"}, {"name": "default"}]},
        f"{scope}/regions/r/routers": {"items": [{"name": "twinsite-router"}, {"name": "twinsites"}]},
        f"{scope}/regions/r/vpnTunnels": {"items": [{"name": f"other-{at}"} for at in range(4)]},
    }
    found = google_quotas.parts(FakeGoogle(answers), NEEDS)
    says(found, NOT_OK, "VPN_TUNNELS: 4 of 6 in use, 4 more wanted")
    assert "NETWORKS" not in found.words, "its own network is there"
    answers[f"{scope}/regions/r/vpnTunnels"] = {"items": [{"name": f"twinsite-tunnel-{at}"} for at in (1, 2, 3, 4)]}
    says(google_quotas.parts(FakeGoogle(answers), NEEDS), OK, "ROUTERS: 2 of 20 in use, 1 more wanted")


def test_zones_and_the_nodes_type_in_each() -> None:
    scope = "compute/compute/v1/projects/p/zones"
    answers: dict[str, Any] = {
        f"{scope}/r-{letter}{more}": {
            "status": "UP",
            "region": "https://www.googleapis.com/compute/v1/projects/p/regions/r",
        }
        for letter in "ab"
        for more in ("", "/machineTypes/e2-standard-4")
    }
    says(google_offers.zones(FakeGoogle(answers), NEEDS), OK, "e2-standard-4 in r-a; e2-standard-4 in r-b")
    del answers[f"{scope}/r-b/machineTypes/e2-standard-4"]
    says(google_offers.zones(FakeGoogle(answers), NEEDS), NOT_OK, "not offered in r-b", "set machine_type")
    answers[f"{scope}/r-b"]["status"] = "DOWN"
    says(google_offers.zones(FakeGoogle(answers), NEEDS), NOT_OK, "r-b is DOWN")
    answers[f"{scope}/r-a"]["region"] = "https://…/regions/elsewhere"
    says(google_offers.zones(FakeGoogle(answers), NEEDS), NOT_OK, "r-a is no zone of r", "zones[0]")


def test_what_kubernetes_the_channel_has() -> None:
    path = "container/v1/projects/p/locations/r/serverConfig"
    listed = {
        "channels": [{"channel": "RAPID", "defaultVersion": "1.35"}, {"channel": "REGULAR", "defaultVersion": "1.34"}]
    }
    says(google_offers.kubernetes(FakeGoogle({path: listed}), NEEDS), OK, "REGULAR in r: 1.34")
    says(google_offers.channel({"channels": []}, "REGULAR", "r"), NOT_OK, "no version", "get-server-config")


FLAGS = {"items": [{"name": one, "appliesTo": ["POSTGRES_17"]} for one in NEEDS.database_flags]}
TIERS = {"items": [{"tier": "db-perf-optimized-N-2", "region": ["r"]}, {"tier": "db-f1-micro", "region": ["x"]}]}


@pytest.mark.parametrize(
    ("flags", "needs", "answer", "words"),
    [
        (FLAGS, NEEDS, OK, ("POSTGRES_17 with all 2 flags", "custom tier, which Google judges when it is made")),
        ({}, NEEDS, NOT_OK, ("Cloud SQL has no POSTGRES_17", "set database_version")),
        ({"items": FLAGS["items"][:1]}, NEEDS, NOT_OK, ("takes no flag cloudsql.logical_decoding",)),
        (FLAGS, dataclasses.replace(NEEDS, database_tier="db-perf-optimized-N-2"), OK, ("db-perf-optimized-N-2 in r",)),
        (FLAGS, dataclasses.replace(NEEDS, database_tier="db-f1-micro"), NOT_OK, ("not offered in r", "tiers list")),
    ],
)
def test_the_databases_version_flags_and_tier(
    flags: Any, needs: Google, answer: Answer, words: tuple[str, ...]
) -> None:
    google = FakeGoogle({"sqladmin/v1/flags": flags, "sqladmin/v1/projects/p/tiers": TIERS})
    says(google_offers.database(google, needs), answer, *words)
    assert google.asked[0][1] == {"databaseVersion": "POSTGRES_17"}


# Cloudflare's zone and account.

ACTIVE = {"name": "example.com", "status": "active", "account": {"id": "acc"}, "plan": {"legacy_id": "pro"}}


@pytest.mark.parametrize(
    ("change", "answer", "words"),
    [
        ({}, OK, ("zone example.com is active, plan pro",)),
        ({"plan": {"legacy_id": "enterprise"}}, OK, ()),
        ({"status": "pending", "name_servers": ["a.ns", "b.ns"]}, NOT_OK, ("is pending", "set NS to a.ns, b.ns")),
        ({"account": {"id": "other"}}, NOT_OK, ("is of account other", "set cloudflare_account_id other")),
        ({"name": "ample.com"}, NOT_OK, ("not that of crm.example.com",)),
        ({"plan": {"legacy_id": "free"}}, NOT_OK, ("has plan free, and the stack says pro", "buy the plan pro")),
    ],
)
def test_the_zone_is_the_stacks_and_paid_for(change: dict[str, Any], answer: Answer, words: tuple[str, ...]) -> None:
    says(cloudflare_account.zone(FakeCloudflare({"zones/zon": ACTIVE | change}), CLOUDFLARE), answer, *words)


def test_a_plan_that_nobody_knows_is_not_judged() -> None:
    with pytest.raises(CouldNotAsk, match="which is not known here"):
        cloudflare_account.zone(FakeCloudflare({"zones/zon": ACTIVE | {"plan": {"legacy_id": "new"}}}), CLOUDFLARE)
    dearer = dataclasses.replace(CLOUDFLARE, plan="business")
    found = cloudflare_account.zone(FakeCloudflare({"zones/zon": ACTIVE}), dearer)
    says(found, NOT_OK, "pulumi config set cloudflare_plan pro")


def test_load_balancing_is_paid_for_where_pools_are_or_a_subscription_says_so() -> None:
    pools, subscriptions = "accounts/acc/load_balancers/pools", "accounts/acc/subscriptions"
    says(cloudflare_account.balancing(FakeCloudflare({pools: [{"id": "x"}]}), CLOUDFLARE), OK, "there are pools")
    listed = [{"rate_plan": {"id": "load_balancing_basic", "public_name": "Load Balancing"}}]
    says(
        cloudflare_account.balancing(FakeCloudflare({pools: [], subscriptions: listed}), CLOUDFLARE), OK, "subscription"
    )
    for untold in (UNTOLD, [{"rate_plan": {"id": "pro"}}]):
        with pytest.raises(CouldNotAsk):
            cloudflare_account.balancing(FakeCloudflare({pools: [], subscriptions: untold}), CLOUDFLARE)


def test_state_in_a_bucket_of_googles_keeps_versions() -> None:
    home = Home("gs://state")
    there = FakeGoogle({"storage/storage/v1/b/state": {"versioning": {"enabled": True}}})
    says(state.ask(home, None, None, None, there), OK, "keeps versions")
    bare = FakeGoogle({"storage/storage/v1/b/state": {}})
    says(state.ask(home, None, None, None, bare), NOT_OK, "gcloud storage buckets update gs://state --versioning")
