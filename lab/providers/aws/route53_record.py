"""A record. What the API refuses in a change batch is in record_rules.py."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.providers.framework.values import UNKNOWN
from lab.services import record_rules

ZONE = "aws:route53/zone:Zone"


class Record(AwsType):
    """Only another name or zone replaces; another type or set identifier is a delete and a create in one update."""

    token = "aws:route53/record:Record"
    service = "route53"
    unstable = frozenset({"fqdn"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        if inputs.get("records") and inputs.get("ttl") is None:
            yield Problem("ttl", '"ttl": all of `records,ttl` must be specified')
        for policy in inputs.get("failoverRoutingPolicies") or []:
            kind = policy.get("type") if isinstance(policy, dict) else None
            if kind not in ("PRIMARY", "SECONDARY", UNKNOWN, None):
                yield Problem("failoverRoutingPolicies", f"expected type to be one of PRIMARY, SECONDARY, got {kind}")

    def adopts(self, inputs: Mapping[str, Any]) -> bool:
        return bool(inputs.get("allowOverwrite"))  # UPSERT instead of CREATE

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "name": str(inputs["name"]).removesuffix(".").lower()}

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        tail = f"_{inputs['setIdentifier']}" if inputs.get("setIdentifier") else ""
        return f"{inputs['zoneId']}_{inputs['name']}_{inputs['type']}{tail}"

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"fqdn": full_name(str(inputs["name"]), self._zone(call, str(inputs["zoneId"])))}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        _require_possible(box, record, "")

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        # A failover record cannot become a simple one in one change batch, nor the reverse
        # (hashicorp/terraform-provider-aws#18356).
        if bool(before.get("setIdentifier")) != bool(record.get("setIdentifier")):
            raise Refusal(
                f"InvalidChangeBatch: {record['fqdn']} cannot change between a simple and a failover record: delete "
                "the record first, then create it anew"
            )
        _require_possible(box, record, identity)

    @staticmethod
    def _zone(call: Call, identity: str) -> str:
        """Its name; empty when nothing here knows the zone."""
        known: Mapping[str, Any] | None = call.seen(ZONE, identity)
        if not known and call.box is not None:
            known = call.box.record(ZONE, identity)
        return str((known or {}).get("name") or "")


def _require_possible(box: Box, record: dict[str, Any], own: str) -> None:
    try:
        record_rules.require_possible(box, record, own)
    except record_rules.Refused as words:
        raise Refusal(str(words)) from None


def full_name(name: str, zone: str) -> str:
    """Names are taken as relative to the zone, unless they end in it."""
    if not zone or name == zone or name.endswith(f".{zone}"):
        return name
    return f"{name}.{zone}" if name else zone
