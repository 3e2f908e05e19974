"""Route 53's own API (2013-04-01), as far as record sets go: list, change in one batch, ask whether it is in sync.

The records are the provider's (zones.RECORD_TOKEN), so both see what the other did. A batch is all or nothing.
"""

import re
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from lab.services import record_rules
from lab.services.api import Answer
from lab.services.aws_wire import AwsError, answer, parsed
from lab.services.signature import Request
from lab.services.zones import RECORD_TOKEN, ZONE_TOKEN, fqdn

HOST = "route53.amazonaws.com"
_OPERATIONS = (
    ("GET", re.compile(r"/2013-04-01/hostedzone/([^/]+)/rrset/?"), "ListResourceRecordSets"),
    ("POST", re.compile(r"/2013-04-01/hostedzone/([^/]+)/rrset/?"), "ChangeResourceRecordSets"),
    ("GET", re.compile(r"/2013-04-01/change/([^/]+)"), "GetChange"),
)
_PAGE = 100

Record = dict[str, Any]


class Route53:
    """Over the box's records: `listed` by token; `change` takes some away and puts others, in one."""

    def __init__(
        self,
        listed: Callable[[str], Mapping[str, Mapping[str, Any]]],
        change: Callable[[str, Collection[str], Mapping[str, Record]], None],
    ) -> None:
        self._listed, self._change_records = listed, change

    def answer(self, request: Request) -> Answer:
        for method, path, operation in _OPERATIONS:
            found = path.fullmatch(request.path)
            if found and method == request.method:
                try:
                    asked = parsed("route53", operation, request, {"Id": found[1]})
                    return answer("route53", operation, self._result(operation, found[1], asked))
                except AwsError as error:
                    return answer("route53", operation, error)
                except record_rules.Refused as refused:
                    code, _, words = str(refused).partition(": ")
                    return answer("route53", operation, AwsError(code, f"[{words}]"))
        unknown = AwsError("InvalidInput", f"the lab's Route 53 does not know {request.method} {request.path}")
        return answer("route53", "GetChange", unknown)

    def _result(self, operation: str, identity: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "GetChange":
            return _about(identity)
        if self._listed(ZONE_TOKEN).get(identity) is None:
            raise AwsError("NoSuchHostedZone", f"No hosted zone found with ID: {identity}")
        return self._list(identity, asked) if operation.startswith("List") else self._change(identity, asked)

    def _list(self, zone: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        origin = str(self._listed(ZONE_TOKEN)[zone]["name"])
        mine = [one for one in self._listed(RECORD_TOKEN).values() if one["zoneId"] == zone]
        ordered = sorted(mine, key=lambda one: _order(fqdn(one, origin), one))
        first, kind = asked.get("StartRecordName"), asked.get("StartRecordType", "")
        start = _order(first.rstrip(".").lower(), {"type": kind}) if first else ()
        later = [one for one in ordered if _order(fqdn(one, origin), one) >= start][:_PAGE]
        sets = [_set(fqdn(one, origin), one) for one in later]
        return {"ResourceRecordSets": sets, "IsTruncated": False, "MaxItems": str(_PAGE)}

    def _change(self, zone: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        origin = str(self._listed(ZONE_TOKEN)[zone]["name"])
        after = _After(self._listed)
        gone: list[str] = []
        made: dict[str, Record] = {}
        for change in asked["ChangeBatch"]["Changes"]:
            record = _record(zone, origin, change["ResourceRecordSet"])
            tail = f"_{record['setIdentifier']}" if record.get("setIdentifier") else ""
            identity = f"{zone}_{record['name']}_{record['type']}{tail}"
            known = next((key for key, one in after.sets.items() if _key(one, origin) == _key(record, origin)), "")
            if change["Action"] == "DELETE":
                if not known or _content(after.sets[known]) != _content(record):
                    raise record_rules.Refused(
                        f"InvalidChangeBatch: Tried to delete resource record set [name='{record['name']}.', "
                        f"type='{record['type']}'{tail and ', set-identifier=' + repr(record['setIdentifier'])}] but "
                        + ("the values provided do not match the current values" if known else "it was not found")
                    )
                gone.append(known)
                made.pop(known, None)
                del after.sets[known]
                continue
            record_rules.require_possible(after, record, "")
            made[identity] = after.sets[identity] = record
        self._change_records(RECORD_TOKEN, gone, made)
        return _about(f"C{uuid.uuid4().hex[:20].upper()}")


class _After:
    """The records as they would be after the changes so far."""

    def __init__(self, listed: Callable[[str], Mapping[str, Mapping[str, Any]]]) -> None:
        self._listed = listed
        self.sets: dict[str, Mapping[str, Any]] = dict(listed(RECORD_TOKEN))

    def records(self, token: str) -> Mapping[str, Mapping[str, Any]]:
        return self.sets if token == RECORD_TOKEN else self._listed(token)

    def record(self, token: str, identity: str) -> Mapping[str, Any] | None:
        return self.records(token).get(identity)


def _order(name: str, record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Route 53 sorts names from the last label on."""
    return (*reversed(name.split(".")), ""), str(record["type"]), str(record.get("setIdentifier") or "")


def _key(record: Mapping[str, Any], origin: str) -> tuple[str, ...]:
    return str(record["zoneId"]), fqdn(record, origin), str(record["type"]), str(record.get("setIdentifier") or "")


def _content(record: Mapping[str, Any]) -> dict[str, Any]:
    """What has to match for a deletion."""
    alias = (record.get("aliases") or [None])[0]
    return {
        "ttl": record.get("ttl") and int(record["ttl"]),
        "records": sorted(record.get("records") or ()),
        "alias": alias
        and (str(alias["name"]).rstrip(".").lower(), alias["zoneId"], bool(alias.get("evaluateTargetHealth"))),
        "check": record.get("healthCheckId") or "",
        "policy": record.get("failoverRoutingPolicies") or [],
    }


def _set(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"Name": f"{name}.", "Type": str(record["type"])}
    if record.get("setIdentifier"):
        found["SetIdentifier"] = record["setIdentifier"]
    for policy in record.get("failoverRoutingPolicies") or ():
        found["Failover"] = policy["type"]
    if record.get("records"):
        found["TTL"] = int(record.get("ttl") or 0)
        found["ResourceRecords"] = [{"Value": value} for value in record["records"]]
    for alias in record.get("aliases") or ():
        found["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": f"{str(alias['name']).rstrip('.').lower()}.",
            "EvaluateTargetHealth": bool(alias.get("evaluateTargetHealth")),
        }
    if record.get("healthCheckId"):
        found["HealthCheckId"] = record["healthCheckId"]
    return found


def _record(zone: str, origin: str, given: Mapping[str, Any]) -> Record:
    name = given["Name"].rstrip(".").lower()
    record: Record = {"zoneId": zone, "name": name, "fqdn": name, "type": given["Type"]}
    if not (name == origin or name.endswith(f".{origin}")):
        raise record_rules.Refused(
            f"InvalidChangeBatch: RRSet with DNS name {name}. is not permitted in zone {origin}."
        )
    optional = {
        "setIdentifier": given.get("SetIdentifier"),
        "healthCheckId": given.get("HealthCheckId"),
        "failoverRoutingPolicies": [{"type": given["Failover"]}] if "Failover" in given else [],
        "ttl": given.get("TTL"),
        "records": [one["Value"] for one in given.get("ResourceRecords", [])],
    }
    record |= {key: value for key, value in optional.items() if value}
    if "AliasTarget" in given:
        target = given["AliasTarget"]
        alias = {"zoneId": target["HostedZoneId"], "name": target["DNSName"].rstrip(".").lower()}
        record["aliases"] = [{**alias, "evaluateTargetHealth": target["EvaluateTargetHealth"]}]
    return record


def _about(identity: str) -> dict[str, Any]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return {"ChangeInfo": {"Id": f"/change/{identity}", "Status": "INSYNC", "SubmittedAt": moment}}
