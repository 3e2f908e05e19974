"""Whether EC2 has a machine's type where the machine is to be: asked before it is made, in preview and in `up`.

Only an account that has answered refuses: whoever cannot ask (a preview without credentials) goes on, and EC2 says it.
"""

from typing import Any

import pulumi
import pulumi_aws as aws

from ..asking import answered
from ..guest.errors import Failed
from ..rules import hosts as host_rules


def offered(name: str, parent: pulumi.Resource, region: str, zone: pulumi.Input[str]) -> pulumi.ResourceHookBinding:
    """Hooks of the instance `name` in a subnet that is, or will be, in this zone."""

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        kind, before = (str((one or {}).get("instanceType") or "") for one in (args.new_inputs, args.old_inputs))
        if kind == before:
            return
        # None in the preview of a subnet whose zone EC2 will choose.
        known: Any = await pulumi.Output.from_input(zone).future()
        try:
            zones, offering = await _ask(parent, region, kind)
        except Failed as error:
            pulumi.log.warn(f"nobody could look where EC2 offers {kind}: {error}; this goes on")
            return
        problems = list(host_rules.offer_problems(kind, known or "", zones, offering, made=bool(before)))
        if problems:
            raise ValueError(f"{args.name}: {'; '.join(problems)}")

    hook = pulumi.ResourceHook(f"{name}-offered", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])


async def _ask(parent: pulumi.Resource, region: str, kind: str) -> tuple[set[str], set[str]]:
    """(the account's zones, those with this type)."""
    opts = pulumi.InvokeOptions(parent=parent)
    zones = aws.get_availability_zones_output(
        state="available",
        filters=[{"name": "zone-type", "values": ["availability-zone"]}],  # no Local Zones, no Wavelength
        region=region,
        opts=opts,
    )
    offering = aws.ec2.get_instance_type_offerings_output(
        location_type="availability-zone",
        filters=[{"name": "instance-type", "values": [kind]}],
        region=region,
        opts=opts,
    )
    lacking = "the AWS provider did not answer in time"
    return set((await answered(zones, lacking)).names), set((await answered(offering, lacking)).locations)
