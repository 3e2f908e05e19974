"""A parameter of Systems Manager."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.api import Api, ApiType, tag_list
from lab.providers.framework.changes import Change
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Call

_GONE = ("ParameterNotFound",)


class Parameter(ApiType):
    """A new value is put in place; the version counts up."""

    token = "aws:ssm/parameter:Parameter"
    service = api = "ssm"
    arn_path = "parameter/"
    autoname = AutoName("name", 1011)
    unstable = frozenset({"version"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        kind = inputs.get("type")
        if isinstance(kind, str) and kind not in ("String", "StringList", "SecureString"):
            yield Problem("type", f"expected type to be one of [String StringList SecureString], got {kind}")

    def forces(self, change: Change, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
        # "Advanced-tier parameters can't be downgraded": the provider replaces then (CustomizeDiff)
        if change.rule == "tier":
            return old.get("tier") == "Advanced" and new.get("tier", "Standard") == "Standard"
        return None

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["name"])

    def arn(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> str:
        return super().arn(call, identity.lstrip("/"), inputs)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = {
            "version": int(inputs.get("version") or 0) + 1,
            "hasValueWo": inputs.get("valueWo") is not None,
            "tier": inputs.get("tier") or "Standard",
            "dataType": inputs.get("dataType") or "text",
        }
        if inputs.get("insecureValue") is not None:
            found["value"] = inputs["insecureValue"]
        return found

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        return self._put(api, identity, record, bool(record.get("overwrite")))

    def alter(
        self, call: Call, api: Api, identity: str, before: dict[str, Any], record: dict[str, Any]
    ) -> dict[str, Any]:
        gone = sorted(set(before.get("tags") or {}) - set(record.get("tags") or {}))
        if gone:
            api.call("remove_tags_from_resource", ResourceType="Parameter", ResourceId=identity, TagKeys=gone)
        if record.get("tags"):
            api.call(
                "add_tags_to_resource", ResourceType="Parameter", ResourceId=identity, Tags=tag_list(record["tags"])
            )  # fmt: skip
        return self._put(api, identity, {**record, "tags": None}, True)

    @staticmethod
    def _put(api: Api, identity: str, record: dict[str, Any], overwrite: bool) -> dict[str, Any]:
        value = record.get("insecureValue") or record.get("value") or record.get("valueWo")
        answer = api.call(
            "put_parameter",
            Name=identity,
            Value=value,
            Type=record["type"],
            Description=record.get("description"),
            KeyId=record.get("keyId") or None,
            Overwrite=overwrite,
            AllowedPattern=record.get("allowedPattern"),
            Tier=record.get("tier"),
            Tags=tag_list(record.get("tags")) or None,
        )
        return {"version": answer["Version"]}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        found = api.maybe("get_parameter", _GONE, Name=identity, WithDecryption=True)
        if found is None:
            return None
        said = found["Parameter"]
        return {"version": said["Version"], **({"value": said["Value"]} if state.get("value") is not None else {})}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        api.maybe("delete_parameter", _GONE, Name=identity)
