"""What a tunnel adds to the inventory: its two gateways and the connection between them."""

from collections.abc import Mapping
from typing import Any

import pulumi

from .. import inventory
from ..machine.ec2_host import OPERATOR
from ..machine.onprem_host import Delivery, onprem_entry

AWS_HOST = "aws-gateway"
ONPREM_HOST = "onprem-gateway"
BUNDLE = "onprem_bundle"
"""Stack output in which the inventory says that the bundle is."""


def tunnel_entry(
    name: str,
    intent: Mapping[str, Any],
    public_address: pulumi.Output[str],
    host_key: pulumi.Output[str],
    login: Mapping[str, pulumi.Input[Any]],
) -> pulumi.Output[inventory.Entry]:
    """`intent` is the tunnel's, with `detect_seconds`; `login` the one on-prem."""
    handed_over = intent["delivery"] == Delivery.BUNDLE

    def entry(known: Mapping[str, Any]) -> inventory.Entry:
        public = known["public"] or ""
        way = inventory.Ssh(public, OPERATOR, known["key"] or "")
        onprem = onprem_entry(
            ONPREM_HOST,
            intent["onprem_gateway_address"],
            "gateway",
            known["login"],
            BUNDLE if handed_over else "",
            f"{name}-{ONPREM_HOST}-apply",
        )
        return inventory.Entry(
            hosts=(inventory.Host(AWS_HOST, "aws", intent["gateway_address"], ("gateway",), way), onprem),
            tunnels=(_tunnel(intent),),
        )

    return pulumi.Output.all(public=public_address, key=host_key, login=login).apply(entry)


def _tunnel(intent: Mapping[str, Any]) -> inventory.Tunnel:
    ends = [(ONPREM_HOST, intent["onprem_range"]), (AWS_HOST, intent["vpc_range"])]
    if intent["initiator"] == "aws":
        ends.reverse()
    (initiator, ours), (responder, theirs) = ends
    return inventory.Tunnel(intent["connection_name"], initiator, responder, ours, theirs, intent["detect_seconds"])
