"""Quotas: what is left against what is still to be made. What this stack has already counts as made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.needs import Aws
from twinsite.needs import Azure as AzureNeeds

from ..amazon import Amazon, Refused, pages
from ..unanswered import CouldNotAsk
from .answers import Finding, all_of, needs_setting, not_ok, ok
from .offers import sizes
from .resource_manager import Absent, Azure, items

COMPUTE, NETWORK = "2024-07-01", "2024-05-01"
STANDARD_CPUS, ADDRESSES, VPCS = ("ec2", "L-1216C47A"), ("ec2", "L-0263D0A3"), ("vpc", "L-F678F1CE")
"""Service and code [Service Quotas: Running On-Demand Standard instances; EC2-VPC Elastic IPs; VPCs per Region]."""
_STANDARD = "acdhimrtz"
STACK_TAG = "twinsite:stack"


@dataclass(frozen=True)
class Room:
    """A quota, how much of it is used, and how much more is wanted."""

    what: str
    limit: float
    used: float
    wanted: float
    """Beyond what is used."""


def enough(room: Room, fix: str) -> Finding:
    """Pure."""
    words = f"{room.what}: {room.used:g} of {room.limit:g} in use, {room.wanted:g} more wanted"
    return ok(words) if room.used + room.wanted <= room.limit else not_ok(words, fix)


def is_standard(size: str) -> bool:
    """Whether an EC2 type counts against the quota of standard types. Pure."""
    family = size.partition(".")[0]
    return family[:1] in _STANDARD and not family.startswith(("inf", "trn", "dl", "hpc", "mac"))


def cpus(aws: Amazon, needs: Aws, stack: str) -> Finding:
    """vCPUs of on-demand machines."""
    needs_setting(needs.region, "aws:region")
    wanted = [machine.size for machine in needs.machines]
    other = [size for size in wanted if not is_standard(size)]
    if other:
        raise CouldNotAsk(
            f"{', '.join(other)} counts against a quota that is not asked here",
            "look it up in the console, Service Quotas, Amazon EC2",
        )
    described = aws.ask("ec2", "DescribeInstanceTypes", InstanceTypes=sorted(set(wanted)))["InstanceTypes"]
    each = {str(one["InstanceType"]): int(one["VCpuInfo"]["DefaultVCpus"]) for one in described}
    running = [
        machine
        for reservation in pages(
            aws, "ec2", "DescribeInstances", "Reservations",
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
        )
        for machine in reservation["Instances"]
    ]  # fmt: skip
    room = cpu_room(running, each, wanted, stack, _limit(aws, *STANDARD_CPUS))
    return enough(room, _raise(*STANDARD_CPUS, room.used + room.wanted))


def cpu_room(
    running: Sequence[Mapping[str, Any]], each: Mapping[str, int], wanted: Sequence[str], stack: str, limit: float
) -> Room:
    """Pure. `running` as DescribeInstances has them, `each` vCPUs of a type."""
    missing = list(wanted)
    used = 0
    for machine in running:
        size, options = str(machine["InstanceType"]), machine.get("CpuOptions") or {}
        if machine.get("InstanceLifecycle") == "spot" or not is_standard(size):
            continue
        used += int(options.get("CoreCount", 0)) * int(options.get("ThreadsPerCore", 1)) or each.get(size, 0)
        if _is_ours(machine, stack) and size in missing:
            missing.remove(size)
    return Room("vCPUs of standard types", limit, used, sum(each[size] for size in missing))


def counted(aws: Amazon, needs: Aws, stack: str) -> Finding:
    """Elastic addresses and VPCs of the region."""
    needs_setting(needs.region, "aws:region")
    findings = []
    for what, wanted, quota, operation, key in (
        ("elastic addresses", needs.addresses, ADDRESSES, "DescribeAddresses", "Addresses"),
        ("VPCs", needs.vpcs, VPCS, "DescribeVpcs", "Vpcs"),
    ):
        there = aws.ask("ec2", operation)[key]
        ours = sum(_is_ours(one, stack) for one in there)
        room = Room(what, _limit(aws, *quota), len(there), max(0, wanted - ours))
        findings.append(enough(room, _raise(*quota, room.used + room.wanted)))
    return all_of(findings)


def _is_ours(one: Mapping[str, Any], stack: str) -> bool:
    return any(tag["Key"] == STACK_TAG and tag["Value"] == stack for tag in one.get("Tags") or [])


def _limit(aws: Amazon, service: str, code: str) -> float:
    try:
        found = aws.ask("service-quotas", "GetServiceQuota", ServiceCode=service, QuotaCode=code)
    except Refused as error:
        if error.code != "NoSuchResourceException":
            raise
        # An account that never had it changed has only the default.
        found = aws.ask("service-quotas", "GetAWSDefaultServiceQuota", ServiceCode=service, QuotaCode=code)
    return float(found["Quota"]["Value"])


def _raise(service: str, code: str, value: float) -> str:
    return (
        f"`aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} "
        f"--desired-value {value:g}`; it takes hours or days"
    )


def at_azure(azure: Azure, needs: AzureNeeds) -> Finding:
    """Cores of the region and of each size's family."""
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    known = sizes(azure, needs)
    usages = items(azure, f"{scope}/providers/Microsoft.Compute/locations/{needs.location}/usages", COMPUTE)
    group = f"{scope}/resourceGroups/{needs.resource_group}/providers/Microsoft.Compute/virtualMachines"
    try:
        there = [str(one["properties"]["hardwareProfile"]["vmSize"]) for one in items(azure, group, COMPUTE)]
    except Absent:
        there = []
    missing = [machine.size for machine in needs.machines]
    for size in there:
        if size in missing:
            missing.remove(size)
    rooms = core_rooms(usages, known, missing)
    fix = f"the portal, Quotas, Compute, {needs.location}: ask for more; or `pulumi config set machine_size SIZE`"
    return all_of([enough(room, fix) for room in rooms])


