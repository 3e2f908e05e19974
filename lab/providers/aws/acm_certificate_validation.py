"""Waits until a certificate is issued."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.types import Call


class CertificateValidation(AwsType):
    """Nothing of its own at AWS."""

    token = "aws:acm/certificateValidation:CertificateValidation"
    live = False
    tagged = False
    service = "acm"
    replaces = frozenset({"certificateArn", "validationRecordFqdns"})
    sets = frozenset({"validationRecordFqdns"})

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC")
