"""A certificate of AWS's own authority, or an imported one."""

import hashlib
import string
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call
from lab.providers.framework.values import UNKNOWN
from lab.services.credentials import ACCOUNT


class Certificate(AwsType):
    """Waits for its validation records like the real one; CertificateValidation is what waits for the issue."""

    token = "aws:acm/certificate:Certificate"
    service = "acm"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        if inputs.get("domainName") and not (inputs.get("validationMethod") or inputs.get("certificateAuthorityArn")):
            yield Problem(
                "validationMethod",
                "`certificate_authority_arn` or `validation_method` must be set when creating an ACM certificate",
            )
        if inputs.get("validationMethod") not in (None, UNKNOWN, "DNS", "EMAIL"):
            yield Problem("validationMethod", f"expected DNS or EMAIL, got {inputs['validationMethod']}")
        for name in (inputs.get("domainName"), *(_names(inputs.get("subjectAlternativeNames")))):
            if isinstance(name, str) and name.endswith("."):
                yield Problem("domainName", f"{name} cannot end with a period")

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return self.arn(call, f"certificate/{uuid.uuid4()}", inputs)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        domain = inputs.get("domainName")
        names = sorted({*([domain] if domain else []), *_names(inputs.get("subjectAlternativeNames"))})
        by_dns = inputs.get("validationMethod") == "DNS"
        return {
            "arn": identity,
            "domainValidationOptions": [validation(name) for name in names] if by_dns else [],
            "keyAlgorithm": inputs.get("keyAlgorithm") or "RSA_2048",
            "pendingRenewal": False,
            "renewalEligibility": "INELIGIBLE",
            "renewalSummaries": [],
            "status": "PENDING_VALIDATION" if domain else "ISSUED",
            "subjectAlternativeNames": names,
            "type": "AMAZON_ISSUED" if domain else "IMPORTED",
            "validationEmails": [],
        }

    def observe(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        found = settle(box, identity) or {}
        return {key: found[key] for key in ("status", "notBefore", "notAfter", "renewalEligibility") if key in found}

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for name, one in box.records("aws:cloudfront/distribution:Distribution").items():
            if (one.get("viewerCertificate") or {}).get("acmCertificateArn") == identity:
                raise Busy(f"ResourceInUseException: distribution {name} still uses the certificate {identity}")


def settle(box: Box, arn: str) -> dict[str, Any] | None:
    """The certificate's record, issued once the record that each of its names wants is in a hosted zone."""
    with box.lock:
        record = box.record(Certificate.token, arn)
        if record is None or record.get("status") != "PENDING_VALIDATION":
            return record
        there = {
            (str(one.get("fqdn")).rstrip("."), str((one.get("records") or [""])[0]).rstrip("."))
            for one in box.records("aws:route53/record:Record").values()
            if one["type"] == "CNAME"
        }
        wanted = {
            (one["resourceRecordName"].rstrip("."), one["resourceRecordValue"].rstrip("."))
            for one in record["domainValidationOptions"]
        }
        if wanted and wanted <= there:
            now = datetime.now(UTC)
            record |= {
                "status": "ISSUED",
                "notBefore": now.strftime("%Y-%m-%dT00:00:00Z"),
                "notAfter": (now + timedelta(days=198)).strftime("%Y-%m-%dT23:59:59Z"),
                "renewalEligibility": "INELIGIBLE",
            }
            box.put(Certificate.token, arn, record)
        return record


def _names(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def validation(domain: str) -> dict[str, str]:
    """The record that shows that somebody owns a domain: the same for each certificate of this account."""
    bare = domain.removeprefix("*.")
    token = hashlib.sha256(f"{ACCOUNT} {bare}".encode()).hexdigest()
    zone = "".join(string.ascii_lowercase[byte % 26] for byte in hashlib.sha256(token.encode()).digest()[:10])
    return {
        "domainName": domain,
        "resourceRecordName": f"_{token[:32]}.{bare}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{token[32:]}.{zone}.acm-validations.aws.",
    }
