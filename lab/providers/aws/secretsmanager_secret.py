"""A secret's name and settings; its value is a version."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.api import Api, ApiType, tag_list
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Call, Refusal

_GONE = ("ResourceNotFoundException",)


class Secret(ApiType):
    """Deleted after the recovery window; its name stays taken that long."""

    token = "aws:secretsmanager/secret:Secret"
    service = api = "secretsmanager"
    autoname = AutoName("name", 512)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        days = inputs.get("recoveryWindowInDays")
        if isinstance(days, int) and days != 0 and not 7 <= days <= 30:
            yield Problem(
                "recoveryWindowInDays", f"expected recoveryWindowInDays to be 0 or in the range (7 - 30), got {days}"
            )

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        import secrets
        import string

        tail = "".join(secrets.choice(string.ascii_letters) for _ in range(6))
        return self.arn(call, f"secret:{inputs['name']}-{tail}", inputs)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": identity, "policy": inputs.get("policy") or "", "replicas": inputs.get("replicas") or []}

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        if record.get("replicas"):
            raise Refusal("the lab's Secrets Manager does not replicate: take replicas out")
        arn = api.call(
            "create_secret",
            Name=record["name"],
            Description=record.get("description"),
            KmsKeyId=record.get("kmsKeyId"),
            Tags=tag_list(record.get("tags")) or None,
        )["ARN"]
        if record.get("policy"):
            api.call("put_resource_policy", SecretId=arn, ResourcePolicy=record["policy"])
        return {"arn": arn, "__id": arn}

    def alter(
        self, call: Call, api: Api, identity: str, before: dict[str, Any], record: dict[str, Any]
    ) -> dict[str, Any]:
        if any(before.get(key) != record.get(key) for key in ("description", "kmsKeyId")):
            api.call(
                "update_secret",
                SecretId=identity,
                Description=record.get("description") or "",
                KmsKeyId=record.get("kmsKeyId"),
            )
        if (before.get("tags") or {}) != (record.get("tags") or {}):
            gone = sorted(set(before.get("tags") or {}) - set(record.get("tags") or {}))
            if gone:
                api.call("untag_resource", SecretId=identity, TagKeys=gone)
            if record.get("tags"):
                api.call("tag_resource", SecretId=identity, Tags=tag_list(record["tags"]))
        if record.get("policy") and before.get("policy") != record["policy"]:
            api.call("put_resource_policy", SecretId=identity, ResourcePolicy=record["policy"])
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        found = api.maybe("describe_secret", _GONE, SecretId=identity)
        if found is None or found.get("DeletedDate"):
            return None
        return {"description": found.get("Description") or ""} if state.get("description") else {}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        days = int(record.get("recoveryWindowInDays", 30))
        api.maybe(
            "delete_secret",
            _GONE,
            SecretId=identity,
            ForceDeleteWithoutRecovery=True if days == 0 else None,
            RecoveryWindowInDays=days or None,
        )
