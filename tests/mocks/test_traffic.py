"""Names, latch, notice page and front under mocks: which checks decide, what is secret, what waits for what."""

import asyncio
from typing import Any

import pulumi
import pytest

from tests.mocks import harness
from tests.mocks.traffic_world import ALB, MARKER, build
from twinsite import rules
from twinsite.traffic.edge import NOTICE_MARKER
from twinsite.traffic.front_door import ORIGIN_HEADER

CHECK = "aws:route53/healthCheck:HealthCheck"
RECORD = "aws:route53/record:Record"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
BLOB = "azure-native:storage:Blob"


@pytest.fixture(scope="module")
def run() -> harness.Run:
    return build()


def check(run: harness.Run, name: str) -> dict[str, Any]:
    return run.one(name, CHECK).inputs


def children(run: harness.Run, name: str) -> tuple[list[str], int]:
    found = check(run, name)
    assert found["type"] == "CALCULATED"
    return [child.removesuffix("-id") for child in found["childHealthchecks"]], found["childHealthThreshold"]


def test_the_world_registers_exactly_this(run: harness.Run) -> None:
    counts = {kind: len(run.of(kind)) for kind in (CHECK, RECORD, DISTRIBUTION, BLOB)}
    # checks: 2 stores x (absent, present, store) + clear + set; www 2 pages + 2 calculated; dr 2 pages + 1 calculated
    # records: witness 2, proofs 2, two names x two types x two roles; blobs: 404 and healthz of two sites, the page
    assert counts == {CHECK: 15, RECORD: 12, DISTRIBUTION: 2, BLOB: 5}


@pytest.mark.parametrize("store", [1, 2])
def test_a_latch_object_is_checked_in_both_polarities_every_10_seconds(run: harness.Run, store: int) -> None:
    absent, present = check(run, f"l-{store}-absent"), check(run, f"l-{store}-present")
    assert (absent["invertHealthcheck"], present["invertHealthcheck"]) == (True, False)
    for leaf in (absent, present):
        account = {1: "shopnotice", 2: "shoplatch"}[store]
        assert leaf["fqdn"] == f"{account}.z12.web.core.windows.net"
        assert (leaf["type"], leaf["resourcePath"], leaf["port"]) == ("HTTPS", "/latch/dr", 443)
        assert (leaf["requestInterval"], leaf["failureThreshold"]) == (10, 1)


def test_the_stateful_name_moves_by_the_latch_only(run: harness.Run) -> None:
    assert run.one("dr-primary-a", RECORD).inputs["healthCheckId"] == "l-clear-id"
    assert children(run, "l-clear") == (["l-1-absent", "l-2-absent"], 2)


def test_the_notice_moves_by_the_primarys_health_or_the_latch(run: harness.Run) -> None:
    assert run.one("www-primary-a", RECORD).inputs["healthCheckId"] == "www-primary-id"
    assert children(run, "www-primary") == (["www-primary-page", "l-1-absent", "l-2-absent"], 3)


@pytest.mark.parametrize("name", ["www", "dr"])
def test_a_set_latch_holds_the_secondary_whatever_its_page_says(run: harness.Run, name: str) -> None:
    assert run.one(f"{name}-secondary-a", RECORD).inputs["healthCheckId"] == f"{name}-secondary-id"
    assert children(run, f"{name}-secondary") == ([f"{name}-secondary-page", "l-1-present", "l-2-present"], 1)


@pytest.mark.parametrize("name", ["www", "dr"])
@pytest.mark.parametrize("kind", ["a", "aaaa"])
def test_a_pair_shares_name_and_type_and_differs_by_role(run: harness.Run, name: str, kind: str) -> None:
    pair = {role: run.one(f"{name}-{role}-{kind}", RECORD).inputs for role in ("primary", "secondary")}
    for role, found in pair.items():
        assert (found["name"], found["type"]) == (f"{name}.example.com", kind.upper())
        assert found["setIdentifier"] == role
        assert found["failoverRoutingPolicies"] == [{"type": role.upper()}]
        assert "allowOverwrite" not in found
        assert [alias["evaluateTargetHealth"] for alias in found["aliases"]] == [False]
    assert pair["primary"]["aliases"][0]["name"] == ALB
    assert pair["secondary"]["aliases"][0]["zoneId"] == "Z2FDTNDATAQYW2"


def test_a_primary_without_ipv6_gets_no_aaaa_pair() -> None:
    primary = {"dns_name": ALB, "zone_id": "ZWKZPGTI48KDX", "has_ipv6": False}
    run = build({"www": {"primary": primary}, "dr": {"primary": primary}})
    assert [r.name for r in run.of(RECORD) if r.inputs["type"] == "AAAA"] == []


