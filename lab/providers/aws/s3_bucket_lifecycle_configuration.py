"""What happens to objects as they age."""

from typing import Any

from lab.providers.aws.api import Api
from lab.providers.aws.bucket_setting import BucketSetting, upper
from lab.providers.framework.types import Call


class BucketLifecycleConfiguration(BucketSetting):
    """Kept and answered; nothing ages in the lab."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        rules = [_rule(rule) for rule in record.get("rules") or []]
        api.call("put_bucket_lifecycle_configuration", Bucket=identity, LifecycleConfiguration={"Rules": rules})
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        gone = (*self.missing, "NoSuchLifecycleConfiguration")
        return None if api.maybe("get_bucket_lifecycle_configuration", gone, Bucket=identity) is None else {}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        api.maybe("delete_bucket_lifecycle", self.missing, Bucket=identity)


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = upper({key: value for key, value in rule.items() if key not in ("id", "filter")})
    made["ID"] = rule.get("id")
    given = rule.get("filter") or {}
    found = upper({key: value for key, value in given.items() if key not in ("and", "tag")})
    if given.get("tag"):
        found["Tag"] = upper(given["tag"])
    if given.get("and"):
        both = upper({key: value for key, value in given["and"].items() if key != "tags"})
        both["Tags"] = [{"Key": key, "Value": value} for key, value in (given["and"].get("tags") or {}).items()]
        found["And"] = both
    if "prefix" not in rule:
        made["Filter"] = found or {"Prefix": ""}
    return made
