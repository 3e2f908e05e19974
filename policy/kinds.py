"""What a resource is called: one name for each kind, whichever version of a provider spells it."""

import re

_VERSION = re.compile(r"^(azure-native:\w+)/v\d{8}(?:preview)?:")
_SECOND = re.compile(r"^(aws:s3/\w+)V2:(\w+)V2$")
_BEFORE = {"azure-native:network:Profile": "azure-native:trafficmanager:Profile"}  # azure-native 1 and 2


def kind_of(token: str) -> str:
    """The type as policies name it: `aws:s3/bucket:Bucket` for `aws:s3/bucketV2:BucketV2`, which pulumi-aws has
    beside it; `azure-native:network:Subnet` for one of a dated version of the interface."""
    token = _SECOND.sub(r"\1:\2", _VERSION.sub(r"\1:", token))
    return _BEFORE.get(token, token)