def test_one_name_can_lead_to_an_address_outside_aws_by_plain_records() -> None:
    secondary = {"ipv4": "20.196.1.2", "ipv6": "2603:1040::2"}
    run = build({"dr": {"secondary": secondary, "ttl_seconds": 30}})
    for kind, address in (("a", "20.196.1.2"), ("aaaa", "2603:1040::2")):
        found = run.one(f"dr-secondary-{kind}", RECORD).inputs
        assert (found["records"], found["ttl"]) == ([address], 30)
        assert "aliases" not in found
        assert run.one(f"dr-primary-{kind}", RECORD).inputs["aliases"][0]["name"] == ALB


def test_a_secondary_is_never_there_without_its_primary(run: harness.Run) -> None:
    for name in ("www", "dr"):
        for kind in {record.inputs["type"].lower() for record in run.of(RECORD) if record.name.startswith(f"{name}-")}:
            primary = run.one(f"{name}-primary-{kind}", RECORD)
            secondary = run.one(f"{name}-secondary-{kind}", RECORD)
            assert primary.urn in secondary.depends_on
            assert secondary.urn not in primary.depends_on


def test_records_are_created_after_the_witness_and_through_the_settling_hooks(run: harness.Run) -> None:
    witness = {run.one(f"l-witness-{role}", RECORD).urn for role in ("primary", "secondary")}
    for name in ("www-primary-a", "www-secondary-a", "dr-primary-aaaa", "dr-secondary-aaaa"):
        record = run.one(name, RECORD)
        assert witness <= record.depends_on, name
        assert list(record.request.hooks.before_create) == ["l-settled"]
        assert list(record.request.hooks.before_update) == ["l-settled"]
    # The witness itself must exist before anything can be waited for.
    assert list(run.one("l-witness-primary", RECORD).request.hooks.before_create) == []


def test_the_witness_shows_the_checks_that_the_names_use(run: harness.Run) -> None:
    clear, latched = (run.one(f"l-witness-{role}", RECORD).inputs for role in ("primary", "secondary"))
    assert (clear["name"], clear["records"], clear["healthCheckId"]) == (
        "latch-witness.example.com", ["192.0.2.1"], "l-clear-id",
    )  # fmt: skip
    assert (latched["records"], latched["healthCheckId"]) == (["192.0.2.2"], "l-set-id")
    assert (clear["ttl"], latched["ttl"]) == (10, 10)


def test_checks_ask_the_ends_themselves_and_look_for_their_text(run: harness.Run) -> None:
    standby, primary = check(run, "dr-secondary-page"), check(run, "dr-primary-page")
    assert (standby["fqdn"], standby["searchString"]) == ("dfront-distribution.cloudfront.net", MARKER)
    assert (primary["fqdn"], primary["type"], primary["resourcePath"]) == (ALB, "HTTPS_STR_MATCH", "/petclinic/")
    notice = check(run, "www-secondary-page")
    assert (notice["type"], notice["resourcePath"]) == ("HTTPS", "/healthz")


def test_the_time_of_a_move_is_computed_and_published(run: harness.Run) -> None:
    published = {name: harness.plain(run.published(name)) for name in ("www", "dr")}
    # 10 s x 3 + 6 + 60 by health; 10 s x 1 + 6 + 60 by latch
    assert (published["www"]["failover_seconds"], published["www"]["latch_seconds"]) == (96, 76)
    assert (published["dr"]["failover_seconds"], published["dr"]["latch_seconds"]) == (76, 76)
    assert published["dr"]["ttl_seconds"] == 60


def test_a_public_site_gives_a_404_a_health_page_and_nothing_else(run: harness.Run) -> None:
    account = run.one("public-account").inputs
    assert account["allowBlobPublicAccess"] is False
    assert account["allowSharedKeyAccess"] is True, "the provider's Blob signs with the account's key"
    assert account["enableHttpsTrafficOnly"] is True
    assert account["minimumTlsVersion"] == "TLS1_2"
    website = run.one("public-website")
    assert website.inputs["error404Document"] == "404.html"
    assert website.request.deletedWith == run.one("public-account").urn
    names = {r.inputs["blobName"] for r in run.of(BLOB) if r.inputs["accountName"] == "shoplatch"}
    assert names == {"404.html", "healthz"}


def test_no_record_but_a_certificates_proof_overwrites_what_is_there_or_stays_behind(run: harness.Run) -> None:
    records = run.of("aws:route53/record:Record")
    assert len(records) > 6
    assert {one.name for one in records if one.inputs.get("allowOverwrite")} == {"front-proof", "notice-proof"}
    assert {one.name for one in records if one.request.retainOnDelete} == {"front-proof", "notice-proof"}


def test_no_latch_object_is_a_resource(run: harness.Run) -> None:
    assert [r.name for r in run.of(BLOB) if "latch/" in r.inputs["blobName"]] == []
    assert run.result.latch.objects == ["azblob://shopnotice/$web/latch/dr", "azblob://shoplatch/$web/latch/dr"]


