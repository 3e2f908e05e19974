"""What of a request goes to the origin."""

from lab.providers.aws.edge import EdgePolicy
from lab.providers.framework.types import AutoName


class OriginRequestPolicy(EdgePolicy):
    """See EdgePolicy."""

    token = "aws:cloudfront/originRequestPolicy:OriginRequestPolicy"
    arn_path = "origin-request-policy/"
    autoname = AutoName("name", 128)
