"""What is part of a cache key, and how long things are kept."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.aws.edge import EdgePolicy
from lab.providers.framework.types import AutoName


class CachePolicy(EdgePolicy):
    """See EdgePolicy."""

    token = "aws:cloudfront/cachePolicy:CachePolicy"
    arn_path = "cache-policy/"
    updates = frozenset(
        {"comment", "defaultTtl", "maxTtl", "minTtl", "name", "parametersInCacheKeyAndForwardedToOrigin"}
    )
    defaults: ClassVar[Mapping[str, Any]] = {"defaultTtl": 86400, "maxTtl": 31536000, "minTtl": 0}
    autoname = AutoName("name", 128)
