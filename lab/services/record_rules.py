"""What Route 53 refuses in a change batch, looking at the zone's other records and at what an alias leads to."""

from collections.abc import Mapping
from typing import Any, Protocol

from lab.services.zones import CHECK_TOKEN, CLOUDFRONT_ZONE, DISTRIBUTION_TOKEN, RECORD_TOKEN, ZONE_TOKEN


class Refused(Exception):
    """The API's code and words."""


class Records(Protocol):
    """What the cloud holds, by token."""

    def records(self, token: str) -> Mapping[str, Mapping[str, Any]]: ...

    def record(self, token: str, identity: str) -> Mapping[str, Any] | None: ...


_NOT_ANSWERED = ("cidrRoutingPolicy", "geolocationRoutingPolicies", "geoproximityRoutingPolicy",
                 "latencyRoutingPolicies", "multivalueAnswerRoutingPolicy", "weightedRoutingPolicies")  # fmt: skip


def require_possible(box: Records, record: Mapping[str, Any], own: str) -> None:
    """Refused with the API's words. `own` is the id of the record that changes; empty for a new one."""
    zone = box.record(ZONE_TOKEN, str(record["zoneId"]))
    if zone is None:
        raise Refused(f"NoSuchHostedZone: No hosted zone found with ID: {record['zoneId']}")
    used = [policy for policy in _NOT_ANSWERED if record.get(policy)]
    if used:
        raise Refused(f"the lab answers simple and failover records: it cannot follow {used[0]}")
    others = [
        one
        for key, one in box.records(RECORD_TOKEN).items()
        if key != own and one["zoneId"] == record["zoneId"] and one["fqdn"] == record["fqdn"]
    ]
    _require_free(record, others, str(zone["name"]))
    check = record.get("healthCheckId")
    if check and box.record(CHECK_TOKEN, str(check)) is None:
        raise Refused(f"InvalidInput: The health check ID {check} was not found")
    for alias in record.get("aliases") or []:
        _require_target(box, record, alias, zone)


def _require_free(record: Mapping[str, Any], others: list[Mapping[str, Any]], zone: str) -> None:
    name, kind, set_id = record["fqdn"], record["type"], record.get("setIdentifier") or ""
    if kind == "CNAME" and name == zone:
        raise Refused(f"InvalidChangeBatch: RRSet of type CNAME with DNS name {name}. is not permitted at apex")
    if (kind == "CNAME" and any(one["type"] != "CNAME" for one in others)) or (
        kind != "CNAME" and any(one["type"] == "CNAME" for one in others)
    ):
        raise Refused(
            f"InvalidChangeBatch: RRSet of type {kind} with DNS name {name}. is not permitted as it conflicts with "
            f"other records with the same DNS name in zone {zone}."
        )
    for other in (one for one in others if one["type"] == kind):
        other_id = other.get("setIdentifier") or ""
        if other_id == set_id and not record.get("allowOverwrite"):
            tail = f", set-identifier='{set_id}'" if set_id else ""
            raise Refused(
                f"InvalidChangeBatch: Tried to create resource record set [name='{name}.', type='{kind}'{tail}] but it "
                "already exists"
            )
        if bool(other_id) != bool(set_id):
            raise Refused(
                f"InvalidChangeBatch: RRSet with DNS name {name}., type {kind}, SetIdentifier {set_id or other_id} "
                "cannot be created as a simple record and a record with a routing policy exist with the same name and "
                "type"
            )
        if _role(other) and _role(other) == _role(record) and other_id != set_id:
            raise Refused(
                f"InvalidChangeBatch: there is already a {_role(record)} failover record of {name}. and type {kind}"
            )


def _require_target(box: Records, record: Mapping[str, Any], alias: Mapping[str, Any], zone: Mapping[str, Any]) -> None:
    target, target_zone = str(alias["name"]).rstrip(".").lower(), str(alias["zoneId"])
    tried = f"InvalidChangeBatch: Tried to create an alias that targets {target}., type {record['type']} in zone "
    tried += f"{target_zone}, but "
    outside = Refused(f"{tried}the alias target name does not lie within the target zone")
    nowhere = Refused(f"{tried}that target was not found")
    if target_zone == CLOUDFRONT_ZONE:
        if alias.get("evaluateTargetHealth"):
            raise Refused(
                "InvalidInput: EvaluateTargetHealth cannot be true for an alias record that leads to a CloudFront "
                "distribution"
            )
        if not target.endswith(".cloudfront.net"):
            raise outside
        if not any(one.get("domainName") == target for one in box.records(DISTRIBUTION_TOKEN).values()):
            raise nowhere
    elif target_zone == str(record["zoneId"]):
        if not target.endswith(str(zone["name"])):
            raise outside
        found = [
            one
            for one in box.records(RECORD_TOKEN).values()
            if one["zoneId"] == target_zone and one["fqdn"] == target and one["type"] == record["type"]
        ]
        if not found:
            raise nowhere
    elif not target.endswith(".elb.amazonaws.com"):
        raise outside


def _role(record: Mapping[str, Any]) -> str:
    policies = record.get("failoverRoutingPolicies") or []
    return str(policies[0].get("type") or "") if policies else ""