def core_rooms(
    usages: Sequence[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]], missing: Sequence[str]
) -> list[Room]:
    """Pure. `usages` as Azure lists them, `known` its SKUs by name."""
    wanted: dict[str, float] = {"cores": 0}
    for size in missing:
        sku = known.get(size.lower())
        if sku is None:
            raise CouldNotAsk(f"{size} is no size that Azure lists there, so its cores are not known")
        count = {str(one["name"]): one["value"] for one in sku.get("capabilities") or []}
        cores = float(count["vCPUs"])
        wanted["cores"] += cores
        wanted[str(sku["family"])] = wanted.get(str(sku["family"]), 0) + cores
    limits = {str(one["name"]["value"]).lower(): one for one in usages}
    if "cores" not in limits:
        raise CouldNotAsk("Azure's list of usages has no cores")
    rooms = []
    for name, more in wanted.items():
        usage = limits.get(name.lower())
        if usage is not None:
            rooms.append(Room(name, float(usage["limit"]), float(usage["currentValue"]), more))
    return rooms


def addresses_at_azure(azure: Azure, needs: AzureNeeds) -> Finding:
    """Standard public addresses of the region."""
    scope = f"/subscriptions/{needs_setting(needs.subscription, 'azure-native:subscriptionId')}"
    usages = items(azure, f"{scope}/providers/Microsoft.Network/locations/{needs.location}/usages", NETWORK)
    group = f"{scope}/resourceGroups/{needs.resource_group}/providers/Microsoft.Network/publicIPAddresses"
    try:
        there = len(items(azure, group, NETWORK))
    except Absent:
        there = 0
    return address_room(usages, max(0, needs.addresses - there), needs.location)


def address_room(usages: Sequence[Mapping[str, Any]], wanted: int, location: str) -> Finding:
    """Pure."""
    for one in usages:
        if one["name"]["value"] == "StandardSkuPublicIpAddresses":
            room = Room("standard public addresses", float(one["limit"]), float(one["currentValue"]), wanted)
            return enough(room, f"the portal, Quotas, Networking, {location}: ask for more")
    raise CouldNotAsk("Azure's list of usages has no StandardSkuPublicIpAddresses")
