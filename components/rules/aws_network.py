"""Refusals about a VPC that is to be made. Pure."""

from dataclasses import dataclass

from . import addresses
from .hosts import machine_problems
from .intent import Intent


@dataclass(frozen=True, kw_only=True)
class AwsNetworkIntent(Intent):
    """What an AwsNetwork is meant to be."""

    region: str = ""
    availability_zone: str | None = None
    vpc_range: str = ""
    public_range: str = ""
    private_range: str = ""

    def problems(self) -> list[str]:
        """Why AWS would not make it."""
        problems = list(machine_problems(None, None, self.region, self.availability_zone))
        names = ("vpc_range", "public_range", "private_range")
        found = {name: addresses.parse_range(name, getattr(self, name), problems) for name in names}
        vpc = found.pop("vpc_range")
        problems += addresses.vpc_problems(vpc, None)
        subnets = {name: subnet for name, subnet in found.items() if subnet is not None}
        for name, subnet in subnets.items():
            problems += addresses.subnet_problems(name, subnet, vpc)
        return [*problems, *addresses.overlap_problems(subnets)]
