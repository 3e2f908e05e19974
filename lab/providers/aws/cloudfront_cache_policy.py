"""What is part of a cache key, and how long things are kept."""

from lab.providers.aws.edge import EdgePolicy
from lab.providers.framework.types import AutoName


class CachePolicy(EdgePolicy):
    """See EdgePolicy."""

    token = "aws:cloudfront/cachePolicy:CachePolicy"
    arn_path = "cache-policy/"
    autoname = AutoName("name", 128)
