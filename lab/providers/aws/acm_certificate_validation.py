"""Waits until a certificate is issued."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lab.providers.aws.acm_certificate import settle
from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.types import Busy, Call, Refusal

SECONDS = 60
"""In the lab a record is everywhere at once; what is not there by then never will be."""


class CertificateValidation(AwsType):
    """Nothing of its own at AWS: it waits until the certificate is issued, at most 75 minutes there."""

    token = "aws:acm/certificateValidation:CertificateValidation"
    service = "acm"

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC")

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if settle(box, str(record["certificateArn"])) is None:
            raise Refusal(f"ResourceNotFoundException: Could not find certificate {record['certificateArn']}")

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        arn = str(record["certificateArn"])

        def issued() -> None:
            held = settle(box, arn) or {}
            if held.get("status") != "ISSUED":
                wanted = ", ".join(one["resourceRecordName"] for one in held.get("domainValidationOptions") or ())
                raise Busy(
                    f"waiting for ACM Certificate ({arn}) to be issued: timeout while waiting for state to become "
                    f"'ISSUED' (last state: 'PENDING_VALIDATION'): the zone lacks the CNAME records {wanted}"
                )

        call.wait(issued, SECONDS)
