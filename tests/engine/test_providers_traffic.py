"""Names, health checks, distributions and certificates on the real engine, recorded only."""

from tests.engine.conftest import Stack

NAMES = """
    import pulumi, pulumi_aws as aws
    settings = pulumi.Config()
    zone = aws.route53.Zone("zone", name="example.com.")
    check = aws.route53.HealthCheck(
        "check", type=settings.get("type") or "HTTPS", fqdn=settings.get("fqdn") or "app.example.net",
        resource_path=settings.get("path") or "/", request_interval=settings.get_int("interval") or 10,
        search_string=settings.get("string"), failure_threshold=settings.get_int("threshold") or 1,
        ip_address=settings.get("address"), invert_healthcheck=settings.get_bool("inverted") or False,
    )
    both = aws.route53.HealthCheck("both", type="CALCULATED", child_health_threshold=1, child_healthchecks=[check.id])
    record = aws.route53.Record(
        "record", zone_id=zone.zone_id, name=settings.get("name") or "www", type="A", ttl=60, records=["192.0.2.1"],
        set_identifier=settings.get("set") or "primary", failover_routing_policies=[{"type": "PRIMARY"}],
        health_check_id=both.id,
    )
    pulumi.export("fqdn", record.fqdn)
    pulumi.export("arn", check.arn)
    pulumi.export("servers", zone.name_servers)
"""

EDGE = """
    import pulumi, pulumi_aws as aws
    settings = pulumi.Config()
    certificate = aws.acm.Certificate(
        "certificate", domain_name="www.example.com", validation_method="DNS",
        subject_alternative_names=["dr.example.com"], region="us-east-1",
    )
    validated = aws.acm.CertificateValidation("validated", certificate_arn=certificate.arn, region="us-east-1")
    function = aws.cloudfront.Function("function", runtime="cloudfront-js-2.0", code=settings.get("code") or "1")
    cache = aws.cloudfront.CachePolicy("cache", min_ttl=0, default_ttl=settings.get_int("ttl") or 0, max_ttl=1,
        parameters_in_cache_key_and_forwarded_to_origin={
            "cookies_config": {"cookie_behavior": "none"}, "headers_config": {"header_behavior": "none"},
            "query_strings_config": {"query_string_behavior": "none"}})
    passed = aws.cloudfront.OriginRequestPolicy("passed", cookies_config={"cookie_behavior": "all"},
        headers_config={"header_behavior": "none"}, query_strings_config={"query_string_behavior": "all"})
    headers = aws.cloudfront.ResponseHeadersPolicy("headers", custom_headers_config={
        "items": [{"header": "x-one", "value": "1", "override": True}]})
    control = aws.cloudfront.OriginAccessControl("control", origin_access_control_origin_type="s3",
        signing_behavior="always", signing_protocol="sigv4")
    distribution = aws.cloudfront.Distribution(
        "distribution", enabled=True, aliases=["www.example.com"],
        origins=[{"origin_id": "notice", "domain_name": "notice.z1.web.core.windows.net",
                  "custom_headers": [{"name": "x-origin-secret", "value": pulumi.Output.secret("clear-0123456789")}],
                  "custom_origin_config": {"http_port": 80, "https_port": 443, "origin_protocol_policy": "https-only",
                                           "origin_ssl_protocols": ["TLSv1.2"]}}],
        default_cache_behavior={
            "target_origin_id": settings.get("target") or "notice", "viewer_protocol_policy": "redirect-to-https",
            "allowed_methods": ["GET", "HEAD"], "cached_methods": ["GET", "HEAD"], "cache_policy_id": cache.id,
            "origin_request_policy_id": passed.id, "response_headers_policy_id": headers.id,
            "function_associations": [{"event_type": "viewer-request", "function_arn": function.arn}]},
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        viewer_certificate={"acm_certificate_arn": validated.certificate_arn, "ssl_support_method": "sni-only"},
    )
    pulumi.export("domain", distribution.domain_name)
    pulumi.export("zone", distribution.hosted_zone_id)
    pulumi.export("options", certificate.domain_validation_options)
    pulumi.export("arn", certificate.arn)
"""


