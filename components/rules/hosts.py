"""Refusals about hosts: images, instance types, zones, and how the on-prem end is delivered. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

PLACEHOLDER_AMI = "ami-00000000000000000"

_LOOK_UP_AMI = (
    "look one up with `aws ssm get-parameter --query Parameter.Value --name "
    "/aws/service/canonical/ubuntu/server/26.04/stable/current/amd64/hvm/ebs-gp3/ami-id` and "
    "`pulumi config set ami ami-…`"
)


def machine_problems(args: Mapping[str, Any]) -> Iterator[str]:
    """Why EC2 would not take this machine."""
    ami = args.get("ami")
    if ami == PLACEHOLDER_AMI:
        yield f"ami {ami} is only a placeholder, and no look-up happens at preview: {_LOOK_UP_AMI}"
    elif isinstance(ami, str) and not re.fullmatch(r"ami-[0-9a-f]{8}([0-9a-f]{9})?", ami):
        yield f"ami {ami!r} is no image id: {_LOOK_UP_AMI}"
    kind = args.get("instance_type")
    if isinstance(kind, str) and not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", kind):
        yield f"instance_type {kind!r} is no EC2 type: set one like t3.small"
    region, zone = (str(args.get(name) or "") for name in ("region", "availability_zone"))
    if region and zone and not zone.startswith(region):
        yield f"availability_zone {zone} is not in region {region}: set one like {region}a"


def role_problems(role: str, payloads: Mapping[str, str]) -> Iterator[str]:
    """Why a machine would find no programs of its role where it looks."""
    if role not in payloads:
        yield (
            f"role {role} has no payload in the store, which has {', '.join(sorted(payloads)) or 'none'}: add it to "
            "the store's roles"
        )


def delivery_problems(args: Mapping[str, Any]) -> Iterator[str]:
    """Why the on-prem end cannot be set up, or waited for, like this."""
    delivery = getattr(args.get("delivery", "ssh"), "value", args.get("delivery", "ssh"))
    gate = getattr(args.get("gate", "wait"), "value", args.get("gate", "wait"))
    reachable = args.get("onprem_connection") is not None
    if delivery == "ssh" and not reachable:
        yield "delivery is ssh but onprem_connection is missing: set it, or set delivery to bundle and gate to handover"
    if delivery == "bundle" and gate == "wait":
        yield "a bundle is installed by people after this `up`, so the gate cannot wait for it: set gate to handover"
