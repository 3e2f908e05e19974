"""Route 53 health checks that a name's records and the latch make alike."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws


def calculated(
    parent: pulumi.Resource,
    name: str,
    shown: str,
    children: Sequence[pulumi.Input[str]],
    threshold: int,
    tags: dict[str, str],
) -> pulumi.Output[str]:
    """Id of a check that is healthy while `threshold` of its children are. `shown`: its name in the console."""
    return aws.route53.HealthCheck(
        name,
        type="CALCULATED",
        child_healthchecks=children,
        child_health_threshold=threshold,
        tags={**tags, "Name": shown},
        opts=pulumi.ResourceOptions(parent=parent),
    ).id
