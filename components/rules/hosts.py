"""Refusals about hosts: images, instance types, zones, and how the on-prem end is delivered. Pure."""

import re
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass

from ..partition import partition
from ..payload import ROLES
from .intent import Intent, Part

GATE_LIMITS_SECONDS = range(30, 7201)
"""Below, a machine cannot have installed anything; above, nobody waits for it."""

PLACEHOLDER_AMI = "ami-00000000000000000"

_LOOK_UP_AMI = (
    "look one up with `aws ssm get-parameter --query Parameter.Value --name "
    "/aws/service/canonical/ubuntu/server/26.04/stable/current/amd64/hvm/ebs-gp3/ami-id` and "
    "`pulumi config set ami ami-…`"
)


@dataclass(frozen=True, kw_only=True)
class Login(Part):
    """Who logs in on a host; neither where, nor with what key."""

    user: str | None = None


def machine_problems(
    ami: str | None, instance_type: str | None = None, region: str | None = None, zone: str | None = None
) -> Iterator[str]:
    """Why EC2 would not take this machine. What is None is not known yet."""
    if ami == PLACEHOLDER_AMI:
        yield f"ami {ami} is only a placeholder, and no look-up happens at preview: {_LOOK_UP_AMI}"
    elif ami is not None and not re.fullmatch(r"ami-[0-9a-f]{8}([0-9a-f]{9})?", ami):
        yield f"ami {ami!r} is no image id: {_LOOK_UP_AMI}"
    if instance_type is not None and not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", instance_type):
        yield f"instance_type {instance_type!r} is no EC2 type: set one like t3.small"
    if region and zone and not zone.startswith(region):
        yield f"availability_zone {zone} is not in region {region}: set one like {region}a"


def offer_problems(kind: str, zone: str, zones: Set[str], offering: Set[str], made: bool = False) -> Iterator[str]:
    """Why EC2 would not start this type in this zone ("": it will choose one), given the account's zones and those that
    offer the type. A machine that was `made` stays where its subnet is."""
    fit = sorted(zones & offering)
    elsewhere = f"`pulumi config set availability_zone` to one of {', '.join(fit)}, or " if fit and not made else ""
    fix = f"{elsewhere}choose another instance type"
    if zone and zone not in zones:
        yield f"availability_zone {zone} is not among this account's zones, {', '.join(sorted(zones))}: {fix}"
    elif zone and zone not in offering:
        yield f"EC2 does not offer {kind} in {zone}: {fix}"
    elif not zone and zones - offering:
        lacking = ", ".join(sorted(zones - offering))
        yield f"EC2 will choose a zone for the subnets, and does not offer {kind} in {lacking}: {fix}"


PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


def region_problems(region: str, partitions: Sequence[str] = PARTITIONS) -> Iterator[str]:
    """Why a topology whose AWS side is in one of these partitions cannot be in this region."""
    try:
        found = partition(region).name
    except ValueError as problem:
        yield str(problem)
        return
    if found not in partitions:
        yield (
            f"aws:region {region} is in partition {found}, and this topology is for {', '.join(partitions)}: "
            "`pulumi config set aws:region` to a region of one of them, with an account that is there"
        )


def role_problems(role: str, payloads: Collection[str]) -> Iterator[str]:
    """Why a machine would find no programs of its role where it looks."""
    if role not in payloads:
        yield (
            f"role {role} has no payload in the store, which has {', '.join(sorted(payloads)) or 'none'}: add it to "
            "the store's roles"
        )


def delivery_problems(delivery: str, gate: str, reachable: bool) -> Iterator[str]:
    """Why the on-prem end cannot be set up, or waited for, like this."""
    if delivery == "ssh" and not reachable:
        yield "delivery is ssh but onprem_connection is missing: set it, or set delivery to bundle and gate to handover"
    if delivery == "bundle" and gate == "wait":
        yield "a bundle is installed by people after this `up`, so the gate cannot wait for it: set gate to handover"


def gate_problems(seconds: object) -> Iterator[str]:
    """Why a gate must not wait so long, or so short; None is the component's own time."""
    limits = GATE_LIMITS_SECONDS
    whole = isinstance(seconds, int) and not isinstance(seconds, bool)
    if seconds is not None and not (whole and seconds in limits):
        yield (f"gate_timeout_seconds is {seconds!r}: set it from {limits.start} to {limits.stop - 1}, or leave it out")


def generation_problems(name: str, found: object) -> Iterator[str]:
    """Why this is no generation of a secret."""
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        yield f"{name} {found!r} is no generation: set 1, and raise it by 1 to rotate"


@dataclass(frozen=True, kw_only=True)
class Ec2HostIntent(Intent):
    """What an Ec2Host is meant to be."""

    host: str = ""
    role: str = ""
    store_roles: tuple[str, ...] = ()
    """Roles whose programs are in the store."""
    ami: str = ""
    instance_type: str = ""
    private_address: str = ""
    forwards: bool = False
    data_volume_gib: int | None = None
    generation: int = 1
    site_is_active: bool = False

    def problems(self) -> list[str]:
        """Why there must be no such machine."""
        return [*role_problems(self.role, self.store_roles), *machine_problems(self.ami, self.instance_type)]


@dataclass(frozen=True, kw_only=True)
class AzureHostIntent(Intent):
    """What an AzureHost is meant to be."""

    host: str = ""
    role: str = ""
    store_roles: tuple[str, ...] = ()
    """Roles whose programs are in the store."""
    size: str = ""
    image: str = ""
    private_address: str = ""
    data_disk_gib: int | None = None
    site_is_active: bool = False

    def problems(self) -> list[str]:
        """Why there must be no such machine."""
        return list(role_problems(self.role, self.store_roles))


@dataclass(frozen=True, kw_only=True)
class OnPremHostIntent(Intent):
    """What an OnPremHost is meant to be."""

    host: str = ""
    role: str = ""
    delivery: str = "ssh"
    connection: Login | None = None
    gone: bool = False

    def problems(self) -> list[str]:
        """Why nothing can be brought there."""
        if self.delivery == "ssh" and self.connection is None:
            return [f"delivery to {self.host} is ssh but connection is missing: set it, or set delivery to bundle"]
        return []


@dataclass(frozen=True, kw_only=True)
class HostGateIntent(Intent):
    """What a HostGate is meant to wait for."""

    role: str = ""
    mode: str = "wait"
    connection: Login | None = None
    timeout_seconds: int | None = None

    def problems(self) -> list[str]:
        """Why it could not see what it waits for."""
        if self.mode == "wait" and self.connection is None:
            return ["mode is wait but connection is missing, so nobody could look: set it, or set mode to handover"]
        return []


@dataclass(frozen=True, kw_only=True)
class GuestStoreIntent(Intent):
    """What a GuestStore is meant to hold."""

    region: str = ""
    roles: tuple[str, ...] = ("gateway", "database")

    def problems(self) -> list[str]:
        """Why it could not."""
        return packed_problems(self.roles)


def packed_problems(roles: Sequence[str]) -> list[str]:
    """Why these roles' programs cannot be packed."""
    known = ", ".join(ROLES)
    return [f"roles has {role!r}, which is no guest role: list some of {known}" for role in roles if role not in ROLES]
