"""CloudflareFailover on the real engine, recorded: what is made, what changes in place, in which order it goes."""

from pathlib import Path

import pytest

from tests.engine.conftest import Stack

TREE = Path(__file__).resolve().parents[2]

PROGRAM = f"""
    import sys
    sys.path.insert(0, {str(TREE)!r})
    import pulumi
    from twinsite import CloudflareFailover, CloudflarePlan

    settings = pulumi.Config()
    crm = CloudflareFailover("crm", {{
        "fqdn": "crm.example.com",
        "account_id": settings.get("account") or "a" * 32,
        "zone_id": "b" * 32,
        "plan": CloudflarePlan(settings.get("plan") or "pro"),
        "primary": {{"site": "aws", "address": "alb.example.org", "host": "crm.example.com"}},
        "standby": {{"site": "gcp", "address": settings.get("standby") or "192.0.2.20", "host": "crm.example.com"}},
        "notice": {{"site": "notice", "address": "notice.example.net", "host": "notice.example.net"}},
        "writer_text": "writer-of-crm",
        "notice_text": "back soon",
        "check_regions": ["NEAS"],
        "timeout_seconds": 3,
    }})
    pulumi.export("pools", crm.pool_ids)
    pulumi.export("detection", crm.detection_seconds)
"""


@pytest.fixture
def crm(stack: Stack) -> Stack:
    stack.program(PROGRAM)
    return stack


def test_it_comes_up_twice_changes_in_place_and_goes_in_order(crm: Stack) -> None:
    said = crm.up()
    assert "this is the twinsite lab, not Cloudflare; there is no box, so everything is recorded, not run" in said
    assert "+ 9 created" in said, "stack, component, three monitors, three pools, one load balancer"
    found = crm.outputs()
    assert (sorted(found["pools"]), found["detection"]) == (["aws", "gcp", "notice"], 69)
    crm.up("--expect-no-changes")

    crm.config("standby", "192.0.2.21")
    assert crm.steps()["crm-gcp-pool"] == "update"
    crm.config("plan", "business")
    changed = crm.steps()
    assert {name for name in changed if name.startswith("crm-")} == {
        "crm-aws-monitor", "crm-gcp-monitor", "crm-notice-monitor", "crm-gcp-pool"}  # fmt: skip
    assert set(changed.values()) == {"update"}

    crm.up()
    assert crm.outputs()["pools"] == found["pools"], "nothing was replaced"
    crm.must("destroy", "--yes", "--skip-preview")
    assert [name for name in crm.state() if name.startswith("crm")] == []


def test_what_is_refused_is_refused_before_the_first_resource(crm: Stack) -> None:
    crm.config("account", "unknown")
    crm.config("standby", "alb.example.org")
    code, said = crm.run("up", "--yes", "--skip-preview")
    words = " ".join(said.split())
    assert code != 0
    assert "account_id 'unknown' is no id of Cloudflare's" in words
    assert "primary and standby are both at alb.example.org" in words
    assert [name for name in crm.state() if name.startswith("crm")] == []
