"""What Route 53 and CloudFront refuse when they see other records: the real engine, a box without machines."""

from lab.services.zones import ZONE_TOKEN
from tests.engine.conftest import LiveStack, late

SITE = """
    import pulumi, pulumi_aws as aws
    settings = pulumi.Config()
    certificate = aws.acm.Certificate("certificate", domain_name="www.example.com", validation_method="DNS",
        region=settings.get("region") or "us-east-1")
    option = certificate.domain_validation_options[0]
    proof = aws.route53.Record("proof", zone_id="Z1", name=option.resource_record_name,
        type=option.resource_record_type, ttl=300, records=[option.resource_record_value])
    validated = aws.acm.CertificateValidation("validated", certificate_arn=certificate.arn,
        validation_record_fqdns=[proof.fqdn], region=settings.get("region") or "us-east-1")
    function = aws.cloudfront.Function("function", runtime="cloudfront-js-2.0",
        code=settings.get("code") or "function handler(event) { return event.request; }")

    def distribution(name, alias):
        return aws.cloudfront.Distribution(
            name, enabled=True, aliases=[alias], is_ipv6_enabled=True,
            origins=[{"origin_id": "one", "domain_name": "notice.z1.web.core.windows.net",
                      "custom_origin_config": {"http_port": 80, "https_port": 443,
                                               "origin_protocol_policy": "https-only",
                                               "origin_ssl_protocols": ["TLSv1.2"]}}],
            default_cache_behavior={"target_origin_id": "one", "viewer_protocol_policy": "redirect-to-https",
                "allowed_methods": ["GET", "HEAD"], "cached_methods": ["GET", "HEAD"],
                "cache_policy_id": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                "function_associations": [{"event_type": "viewer-request", "function_arn": function.arn}]},
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate={"acm_certificate_arn": validated.certificate_arn, "ssl_support_method": "sni-only"},
        )

    edge = distribution("edge", "www.example.com")
    if settings.get_bool("twice"):
        distribution("again", "www.example.com")
    if settings.get_bool("uncovered"):
        distribution("uncovered", "other.example.com")
    check = aws.route53.HealthCheck("check", type="HTTPS", fqdn=edge.domain_name, request_interval=10)
    secondary = aws.route53.Record(
        "secondary", zone_id="Z1", name="www", type="A", set_identifier="azure", health_check_id=check.id,
        failover_routing_policies=[{"type": "SECONDARY"}],
        aliases=[{"name": edge.domain_name, "zone_id": edge.hosted_zone_id,
                  "evaluate_target_health": settings.get_bool("evaluate") or False}])
    if settings.get_bool("azure"):
        aws.route53.Record("azure", zone_id="Z1", name="dr", type="A", set_identifier="azure",
            failover_routing_policies=[{"type": "SECONDARY"}],
            aliases=[{"name": "shop.koreacentral.cloudapp.azure.com", "zone_id": "Z2",
                      "evaluate_target_health": False}])
    if settings.get_bool("simple"):
        aws.route53.Record("simple", zone_id="Z1", name="www", type="A", ttl=60, records=["192.0.2.1"],
            opts=pulumi.ResourceOptions(depends_on=[secondary]))
"""


def site(live: LiveStack, **settings: str) -> tuple[int, str]:
    live.memory.records_put(ZONE_TOKEN, "Z1", {"name": "example.com", "nameServers": []})
    live.program(SITE)
    for key, value in settings.items():
        live.config(key, value)
    return live.run("up", "--yes", "--skip-preview")


def test_a_distribution_with_its_certificate_and_record_settles(live: LiveStack) -> None:
    live.desk.extra.update(late())
    code, said = site(live)
    assert code == 0, said
    live.up("--expect-no-changes")
    held = live.memory.records_list("aws:acm/certificate:Certificate")
    assert [one["status"] for one in held.values()] == ["ISSUED"]
    for key, words in (
        ("twice", "CNAMEAlreadyExists"),
        ("uncovered", "doesn't cover the alternate domain name"),
        ("azure", "the alias target name does not lie within the target zone"),
        ("simple", "a simple record and a record with a routing policy exist"),
    ):
        live.config(key, "true")
        code, said = live.run("up", "--yes", "--skip-preview")
        assert code != 0, key
        assert words in said
        live.config(key, "false")
    live.must("destroy", "--yes", "--skip-preview")
    assert live.memory.records_list("aws:cloudfront/distribution:Distribution") == {}


def test_a_certificate_of_another_region_and_a_broken_function_are_refused(live: LiveStack) -> None:
    code, said = site(live, region="ap-northeast-2", code="function handler(event) {")
    assert code != 0
    assert "isn't in us-east-1 region" in said or "the function does not compile" in said
    live.config("code", "function handler(event) { return event.request; }")
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "isn't in us-east-1 region" in said


def test_an_alias_to_a_distribution_cannot_evaluate_its_health(live: LiveStack) -> None:
    code, said = site(live, evaluate="true")
    assert code != 0
    assert "EvaluateTargetHealth cannot be true" in said


DARK = """
    import pulumi, pulumi_aws as aws, pulumi_random as random
    settings = pulumi.Config()
    aws.route53.HealthCheck("check", type="HTTPS", fqdn="app.example.net", request_interval=10,
        resource_path=settings.get("path") or "/")
    if settings.get_bool("warm"):
        random.RandomPet("elsewhere")
"""


def test_while_aws_is_dark_what_is_elsewhere_comes_up_and_what_is_there_does_not_change(live: LiveStack) -> None:
    live.program(DARK)
    live.up()
    live.dark = True
    live.config("warm", "true")
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "a stack that must come up then sets aws:skipCredentialsValidation and aws:skipRequestingAccountId" in said
    live.config("aws:skipCredentialsValidation", "true")
    live.config("aws:skipRequestingAccountId", "true")
    live.up()
    assert "elsewhere" in live.state()
    live.config("path", "/healthz")
    code, said = live.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "AWS is dark in this lab" in said
    code, said = live.run("refresh", "--yes", "--skip-preview")
    assert code != 0
    live.dark = False
    live.up()
