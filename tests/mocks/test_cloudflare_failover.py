"""CloudflareFailover under mocks: order, what is asked and how, and that Cloudflare's SDK is not needed for it."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pulumi
import pytest

from lab.providers.framework.schema import Schemas, sdk_version
from tests.mocks import harness
from twinsite import CloudflareFailover, CloudflareFailoverArgs, CloudflarePlan, Refused

TREE = Path(__file__).resolve().parents[2]
ACCOUNT, ZONE = "a" * 32, "b" * 32
BALANCER, MONITOR, POOL, TOLD = (
    f"cloudflare:index/{kind[0].lower()}{kind[1:]}:{kind}"
    for kind in ("LoadBalancer", "LoadBalancerMonitor", "LoadBalancerPool", "NotificationPolicy")
)


def arguments(**changes: Any) -> CloudflareFailoverArgs:
    args: CloudflareFailoverArgs = {
        "fqdn": "crm.example.com",
        "account_id": ACCOUNT,
        "zone_id": ZONE,
        "plan": CloudflarePlan.PRO,
        "primary": {"site": "aws", "address": "alb-1.ap-northeast-2.elb.amazonaws.com", "host": "crm.example.com"},
        "standby": {"site": "gcp", "address": "192.0.2.20", "host": "crm.example.com"},
        "notice": {"site": "notice", "address": "notice.example.net", "host": "notice.example.net"},
        "writer_text": "writer-of-crm",
        "notice_text": "back soon",
        "check_regions": ["NEAS"],
    }
    return {**args, **changes}  # type: ignore[typeddict-item]


def build(**changes: Any) -> harness.Run:
    return harness.run(lambda: CloudflareFailover("crm", arguments(**changes)))


@pytest.fixture(scope="module")
def run() -> harness.Run:
    return build()


def test_there_are_two_sites_and_a_notice_each_with_a_monitor_of_its_own(run: harness.Run) -> None:
    assert run.names(POOL) == ["crm-aws-pool", "crm-gcp-pool", "crm-notice-pool"]
    assert run.names(MONITOR) == ["crm-aws-monitor", "crm-gcp-monitor", "crm-notice-monitor"]
    assert run.names(BALANCER) == ["crm-balancer"]
    for site in ("aws", "gcp", "notice"):
        assert run.one(f"crm-{site}-pool").inputs["monitor"] == run.one(f"crm-{site}-monitor").id


def test_pools_have_an_order_and_the_last_one_is_asked_before_it_is_needed(run: harness.Run) -> None:
    found = run.one("crm-balancer").inputs
    pools = [run.one(f"crm-{site}-pool").id for site in ("aws", "gcp", "notice")]
    assert (found["defaultPools"], found["fallbackPool"]) == (pools, pools[-1])
    assert (found["steeringPolicy"], found["zoneId"], found["name"]) == ("off", ZONE, "crm.example.com")
    assert found["adaptiveRouting"] == {"failoverAcrossPools": False}
    assert not {"regionPools", "countryPools", "popPools", "ttl"} & set(found)


def test_a_cookie_needs_a_proxied_name(run: harness.Run) -> None:
    found = run.one("crm-balancer").inputs
    assert (found["proxied"], found["sessionAffinity"], found["sessionAffinityTtl"]) == (True, "cookie", 1800)


@pytest.mark.parametrize("site", ["aws", "gcp"])
def test_a_site_is_asked_whether_it_may_write(run: harness.Run, site: str) -> None:
    found = run.one(f"crm-{site}-monitor").inputs
    assert (found["path"], found["expectedCodes"], found["expectedBody"]) == ("/writer", "200", "writer-of-crm")
    assert (found["type"], found["allowInsecure"], found["followRedirects"]) == ("https", False, False)
    assert found["header"] == {"Host": ["crm.example.com"]}
    assert (found["interval"], found["timeout"], found["retries"], found["consecutiveDown"]) == (60, 5, 2, 1)


def test_the_notice_is_right_when_it_says_503(run: harness.Run) -> None:
    found = run.one("crm-notice-monitor").inputs
    assert (found["path"], found["expectedCodes"], found["expectedBody"]) == ("/", "503", "back soon")
    assert found["header"] == {"Host": ["notice.example.net"]}


def test_users_requests_carry_the_host_that_the_monitor_asked_for(run: harness.Run) -> None:
    for site in ("aws", "gcp", "notice"):
        (origin,) = run.one(f"crm-{site}-pool").inputs["origins"]
        assert origin["header"] == {"hosts": run.one(f"crm-{site}-monitor").inputs["header"]["Host"]}


def test_monitors_and_pools_are_the_accounts(run: harness.Run) -> None:
    for found in (*run.of(MONITOR), *run.of(POOL)):
        assert found.inputs["accountId"] == ACCOUNT, found.name
        assert "zoneId" not in found.inputs, found.name


def test_a_pool_is_deleted_after_what_names_it(run: harness.Run) -> None:
    """Cloudflare refuses the deletion of a pool or monitor in use (HTTP 412, code 1005)."""
    assert {run.one(f"crm-{site}-pool").urn for site in ("aws", "gcp", "notice")} <= run.one("crm-balancer").depends_on
    assert run.one("crm-aws-monitor").urn in run.one("crm-aws-pool").depends_on


def test_every_part_is_the_components_child_of_the_installed_sdks_version(run: harness.Run) -> None:
    parent = run.one("crm").urn
    for found in (*run.of(MONITOR), *run.of(POOL), *run.of(BALANCER)):
        assert (found.parent, found.request.version) == (parent, metadata.version("pulumi-cloudflare")), found.name


def test_every_property_is_one_that_the_sdk_has(run: harness.Run) -> None:
    """The classes are ours: nothing else would see a name that is misspelt."""
    schemas = Schemas("cloudflare", sdk_version("cloudflare"))
    told = build(emails=["ops@example.com"]).of(TOLD)
    assert len(told) == 1
    for found in (*run.of(MONITOR), *run.of(POOL), *run.of(BALANCER), *told):
        known = schemas.resource(found.type)
        assert set(found.inputs) <= set(known["inputs"]), found.name
        assert set(known["required"]) <= set(found.inputs), found.name


@pytest.mark.parametrize(
    ("plan", "timeout", "interval", "seconds"), [("pro", 5, 60, 75), ("business", 3, 15, 24), ("enterprise", 3, 10, 19)]
)
def test_how_soon_a_dead_site_is_down_is_published_for_each_plan(
    plan: str, timeout: int, interval: int, seconds: int
) -> None:
    found = build(plan=CloudflarePlan(plan), timeout_seconds=timeout)
    assert found.one("crm-aws-monitor").inputs["interval"] == interval
    assert found.published("crm")["detection_seconds"] == seconds


def test_cloudflare_itself_tells_of_every_change_of_a_pool_where_somebody_is_to_be_told() -> None:
    assert build().of(TOLD) == []
    run = build(emails=["ops@example.com", "dr@example.com"])
    (told,) = run.of(TOLD)
    assert (told.inputs["alertType"], told.inputs["enabled"]) == ("load_balancing_health_alert", True)
    assert told.inputs["mechanisms"] == {"emails": [{"id": "ops@example.com"}, {"id": "dr@example.com"}]}
    filters = told.inputs["filters"]
    # Of all three, both ways, and of a pool: one place of Cloudflare's that sees it otherwise is no news.
    assert (filters["newHealths"], filters["eventSources"]) == (["Healthy", "Unhealthy"], ["pool"])
    assert len(filters["poolIds"]) == 3
    assert {run.one(f"crm-{site}-pool").urn for site in ("aws", "gcp", "notice")} <= told.depends_on
    with pytest.raises(Refused, match="'ops' is no address to send an alarm to"):
        build(emails=["ops"])


def test_an_address_that_is_known_later_is_no_reason_to_refuse() -> None:
    later = pulumi.Output.from_input("192.0.2.30")
    found = build(standby={"site": "gcp", "address": later, "host": "crm.example.com"})
    (origin,) = found.one("crm-gcp-pool").inputs["origins"]
    assert origin["address"] == "192.0.2.30"


def test_an_account_that_is_not_known_is_refused_before_anything_is_made() -> None:
    with pytest.raises(Refused, match="account_id is an Output, and decides what is made"):
        build(account_id=pulumi.Output.from_input(ACCOUNT))
    with pytest.raises(Refused, match="account_id '' is no id of Cloudflare's"):
        build(account_id="")


def test_a_secret_address_stays_one(run: harness.Run) -> None:
    found = build(standby={"site": "gcp", "address": pulumi.Output.secret("192.0.2.30"), "host": "crm.example.com"})
    assert found.one("crm-gcp-pool").holds_secret("origins", 0, "address")
    assert not run.one("crm-gcp-pool").holds_secret("origins", 0, "address")


def test_the_sdk_is_not_imported() -> None:
    code = (
        "import twinsite, sys; twinsite.CloudflareFailover; print([m for m in sys.modules if m.startswith('pulumi_')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TREE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
