"""What Route 53 refuses in a change batch, looking at the zone's other records and at what an alias leads to."""

from typing import Any

from lab.providers.framework.box import Box
from lab.providers.framework.types import Refusal
from lab.services.zones import CHECK_TOKEN, CLOUDFRONT_ZONE, DISTRIBUTION_TOKEN, RECORD_TOKEN, ZONE_TOKEN

_NOT_ANSWERED = ("cidrRoutingPolicy", "geolocationRoutingPolicies", "geoproximityRoutingPolicy",
                 "latencyRoutingPolicies", "multivalueAnswerRoutingPolicy", "weightedRoutingPolicies")  # fmt: skip


def require_possible(box: Box, record: dict[str, Any], own: str) -> None:
    """Refusal with the API's words. `own` is the id of the record that changes; empty for a new one."""
    zone = box.record(ZONE_TOKEN, str(record["zoneId"]))
    if zone is None:
        raise Refusal(f"NoSuchHostedZone: No hosted zone found with ID: {record['zoneId']}")
    used = [policy for policy in _NOT_ANSWERED if record.get(policy)]
    if used:
        raise Refusal(f"the lab answers simple and failover records: it cannot follow {used[0]}")
    others = [
        one
        for key, one in box.records(RECORD_TOKEN).items()
        if key != own and one["zoneId"] == record["zoneId"] and one["fqdn"] == record["fqdn"]
    ]
    _require_free(record, others, str(zone["name"]))
    check = record.get("healthCheckId")
    if check and box.record(CHECK_TOKEN, str(check)) is None:
        raise Refusal(f"InvalidInput: The health check ID {check} was not found")
    for alias in record.get("aliases") or []:
        _require_target(box, record, alias, zone)


def _require_free(record: dict[str, Any], others: list[dict[str, Any]], zone: str) -> None:
    name, kind, set_id = record["fqdn"], record["type"], record.get("setIdentifier") or ""
    if kind == "CNAME" and name == zone:
        raise Refusal(f"InvalidChangeBatch: RRSet of type CNAME with DNS name {name}. is not permitted at apex")
    if (kind == "CNAME" and any(one["type"] != "CNAME" for one in others)) or (
        kind != "CNAME" and any(one["type"] == "CNAME" for one in others)
    ):
        raise Refusal(
            f"InvalidChangeBatch: RRSet of type {kind} with DNS name {name}. is not permitted as it conflicts with "
            f"other records with the same DNS name in zone {zone}."
        )
    for other in (one for one in others if one["type"] == kind):
        other_id = other.get("setIdentifier") or ""
        if other_id == set_id and not record.get("allowOverwrite"):
            tail = f", set-identifier='{set_id}'" if set_id else ""
            raise Refusal(
                f"InvalidChangeBatch: Tried to create resource record set [name='{name}.', type='{kind}'{tail}] but it "
                "already exists"
            )
        if bool(other_id) != bool(set_id):
            raise Refusal(
                f"InvalidChangeBatch: RRSet with DNS name {name}., type {kind}, SetIdentifier {set_id or other_id} "
                "cannot be created as a simple record and a record with a routing policy exist with the same name and "
                "type"
            )
        if _role(other) and _role(other) == _role(record) and other_id != set_id:
            raise Refusal(
                f"InvalidChangeBatch: there is already a {_role(record)} failover record of {name}. and type {kind}"
            )


def _require_target(box: Box, record: dict[str, Any], alias: dict[str, Any], zone: dict[str, Any]) -> None:
    target, target_zone = str(alias["name"]).rstrip(".").lower(), str(alias["zoneId"])
    outside = Refusal(
        f"InvalidChangeBatch: Tried to create an alias that targets {target}., type {record['type']} in zone "
        f"{target_zone}, but the alias target name does not lie within the target zone"
    )
    if target_zone == CLOUDFRONT_ZONE:
        if alias.get("evaluateTargetHealth"):
            raise Refusal(
                "InvalidInput: EvaluateTargetHealth cannot be true for an alias record that leads to a CloudFront "
                "distribution"
            )
        if not target.endswith(".cloudfront.net"):
            raise outside
        if not any(one.get("domainName") == target for one in box.records(DISTRIBUTION_TOKEN).values()):
            raise Refusal(
                f"InvalidChangeBatch: Tried to create an alias that targets {target}., type {record['type']} in zone "
                f"{target_zone}, but that target was not found"
            )
    elif target_zone == str(record["zoneId"]):
        if not target.endswith(str(zone["name"])):
            raise outside
        found = [
            one
            for one in box.records(RECORD_TOKEN).values()
            if one["zoneId"] == target_zone and one["fqdn"] == target and one["type"] == record["type"]
        ]
        if not found:
            raise Refusal(
                f"InvalidChangeBatch: Tried to create an alias that targets {target}., type {record['type']} in zone "
                f"{target_zone}, but that target was not found"
            )
    elif not target.endswith(".elb.amazonaws.com"):
        raise outside


def _role(record: dict[str, Any]) -> str:
    policies = record.get("failoverRoutingPolicies") or []
    return str(policies[0].get("type") or "") if policies else ""
