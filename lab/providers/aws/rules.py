"""What ingress and egress rule resources share."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import NetworkPart, exists
from lab.providers.framework.box import Box
from lab.providers.framework.changes import Change, Kind
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal

PEERS = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


class GroupRule(NetworkPart):
    """Everything but the group changes in place."""

    prefix = "sgr"
    arn_path = "security-group-rule/"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        cidr = inputs.get("cidrIpv4")
        if isinstance(cidr, str):
            try:
                ipaddress.IPv4Network(cidr)
            except ValueError as error:
                yield Problem("cidrIpv4", f"{cidr!r} is not a valid IPv4 CIDR: {error}")
        protocol, low, high = inputs.get("ipProtocol"), inputs.get("fromPort"), inputs.get("toPort")
        if not isinstance(protocol, str):
            return
        if protocol in ("-1", "all") and (low not in (None, -1) or high not in (None, -1)):
            yield Problem("ipProtocol", "fromPort and toPort must not be given when ipProtocol is -1 (all protocols)")
        if protocol in ("tcp", "udp", "6", "17", "icmp", "1") and (low is None or high is None):
            yield Problem("fromPort", f"fromPort and toPort must be given for ipProtocol {protocol}")
        if isinstance(low, int) and isinstance(high, int) and protocol in ("tcp", "udp", "6", "17") and low > high:
            yield Problem("fromPort", f"fromPort {low} is above toPort {high}")

    def forces(self, change: Change, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
        # another kind of peer (a group where a range was) is another rule (provider's ModifyPlan)
        return True if change.rule in PEERS and change.kind is not Kind.UPDATE else None

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        protocol = str(inputs.get("ipProtocol"))
        return {**inputs, "ipProtocol": topology.PROTOCOLS.get(protocol.lower(), protocol.lower())}

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"securityGroupRuleId": identity}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        exists(box, topology.GROUP, record["securityGroupId"], "InvalidGroup.NotFound", "security group")
        if record.get("referencedSecurityGroupId"):
            exists(box, topology.GROUP, record["referencedSecurityGroupId"], "InvalidGroup.NotFound", "security group")
        rule = topology.rule_of(record)
        for other, one in box.records(self.token).items():
            if (
                other != identity
                and one["securityGroupId"] == record["securityGroupId"]
                and topology.rule_of(one) == rule
            ):
                raise Refusal(
                    f'InvalidPermission.Duplicate: the specified rule "peer: {rule.cidr or rule.group}, '
                    f'{rule.protocol}, from port: {rule.from_port}, to port: {rule.to_port}, ALLOW" already exists'
                )

    def redraw(self, box: Box, record: dict[str, Any]) -> None:
        topology.put_group(box, record["securityGroupId"])
