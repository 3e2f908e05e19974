"""What the policies about names read of Route 53 and CloudFront."""

from collections.abc import Sequence
from typing import Any

from ..judging import Resource

RECORD = "aws:route53/record:Record"
CHECK = "aws:route53/healthCheck:HealthCheck"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"

RECORD_READS = (
    "name", "type", "ttl", "zoneId", "aliases.name", "aliases.zoneId", "aliases.evaluateTargetHealth", "setIdentifier",
    "healthCheckId", "allowOverwrite", "failoverRoutingPolicies",
)  # fmt: skip
CHECK_READS = ("type", "fqdn", "ipAddress", "disabled", "searchString", "childHealthchecks", "childHealthThreshold")
DISTRIBUTION_READS = (
    "aliases", "defaultCacheBehavior.targetOriginId", "defaultCacheBehavior.allowedMethods", "originGroups.originId",
    "origins.domainName", "origins.customOriginConfig.originProtocolPolicy",
)  # fmt: skip


def props_of(found: Sequence[Resource], kind: str) -> list[dict[str, Any]]:
    """As rules/records.py takes them."""
    return [dict(one.props) for one in found if one.type == kind]
