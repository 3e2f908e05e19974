"""A secret's value."""

import base64
import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.aws.api import Api, ApiType
from lab.providers.framework.types import Call


class SecretVersion(ApiType):
    """Versions never change: a new value is a new version. The current one cannot be deleted, only its secret can."""

    token = "aws:secretsmanager/secretVersion:SecretVersion"
    service = api = "secretsmanager"

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return f"{inputs['secretId']}|{uuid.uuid4()}"

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        secret, _, version = identity.partition("|")
        return {
            "arn": secret,
            "secretArn": secret,
            "versionId": inputs.get("versionId") or version,
            "versionStages": inputs.get("versionStages") or ["AWSCURRENT"],
            "hasSecretStringWo": inputs.get("secretStringWo") is not None,
        }

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        text = record.get("secretString", record.get("secretStringWo"))
        binary = record.get("secretBinary")
        answer = api.call(
            "put_secret_value",
            SecretId=record["secretId"],
            # The same call again after an interruption is the same version [Secrets Manager API, PutSecretValue].
            ClientRequestToken=identity.partition("|")[2],
            SecretString=text,
            SecretBinary=base64.b64decode(binary) if binary is not None else None,
            VersionStages=record.get("versionStages"),
        )
        return {
            "arn": answer["ARN"],
            "secretArn": answer["ARN"],
            "versionId": answer["VersionId"],
            "__id": f"{record['secretId']}|{answer['VersionId']}",
        }

    def alter(
        self, call: Call, api: Api, identity: str, before: dict[str, Any], record: dict[str, Any]
    ) -> dict[str, Any]:
        if record.get("secretStringWo") is not None and before.get("secretStringWoVersion") != record.get(
            "secretStringWoVersion"
        ):
            found = self.put(call, api, f"{record['secretId']}|{uuid.uuid4()}", record)
            return {key: value for key, value in found.items() if key != "__id"}
        old, new = set(before.get("versionStages") or []), set(record.get("versionStages") or [])
        version, secret = record["versionId"], record["secretId"]
        for stage in sorted(new - old):
            api.call("update_secret_version_stage", SecretId=secret, VersionStage=stage, MoveToVersionId=version)
        for stage in sorted(old - new - {"AWSCURRENT"}):
            api.call("update_secret_version_stage", SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        gone = ("ResourceNotFoundException", "InvalidRequestException")
        found = api.maybe("get_secret_value", gone, SecretId=state["secretId"], VersionId=state["versionId"])
        if found is None:
            return None
        kept = state.get("secretString")
        return {"secretString": found["SecretString"]} if kept is not None and "SecretString" in found else {}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        """The provider takes the stages away, except AWSCURRENT, which the API does not give up."""
        found = api.maybe("describe_secret", ("ResourceNotFoundException",), SecretId=record["secretId"])
        stages = ((found or {}).get("VersionIdsToStages") or {}).get(record["versionId"]) or []
        for stage in stages:
            if stage not in ("AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"):
                api.call(
                    "update_secret_version_stage",
                    SecretId=record["secretId"],
                    VersionStage=stage,
                    RemoveFromVersionId=record["versionId"],
                )