def test_names_and_checks_look_like_the_clouds_and_settle(stack: Stack) -> None:
    stack.program(NAMES)
    stack.up()
    stack.up("--expect-no-changes")
    shown = stack.outputs()
    assert shown["fqdn"] == "www.example.com"
    assert shown["arn"].startswith("arn:aws:route53:::healthcheck/")
    assert len(shown["servers"]) == 4
    assert stack.state()["record"]["id"].endswith("_www_A_primary")
    assert stack.state()["check"]["outputs"]["port"] == 443


def test_a_check_is_replaced_for_another_protocol_interval_or_string_matching_and_for_nothing_else(
    stack: Stack,
) -> None:
    stack.program(NAMES)
    stack.up()
    for key, value in (("path", "/healthz"), ("fqdn", "other.example.net"), ("threshold", "2"), ("inverted", "true")):
        stack.config(key, value)
    assert stack.steps() == {"check": "update"}
    for key, value in (("interval", "30"), ("type", "HTTP")):
        stack.config(key, value)
        assert "replace" in stack.steps()["check"], key
        stack.must("config", "rm", key)
    stack.config("type", "HTTPS_STR_MATCH")
    stack.config("string", "ready")
    assert "replace" in stack.steps()["check"]


def test_a_check_of_a_name_cannot_become_one_of_an_address(stack: Stack) -> None:
    stack.program(NAMES)
    stack.up()
    stack.config("address", "198.51.100.9")
    assert stack.steps() == {"check": "update"}, "the real provider finds out when it calls the API"
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "a health check that watches a name cannot watch an address later" in said


def test_a_record_is_replaced_for_another_name_and_updated_for_another_set_identifier(stack: Stack) -> None:
    stack.program(NAMES)
    stack.up()
    stack.config("set", "first")
    assert stack.steps() == {"record": "update"}
    stack.config("name", "dr")
    assert "replace" in stack.steps()["record"]


def test_impossible_checks_and_records_are_refused_in_the_preview(stack: Stack) -> None:
    stack.program("""
        import pulumi_aws as aws
        aws.route53.HealthCheck("slow", type="HTTPS", fqdn="app.example.net", request_interval=60)
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert "expected request_interval to be 10 or 30, got 60" in said
    stack.program("""
        import pulumi_aws as aws
        aws.route53.Record("record", zone_id="Z1", name="www", type="A", ttl=60, records=["192.0.2.1"],
            failover_routing_policies=[{"type": "PRIMARY"}])
    """)
    code, said = stack.run("preview")
    assert code != 0
    assert "all of `failoverRoutingPolicies,setIdentifier` must be specified" in said


def test_an_edge_settles_and_keeps_its_names_over_changes(stack: Stack) -> None:
    stack.program(EDGE)
    stack.up()
    stack.up("--expect-no-changes")
    before = stack.outputs()
    assert before["domain"].endswith(".cloudfront.net")
    assert before["zone"] == "Z2FDTNDATAQYW2"
    assert before["arn"].startswith("arn:aws:acm:us-east-1:")
    assert [one["domainName"] for one in before["options"]] == ["dr.example.com", "www.example.com"]
    assert "clear-0123456789" not in stack.must("stack", "export")
    stack.config("code", "2")
    stack.config("ttl", "1")
    assert stack.steps() == {"function": "update", "cache": "update"}
    stack.up()
    assert stack.outputs() == before


def test_a_behaviour_without_its_origin_is_refused_with_the_origins_there_are(stack: Stack) -> None:
    stack.program(EDGE)
    stack.config("target", "elsewhere")
    code, said = stack.run("preview")
    assert code != 0
    assert "NoSuchOrigin: no origin is called 'elsewhere'; there are: notice" in said
