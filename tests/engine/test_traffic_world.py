"""The traffic and monitoring components on the real engine, recorded: they settle, and nothing of them moves again."""

from pathlib import Path

from tests.engine.conftest import Stack

TREE = Path(__file__).resolve().parents[2]

PROGRAM = f"""
    import sys
    sys.path.insert(0, {str(TREE)!r})
    import pulumi, pulumi_aws as aws
    from pulumi_azure_native import resources
    from twinsite import GateMode
    from tests.mocks.traffic_world import World

    config = pulumi.Config()
    zone = aws.route53.Zone("zone", name="example.com")
    group = resources.ResourceGroup("group", resource_group_name="dr", location="koreacentral")
    shared = {{"zone_id": zone.zone_id}}
    site = {{"resource_group_name": group.name}}
    world = World({{
        "public": site, "second": site, "latch": {{**shared, "gate": GateMode.HANDOVER}}, "observer": site,
        "page": {{**shared, "retry_after_seconds": config.get_int("retry") or 300}},
        "front": {{**shared, "secret_generation": config.get_int("generation") or 1}},
        "www": shared, "dr": {{**shared, "tags": {{"team": config.get("team") or "dr"}}}},
    }})
    world.monitored()
    pulumi.export("urls", world.latch.urls)
    pulumi.export("secret", world.front.origin_secret)
"""


def test_a_second_up_changes_nothing_and_a_setting_changes_only_what_it_is_about(stack: Stack) -> None:
    stack.program(PROGRAM)
    stack.config("azure-native:location", "koreacentral")
    said = stack.up()
    assert "not waited for latch-witness.example.com to be clear" in said
    stack.up("--expect-no-changes")
    assert stack.must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    urls = stack.outputs()["urls"]
    assert [url.startswith(f"https://{name}.") for url, name in zip(urls, ("shopnotice", "shoplatch"), strict=True)]
    assert all(url.endswith(".web.core.windows.net/latch/dr") for url in urls)
    stack.config("retry", "120")
    assert stack.steps() == {
        "notice": "update", "notice-notice-request": "update", "notice-notice-response": "update",
    }  # fmt: skip
    stack.config("retry", "300")
    stack.config("team", "platform")
    tagged = {"dr-primary-page", "dr-secondary-page", "dr-secondary"}
    assert stack.steps() == dict.fromkeys(tagged, "update"), "tags move no record and replace no check"
    stack.config("team", "dr")
    before = stack.outputs()["secret"]
    stack.config("generation", "2")
    stack.up()
    after = stack.outputs()["secret"]
    kept = str(stack.state()["front-distribution"]["inputs"])
    assert after != before
    assert before not in kept
    assert after not in kept, "in the state the secret is encrypted"