def test_operators_may_write_the_website_and_nothing_else() -> None:
    run = build({"public": {"operator_principal_ids": ["someone", "pipeline"]}})
    roles = run.of("azure-native:authorization:RoleAssignment")
    assert {role.inputs["principalId"] for role in roles} == {"someone", "pipeline"}
    for role in roles:
        assert role.inputs["scope"].endswith("/storageAccounts/shopnotice/blobServices/default/containers/$web")
        assert role.inputs["roleDefinitionId"].startswith("/subscriptions/11111111-2222-3333-4444-555555555555/")


def test_the_notice_is_a_503_at_the_edge_and_its_health_page_is_not(run: harness.Run) -> None:
    found = run.one("notice-distribution", DISTRIBUTION).inputs
    assert found["aliases"] == ["www.example.com"]
    default, (health,) = found["defaultCacheBehavior"], found["orderedCacheBehaviors"]
    assert [each["eventType"] for each in default["functionAssociations"]] == ["viewer-request", "viewer-response"]
    assert (health["pathPattern"], health.get("functionAssociations")) == ("/healthz", None)
    assert "originGroups" not in found
    page = run.one("public-notice", BLOB)
    assert page.urn in run.one("notice-distribution", DISTRIBUTION).depends_on
    assert NOTICE_MARKER in str(page.inputs["source"])
    assert "https://dr.example.com/petclinic/" in str(page.inputs["source"])


def test_retry_after_is_the_callers() -> None:
    run = build({"page": {"retry_after_seconds": 120}})
    code = run.one("notice-notice-response", "aws:cloudfront/function:Function").inputs["code"]
    assert "var RETRY_AFTER_SECONDS = 120;" in code


def test_the_front_takes_every_method_keeps_nothing_and_locks_the_origin(run: harness.Run) -> None:
    found = run.one("front-distribution", DISTRIBUTION)
    default, (origin,) = found.inputs["defaultCacheBehavior"], found.inputs["origins"]
    assert sorted(default["allowedMethods"]) == ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    assert default["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    headers = {header["name"]: header["value"] for header in origin["customHeaders"]}
    assert len(headers[ORIGIN_HEADER]) == 48
    assert headers["X-Forwarded-Host"] == "dr.example.com"
    at = [header["name"] for header in origin["customHeaders"]].index(ORIGIN_HEADER)
    assert found.holds_secret("origins", 0, "customHeaders", at, "value")
    assert harness.is_secret(run.published("front", "twinsite:index:FrontDoor")["origin_secret"])


def test_certificates_are_in_us_east_1_and_waited_for(run: harness.Run) -> None:
    for name in ("notice", "front"):
        assert run.one(f"{name}-certificate").inputs["region"] == "us-east-1"
        issued = run.one(f"{name}-issued")
        assert run.one(f"{name}-proof", RECORD).urn in issued.depends_on
        assert issued.urn in run.one(f"{name}-distribution", DISTRIBUTION).depends_on


def known(output: pulumi.Output[Any]) -> Any:
    """Its value. By a loop of its own: asyncio.run would leave later tests of this process without one."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(output.future())
    finally:
        loop.close()


def test_a_name_adds_itself_to_the_inventory_with_what_steers_it() -> None:
    pages = {
        "path": "/petclinic/",
        "primary_marker": "served by site aws",
        "secondary_url": "https://dfront.cloudfront.net/petclinic/",
        "secondary_marker": MARKER,
    }
    found = build({"dr": {"pages": pages}}).result
    entry = known(found.dr.inventory)
    (name,) = entry.names
    assert (name.fqdn, name.stateful, name.failover_seconds) == ("dr.example.com", True, 76)
    assert name.primary_url == f"https://{ALB}/petclinic/"
    assert name.secondary_url == "https://dfront.cloudfront.net/petclinic/"
    assert name.steering.stores == ("azblob://shopnotice/$web/latch/dr", "azblob://shoplatch/$web/latch/dr")
    assert known(found.www.inventory).names == (), "nothing was said of its pages"


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("dr", {"ttl_seconds": 300, "secondary": {"ipv4": "20.1.2.3", "ipv6": "2603::1"}}, "ttl_seconds 300"),
        ("second", {"location": "koreacentral"}, "both latch stores are in region koreacentral"),
        ("page", {"backup_account_name": "shopnotice"}, "both in storage account shopnotice"),
        ("front", {"origin_host": "20.1.2.3"}, "origin_host 20.1.2.3 is an address"),
    ],
)
def test_a_bad_design_is_refused_by_its_component(part: str, change: dict[str, Any], says: str) -> None:
    with pytest.raises(rules.Refused, match=says):
        build({part: change})
