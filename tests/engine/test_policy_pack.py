"""The policy pack in Pulumi's own engine: on exported state, in a preview, with configuration."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.real_pulumi import Desk

from .conftest import Stack

TREE = Path(__file__).resolve().parents[2]
PACK = str(TREE / "policy")
STACK = "urn:pulumi:test::raw::pulumi:pulumi:Stack::raw-test"


@pytest.fixture(autouse=True)
def python(desk: Desk) -> None:
    desk.extra["PULUMI_PYTHON_CMD"] = sys.executable


def exported(folder: Path, *resources: tuple[str, str, dict[str, Any]]) -> str:
    """A state file as `pulumi stack export` writes it, of resources (type, name, properties)."""
    folder.mkdir(exist_ok=True)
    written = [{"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"}]
    for kind, name, props in resources:
        custom = not kind.startswith("twinsite:")
        one: dict[str, Any] = {"urn": f"urn:pulumi:test::raw::{kind}::{name}", "type": kind, "custom": custom}
        known = {**props, "id": f"{name}-id"} if custom else props
        written.append(
            {**one, "inputs": props, "outputs": known, "parent": STACK, **({"id": f"{name}-id"} if custom else {})}
        )
    manifest = {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}
    file = folder / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"manifest": manifest, "resources": written}}))
    return str(file)


def analyzed(desk: Desk, state: str, *words: str) -> tuple[int, str]:
    done = desk.run(desk.folder, "policy", "analyze", "--file", state, "--policy-pack", PACK, *words)
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


SHOP = {"name": "shop.example.com", "type": "A", "ttl": 300, "weightedRoutingPolicies": [{"weight": 1}]}
PAGE = {"intent": {"intent_version": 1, "fqdn": "no name"}}


def test_a_bad_state_is_refused_by_resource_by_component_and_over_the_graph(desk: Desk) -> None:
    state = exported(
        desk.folder,
        ("aws:route53/record:Record", "shop", SHOP),
        ("twinsite:index:EdgeCertificate", "page", PAGE),
        ("aws:route53/healthCheck:HealthCheck", "check", {"type": "HTTPS", "ipAddress": "10.1.2.3"}),
    )
    code, told = analyzed(desk, state)
    assert code != 0
    assert "[mandatory] [severity: medium]  ttl-over-60  (aws:route53:Record: shop)" in told
    assert "shop: ttl is 300 s" in told
    assert "page: fqdn 'no name' is not a full DNS name" in told
    assert "a check asks 10.1.2.3" in told
    assert told.count("[mandatory]") == 3


def test_a_good_state_passes(desk: Desk) -> None:
    state = exported(
        desk.folder,
        ("aws:route53/record:Record", "shop", {**SHOP, "ttl": 60}),
        ("twinsite:index:EdgeCertificate", "page", {"intent": {"intent_version": 1, "fqdn": "dr.example.com"}}),
    )
    code, told = analyzed(desk, state)
    assert (code, "✅ twinsite@v" in told) == (0, True), told


def test_the_packs_configuration_gives_regions_and_takes_a_policy_back(desk: Desk) -> None:
    bucket = {"region": "us-east-1"}
    state = exported(desk.folder, ("aws:route53/record:Record", "shop", SHOP), ("aws:s3/bucket:Bucket", "data", bucket))
    config = desk.folder / "config.json"
    config.write_text(
        json.dumps(
            {"region-not-allowed": {"allowed": ["eu-central-1"]}, "ttl-over-60": {"enforcementLevel": "disabled"}}
        )
    )
    code, told = analyzed(desk, state, "--policy-pack-config", str(config))
    assert code != 0
    assert "data: region is us-east-1, and allowed are eu-central-1" in told
    assert told.count("[mandatory]") == 1


def test_a_preview_in_which_a_policy_could_not_decide_fails_and_the_state_after_up_passes(stack: Stack) -> None:
    stack.program(
        """
        import pulumi_aws as aws
        address = aws.ec2.Eip("address", domain="vpc")
        aws.route53.HealthCheck("page", type="HTTPS", port=443, ip_address=address.public_ip, failure_threshold=3,
            request_interval=10)
        """
    )
    code, told = stack.run("preview", "--policy-pack", PACK)
    assert code != 0
    (line,) = [line for line in told.splitlines() if "page: could not decide, because" in line]
    assert "ipAddress" in line.partition(" is not known before it is made")[0]
    stack.up()
    told = stack.must("preview", "--policy-pack", PACK)
    assert "[mandatory]" not in told
    stack.must("policy", "analyze", "--stack", "test", "--policy-pack", PACK)


def test_a_secret_is_undecided_where_the_state_cannot_be_decrypted_and_judged_where_it_can(stack: Stack) -> None:
    stack.program(
        """
        import json, pulumi, pulumi_aws as aws
        data = aws.s3.Bucket("data")
        policy = {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}}
        aws.s3.BucketPolicy("data", bucket=data.id, policy=pulumi.Output.secret(json.dumps(policy)))
        """
    )
    stack.up()
    state = stack.desk.folder / "state.json"
    state.write_text(stack.must("stack", "export"))
    assert analyzed(stack.desk, str(state))[0] == 0
    stack.desk.extra["PULUMI_CONFIG_PASSPHRASE"] = "another"
    code, told = analyzed(stack.desk, str(state))
    assert code != 0
    assert "data: could not decide, because policy is a secret that is not shown: run it where Pulumi can" in told


def test_a_first_preview_decides_what_the_program_itself_says(stack: Stack) -> None:
    stack.program(
        """
        import pulumi_aws as aws
        aws.ec2.Instance("web", ami="ami-0", instance_type="t3.micro", metadata_options={"http_tokens": "required"})
        aws.ebs.Volume("data", availability_zone="ap-northeast-2a", size=10)
        """
    )
    config = stack.folder / "config.json"
    config.write_text(json.dumps({"region-not-allowed": {"allowed": ["eu-central-1"]}}))
    code, told = stack.run("preview", "--policy-pack", PACK, "--policy-pack-config", str(config))
    assert code != 0
    assert "data: encrypted is not set" in told
    assert "web: region of its provider is ap-northeast-2, and allowed are eu-central-1" in told
    assert "could not decide" not in told


def test_of_a_real_state_a_check_is_found_by_its_id(stack: Stack) -> None:
    # A stand-in that left `id` out of its outputs made every name with a check one that could not be decided.
    stack.program(
        """
        import pulumi_aws as aws
        import pulumi_azure_native as azure
        page = aws.route53.HealthCheck("page", type="HTTPS", fqdn="www.example.com", port=443)
        azure.dbformysql.Server("data", resource_group_name="group", server_name="data", location="koreacentral",
            administrator_login="owner", administrator_login_password="Correct-horse-1", create_mode="Default",
            sku={"name": "Standard_B2s", "tier": "Burstable"}, version="8.4")
        aws.route53.Record("shop", zone_id="Z1", name="shop.example.com", type="A", ttl=60, records=["192.0.2.1"],
            set_identifier="one", health_check_id=page.id, failover_routing_policies=[{"type": "PRIMARY"}])
        """
    )
    stack.up()
    assert stack.state()["page"]["outputs"]["id"] == stack.state()["page"]["id"]
    stack.up("--refresh", "--expect-no-changes")
    _, told = stack.run("policy", "analyze", "--stack", "test", "--policy-pack", PACK)
    assert "shop.example.com leads to database data and follows check page (HTTPS)" in told
