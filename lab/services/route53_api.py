"""Route 53's own API (2013-04-01), as far as record sets go: list, change in one batch, ask whether it is in sync.

The records are the provider's (zones.RECORD_TOKEN), so both see what the other did. A batch is all or nothing.
"""

import re
import urllib.parse
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

from lab.services import record_rules
from lab.services.azure_http import Answer
from lab.services.signature import Request
from lab.services.zones import RECORD_TOKEN, ZONE_TOKEN, fqdn

HOST = "route53.amazonaws.com"
_SPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
_PATH = re.compile(r"/2013-04-01/hostedzone/([^/]+)/rrset/?")
_CHANGE = re.compile(r"/2013-04-01/change/([^/]+)")
_PAGE = 100

Record = dict[str, Any]


class Route53:
    """Over the box's records: `listed` by token, `put` and `forget` one."""

    def __init__(
        self,
        listed: Callable[[str], Mapping[str, Mapping[str, Any]]],
        put: Callable[[str, str, Record], None],
        forget: Callable[[str, str], object],
    ) -> None:
        self._listed, self._put, self._forget = listed, put, forget

    def answer(self, request: Request) -> Answer:
        zone = _PATH.fullmatch(request.path)
        if zone and self._listed(ZONE_TOKEN).get(zone[1]) is None:
            return _error(404, "NoSuchHostedZone", f"No hosted zone found with ID: {zone[1]}")
        if zone and request.method == "GET":
            return self._list(zone[1], dict(urllib.parse.parse_qsl(request.query)))
        if zone and request.method == "POST":
            try:
                return self._change(zone[1], ET.fromstring(request.body))
            except record_rules.Refused as refused:
                code, _, words = str(refused).partition(": ")
                return _error(400, code, f"[{words}]")
        change = _CHANGE.fullmatch(request.path)
        if change and request.method == "GET":
            return _told("GetChangeResponse", [_about(change[1])])
        return _error(400, "InvalidInput", f"the lab's Route 53 does not know {request.method} {request.path}")

    def _list(self, zone: str, query: Mapping[str, str]) -> Answer:
        origin = str(self._listed(ZONE_TOKEN)[zone]["name"])
        mine = [one for one in self._listed(RECORD_TOKEN).values() if one["zoneId"] == zone]
        ordered = sorted(mine, key=lambda one: _order(fqdn(one, origin), one))
        start = (
            _order(query.get("name", "").rstrip(".").lower(), {"type": query.get("type", "")})
            if "name" in query
            else ()
        )
        later = [one for one in ordered if _order(fqdn(one, origin), one) >= start][:_PAGE]
        sets = ET.Element("ResourceRecordSets")
        sets.extend(_set(fqdn(one, origin), one) for one in later)
        return _told(
            "ListResourceRecordSetsResponse", [sets, _text("IsTruncated", "false"), _text("MaxItems", str(_PAGE))]
        )

    def _change(self, zone: str, body: ET.Element) -> Answer:
        origin = str(self._listed(ZONE_TOKEN)[zone]["name"])
        after = _After(self._listed)
        gone: list[str] = []
        made: dict[str, Record] = {}
        for change in body.iter(f"{{{_SPACE}}}Change"):
            record = _record(zone, origin, _at(change, "ResourceRecordSet"))
            tail = f"_{record['setIdentifier']}" if record.get("setIdentifier") else ""
            identity = f"{zone}_{record['name']}_{record['type']}{tail}"
            known = next((key for key, one in after.sets.items() if _key(one, origin) == _key(record, origin)), "")
            if _said(change, "Action") == "DELETE":
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
        for identity in gone:
            self._forget(RECORD_TOKEN, identity)
        for identity, record in made.items():
            self._put(RECORD_TOKEN, identity, record)
        return _told("ChangeResourceRecordSetsResponse", [_about(f"C{uuid.uuid4().hex[:20].upper()}")])


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


