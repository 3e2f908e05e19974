"""AWS's partitions: what ARNs and host names are like in a region. By botocore's own table."""

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Partition:
    """A set of regions with accounts, endpoints and ARNs of its own."""

    name: str
    """As in ARNs: aws, aws-cn, aws-us-gov, …"""

    dns_suffix: str
    """Of its services' names: amazonaws.com, amazonaws.com.cn, …"""


@cache
def partition(region: str) -> Partition:
    """Of that region. ValueError for one that is of no partition which this botocore knows."""
    from botocore.loaders import create_loader  # type: ignore[import-untyped]  # heavy, and of AWS's topologies only

    known = create_loader().load_data("partitions")["partitions"]
    for one in known:
        if region in one["regions"] or re.match(one["regionRegex"], region):
            return Partition(one["id"], one["outputs"]["dnsSuffix"])
    raise ValueError(f"{region!r} is no AWS region: `pulumi config set aws:region` to one like ap-northeast-2")
