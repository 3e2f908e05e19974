"""What every CloudFront distribution of this library has in common: HTTPS on both sides, nothing cached."""

import pulumi
import pulumi_aws as aws

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""Managed policies Managed-CachingDisabled and Managed-AllViewerExceptHostHeader (CloudFront developer guide)."""

ALL_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
READ_METHODS = ("GET", "HEAD")
PRICE_CLASS = "PriceClass_200"


def behaviour(
    origin: str,
    functions: list[aws.cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs] | None = None,
    origin_request_policy_id: str | None = None,
) -> aws.cloudfront.DistributionDefaultCacheBehaviorArgs:
    """Every method to `origin`, uncached."""
    return aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
        target_origin_id=origin,
        viewer_protocol_policy="redirect-to-https",
        allowed_methods=ALL_METHODS,
        cached_methods=READ_METHODS,
        cache_policy_id=CACHING_DISABLED,
        origin_request_policy_id=origin_request_policy_id,
        function_associations=functions,
        compress=True,
    )


def create(
    name: str,
    fqdn: str,
    certificate_arn: pulumi.Input[str],
    origin: aws.cloudfront.DistributionOriginArgs,
    default: aws.cloudfront.DistributionDefaultCacheBehaviorArgs,
    ordered: list[aws.cloudfront.DistributionOrderedCacheBehaviorArgs],
    price_class: str,
    tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.cloudfront.Distribution:
    """A distribution with the one alias `fqdn`; `up` waits until every edge has it."""
    return aws.cloudfront.Distribution(
        f"{name}-distribution",
        aliases=[fqdn],
        enabled=True,
        is_ipv6_enabled=True,
        http_version="http2and3",
        price_class=price_class,
        comment=f"twinsite {fqdn}",
        origins=[origin],
        default_cache_behavior=default,
        ordered_cache_behaviors=ordered,
        restrictions={"geo_restriction": {"restriction_type": "none"}},
        viewer_certificate={
            "acm_certificate_arn": certificate_arn,
            "ssl_support_method": "sni-only",
            "minimum_protocol_version": "TLSv1.2_2021",
        },
        wait_for_deployment=True,
        tags={**tags, "Name": fqdn},
        opts=opts,
    )


def https_origin(port: int = 443) -> aws.cloudfront.DistributionOriginCustomOriginConfigArgs:
    """An origin that is asked over HTTPS only."""
    return aws.cloudfront.DistributionOriginCustomOriginConfigArgs(
        http_port=80, https_port=port, origin_protocol_policy="https-only", origin_ssl_protocols=["TLSv1.2"]
    )
