"""A hosted zone."""

import secrets
import string
from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.types import AutoName, Call, Refusal

RECORD = "aws:route53/record:Record"


class Zone(AwsType):
    """Public zones only: the lab's names are asked by everybody."""

    token = "aws:route53/zone:Zone"
    service = "route53"
    autoname = AutoName("name", 1024)

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "name": str(inputs["name"]).removesuffix(".")} if inputs.get("name") else inputs

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return "Z" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(20))

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        servers = [
            f"ns-{number}.awsdns-{at:02}.{end}"
            for number, at, end in ((1131, 13, "org"), (1894, 44, "co.uk"), (376, 47, "com"), (753, 30, "net"))
        ]
        return {
            "arn": f"arn:aws:route53:::hostedzone/{identity}",
            "zoneId": identity,
            "nameServers": servers,
            "primaryNameServer": servers[0],
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if record.get("vpcs"):
            raise Refusal("the lab has no private hosted zones: take `vpcs` out")

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        left = [key for key, one in box.records(RECORD).items() if one["zoneId"] == identity]
        if left and not record.get("forceDestroy"):
            raise Refusal(
                "HostedZoneNotEmpty: The specified hosted zone contains non-required resource record sets and so "
                f"cannot be deleted: {', '.join(left[:3])}"
            )

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for key, one in box.records(RECORD).items():
            if one["zoneId"] == identity:
                box.forget(RECORD, key)