def _set(name: str, record: Mapping[str, Any]) -> ET.Element:
    found = ET.Element("ResourceRecordSet")
    found.append(_text("Name", f"{name}."))
    found.append(_text("Type", str(record["type"])))
    if record.get("setIdentifier"):
        found.append(_text("SetIdentifier", str(record["setIdentifier"])))
    for policy in record.get("failoverRoutingPolicies") or ():
        found.append(_text("Failover", str(policy["type"])))
    if record.get("records"):
        found.append(_text("TTL", str(int(record.get("ttl") or 0))))
        values = ET.SubElement(found, "ResourceRecords")
        for value in record["records"]:
            ET.SubElement(values, "ResourceRecord").append(_text("Value", str(value)))
    for alias in record.get("aliases") or ():
        target = ET.SubElement(found, "AliasTarget")
        target.append(_text("HostedZoneId", str(alias["zoneId"])))
        target.append(_text("DNSName", f"{str(alias['name']).rstrip('.').lower()}."))
        target.append(_text("EvaluateTargetHealth", str(bool(alias.get("evaluateTargetHealth"))).lower()))
    if record.get("healthCheckId"):
        found.append(_text("HealthCheckId", str(record["healthCheckId"])))
    return found


def _record(zone: str, origin: str, given: ET.Element) -> Record:
    name = _said(given, "Name").rstrip(".").lower()
    record: Record = {"zoneId": zone, "name": name, "fqdn": name, "type": _said(given, "Type")}
    if not (name == origin or name.endswith(f".{origin}")):
        raise record_rules.Refused(
            f"InvalidChangeBatch: RRSet with DNS name {name}. is not permitted in zone {origin}."
        )
    optional = {
        "setIdentifier": _said(given, "SetIdentifier"),
        "healthCheckId": _said(given, "HealthCheckId"),
        "failoverRoutingPolicies": [{"type": said}] if (said := _said(given, "Failover")) else [],
        "ttl": int(_said(given, "TTL") or 0),
        "records": [value.text or "" for value in given.iter(f"{{{_SPACE}}}Value")],
    }
    record |= {key: value for key, value in optional.items() if value}
    target = given.find(f"{{{_SPACE}}}AliasTarget")
    if target is not None:
        alias = {"zoneId": _said(target, "HostedZoneId"), "name": _said(target, "DNSName").rstrip(".").lower()}
        record["aliases"] = [{**alias, "evaluateTargetHealth": _said(target, "EvaluateTargetHealth") == "true"}]
    return record


def _at(element: ET.Element, name: str) -> ET.Element:
    found = element.find(f"{{{_SPACE}}}{name}")
    if found is None:
        raise record_rules.Refused(f"InvalidInput: {name} is missing")
    return found


def _said(element: ET.Element, name: str) -> str:
    return element.findtext(f"{{{_SPACE}}}{name}") or ""


def _text(name: str, value: str) -> ET.Element:
    made = ET.Element(name)
    made.text = value
    return made


def _about(identity: str) -> ET.Element:
    about = ET.Element("ChangeInfo")
    about.extend(
        [_text("Id", f"/change/{identity}"), _text("Status", "INSYNC"), _text("SubmittedAt", "2026-01-01T00:00:00Z")]
    )
    return about


def _told(name: str, parts: list[ET.Element]) -> Answer:
    root = ET.Element(name, {"xmlns": _SPACE})
    root.extend(parts)
    return 200, [("Content-Type", "text/xml")], ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _error(status: int, code: str, words: str) -> Answer:
    root = ET.Element("ErrorResponse", {"xmlns": _SPACE})
    error = ET.SubElement(root, "Error")
    error.extend([_text("Type", "Sender"), _text("Code", code), _text("Message", words)])
    root.append(_text("RequestId", str(uuid.uuid4())))
    return status, [("Content-Type", "text/xml")], ET.tostring(root, encoding="utf-8", xml_declaration=True)
