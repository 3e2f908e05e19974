"""Function getObject: an object and, where people can read it, its content."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.api import Api
from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal


def answer(arguments: Mapping[str, Any], box: Box | None) -> dict[str, Any]:
    """As the provider: the body of JSON and text only (its page of data source aws_s3_object)."""
    if box is None:
        raise Refusal("no object can be read: this lab only records")
    bucket, key = str(arguments["bucket"]), str(arguments["key"])
    found = Api("s3", str(arguments.get("region") or "us-east-1")).call("get_object", Bucket=bucket, Key=key)
    kind = str(found.get("ContentType", ""))
    readable = kind.startswith("text/") or kind == "application/json"
    return {
        "id": f"{bucket}/{key}",
        "bucket": bucket,
        "key": key,
        "contentType": kind,
        "body": found["Body"].read().decode() if readable else "",
    }
