"""Who may read a secret."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.api import Api, ApiType
from lab.providers.aws.identity import as_text, document_problems
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class SecretPolicy(ApiType):
    """Kept and answered; the lab evaluates the policies of roles, not those of secrets."""

    token = "aws:secretsmanager/secretPolicy:SecretPolicy"
    service = api = "secretsmanager"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return document_problems(inputs, "policy")

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "policy": as_text(inputs["policy"])}

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["secretArn"])

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        api.call("put_resource_policy", SecretId=identity, ResourcePolicy=record["policy"])
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        found = api.maybe("get_resource_policy", self.missing, SecretId=identity)
        return None if not (found or {}).get("ResourcePolicy") else {}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        api.maybe("delete_resource_policy", self.missing, SecretId=identity)
