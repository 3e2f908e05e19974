"""A health check."""

import ipaddress
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.providers.framework.values import UNKNOWN

ENDPOINT = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
TYPES = (*ENDPOINT, "CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL")
LABS_INTERNET = (ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("198.51.100.0/24"))
CHECKERS = ("us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1",
            "sa-east-1")  # fmt: skip
"""Regions that checkers stand in."""


class HealthCheck(AwsType):
    """Protocol and string matching are the type, which replaces, as the interval does. To go from a name to an address
    or back is an update that the API refuses."""

    token = "aws:route53/healthCheck:HealthCheck"
    service = "route53"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        kind = inputs["type"]
        if kind is not UNKNOWN and kind not in TYPES:
            yield Problem("type", f"expected type to be one of {', '.join(TYPES)}, got {kind}")
        yield from _out_of_range(inputs, "failureThreshold", 1, 10)
        yield from _out_of_range(inputs, "port", 1, 65535)
        if inputs.get("requestInterval") not in (None, UNKNOWN, 10, 30):
            yield Problem(
                "requestInterval", f"expected request_interval to be 10 or 30, got {inputs['requestInterval']}"
            )
        for name in ("searchString", "resourcePath", "fqdn"):
            if isinstance(inputs.get(name), str) and len(inputs[name]) > 255:
                yield Problem(name, f"expected length of {name} to be in the range (0 - 255), got {len(inputs[name])}")
        regions = inputs.get("regions")
        if isinstance(regions, list) and len(regions) < 3:
            yield Problem("regions", f"attribute requires 3 item minimum, but config has only {len(regions)} declared")
        children = inputs.get("childHealthchecks")
        if isinstance(children, list) and len(children) > 256:
            yield Problem("childHealthchecks", f"attribute supports 256 item maximum, config has {len(children)}")

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "type": str(inputs["type"]).upper()}

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(uuid.uuid4())

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        kind = inputs["type"]
        found: dict[str, Any] = {"arn": f"arn:aws:route53:::healthcheck/{identity}"}
        if kind in ENDPOINT:
            found["failureThreshold"] = inputs.get("failureThreshold") or 3
            found["requestInterval"] = inputs.get("requestInterval") or 30
            found["port"] = inputs.get("port") or (443 if kind.startswith("HTTPS") else 80)
            found["enableSni"] = inputs.get("enableSni", kind.startswith("HTTPS"))
        return found

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        _require_valid(inputs)
        return super().create(call, inputs)

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        if bool(state.get("ipAddress")) != bool(new.get("ipAddress")):
            raise Refusal(
                "InvalidInput: a health check that watches a name cannot watch an address later, nor the reverse "
                f"(health check {identity}): give the resource another name, so that a new check is made"
            )
        _require_valid(new)
        return super().update(call, identity, state, new)

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        _require_answerable(box, record)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        _require_answerable(box, record)


def _require_answerable(box: Box, record: Mapping[str, Any]) -> None:
    """Children that exist, and no kind that the lab cannot answer. Refusal."""
    known = box.records(HealthCheck.token)
    missing = [child for child in record.get("childHealthchecks") or [] if child not in known]
    if missing:
        raise Refusal(f"NoSuchHealthCheck: no health check exists with the specified ID: {', '.join(missing)}")
    if record["type"] == "RECOVERY_CONTROL":
        raise Refusal("the lab has no routing controls: use another type of health check there")


def _of_the_labs_internet(address: str) -> bool:
    """Documentation's ranges stand for public addresses here."""
    return any(ipaddress.ip_address(address) in network for network in LABS_INTERNET)


def _require_valid(inputs: Mapping[str, Any]) -> None:
    """What the API refuses when it is called. Refusal."""
    kind = inputs["type"]
    if kind in ENDPOINT and not inputs.get("ipAddress") and not inputs.get("fqdn"):
        raise Refusal("InvalidInput: Invalid parameter : Specify either an IP address or a domain name (fqdn).")
    if kind.endswith("_STR_MATCH") != bool(inputs.get("searchString")):
        raise Refusal(
            f"InvalidInput: searchString goes with the types that end in _STR_MATCH, and with no other ({kind})"
        )
    if kind == "TCP" and not inputs.get("port"):
        raise Refusal("InvalidInput: Invalid parameter : port is required for a TCP health check")
    address = inputs.get("ipAddress")
    if address and not ipaddress.ip_address(address).is_global and not _of_the_labs_internet(address):
        raise Refusal(
            f"InvalidInput: Invalid parameter : the checkers cannot reach {address}: private, local and reserved "
            "addresses are refused"
        )
    if kind == "CALCULATED" and inputs.get("childHealthThreshold") is None:
        raise Refusal("InvalidInput: Invalid parameter : HealthThreshold is required for a CALCULATED health check")
    unknown = sorted(set(inputs.get("regions") or []) - set(CHECKERS))
    if unknown:
        raise Refusal(f"InvalidInput: no checkers stand in {', '.join(unknown)}; they stand in {', '.join(CHECKERS)}")


def _out_of_range(inputs: Mapping[str, Any], name: str, low: int, high: int) -> Iterable[Problem]:
    value = inputs.get(name)
    if isinstance(value, int) and not low <= value <= high:
        yield Problem(name, f"expected {name} to be in the range ({low} - {high}), got {value}")
