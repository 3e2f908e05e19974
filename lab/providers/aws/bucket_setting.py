"""What the settings of a bucket share: one of each a bucket, named like the bucket."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.api import ApiType
from lab.providers.framework.types import Call


class BucketSetting(ApiType):
    """Another bucket replaces."""

    service = "s3"

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["bucket"])


def upper(value: Any) -> Any:
    """{"sseAlgorithm": …} → {"SseAlgorithm": …} at any depth: most names differ from the API's only so."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: upper(item) for key, item in value.items()}
    if isinstance(value, list):
        return [upper(item) for item in value]
    return value
